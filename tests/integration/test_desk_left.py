"""Customers of agents who are not there: fetched back, and never told of who is away."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from desk_kit import PASSWORD, Browser, ask_for_human, desk_of, seen_by
from test_desk_day import rows_of, until

from bot.desk_rules import Handoff
from bot.message import Author, Outbound, TextPart

LONG = timedelta(minutes=10)  # longer than an agent may be silent


class SetClock:
    """Stands still until it is moved."""

    def __init__(self):
        self.at = datetime(2026, 12, 2, 2, 0, tzinfo=UTC)  # 10:00 in Beijing

    def now(self):
        return self.at

    def pass_by(self, span=LONG):
        self.at += span


async def accepted(edge, web, agent):
    """A customer who asked and was told that an agent has joined."""
    visitor, sender_id = await ask_for_human(edge, web)
    await agent.post("presence", ready=True)
    base = f"conversations/{sender_id}"
    assert (await agent.post(f"{base}/accept", key="a")).status_code == 200
    return visitor, sender_id, base


async def system_line(edge, visitor, sender_id, base, one, clock):
    said = Outbound(sender_id, Author.SYSTEM, (TextPart("您的理赔有新进展"),), "news")
    await edge.backstage.ledger.messages.post((said,), clock.now())


async def bot_line(edge, visitor, sender_id, base, one, clock):
    said = Outbound(sender_id, Author.BOT, (TextPart("迟到的答复"),), "late")
    await edge.backstage.ledger.messages.post((said,), clock.now())


async def note(edge, visitor, sender_id, base, one, clock):
    assert (await one.post(f"{base}/notes", text="客户很急")).status_code == 200


async def receipt(edge, visitor, sender_id, base, one, clock):
    await visitor.post(text="长" * 60, client_message_id="long")  # the edge answers


async def question_after_an_answer(edge, visitor, sender_id, base, one, clock):
    await one.post(f"{base}/messages", text="我看看", key="1")
    await visitor.post(text="怎么样了", client_message_id="q")
    await system_line(edge, visitor, sender_id, base, one, clock)


async def keeps_writing(edge, visitor, sender_id, base, one, clock):
    """Whoever writes every minute waits as well."""
    await one.post(f"{base}/messages", text="我看看", key="1")
    await visitor.post(text="怎么样了", client_message_id="q")
    clock.pass_by()
    await visitor.post(text="在吗", client_message_id="q2")


async def nothing(edge, visitor, sender_id, base, one, clock):
    """Nothing is said at all after the agent has joined."""


WAITS = [
    nothing, system_line, bot_line, note, receipt, question_after_an_answer,
    keeps_writing,
]  # fmt: skip


@pytest.mark.parametrize("meanwhile", WAITS)
async def test_that_whoever_was_accepted_and_never_answered_is_fetched_back(
    tmp_path, meanwhile
):
    clock = SetClock()
    settings = {"clock": clock, "max_text_chars": 50}
    async with desk_of(tmp_path, **settings) as (edge, web, (one, two, _)):
        visitor, sender_id, base = await accepted(edge, web, one)
        await meanwhile(edge, visitor, sender_id, base, one, clock)
        clock.pass_by(LONG if meanwhile is not keeps_writing else timedelta(minutes=1))

        (row,) = await until(lambda: rows_of(two, "queue"))
        assert (row["reason"], row["priority"]) == ("agent_gone", "high")
        assert (await seen_by(web, visitor)).count("人工客服小王暂时离开了") == 1


async def test_that_a_customer_who_was_answered_stays_with_the_agent(tmp_path):
    clock = SetClock()
    async with desk_of(tmp_path, clock=clock) as (edge, web, (one, *_)):
        visitor, sender_id, base = await accepted(edge, web, one)
        await one.post(f"{base}/messages", text="您好，办好了", key="1")
        await system_line(edge, visitor, sender_id, base, one, clock)
        clock.pass_by()
        offers = edge.backstage.ledger.offers
        assert await offers.offline(clock.now() - timedelta(minutes=3)) == ()


async def test_that_a_rating_is_no_question(tmp_path):
    clock = SetClock()
    async with desk_of(tmp_path, clock=clock) as (edge, web, (one, *_)):
        visitor, sender_id, base = await accepted(edge, web, one)
        await one.post(f"{base}/release", key="r")  # asks how it was
        await edge.backstage.desk.request(sender_id, Handoff("x"), "again")
        await one.post(f"{base}/accept", key="b")
        await one.post(f"{base}/messages", text="您好，办好了", key="1")
        payload = '/rate_episode{"episode": "r", "score": 3}'
        rated = await visitor.post(payload=payload, client_message_id="rated")
        assert rated.is_success
        clock.pass_by()
        offers = edge.backstage.ledger.offers
        since = clock.now() - timedelta(minutes=3)
        assert await offers.offline(since) == ()
        await visitor.post(text="还有一个问题", client_message_id="q")
        clock.pass_by()
        since = clock.now() - timedelta(minutes=3)
        assert [row.sender_id for row in await offers.offline(since)] == [sender_id]


async def test_that_who_has_just_accepted_or_is_there_keeps_it(tmp_path):
    clock = SetClock()
    async with desk_of(tmp_path, clock=clock) as (edge, web, (one, *_)):
        await accepted(edge, web, one)
        offers = edge.backstage.ledger.offers
        assert await offers.offline(clock.now() - timedelta(minutes=3)) == ()
        clock.pass_by()
        await one.get("changes")  # the page listens, so the agent is there
        assert await offers.offline(clock.now() - timedelta(minutes=3)) == ()


@pytest.mark.parametrize("how", ["closed", "never seen"])
async def test_that_customers_of_accounts_that_cannot_come_back_are_fetched(
    tmp_path, how
):
    clock = SetClock()
    async with desk_of(tmp_path, clock=clock) as (edge, web, (one, two, _)):
        agents = edge.backstage.ledger.agents
        _, sender_id, _ = await accepted(edge, web, one)
        clock.pass_by(timedelta(minutes=5))
        if how == "closed":
            await one.get("changes")
            await agents.disable("agent1")
        else:
            query = "UPDATE agents SET seen_at = NULL WHERE name = 'agent1'"
            await agents._database.write(lambda c: c.exec_driver_sql(query))
        (row,) = await until(lambda: rows_of(two, "queue"))
        assert row["sender_id"] == sender_id


async def test_that_a_transfer_received_and_never_answered_is_fetched_back(tmp_path):
    clock = SetClock()
    async with desk_of(tmp_path, clock=clock) as (edge, web, (one, two, leader)):
        visitor, _, base = await accepted(edge, web, one)
        await one.post(f"{base}/messages", text="我请同事来看", key="1")
        clock.pass_by(timedelta(seconds=1))
        await two.get("changes")
        moved = await one.post(f"{base}/transfer", key="t", to="agent2")
        assert moved.status_code == 200
        clock.pass_by()
        await until(lambda: rows_of(leader, "queue"))
        assert "人工客服小李暂时离开了" in await seen_by(web, visitor)


# Passing on.


async def away(two, edge, clock):
    clock.pass_by(timedelta(minutes=2))


async def logged_out(two, edge, clock):
    assert (await two.post("logout")).status_code == 200


async def closed(two, edge, clock):
    await edge.backstage.ledger.agents.disable("agent2")


async def full(two, edge, clock):
    clock.pass_by(timedelta(seconds=1))
    url = str(two.client.base_url)
    async with httpx.AsyncClient(base_url=url, timeout=30) as web:
        _, sender_id = await ask_for_human(edge, web)
        moved = await two.post(f"conversations/{sender_id}/accept", key="own")
        assert moved.status_code == 200  # agent2 holds one at most


@pytest.mark.parametrize(
    ("how", "status", "words"),
    [
        (away, 409, "小李现在不在"),
        (logged_out, 409, "小李现在不在"),
        (closed, 404, "小李的账号已经停用"),
        (full, 409, "小李手上的会话已满"),
    ],
)
@pytest.mark.parametrize("by", ["holder", "leader"])
async def test_that_nobody_is_told_to_have_joined_who_cannot(
    tmp_path, how, status, words, by
):
    clock = SetClock()
    async with desk_of(tmp_path, clock=clock) as (edge, web, (one, two, leader)):
        visitor, sender_id, base = await accepted(edge, web, one)
        await how(two, edge, clock)
        who = one if by == "holder" else leader
        refused = await who.post(f"{base}/transfer", key="t", to="agent2", memo="急")
        assert refused.status_code == status
        assert words in refused.json()["error"]["message"]
        assert "会话还在原处" in refused.json()["error"]["message"]
        seen = await seen_by(web, visitor)
        assert "小李" not in seen
        assert await edge.backstage.ledger.moves.agent_of(sender_id) == "agent1"
        notes = (await one.get(f"{base}/notes")).json()["notes"]
        assert notes == []  # nothing was passed on, so nothing was said about it


async def test_that_nobody_passes_to_themselves_or_to_who_has_it(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, _, leader)):
        visitor, _, base = await accepted(edge, web, one)
        for who in (one, leader):
            refused = await who.post(f"{base}/transfer", key="t", to="agent1")
            assert refused.status_code == 409
            assert "本来就在小王这里" in refused.json()["error"]["message"]
        assert (await seen_by(web, visitor)).count("已加入") == 1


async def test_that_who_passes_on_hears_whether_anybody_is_there(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, two, _)):
        visitor, _, base = await accepted(edge, web, one)
        told = await one.post(f"{base}/transfer", key="1", skill="保全")
        assert "没有别的同事在接待" in told.json()["words"]
        await one.post(f"{base}/accept", key="2")
        await two.post("presence", ready=True)
        told = await one.post(f"{base}/transfer", key="3", skill="保全")
        assert "没有会“保全”的同事" in told.json()["words"]
        await one.post(f"{base}/accept", key="4")
        told = await one.post(f"{base}/transfer", key="5")
        assert "客户在排队" in told.json()["words"]
        await one.post(f"{base}/accept", key="6")
        told = await one.post(f"{base}/transfer", key="7", to="agent2")
        assert "已转给小李" in told.json()["words"]
        assert (await seen_by(web, visitor)).count("人工客服小李已加入") == 1


async def test_that_who_passes_it_on_is_not_asked_first(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, two, leader)):
        _, _, base = await accepted(edge, web, one)
        await two.post("presence", ready=True)
        await one.post(f"{base}/transfer", key="t")

        async def offered():
            (row,) = await rows_of(leader, "queue")
            return row["offered_to"]

        assert await until(offered) == "agent2"


async def test_that_the_loser_of_a_race_hears_who_has_it(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, two, leader)):
        visitor, _, base = await accepted(edge, web, one)
        late = await two.post(f"{base}/accept", key="b")
        assert late.status_code == 409
        assert "现在由小王处理" in late.json()["error"]["message"]
        assert (
            await one.post(f"{base}/accept", key="b")
        ).status_code == 200  # a repeat
        assert (await seen_by(web, visitor)).count("已加入") == 1
        found = {"found": "agent", "held_by": "agent1"}
        assert (await leader.post(f"{base}/take", key="c", **found)).is_success
        for path, body in (
            ("messages", {"text": "还在吗"}),
            ("close", {}),
            ("release", {}),
        ):
            late = await one.post(f"{base}/{path}", key=f"late-{path}", **body)
            assert late.status_code == 409
            assert "现在由老陈处理" in late.json()["error"]["message"]
        assert (await one.get(base)).status_code == 404
        where = (await one.get(f"{base}/holder")).json()
        assert (where["status"], where["agent"]) == ("agent", "leader")
        assert where["words"] == "现在由老陈处理"
        await leader.post(f"{base}/release", key="r")
        assert "机器人" in (await one.get(f"{base}/holder")).json()["words"]
        assert (await one.get("conversations/web:no/holder")).status_code == 404


# Sessions.


async def test_that_an_ended_session_says_why(tmp_path):
    clock = SetClock()
    async with desk_of(tmp_path, clock=clock) as (edge, _, (one, two, leader)):
        cookie = dict(two.client.cookies)
        await two.post("logout")
        two.client.cookies.update(cookie)
        answer = await two.get("queue")
        assert (answer.status_code, answer.json()["error"]["code"]) == (
            401,
            "desk_left",
        )
        await edge.backstage.ledger.agents.disable("leader")
        assert "账号停用" in (await leader.get("me")).json()["error"]["message"]
        clock.pass_by(timedelta(hours=12))
        answer = await one.get("queue")
        assert answer.status_code == 401
        assert answer.json()["error"]["message"] == "登录已到期，请重新登录。"


async def test_that_a_page_is_not_shown_what_belongs_to_a_later_login(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, *_)):
        await accepted(edge, web, one)
        before = {"X-CSRF-Token": one.csrf}
        client = one.client
        assert (await client.get("/api/desk/queue", headers=before)).is_success
        other = Browser(str(web.base_url))
        other.client = client  # another tab: one cookie for both
        assert (await other.login("agent2", PASSWORD)).is_success
        for path in ("conversations", "queue", "me", "changes"):
            answer = await client.get(f"/api/desk/{path}", headers=before)
            assert (answer.status_code, answer.json()["error"]["code"]) == (
                409,
                "other_session",
            )
        assert (await one.post("presence", ready=True)).status_code == 403
        assert (await client.get("/api/desk/me")).json()["name"] == "agent2"


async def test_that_a_login_ends_the_one_it_replaces(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, _, leader)):
        await accepted(edge, web, one)
        cookie = one.client.cookies["baoke_desk"]
        other = Browser(str(web.base_url))
        other.client = one.client  # another tab of the same browser
        assert (await other.login("agent2", "wrong pass")).status_code == 401
        assert (await one.get("me")).json()["name"] == "agent1"  # nothing has changed
        assert (await other.login("agent2")).is_success
        async with httpx.AsyncClient(base_url=str(web.base_url)) as stranger:
            stranger.cookies.set("baoke_desk", cookie)
            assert (await stranger.get("/api/desk/me")).status_code == 401
        found = (await leader.get("agents")).json()["agents"]
        assert {row["name"]: row["state"] for row in found}["agent1"] == "away"


async def test_that_a_heartbeat_chooses_nothing(tmp_path):
    async with desk_of(tmp_path) as (_, web, (one, *_)):
        other = Browser(str(web.base_url))
        await other.login("agent1")
        assert (await one.post("presence", ready=True)).json() == {"ready": True}
        assert (await other.post("presence")).json() == {"ready": True}
        assert (await one.get("me")).json()["ready"] is True
        assert (await other.post("presence", ready=False)).json() == {"ready": False}
        assert (await one.post("presence")).json() == {"ready": False}
        await other.client.aclose()


@pytest.mark.parametrize(
    "reason", ["", "  ", "\u3000\u3000", "\u200b\u200b", "…。", "看"]
)
async def test_that_a_reason_says_something(tmp_path, reason):
    async with desk_of(tmp_path) as (edge, web, (one, *_)):
        _, _, base = await accepted(edge, web, one)
        answer = await one.post(f"{base}/reveal", reason=reason)
        assert answer.status_code == 422
        assert "为什么要看" in answer.json()["error"]["message"]
        assert (await one.post(f"{base}/reveal", reason="核对")).is_success
