"""Another desk behind a signed webhook: told everything once in order, and heard."""

import asyncio
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from desk_kit import ask_for_human, desk_of, seen_by
from edge_kit import FakeBrain, Visitor, eventually, make_edge, served
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from bot.ledger.database import sync_url
from bot.ledger.links import BATCH
from bot.ledger.migrate import upgrade
from channels.links.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, is_signed, sign

SECRET = "shared between two desks"
HOOKS = "/api/desk/hooks"


class OtherDesk:
    """Keeps what it is told; says what the script says first."""

    def __init__(self) -> None:
        self.told = []
        self.script = []  # status codes of the next answers
        self.dislikes, self.refused = None, 0  # words that it never takes

    def app(self):
        return Starlette(routes=[Route("/in", self.hear, methods=["POST"])])

    async def hear(self, request):
        raw = await request.body()
        head = request.headers
        stamp, given = head.get(TIMESTAMP_HEADER), head.get(SIGNATURE_HEADER)
        assert is_signed(SECRET, stamp, given, raw, datetime.now(UTC))
        if self.script and (status := self.script.pop(0)) != 200:
            return Response(status_code=status)
        if self.dislikes and self.dislikes in raw.decode():
            self.refused += 1
            return Response(status_code=422)
        self.told.append(json.loads(raw))
        return Response(status_code=204)

    def words(self):
        return [
            "".join(p.get("text", "") for p in e["message"]["parts"])
            for e in self.told
            if e["event"] == "message.created"
        ]

    def moves(self):
        found = [e["move"] for e in self.told if e["event"] == "conversation.moved"]
        return [(move["moved_to"], move["reason"]) for move in found]


async def call(web, body, secret=SECRET, at=None, raw=None):
    raw = json.dumps(body).encode() if raw is None else raw
    stamp = str(int(time.time() if at is None else at))
    headers = {TIMESTAMP_HEADER: stamp, SIGNATURE_HEADER: sign(secret, stamp, raw)}
    return await web.post(HOOKS, content=raw, headers=headers)


def does(action, sender_id, number, **more):
    who = {"name": "zhao", "title": "小赵"}
    return {"id": f"h{number}", "action": action, "sender_id": sender_id,
            "agent": who, **more}  # fmt: skip


@pytest.fixture(params=["sqlite", "postgres"])
def database(request):
    """Settings of an empty ledger."""
    if request.param == "sqlite":
        return {}
    url = request.getfixturevalue("postgres_url")
    upgrade(sync_url(url, Path("/")))
    return {"database_url": url}


def linked(url):
    return {"desk_webhook_url": f"{url}/in", "desk_webhook_secret": SECRET}


async def test_that_it_is_told_once_in_order_and_nothing_of_the_bot_alone(tmp_path):
    other = OtherDesk()
    async with (
        served(other.app()) as url,
        desk_of(tmp_path, **linked(url)) as (edge, web, (one, *_)),
    ):
        alone = await Visitor.arrive(web)
        await alone.say("只和机器人说")
        visitor, sender_id = await ask_for_human(edge, web)
        other.script = [503, 200, 429]  # and it is told again
        await eventually(lambda: other.moves())
        assert other.words()[:2] == ["在吗", "答：在吗"]  # what was said before
        await one.post(f"conversations/{sender_id}/accept", key="a")
        await visitor.say("我的钱呢", "m2")
        await one.post(f"conversations/{sender_id}/messages", text="我查查", key="1")
        await one.post(f"conversations/{sender_id}/release", key="r")
        await eventually(lambda: len(other.moves()) == 3)
        assert other.moves() == [
            ("queued", "customer_asked"), ("agent", "accepted"), ("bot", "released"),
        ]  # fmt: skip
        words = other.words()
        assert words.index("我的钱呢") < words.index("我查查")
        ids = [event["id"] for event in other.told]
        assert len(ids) == len(set(ids))
        assert "只和机器人说" not in str(other.told)
        assert [e["id"] for e in other.told if "message" in e] == [
            f"{sender_id}:{n}" for n in range(1, len(words) + 1)
        ]
        await visitor.say("谢谢再见", "m3")
        await asyncio.sleep(2)
        assert "谢谢再见" not in str(other.told)  # the bot has it again
        await edge.backstage.desk.request(sender_id, _wish(), "again")
        await eventually(lambda: len(other.moves()) == 4)
        assert "谢谢再见" in other.words()  # said before the new wish


def _wish():
    from bot.desk_rules import Handoff

    return Handoff("customer_asked")


