"""A day at the desk: offers, absence, ratings, take-overs, files, what is masked."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from desk_kit import (
    HASH,
    Browser,
    ask_for_human,
    desk_of,
    held_on_telegram,
    held_on_wechat,
    seen_by,
)
from edge_kit import FakeBrain, Visitor, eventually, say, served
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from wechat_kit import PNG

from bot.desk_rules import Handoff
from bot.errors import BrainFailed, IllegalMove
from bot.ports import Answer

PDF = b"%PDF-1.4 " + b"x" * 50


async def until(check):
    async with asyncio.timeout(60):
        while not (found := await check()):
            await asyncio.sleep(0.05)
        return found


def parts_of(found):
    return [part for event in found["events"] for part in event["parts"]]


async def buttons_of(web, visitor):
    """The newest buttons the customer sees."""
    found = (await web.get("/api/chat/events?after=0", headers=visitor.headers)).json()
    parts = parts_of(found)
    return [p["buttons"] for p in parts if p["type"] == "buttons"][-1]


async def press(web, visitor, title, key):
    (button,) = [b for b in await buttons_of(web, visitor) if b["title"] == title]
    answer = await visitor.post(payload=button["payload"], client_message_id=key)
    assert answer.status_code in (200, 202)


async def test_that_agents_who_are_there_are_asked_one_after_the_other(tmp_path):
    times = {"desk_offer": timedelta(seconds=1)}
    async with desk_of(tmp_path, **times) as (edge, web, (one, two, leader)):
        await ask_for_human(edge, web)

        async def offered_to():
            (row,) = (await leader.get("queue")).json()["conversations"]
            return row["offered_to"]

        assert await offered_to() is None  # nobody said they want conversations
        await one.post("presence", ready=True)
        await two.post("presence", ready=True)
        names = set()

        async def both():
            names.add(await offered_to())
            return names >= {"agent1", "agent2"}

        await until(both)
        await one.post("presence", ready=False)
        await two.post("presence", ready=False)

        async def nobody():
            return await offered_to() is None

        await until(nobody)


async def test_that_the_wait_is_told_honestly(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, *_)):
        first, sender_id = await ask_for_human(edge, web)
        assert "目前没有坐席在线" in await seen_by(web, first)
        await one.post("presence", ready=True)
        second, _ = await ask_for_human(edge, web)
        told = await seen_by(web, second)
        assert "前面还有 1 位" in told
        assert "没有坐席" not in told
        assert "分钟" not in told  # too little is known to say
        others = [sender_id]
        for _ in range(3):
            visitor, other = await ask_for_human(edge, web)
            others.append(other)
        for number, name in enumerate(others[:3]):
            moved = await one.post(f"conversations/{name}/accept", key=f"a{number}")
            assert moved.status_code == 200
            await one.post(f"conversations/{name}/release", key=f"r{number}")
        visitor, _ = await ask_for_human(edge, web)
        # 3 were taken in the hour: 20 minutes each; two wait before this one.
        assert "预计约 60 分钟" in await seen_by(web, visitor)


async def test_that_a_conversation_of_an_agent_who_is_gone_is_queued_again(tmp_path):
    times = {"desk_gone": timedelta(seconds=1)}
    async with desk_of(tmp_path, **times) as (edge, web, (one, two, leader)):
        visitor, sender_id = await ask_for_human(edge, web)
        await one.post("presence", ready=True)
        await one.post(f"conversations/{sender_id}/accept", key="a")
        await one.post(f"conversations/{sender_id}/messages", text="我看看", key="1")
        await asyncio.sleep(2)  # nobody waits: it stays with the agent
        assert (await leader.get("queue")).json() == {"conversations": []}
        await visitor.post(text="怎么样了", client_message_id="m5")

        async def queued():
            return (await two.get("queue")).json()["conversations"]

        (row,) = await until(queued)
        assert (row["reason"], row["priority"]) == ("agent_gone", "high")
        seen = await seen_by(web, visitor)
        assert seen.count("人工客服小王暂时离开了") == 1
        assert "agent1" not in seen


async def test_that_a_customer_rates_an_agent_once(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, two, leader)):
        visitor, sender_id = await ask_for_human(edge, web)
        base = f"conversations/{sender_id}"
        await one.post(f"{base}/accept", key="a")
        closing = {"summary": "已解释", "category": "理赔"}
        assert (await one.post(f"{base}/close", key="c", **closing)).status_code == 200
        moves = (await leader.get(base)).json()["moves"]
        assert (moves[-1]["summary"], moves[-1]["category"]) == ("已解释", "理赔")
        assert "您对小王刚才的服务满意吗" in await seen_by(web, visitor)
        await press(web, visitor, "满意", "m7")

        async def thanked():
            return "谢谢您的评价" in await seen_by(web, visitor)

        await until(thanked)
        found = (await leader.get("agents")).json()["agents"]
        scores = {row["name"]: row["scores"] for row in found}
        assert scores["agent1"] == {"asked": 1, "answered": 1, "average": 3.0}
        assert scores["agent2"] is None
        found = (await two.get("agents")).json()["agents"]
        assert all(row["scores"] is None for row in found)  # not a colleague's business


async def test_that_only_the_first_rating_counts_and_a_bad_one_is_answered(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, _, leader)):
        visitor, sender_id = await ask_for_human(edge, web)
        base = f"conversations/{sender_id}"
        await one.post(f"{base}/accept", key="a")
        await one.post(f"{base}/release", key="c")
        buttons = {b["title"]: b["payload"] for b in await buttons_of(web, visitor)}
        assert list(buttons) == ["满意", "一般", "不满意", "不评价"]
        for number, title in enumerate(("不满意", "满意")):
            answer = await visitor.post(
                payload=buttons[title], client_message_id=f"p{number}"
            )
            assert answer.status_code in (200, 202)

        async def both():
            seen = await seen_by(web, visitor)
            return "抱歉没有让您满意" in seen and "谢谢您的评价" in seen

        await until(both)
        found = (await leader.get("agents")).json()["agents"]
        (scores,) = [row["scores"] for row in found if row["name"] == "agent1"]
        assert scores["average"] == 1.0


async def test_that_nobody_rates_what_was_not_asked(tmp_path):
    async with desk_of(tmp_path) as (edge, web, _):
        visitor, sender_id = await ask_for_human(edge, web)
        payload = '/rate_episode{"episode": "x", "score": 3}'
        answer = await visitor.post(payload=payload, client_message_id="x")
        assert answer.status_code == 422
        assert (
            await edge.backstage.ledger.ratings.scores(datetime(2020, 1, 1, tzinfo=UTC))
            == ()
        )
        assert sender_id


async def test_that_the_bot_asks_once_a_day_when_somebody_says_goodbye(tmp_path):
    async def answer(question):
        intent = "goodbye" if question.text == "再见" else "greet"
        return Answer(say(f"答：{question.text}").replies, intent=intent)

    async with desk_of(tmp_path, FakeBrain(answer)) as (_, web, _agents):
        visitor = await Visitor.arrive(web)
        for number, text in enumerate(("再见", "犹豫期几天", "再见", "在吗", "再见")):
            await visitor.post(text=text, client_message_id=f"m{number}")

            async def answered(wanted=number + 1):
                return (await seen_by(web, visitor)).count("答：") == wanted

            await until(answered)
        seen = await seen_by(web, visitor)
        # Not after the very first word, and not a second time.
        assert seen.count("您对我刚才的回答满意吗") == 1


async def test_that_a_leader_takes_over_and_of_two_one_gets_it(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, two, leader)):
        agents = edge.backstage.ledger.agents
        await agents.put("leader2", "老赵", HASH, (await agents.get("leader")).role)
        other = Browser(str(web.base_url))
        await other.login("leader2")
        visitor = await Visitor.arrive(web)
        await visitor.post(text="在吗", client_message_id="m1")
        (row,) = await until(lambda: rows_of(leader, "live"))
        base = f"conversations/{row['sender_id']}"
        assert (await one.get("live")).status_code == 404
        found = {"found": "bot", "held_by": None}
        assert (await one.post(f"{base}/take", key="z", **found)).status_code == 404
        answers = await asyncio.gather(
            leader.post(f"{base}/take", key="a", **found),
            other.post(f"{base}/take", key="b", **found),
        )
        assert sorted(a.status_code for a in answers) == [200, 409]
        winner, loser = (leader, other) if answers[0].is_success else (other, leader)
        name = "leader" if winner is leader else "leader2"
        held = {"found": "agent", "held_by": name}
        assert (await loser.post(f"{base}/take", key="c", **held)).status_code == 200
        late = await winner.post(f"{base}/messages", text="还在吗", key="1")
        assert late.status_code == 409
        assert "还在吗" not in await seen_by(web, visitor)
        assert (await two.post(f"{base}/take", key="d", **held)).status_code == 404
        await other.client.aclose()


async def test_that_a_wish_never_takes_a_conversation_from_its_agent(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, *_)):
        _, sender_id = await ask_for_human(edge, web)
        await one.post(f"conversations/{sender_id}/accept", key="a")
        with pytest.raises(IllegalMove):
            await edge.backstage.desk.request(sender_id, Handoff("x"), "again")
        assert (await edge.backstage.ledger.moves.agent_of(sender_id)) == "agent1"


async def rows_of(browser, name):
    return (await browser.get(name)).json()["conversations"]


async def test_that_files_go_both_ways_and_to_nobody_else(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, two, _)):
        visitor, sender_id = await ask_for_human(edge, web)
        base = f"conversations/{sender_id}"
        sent = await web.post(
            "/api/chat/attachments",
            files={"file": ("伤情.png", PNG, "image/png")},
            headers=visitor.headers,
        )
        theirs = sent.json()["attachment_id"]
        await one.post(f"{base}/accept", key="a")
        got = await one.get(f"{base}/files/{theirs}")
        assert got.content == PNG
        assert "attachment" in got.headers["content-disposition"]
        assert (await two.get(f"{base}/files/{theirs}")).status_code == 404
        assert (await one.get(f"{base}/files/nothing")).status_code == 404

        async def upload(browser, content, key="f1"):
            return await browser.upload(base, "说明.pdf", content, key)

        assert (await upload(two, PDF)).status_code == 404
        assert (await upload(one, b"MZ\x90 not a picture")).status_code == 415
        assert (await upload(one, PDF, key="")).status_code == 422
        assert (await upload(one, PDF)).status_code == 200
        assert (await upload(one, PDF)).json() == {"repeat": True}
        found = (
            await web.get("/api/chat/events?after=0", headers=visitor.headers)
        ).json()
        parts = parts_of(found)
        files = [p for p in parts if p["type"] == "file" and p["name"] == "说明.pdf"]
        assert len(files) == 1
        path = f"/api/chat/attachments/{files[0]['attachment_id']}"
        assert (await web.get(path, headers=visitor.headers)).content == PDF
        stranger = await Visitor.arrive(web)
        assert (await web.get(path, headers=stranger.headers)).status_code == 404


async def test_that_an_agents_picture_arrives_on_wechat(tmp_path):
    async with held_on_wechat(tmp_path) as (fake, agent, base):
        refused = await agent.upload(base, "a.pdf", PDF, "1")
        assert refused.status_code == 415
        assert "只能发图片" in refused.json()["error"]["message"]
        assert (await agent.upload(base, "a.png", PNG, "2")).status_code == 200
        await fake.until(lambda: fake.uploaded)
        assert fake.uploaded == [PNG]
        await fake.until(lambda: "[image]" in fake.followers["oCustomer1"].texts)


async def test_that_an_agents_file_arrives_on_telegram(tmp_path):
    async with held_on_telegram(tmp_path) as (fake, agent, base):
        assert (await agent.upload(base, "条款.pdf", PDF, "1")).status_code == 200
        await eventually(lambda: fake.named("sendDocument"))
        (sent,) = fake.named("sendDocument")
        assert int(sent["chat_id"]) == 7
        assert ("条款.pdf", PDF) in sent.values()
        assert fake.sent(7)[-1] != "条款.pdf"


async def test_that_what_is_masked_is_shown_for_a_reason_that_is_kept(tmp_path):
    asked = []

    async def customer(request):
        asked.append(dict(request.query_params))
        masked = "reveal" not in request.query_params
        return JSONResponse({"verified": True, "name": "张*" if masked else "张伟"})

    backroom = Starlette(routes=[Route("/desk/customer", customer)])
    async with (
        served(backroom) as url,
        desk_of(tmp_path, actions_url=url) as (edge, web, (one, two, _)),
    ):
        _, sender_id = await ask_for_human(edge, web)
        base = f"conversations/{sender_id}"
        await one.post(f"{base}/accept", key="a")
        assert (await one.get(f"{base}/customer")).json()["customer"]["name"] == "张*"
        assert (await one.post(f"{base}/reveal", reason="")).status_code == 422
        assert (await two.post(f"{base}/reveal", reason="好奇")).status_code == 404
        seen = await one.post(f"{base}/reveal", reason="核对投保人姓名")
        assert seen.json()["customer"]["name"] == "张伟"
        query = "SELECT agent, detail FROM desk_log WHERE what = 'reveal'"
        read = edge.backstage.ledger._database.read
        rows = await read(lambda c: c.exec_driver_sql(query).all())
        assert [tuple(row) for row in rows] == [("agent1", "核对投保人姓名")]
        newest = (await edge.backstage.ledger.agents.logged(10))[0]
        assert (newest["what"], newest["sender_id"]) == ("reveal", sender_id)


async def test_that_the_promised_time_counts_down_until_somebody_answers(tmp_path):
    async def promise(request):
        return JSONResponse({"ref": "第三条(二)2", "amount": 2, "unit": "工作小时"})

    backroom = Starlette(routes=[Route("/desk/promise", promise)])
    async with (
        served(backroom) as url,
        desk_of(tmp_path, actions_url=url) as (edge, web, (one, *_)),
    ):
        visitor, sender_id = await ask_for_human(edge, web)
        (row,) = await rows_of(one, "queue")
        since = datetime.fromisoformat(row["waiting_since"])
        assert datetime.fromisoformat(row["due"]["at"]) - since == timedelta(hours=2)
        assert row["due"]["clause"] == "第三条(二)2"
        base = f"conversations/{sender_id}"
        await one.post(f"{base}/accept", key="a")
        assert (await rows_of(one, "conversations"))[0]["due"] is not None
        await one.post(f"{base}/messages", text="您好", key="1")
        assert (await rows_of(one, "conversations"))[0]["due"] is None
        await visitor.post(text="还有", client_message_id="m4")
        assert (await rows_of(one, "conversations"))[0]["due"] is not None


async def test_that_a_trigger_brings_a_human_beside_the_answer(tmp_path):
    async with desk_of(tmp_path) as (_, web, (one, *_)):
        visitor = await Visitor.arrive(web)
        await visitor.post(text="再拖我就去法院告你们", client_message_id="m1")
        (row,) = await until(lambda: rows_of(one, "queue"))
        assert (row["reason"], row["priority"]) == ("lawsuit", "high")
        assert "答：再拖" in await seen_by(web, visitor)


async def test_that_two_failures_in_a_row_bring_a_human(tmp_path):
    async def fail(question):
        raise BrainFailed("crashed")

    async with desk_of(tmp_path, FakeBrain(fail)) as (_, web, (one, *_)):
        visitor = await Visitor.arrive(web)
        await visitor.post(text="犹豫期几天", client_message_id="m1")

        async def apologised():
            return "没能答复您" in await seen_by(web, visitor)

        await until(apologised)
        assert await rows_of(one, "queue") == []
        await visitor.post(text="喂", client_message_id="m2")
        (row,) = await until(lambda: rows_of(one, "queue"))
        assert row["reason"] == "brain_failed"


async def test_that_consoles_hear_of_changes(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, *_)):
        number = (await one.get("changes")).json()["number"]
        waiting = asyncio.create_task(one.get("changes", since=number, wait=20))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await ask_for_human(edge, web)
        assert (await waiting).json()["number"] > number
        assert (await one.get("changes", since=-1)).status_code == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("take", {"key": "k", "found": "nowhere"}),
        ("take", {"found": "bot"}),
        ("reveal", {"reason": "x" * 300}),
        ("close", {"key": "k", "category": "长" * 51}),
    ],
)
async def test_that_a_bad_step_is_refused(tmp_path, path, body):
    async with desk_of(tmp_path) as (_, _, (_, _, leader)):
        answer = await leader.post(f"conversations/web:x/{path}", **body)
        assert answer.status_code == 422


async def test_that_only_the_human_speaks_while_one_is_there(tmp_path):
    async with desk_of(tmp_path, max_text_chars=50) as (edge, web, (one, *_)):
        visitor, sender_id = await ask_for_human(edge, web)
        await one.post(f"conversations/{sender_id}/accept", key="a")
        before = len(await visitor.events())
        sent = await web.post(
            "/api/chat/attachments",
            files={"file": ("伤情.png", PNG, "image/png")},
            headers=visitor.headers,
        )
        assert sent.is_success
        await visitor.post(payload='/inform{"a": "b"}', client_message_id="p1")
        await visitor.post(text="长" * 60, client_message_id="p2")
        found = (await visitor.events())[before:]
        authors = [event["author"] for event in found]
        assert authors == ["customer", "customer", "customer", "system"]
        assert "人工客服只看到了前面的部分" in str(found[-1])


async def test_that_a_customer_ends_it_themselves(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, *_)):
        visitor, sender_id = await ask_for_human(edge, web)
        base = f"conversations/{sender_id}"
        await one.post(f"{base}/accept", key="a")
        for _ in range(2):
            await visitor.post(text="结束人工。", client_message_id="e1")
        seen = await seen_by(web, visitor)
        assert seen.count("人工服务已结束，由智能客服继续") == 1
        assert "您对人工客服刚才的服务满意吗" in seen
        late = await one.post(f"{base}/messages", text="还有吗", key="1")
        assert late.status_code == 409
        await visitor.post(text="犹豫期几天", client_message_id="e2")

        async def answered():
            return "答：犹豫期几天" in await seen_by(web, visitor)

        await until(answered)


async def test_that_whoever_listens_is_there_and_a_login_asks_for_nothing(tmp_path):
    async with desk_of(tmp_path) as (edge, _, (one, two, _leader)):
        agents = edge.backstage.ledger.agents
        long_ago = datetime.now(UTC) - timedelta(minutes=5)
        for name in ("agent1", "agent2"):
            await agents.show_up(name, True, long_ago)

        async def states():
            found = (await two.get("agents")).json()["agents"]
            return {row["name"]: row["state"] for row in found}

        assert (await states())["agent1"] == "away"
        await one.get("changes")
        assert (await states())["agent1"] == "ready"
        again = await one.login("agent1")
        assert again.json()["ready"] is False
        assert (await states())["agent1"] == "busy"
