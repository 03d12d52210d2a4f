"""REST: sessions, messages, events, refusals; a real server on loopback."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from edge_kit import (
    FakeBrain,
    FakeRasa,
    Visitor,
    eventually,
    make_edge,
    make_settings,
    say,
    served,
    visiting,
    words,
)

from bot.errors import BrainFailed
from bot.ports import Answer, Question
from channels.tokens import Doorkeeper, open_secret


async def test_that_a_turn_goes_to_rasa_and_comes_back_with_its_parts(tmp_path):
    rasa = FakeRasa(
        replies=[
            {
                "text": "保障如下",
                "buttons": [{"title": "报案", "payload": "/report_claim"}],
                "image": None,
                "custom": {
                    "citations": [
                        {
                            "ref": "第三条(四)2",
                            "quote": "十五个工作日",
                            "title": "协议",
                            "version": "2026.1",
                            "effective_from": "2026-01-01",
                        }
                    ]
                },
            }
        ]
    )
    async with served(rasa.app()) as rasa_url:
        edge = make_edge(tmp_path, rasa_url=rasa_url)
        async with served(edge) as url, visiting(url) as visitor:
            assert await visitor.say("重疾险保什么", "k1") == 1
            mine, reply = await visitor.until(2)
    assert (mine["seq"], mine["author"], words(mine)) == (1, "customer", "重疾险保什么")
    assert (reply["seq"], reply["author"], reply["in_reply_to"]) == (2, "bot", 1)
    assert [part["type"] for part in reply["parts"]] == ["text", "citation", "buttons"]
    assert reply["parts"][1]["effective_from"] == "2026-01-01"
    asked = rasa.asked[0]
    assert asked["text"] == "重疾险保什么"
    assert asked["sender_id"].startswith("web:")
    assert visitor.session_id not in json.dumps(asked)
    assert len(asked["turn_id"]) == 32


async def test_that_a_repeat_is_answered_once_even_while_the_first_copy_runs(tmp_path):
    gate = asyncio.Event()

    async def slow(question: Question) -> Answer:
        await gate.wait()
        return say("好")

    brain = FakeBrain(slow)
    async with served(make_edge(tmp_path, brain)) as url, visiting(url) as visitor:
        first, *others = await asyncio.gather(
            *(visitor.say("我要报案", "same") for _ in range(8))
        )
        assert others == [first] * 7
        gate.set()
        await visitor.until(2)
        assert await visitor.say("我要报案", "same") == first
        assert len(await visitor.events()) == 2
    assert len(brain.asked) == 1


async def test_that_fifty_conversations_are_answered_in_order_and_without_gaps(
    tmp_path,
):
    running: dict[str, int] = {}

    async def one_at_a_time(question: Question) -> Answer:
        running[question.sender_id] = running.get(question.sender_id, 0) + 1
        assert running[question.sender_id] == 1
        await asyncio.sleep(0.002)
        running[question.sender_id] -= 1
        return say(f"答：{question.text}")

    edge = make_edge(tmp_path, FakeBrain(one_at_a_time), burst_window=timedelta(0))

    async def talk(url: str, number: int) -> list[dict]:
        async with visiting(url) as visitor:
            for i in range(4):
                await visitor.say(f"{number}-{i}")
            return await visitor.until(8)

    async with served(edge) as url:
        talks = await asyncio.gather(*(talk(url, n) for n in range(50)))
    for number, talk_events in enumerate(talks):
        assert [e["seq"] for e in talk_events] == list(range(1, 9))
        answers = [words(e) for e in talk_events if e["author"] == "bot"]
        assert answers == [f"答：{number}-{i}" for i in range(4)]


async def test_that_texts_sent_while_a_turn_runs_are_answered_together(tmp_path):
    gate = asyncio.Event()

    async def first_is_slow(question: Question) -> Answer:
        if question.text == "你好":
            await gate.wait()
        return say("好")

    brain = FakeBrain(first_is_slow)
    async with served(make_edge(tmp_path, brain)) as url, visiting(url) as visitor:
        await visitor.say("你好")
        await eventually(lambda: brain.asked)
        await visitor.say("我的车")
        await visitor.say("昨天被撞了。")
        await visitor.say("怎么办")
        await visitor.post(payload="/affirm")
        gate.set()
        events = await visitor.until(8)
    texts = [question.text for question in brain.asked]
    assert texts == ["你好", "我的车，昨天被撞了。怎么办", "/affirm"]
    replies = [e["in_reply_to"] for e in events if e["author"] == "bot"]
    assert replies == [1, 4, 5]


async def test_that_a_long_poll_is_woken_by_the_answer_and_ends_with_its_time(
    tmp_path,
):
    gate = asyncio.Event()

    async def slow(question: Question) -> Answer:
        await gate.wait()
        return say("来了")

    edge = make_edge(tmp_path, FakeBrain(slow))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("在吗")
        assert await visitor.events(after=1, wait=0.05) == []
        poll = asyncio.create_task(visitor.events(after=1, wait=50))
        await asyncio.sleep(0.1)
        assert not poll.done()
        gate.set()
        async with asyncio.timeout(60):
            (event,) = await poll
        assert (event["seq"], words(event)) == (2, "来了")


async def test_that_fetching_past_a_message_marks_it_delivered(tmp_path):
    edge = make_edge(tmp_path, FakeBrain())
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("在吗")
        await visitor.until(2)
        sender = edge.backstage.turns and next(iter(await _senders(edge)))
        assert len(await edge.backstage.ledger.deliveries.undelivered(sender)) == 1
        await visitor.events(after=2)
        await edge.backstage.outbox.flush()
        assert await edge.backstage.ledger.deliveries.undelivered(sender) == ()


async def _senders(edge) -> list[str]:
    from sqlalchemy import text

    query = text("SELECT sender_id FROM conversations")
    return await edge.backstage.ledger._database.read(
        lambda c: [r[0] for r in c.execute(query)]
    )


BAD_BODIES = [
    (b"", 400, "bad_json"),
    (b"{", 400, "bad_json"),
    (b"[]", 400, "bad_json"),
    (b'"text"', 400, "bad_json"),
    (b"\xff\xfe", 400, "bad_json"),
    (b"[" * 5000, 400, "bad_json"),
    (b"{}", 422, "empty"),
    (b'{"text": ""}', 422, "empty"),
    (b'{"text": "  \\n "}', 422, "empty"),
    (b'{"text": "\\u0000\\u0007"}', 422, "empty"),
    (b'{"text": "\\ud800"}', 422, "empty"),
    (b'{"text": null}', 422, "empty"),
    (b'{"text": 5}', 422, "bad_field"),
    (b'{"text": ["a"]}', 422, "bad_field"),
    (b'{"payload": {"a": 1}}', 422, "bad_field"),
    (b'{"text": "a", "payload": "/greet"}', 422, "bad_field"),
    (b'{"text": "a", "client_message_id": 7}', 422, "bad_field"),
    (b'{"text": "a", "client_message_id": ""}', 422, "bad_field"),
    (json.dumps({"text": "a", "client_message_id": "k" * 200}).encode(), 422,
     "bad_field"),
    (json.dumps({"text": "a", "client_message_id": "\u0000"}).encode(), 422,
     "bad_field"),
    (json.dumps({"text": "a" * 70_000}).encode(), 413, "body_too_large"),
]  # fmt: skip


async def test_that_a_bad_body_gets_a_clear_chinese_answer(tmp_path):
    brain = FakeBrain()
    async with served(make_edge(tmp_path, brain)) as url, visiting(url) as visitor:
        for body, status, code in BAD_BODIES:
            answer = await visitor.client.post(
                "/api/chat/messages", content=body, headers=visitor.headers
            )
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (status, code), body[:80]
            assert any("\u4e00" <= c <= "\u9fff" for c in error["message"])
        assert await visitor.events() == []
    assert brain.asked == []


async def test_that_a_body_without_a_declared_length_is_limited_too(tmp_path):
    async def pieces():
        for _ in range(40):
            yield b"x" * 4096

    async with (
        served(make_edge(tmp_path, FakeBrain())) as url,
        visiting(url) as visitor,
    ):
        for content in (pieces(), b"x" * 200_000):
            answer = await visitor.client.post(
                "/api/chat/messages", content=content, headers=visitor.headers
            )
            assert answer.status_code == 413
            assert answer.json()["error"]["code"] == "body_too_large"


async def test_that_a_bad_query_is_refused(tmp_path):
    async with (
        served(make_edge(tmp_path, FakeBrain())) as url,
        visiting(url) as visitor,
    ):
        for query in ("after=-1", "after=x", "wait=nan", "after=1e9", "wait=-3"):
            answer = await visitor.client.get(
                f"/api/chat/events?{query}", headers=visitor.headers
            )
            assert answer.status_code == 422, query
            assert answer.json()["error"]["code"] == "bad_field"


async def test_that_a_far_too_high_number_reads_nothing(tmp_path):
    async with (
        served(make_edge(tmp_path, FakeBrain())) as url,
        visiting(url) as visitor,
    ):
        assert await visitor.events(after=10**18) == []


async def test_that_ten_thousand_characters_are_kept_cut_and_never_reach_rasa(
    tmp_path,
):
    brain = FakeBrain()
    async with served(make_edge(tmp_path, brain)) as url, visiting(url) as visitor:
        long = {"text": "长" * 10_000, "client_message_id": "long"}
        first, repeat = await visitor.post(**long), await visitor.post(**long)
        assert first.status_code == repeat.status_code == 422
        assert first.json() == repeat.json()
        assert first.json()["error"]["code"] == "too_long"
        assert first.json()["seq"] == 1
        kept, apology = await visitor.events()
    assert words(kept) == "长" * 2000
    assert (apology["author"], apology["in_reply_to"]) == ("system", 1)
    assert apology["parts"][1]["buttons"][0]["payload"] == "/request_handoff"
    assert brain.asked == []


async def test_that_odd_words_reach_the_brain_harmless(tmp_path):
    cases = {
        "你\u0000好\u0007": "你好",
        "😀": "😀",
        "<b>保单</b>": "<b>保单</b>",
        "'; DROP TABLE messages; --": "'; DROP TABLE messages; --",
        "abc\u202edef": "abcdef",
        "/ 我想问": "／ 我想问",
        "/Greet": "／Greet",
        "  //greet": "／/greet",
    }
    brain = FakeBrain()
    async with served(make_edge(tmp_path, brain)) as url, visiting(url) as visitor:
        for number, sent in enumerate(cases, 1):
            await visitor.say(sent)
            await visitor.until(2 * number)
    assert [question.text for question in brain.asked] == list(cases.values())


async def test_that_only_offered_and_public_payloads_reach_the_brain(tmp_path):
    rasa = FakeRasa(
        replies=[
            {
                "text": "请选择",
                "buttons": [
                    {"title": "重疾险", "payload": '/inform{"product":"重疾险"}'},
                    {"title": "都不是"},
                ],
            }
        ]
    )
    async with served(rasa.app()) as rasa_url:
        edge = make_edge(tmp_path, rasa_url=rasa_url)
        async with served(edge) as url, visiting(url) as visitor:
            secret = '/inform{"product":"重疾险"}'
            refused = await visitor.post(payload=secret)
            assert refused.status_code == 422
            assert refused.json()["error"]["code"] == "payload_refused"
            await visitor.post(text="/session_start")  # typed, refused the same way
            assert rasa.asked == []
            await visitor.say("有什么产品")
            await visitor.until(6)
            assert (await visitor.post(payload=secret)).status_code == 202
            shown = (await visitor.until(8))[6]
            assert (await visitor.post(payload="都不是")).status_code == 202
            await visitor.until(10)
            assert (await visitor.post(payload="/get_started")).status_code == 202
            await visitor.until(12)
            other = await Visitor.arrive(visitor.client)
            assert (await other.post(payload=secret)).status_code == 422
    assert words(shown) == "重疾险"
    texts = [asked["text"] for asked in rasa.asked]
    assert texts == ["有什么产品", secret, "都不是", "/greet"]


async def test_that_a_stranger_cannot_enter_with_stolen_pieces(tmp_path):
    edge = make_edge(tmp_path, FakeBrain())
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("秘密")
        other = await Visitor.arrive(visitor.client)
        body, _, mac = visitor.token.rpartition(".")
        session, _, ends = body.partition(".")
        tries = [
            "x",
            visitor.session_id,
            f"{visitor.session_id}.{ends}.",
            f"{session}.{int(ends) + 9}.{mac}",
            f"{other.session_id}.{ends}.{mac}",
            visitor.token[:-1] + ("0" if visitor.token[-1] != "0" else "1"),
            "令牌",
            "a.b.c",
            "." * 300,
        ]
        for token in tries:
            headers = {"Authorization": f"Bearer {token}".encode()}
            for method, path in (
                ("GET", "/api/chat/events"),
                ("POST", "/api/chat/messages"),
                ("POST", "/api/chat/attachments"),
            ):
                answer = await visitor.client.request(method, path, headers=headers)
                assert answer.status_code == 401, (token, path)
                assert "秘密" not in answer.text
        assert await other.events() == []


async def test_that_a_token_ends_and_is_renewed_before(tmp_path):
    settings = make_settings(tmp_path)
    keeper = Doorkeeper(open_secret(settings), timedelta(days=30))
    then = datetime(2026, 1, 1, tzinfo=UTC)
    session = keeper.new_session("a", then)
    token, _ = keeper.make_token(session, then)
    assert keeper.enter(token, then + timedelta(days=29)) == session
    assert keeper.enter(token, then + timedelta(days=31)) is None
    async with (
        served(make_edge(tmp_path, FakeBrain())) as url,
        visiting(url) as visitor,
    ):
        answer = await visitor.client.post(
            "/api/chat/sessions", headers=visitor.headers
        )
        assert answer.json()["session_id"] == visitor.session_id
        expired = {"Authorization": f"Bearer {token}"}
        answer = await visitor.client.post("/api/chat/sessions", headers=expired)
        assert answer.json()["session_id"] != session.session_id


async def test_that_the_key_is_kept_private_and_survives_a_restart(tmp_path):
    first = open_secret(make_settings(tmp_path))
    assert open_secret(make_settings(tmp_path)) == first
    assert len(first) >= 32
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ValueError, match="BAOKE_SECRET_KEY"):
        open_secret(make_settings(tmp_path, secret_key="short"))


async def test_that_a_flood_is_slowed_down_with_a_time_to_come_back(tmp_path):
    edge = make_edge(tmp_path, FakeBrain(), visitor_burst=3, visitor_rate=0.1)
    async with served(edge) as url, visiting(url) as visitor:
        answers = [await visitor.post(text=f"第{i}条") for i in range(4)]
        assert [a.status_code for a in answers] == [202, 202, 202, 429]
        assert int(answers[3].headers["retry-after"]) >= 1
        assert answers[3].json()["error"]["code"] == "rate_limited"
        other = await Visitor.arrive(visitor.client)
        assert (await other.post(text="我没有刷屏")).status_code == 202


async def test_that_overload_is_said_and_nothing_is_half_stored(tmp_path):
    gate = asyncio.Event()

    async def stuck(question: Question) -> Answer:
        await gate.wait()
        return say("好")

    edge = make_edge(tmp_path, FakeBrain(stuck), max_waiting=1)
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("一")
        other = await Visitor.arrive(visitor.client)
        answer = await other.post(text="二")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["error"]["code"] == "overloaded"
        assert await other.events() == []
        gate.set()
        await visitor.until(2)


async def test_that_readiness_says_what_is_missing(tmp_path):
    rasa = FakeRasa()
    async with served(rasa.app()) as up:
        settings = make_settings(
            tmp_path, rasa_url=up, actions_url="http://127.0.0.1:9"
        )
        from edge_kit import FakeHours

        from channels.app import build_app

        edge = build_app(settings, hours=FakeHours())
        async with served(edge) as url, httpx.AsyncClient(base_url=url) as client:
            answer = await client.get("/readyz")
            assert answer.status_code == 503
            checks = answer.json()["checks"]
            assert (checks["rasa"], checks["database"]) == ("ok", "ok")
            assert "127.0.0.1:9" in checks["actions"]
            assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_that_readiness_knows_an_empty_database(tmp_path):
    (tmp_path / "baoke.db").touch()
    edge = make_edge(tmp_path)
    from channels.health import build_checks

    checks = build_checks(edge.backstage)
    assert "baoke db upgrade" in (await checks["database"]() or "")
    await edge.backstage.client.aclose()
    await edge.backstage.ledger.close()


async def test_that_figures_and_headers_are_there_and_strange_paths_are_not(tmp_path):
    async with (
        served(make_edge(tmp_path, FakeBrain())) as url,
        visiting(url) as visitor,
    ):
        await visitor.say("你好")
        await visitor.until(2)
        figures = (await visitor.client.get("/metrics")).text
        assert 'baoke_turns_total{outcome="answered"} 1.0' in figures
        console = await visitor.client.get("/console")
        assert console.status_code == 200
        assert "script-src 'self'" in console.headers["content-security-policy"]
        missing = await visitor.client.get("/nowhere")
        assert missing.status_code == 404
        assert missing.json()["error"]["code"] == "not_found"
        assert missing.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in missing.headers["content-security-policy"]
        wrong = await visitor.client.delete("/api/chat/messages")
        assert wrong.status_code == 405
        for name in ("../app.py", "%2e%2e/app.py", "..%2fapp.py", "a%00b"):
            gone = await visitor.client.get(f"/static/{name}")
            assert gone.status_code == 404, name


async def test_that_other_sites_are_let_in_only_when_listed(tmp_path):
    origin = "https://www.example.cn"
    edge = make_edge(tmp_path, FakeBrain(), widget_origins=f"{origin}/")
    async with served(edge) as url, visiting(url) as visitor:
        for site, allowed in ((origin, origin), ("https://evil.example", None)):
            answer = await visitor.client.options(
                "/api/chat/messages",
                headers={
                    "Origin": site,
                    "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": "authorization",
                },
            )
            assert answer.headers.get("access-control-allow-origin") == allowed


async def test_that_a_failing_brain_is_told_once_and_the_message_stays(tmp_path):
    async def broken(question: Question) -> Answer:
        raise BrainFailed("action_failed", "boom")

    edge = make_edge(tmp_path, FakeBrain(broken))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("查保单")
        mine, apology = await visitor.until(2)
        await edge.backstage.turns.idle()
        assert len(await visitor.events()) == 2
    assert words(mine) == "查保单"
    assert apology["author"] == "system"
    assert apology["parts"][1]["buttons"][0]["payload"] == "/request_handoff"


async def test_that_who_waits_for_news_is_answered_when_the_edge_stops(tmp_path):
    edge = make_edge(tmp_path, FakeBrain())
    async with httpx.AsyncClient() as client:
        async with served(edge) as url:
            client.base_url = url
            visitor = await Visitor.arrive(client)
            waiting = asyncio.create_task(visitor.events(wait=25))
            await eventually(lambda: edge.backstage.feed._waiters)
        assert await waiting == []