async def test_that_a_restart_goes_on_where_it_was(tmp_path):
    other = OtherDesk()
    async with served(other.app()) as url, httpx.AsyncClient() as web:
        edge = make_edge(tmp_path, FakeBrain(), **linked(url))
        async with served(edge) as address:
            web.base_url = address
            visitor, sender_id = await ask_for_human(edge, web)
            await eventually(lambda: other.moves())
            other.script = [500] * 50
            await visitor.say("断线时说的", "m2")
            await asyncio.sleep(0.7)
        other.script = []
        edge = make_edge(tmp_path, FakeBrain(), **linked(url))
        async with served(edge) as address:
            web.base_url = address
            await eventually(lambda: "断线时说的" in other.words())
            ids = [event["id"] for event in other.told]
            assert len(ids) == len(set(ids))
            assert sender_id


async def test_that_order_holds_when_much_has_gathered(tmp_path):
    other = OtherDesk()
    settings = {**linked("http://127.0.0.1:9"), "visitor_burst": 1000}
    async with desk_of(tmp_path, **settings) as (edge, web, (one, *_)):
        visitor, sender_id = await ask_for_human(edge, web)
        await one.post(f"conversations/{sender_id}/accept", key="a")
        for number in range(2 * BATCH + 10):  # nobody is there to be told
            last = await visitor.say(f"第{number}句", f"n{number}")
        await one.post(f"conversations/{sender_id}/release", key="r")
        await visitor.say("只和机器人说", "m2")
    async with (
        served(other.app()) as url,
        desk_of(tmp_path, **linked(url)),
    ):
        await eventually(lambda: len(other.moves()) == 3)
        ids = [event["id"].removeprefix(f"{sender_id}:") for event in other.told]
        told = [int(each) for each in ids if each.isdecimal()]
        assert told[0] < last
        assert told == list(range(told[0], told[-1] + 1))
        assert ids.index(str(last)) < ids.index("move:3")
        assert len(ids) == len(set(ids))
        assert "只和机器人说" not in str(other.told)


async def test_that_two_edges_tell_everything_once(tmp_path, database):
    other = OtherDesk()
    async with served(other.app()) as url:
        second = make_edge(tmp_path, FakeBrain(), **linked(url), **database)
        async with (
            served(second),
            desk_of(tmp_path, **linked(url), **database) as (edge, web, _),
        ):
            found = [await ask_for_human(edge, web) for _ in range(4)]
            for number in range(5):
                for visitor, _ in found:
                    await visitor.say(f"第{number}句", f"n{number}")
            await eventually(lambda: other.words().count("第4句") == len(found))
            ids = [event["id"] for event in other.told]
            assert len(ids) == len(set(ids))
            for _, sender_id in found:
                told = [n for n in ids if n.startswith(f"{sender_id}:")]
                told = [int(n.rpartition(":")[2]) for n in told if ":move:" not in n]
                assert told == sorted(told)


async def test_that_who_is_too_late_changes_no_position(tmp_path, database):
    async with desk_of(tmp_path, **database) as (edge, web, _):
        await ask_for_human(edge, web)
        links, now = edge.backstage.ledger.links, datetime.now(UTC)
        await links.register("webhook")
        minute = timedelta(minutes=1)
        (slow,) = await links.due("webhook", now, now + minute, 8)
        assert await links.due("webhook", now, now + minute, 8) == ()
        (fast,) = await links.due("webhook", now + minute, now + 3 * minute, 8)
        assert await links.told("webhook", replace(fast, seq=2), None, False)
        assert not await links.told("webhook", replace(slow, seq=1), None, False)
        await links.let_go("webhook", slow)
        later = now + 2 * minute
        assert await links.due("webhook", later, later + minute, 8) == ()
        await links.let_go("webhook", fast)
        (again,) = await links.due("webhook", later, later + minute, 8)
        assert again.seq == 2


async def test_that_a_move_that_shows_late_is_found(tmp_path, database):
    async with desk_of(tmp_path, **database) as (edge, web, _):
        links, now = edge.backstage.ledger.links, datetime.now(UTC)
        await links.register("webhook")
        _, sender_id = await ask_for_human(edge, web)
        # Another process gave out a higher number, and its transaction ended first.
        ahead = text("UPDATE desk_links SET move_id = 5 WHERE sender_id = ''")
        await edge.backstage.ledger._database.write(lambda c: c.execute(ahead))
        assert await links.news("webhook")
        await links.register("webhook")
        (found,) = await links.due("webhook", now, now + timedelta(minutes=1), 8)
        assert found.sender_id == sender_id
        assert not await links.news("webhook")
        pending = await links.pending(found)
        assert [item.move["reason"] for item in pending.items if item.move] == [
            "customer_asked"
        ]


async def test_that_what_is_refused_blocks_nothing(tmp_path):
    other = OtherDesk()
    async with (
        served(other.app()) as url,
        desk_of(tmp_path, **linked(url)) as (edge, web, _),
    ):
        other.dislikes = "这条不要"
        visitor, _ = await ask_for_human(edge, web)
        await visitor.say("这条不要", "m2")
        await visitor.say("这条要", "m3")
        await eventually(lambda: "这条要" in other.words())
        assert other.refused  # also when the bot repeats it
        assert "这条不要" not in other.words()


async def test_that_the_other_desk_holds_a_conversation(tmp_path):
    settings = {"desk_webhook_secret": SECRET}
    async with desk_of(tmp_path, **settings) as (edge, web, (one, *_)):
        visitor, sender_id = await ask_for_human(edge, web)
        early = await call(web, does("message", sender_id, 0, text="抢答"))
        assert early.status_code == 409
        assert (await call(web, does("accept", sender_id, 1))).json() == {
            "repeat": False
        }
        assert (await call(web, does("accept", sender_id, 1))).json() == {
            "repeat": True
        }
        late = await one.post(f"conversations/{sender_id}/accept", key="a")
        assert late.status_code == 409
        for _ in range(2):
            said = await call(web, does("message", sender_id, 2, text="我是小赵"))
            assert said.status_code == 200
        for _ in range(2):
            noted = await call(web, does("note", sender_id, 3, text="客户着急"))
            assert noted.status_code == 200
        seen = await seen_by(web, visitor)
        assert seen.count("我是小赵") == 1
        assert "人工客服小赵已加入" in seen
        assert "客户着急" not in seen and "hook:" not in seen
        found = await edge.backstage.ledger.agents.notes_of(sender_id)
        assert [note.text for note in found] == ["客户着急"]
        moved = await call(
            web, does("transfer", sender_id, 4, skill="理赔", summary="请接")
        )
        assert moved.status_code == 200
        (row,) = (await one.get("queue")).json()["conversations"]
        assert row["skill"] == "理赔"
        assert (await call(web, does("accept", sender_id, 5))).status_code == 200
        closing = {"summary": "已办", "category": "理赔"}
        assert (await call(web, does("close", sender_id, 6, **closing))).is_success
        assert "本次人工服务已结束" in await seen_by(web, visitor)


async def test_that_an_unsigned_call_does_nothing(tmp_path):
    settings = {"desk_webhook_secret": SECRET}
    async with desk_of(tmp_path, **settings) as (edge, web, _):
        _, sender_id = await ask_for_human(edge, web)
        body = does("accept", sender_id, 1)
        for answer in (
            await web.post(HOOKS, json=body),
            await call(web, body, secret="guess"),
            await call(web, body, at=time.time() - 600),
            await call(web, body, at=time.time() + 600),
            await web.post(
                HOOKS,
                json=body,
                headers={TIMESTAMP_HEADER: "x", SIGNATURE_HEADER: "猜".encode()},
            ),
        ):
            assert answer.status_code == 401
            assert "error" in answer.json()
        assert (await edge.backstage.ledger.messages.holder(sender_id))[0] == "queued"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"id": "a b", "action": "accept"},
        does("dance", "web:x", 1),
        does("message", "web:x", 1, text="长" * 4001),
        {**does("accept", "web:x", 1), "agent": {"name": "a b", "title": "x"}},
        {**does("accept", "web:x", 1), "agent": {"name": "a", "title": " "}},
        {**does("accept", "web:x", 1), "agent": {"name": "a", "title": "x" * 31}},
        does("message", "web:x", 1, text=" "),
        does("message", "web:x", 1, text="a\x00b"),
        does("accept", "web:\x00", 1),
        {**does("accept", "web:x", 1), "agent": {"name": "a", "title": "a\x00"}},
        does("note", "web:nobody", 1, text="x"),
    ],
)
async def test_that_a_wrong_call_is_refused(tmp_path, body):
    async with desk_of(tmp_path, desk_webhook_secret=SECRET) as (_, web, _agents):
        answer = await call(web, body)
        assert answer.status_code in (404, 422)
        assert "error" in answer.json()
        broken = await call(web, None, raw=b'{"id": ')
        assert broken.status_code == 422


def test_that_half_the_settings_are_refused(tmp_path):
    with pytest.raises(ValueError, match="BAOKE_DESK_WEBHOOK_SECRET"):
        make_edge(tmp_path, FakeBrain(), desk_webhook_url="http://127.0.0.1:9")
    with pytest.raises(ValueError, match="BAOKE_CHATWOOT_TOKEN"):
        make_edge(
            tmp_path, FakeBrain(), chatwoot_url="http://127.0.0.1:9", chatwoot_inbox="x"
        )


async def test_that_old_calls_are_forgotten(tmp_path):
    edge = make_edge(tmp_path)
    async with served(edge):
        links = edge.backstage.ledger.links
        now = datetime.now(UTC)
        await links.note_done("long ago", now - timedelta(days=31))
        await links.note_done("lately", now - timedelta(days=29))
        await links.note_done("now", now)

        assert [await links.done_before(i) for i in ("long ago", "lately", "now")] == [
            False,
            True,
            True,
        ]
