"""Socket.IO: our widget, ready-made Rasa widgets, strangers and garbage."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
import socketio
import websockets
from edge_kit import (
    FakeBrain,
    SocketClient,
    eventually,
    make_edge,
    say,
    served,
    visiting,
)
from sqlalchemy import text

from bot.desk_rules import Handoff
from bot.message import Button, ButtonsPart, CitationPart, ImagePart, Part, TextPart
from bot.ports import Answer, Question

OURS = {"customData": {"client": "baoke"}}
# Frames of a real rasa-webchat 1.0.1, see /SOURCES in tests/fixtures/web.
RECORDED = json.loads(
    (Path(__file__).parents[1] / "fixtures/web/rasa_socketio_protocol.json").read_text(
        encoding="utf-8"
    )
)


def replying(*parts: Part) -> FakeBrain:
    async def answer(question: Question) -> Answer:
        return Answer((parts,))

    return FakeBrain(answer)


async def test_that_a_ready_made_widget_gets_exactly_rasas_keys(tmp_path):
    frames = RECORDED["recorded_from_real_widget"]["frames"]
    sent = [f["data"] for f in frames if f["dir"] == "c->s" and "event" in f]
    buttons = ButtonsPart((Button("理赔", "/claim"), Button("人工", "/handoff")))
    brain = replying(TextPart("请选择"), buttons)
    async with served(make_edge(tmp_path, brain)) as url:
        client = await SocketClient().open(url)
        await client.sio.emit("session_request", sent[0])
        (session_id,) = await client.until("session_confirm")
        assert isinstance(session_id, str) and len(session_id) >= 32
        for number, data in enumerate(sent[1:], 1):
            await client.sio.emit("user_uttered", {**data, "session_id": session_id})
            await client.until("bot_uttered", number)
        await client.close()
    expected = frames[5]["data"]
    for got in client.all("bot_uttered"):
        metadata = got.pop("metadata")
        assert got == expected
        assert set(metadata) == {"seq", "author", "at", "parts", "in_reply_to"}
    # `/get_started` is that widget's first word, `/claim` its pressed button.
    assert [q.text for q in brain.asked] == ["/greet", "/claim"]
    assert {name for name, _ in client.got} == {"session_confirm", "bot_uttered"}


async def test_that_words_images_and_clauses_have_rasas_shapes(tmp_path):
    clause = CitationPart("第三条(四)2", "十五个工作日", "协议", "1", "2026-01-01")
    brain = replying(TextPart("如下"), ImagePart("http://example.com/i.png"), clause)
    async with served(make_edge(tmp_path, brain)) as url:
        plain, ours = await SocketClient().open(url), await SocketClient().open(url)
        session_id = (await plain.request())["session_id"]
        await plain.utter("保什么", session_id)
        image, said = await plain.until("bot_uttered", 2)
        mine = await ours.request(**OURS)
        await ours.utter("保什么", mine["session_id"])
        (whole,) = await ours.until("bot_uttered")
        await plain.close()
        await ours.close()
    shape = RECORDED["upstream_expected_payloads"][2]["emit"][1]
    image.pop("metadata")
    assert image == shape
    assert set(said) == {"text", "metadata"}
    assert "第三条(四)2" in said["text"] and "十五个工作日" in said["text"]
    assert whole["text"] == "如下"
    assert [p["type"] for p in whole["metadata"]["parts"]] == [
        "text",
        "image",
        "citation",
    ]


async def test_that_a_widget_comes_back_and_gets_what_it_missed(tmp_path):
    edge = make_edge(tmp_path, FakeBrain())
    async with served(edge) as url:
        client = await SocketClient().open(url)
        mine = await client.request(**OURS)
        assert (await client.utter("一", mine["session_id"], "k1")) == {"seq": 1}
        await client.until("bot_uttered")
        await client.close()
        headers = {"Authorization": f"Bearer {mine['token']}"}
        async with httpx.AsyncClient(base_url=url, headers=headers) as app:
            await app.post("/api/chat/messages", json={"text": "二"})
            await app.get("/api/chat/events?after=3&wait=20")
        back = await SocketClient().open(url, auth={"token": mine["token"]})
        again = await back.request(mine["session_id"], after=2, **OURS)
        assert again["session_id"] == mine["session_id"]
        assert again["token"]
        assert (again["status"], again["last_seq"]) == ("bot", 4)
        (missed,) = await back.until("bot_uttered")
        (echoed,) = back.all("user_echoed")
        await back.close()
    assert (echoed["text"], echoed["metadata"]["seq"]) == ("二", 3)
    assert missed["metadata"]["seq"] == 4
    names = [name for name, _ in back.got]
    assert names.index("session_confirm") < names.index("user_echoed")


async def test_that_a_reload_without_a_number_shows_the_last_messages(tmp_path):
    async with served(make_edge(tmp_path, FakeBrain())) as url:
        client = await SocketClient().open(url)
        mine = await client.request(**OURS)
        for i in range(30):
            await client.utter(f"{i}", mine["session_id"])
            await client.until("bot_uttered", i + 1)
        back = await SocketClient().open(url, auth={"token": mine["token"]})
        await back.request(mine["session_id"], **OURS)
        await back.until("bot_uttered", 25)
        shown = [
            data["metadata"]["seq"]
            for name, data in back.got
            if name in ("bot_uttered", "user_echoed")
        ]
        await client.close()
        await back.close()
    assert shown == list(range(11, 61))


async def test_that_a_ready_made_widget_gets_only_what_never_arrived(
    tmp_path, monkeypatch
):
    gate = asyncio.Event()

    async def second_is_slow(question: Question) -> Answer:
        if question.text == "二":
            await gate.wait()
        return say(f"答{question.text}")

    edge = make_edge(tmp_path, FakeBrain(second_is_slow))
    async with served(edge) as url:
        client = await SocketClient().open(url)
        session_id = (await client.request())["session_id"]
        await client.utter("一", session_id)
        await client.until("bot_uttered")
        monkeypatch.setattr("channels.socket.CROSSING_SECONDS", 0.0)
        await client.utter("二", session_id)
        monkeypatch.setattr("channels.socket.CROSSING_SECONDS", 3600.0)
        await client.close()
        gate.set()
        await edge.backstage.turns.idle()
        back = await SocketClient().open(url)
        assert (await back.request(session_id))["session_id"] == session_id
        (missed,) = await back.until("bot_uttered")
        await back.utter("三", session_id)
        await back.until("bot_uttered", 2)
        await back.close()
    assert missed["text"] == "答二"
    assert [data["text"] for data in back.all("bot_uttered")] == ["答二", "答三"]


async def test_that_what_may_have_crossed_a_goodbye_is_shown_again(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("channels.socket.CROSSING_SECONDS", 3600.0)
    edge = make_edge(tmp_path, FakeBrain())
    async with served(edge) as url:
        client = await SocketClient().open(url)
        session_id = (await client.request())["session_id"]
        await client.utter("一", session_id)
        await client.until("bot_uttered")
        await client.close()
        back = await SocketClient().open(url)
        await back.request(session_id)
        (again,) = await back.until("bot_uttered")
        await back.close()
    assert again["text"] == "答：一"


async def test_that_an_acknowledged_message_is_delivered(tmp_path):
    edge = make_edge(tmp_path, FakeBrain())
    query = text("SELECT sender_id, state FROM deliveries")
    async with served(edge) as url:
        client = await SocketClient().open(url)
        mine = await client.request(**OURS)
        await client.utter("一", mine["session_id"])
        await client.until("bot_uttered")
        async with asyncio.timeout(60):
            while True:
                await asyncio.sleep(0.01)
                await edge.backstage.outbox.flush()
                rows = await edge.backstage.ledger._database.read(
                    lambda c: c.execute(query).all()
                )
                if rows[0].state == "delivered":
                    break
        await client.close()


async def test_that_other_windows_see_what_was_typed_and_the_sender_does_not(
    tmp_path,
):
    edge = make_edge(tmp_path, FakeBrain())
    async with served(edge) as url:
        one = await SocketClient().open(url)
        mine = await one.request(**OURS)
        two = await SocketClient().open(url, auth={"token": mine["token"]})
        await two.request(mine["session_id"], **OURS)
        await one.utter("你好", mine["session_id"], "k")
        await one.until("bot_uttered")
        await two.until("bot_uttered")
        await two.until("typing", 2)
        (echoed,) = two.all("user_echoed")
        assert echoed["metadata"]["client_message_id"] == "k"
        assert echoed["metadata"]["author"] == "customer"
        assert one.all("user_echoed") == []
        assert one.all("typing")[0] == {"on": True}
        assert two.all("typing") == [{"on": True}, {"on": False}]
        sender = edge.door._by_sid and next(
            w.session.sender_id for w in edge.door._by_sid.values() if w.session
        )
        await edge.backstage.desk.request(sender, Handoff("x"), "1")
        states = await one.until("session_state", 2)
        assert states[1]["status"] == "queued"
        await one.close()
        await two.close()


async def test_that_a_stolen_or_invented_id_opens_nothing(tmp_path):
    async with served(make_edge(tmp_path, FakeBrain())) as url:
        owner = await SocketClient().open(url)
        mine = await owner.request(**OURS)
        await owner.utter("我的秘密", mine["session_id"])
        await owner.until("bot_uttered")
        plain = await SocketClient().open(url)
        bare = (await plain.request())["session_id"]
        flipped = bare[:-1] + ("0" if bare[-1] != "0" else "1")
        tries = [
            mine["session_id"],  # its token is missing
            "b" + mine["session_id"][1:],  # as if the id were enough
            flipped,
            "x",
            "",
            5,
            ["a"],
            {"a": 1},
            "令" * 89,
            "web:1",
        ]
        for stolen in tries:
            for more in ({}, OURS, {"after": 0, **OURS}):
                thief = await SocketClient().open(url)
                got = await thief.request(stolen, **more)
                assert got["session_id"] not in (mine["session_id"], bare)
                answer = await thief.utter("喂", mine["session_id"])
                assert answer["error"]["code"] == "session_unknown"
                assert "秘密" not in json.dumps(thief.got, ensure_ascii=False)
                await thief.close()
        with pytest.raises(socketio.exceptions.ConnectionError):
            await SocketClient().open(url, auth={"token": mine["token"] + "0"})
        await owner.close()
        await plain.close()


async def test_that_a_widget_may_speak_before_it_asks_for_its_session_again(tmp_path):
    async with served(make_edge(tmp_path, FakeBrain())) as url:
        client = await SocketClient().open(url)
        session_id = (await client.request())["session_id"]
        await client.close()
        back = await SocketClient().open(url)
        assert await back.utter("还在吗", session_id) == {"seq": 1}
        await back.until("bot_uttered")
        nobody = await SocketClient().open(url)
        answer = await nobody.utter("我没有会话", "")
        assert answer["error"]["code"] == "session_unknown"
        await back.close()
        await nobody.close()


async def test_that_refusals_are_said_in_the_way_the_widget_knows(tmp_path):
    brain = FakeBrain()
    async with served(make_edge(tmp_path, brain)) as url:
        ours, plain = await SocketClient().open(url), await SocketClient().open(url)
        mine = (await ours.request(**OURS))["session_id"]
        bare = (await plain.request())["session_id"]
        empty = await ours.utter("  ", mine)
        assert empty["error"]["code"] == "empty"
        (notice,) = await ours.until("notice")
        assert notice == {"code": "empty", "text": empty["error"]["message"]}
        await plain.utter("", bare)
        (said,) = await plain.until("bot_uttered")
        assert said == {"text": empty["error"]["message"]}
        long = await ours.utter("长" * 10_000, mine)
        assert (long["error"]["code"], long["seq"]) == ("too_long", 1)
        assert (await ours.until("bot_uttered"))[0]["metadata"]["author"] == "system"
        for message in (None, 5, ["a"], {"a": 1}):
            answer = await ours.utter(message, mine)
            assert answer["error"]["code"] == "bad_field", message
        for data in (None, 5, "text", [1]):
            answer = await ours.sio.call("user_uttered", data)
            assert answer["error"]["code"] == "bad_json", data
        assert (await ours.utter("/evil", mine))["error"]["code"] == "payload_refused"
        await ours.close()
        await plain.close()
    assert brain.asked == []


async def test_that_a_repeat_over_the_socket_has_the_same_number(tmp_path):
    brain = FakeBrain()
    async with served(make_edge(tmp_path, brain)) as url:
        client = await SocketClient().open(url)
        mine = (await client.request(**OURS))["session_id"]
        answers = [await client.utter("你好", mine, "same") for _ in range(3)]
        await client.until("bot_uttered")
        await client.close()
    assert answers == [{"seq": 1}] * 3
    assert len(brain.asked) == 1


GARBAGE = [
    "",
    "garbage",
    "4",
    "42",
    "42[",
    "42{}",
    '42["user_uttered"]',
    '42["user_uttered",1,2,3]',
    "42[{}]",
    "42[[1]]",
    "42[null]",
    '42["session_request",[[[]]]]',
    '42["disconnect"]',
    '42["connect"]',
    '42["typing",{"on":true}]',
    "43[]",
    "43999[1]",
    "44{}",
    '451-["user_uttered",{"_placeholder":true,"num":0}]',
    '4599999-["user_uttered"]',
    "461-[]",
    "47",
    "4\u0000",
    "9",
    "1",
    "40{}",
    "40/other,{}",
    '42/other,["user_uttered",{}]',
    "[" * 3000,
    "42" + "[" * 60_000,
    "x" * 70_000,
    b"\x00\x01\x02",
]


async def test_that_garbage_neither_breaks_the_server_nor_other_visitors(tmp_path):
    async with served(make_edge(tmp_path, FakeBrain())) as url, visiting(url) as good:
        address = url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
        for connected_first in (True, False):
            for frame in GARBAGE:
                async with websockets.connect(address, max_size=None) as raw:
                    if connected_first:
                        await raw.recv()
                        await raw.send("40")
                        await raw.recv()
                    try:
                        await raw.send(frame)
                        async with asyncio.timeout(0.02):
                            while True:
                                await raw.recv()
                    except (TimeoutError, websockets.ConnectionClosed):
                        pass
        async with httpx.AsyncClient(base_url=url) as client:
            for method, query, body in (
                ("GET", "", b""),
                ("GET", "?EIO=4", b""),
                ("GET", "?EIO=3&transport=polling", b""),
                ("GET", "?EIO=4&transport=polling&sid=nobody", b""),
                ("POST", "?EIO=4&transport=polling&sid=nobody", b"x"),
                ("POST", "?EIO=4&transport=polling", b"\xff" * 70_000),
                ("DELETE", "?EIO=4&transport=polling", b""),
            ):
                answer = await client.request(
                    method, f"/socket.io/{query}", content=body
                )
                assert answer.status_code < 500, (method, query)
        await good.say("我还在")
        assert len(await good.until(2)) == 2


async def test_that_a_socket_full_of_junk_is_closed(tmp_path):
    async with served(make_edge(tmp_path, FakeBrain())) as url:
        client = await SocketClient().open(url)
        gone = asyncio.Event()
        client.sio.on("disconnect", lambda *_: gone.set())
        for _ in range(30):
            await client.sio.emit("who_knows", {"a": 1})
        async with asyncio.timeout(60):
            await gone.wait()


async def test_that_foreign_pages_cannot_open_a_socket(tmp_path):
    edge = make_edge(tmp_path, FakeBrain(), widget_origins="https://www.example.cn")
    async with served(edge) as url, httpx.AsyncClient(base_url=url) as client:
        for origin, status in (
            ("https://evil.example", 400),
            ("null", 400),
            ("https://www.example.cn", 200),
            (url, 200),
        ):
            answer = await client.get(
                "/socket.io/?EIO=4&transport=polling", headers={"Origin": origin}
            )
            assert answer.status_code == status, origin


async def test_that_polling_clients_are_served_too(tmp_path):
    async with served(make_edge(tmp_path, FakeBrain())) as url:
        client = SocketClient()
        await client.sio.connect(url, transports=["polling"])
        mine = (await client.request(**OURS))["session_id"]
        await client.utter("你好", mine)
        assert (await client.until("bot_uttered"))[0]["text"] == "答：你好"
        await client.close()


async def test_that_too_many_windows_close_the_oldest(tmp_path):
    edge = make_edge(tmp_path, FakeBrain())
    async with served(edge) as url:
        first = await SocketClient().open(url)
        mine = await first.request(**OURS)
        gone = asyncio.Event()
        first.sio.on("disconnect", lambda *_: gone.set())
        others = []
        for _ in range(20):
            other = await SocketClient().open(url, auth={"token": mine["token"]})
            await other.request(mine["session_id"], **OURS)
            others.append(other)
        async with asyncio.timeout(60):
            await gone.wait()
        for other in others:
            await other.close()


async def test_that_replies_follow_in_order_while_many_windows_come_and_go(tmp_path):
    edge = make_edge(tmp_path, FakeBrain(), visitor_burst=1000)
    async with served(edge) as url:
        talker = await SocketClient().open(url)
        mine = await talker.request(**OURS)

        async def look() -> list[int]:
            window = await SocketClient().open(url, auth={"token": mine["token"]})
            await window.request(mine["session_id"], after=0, **OURS)
            await eventually(
                lambda: any(
                    data["metadata"]["parts"][0]["text"].endswith("末")
                    for data in window.all("bot_uttered")
                )
            )
            await window.close()
            return [
                data["metadata"]["seq"]
                for name, data in window.got
                if name in ("bot_uttered", "user_echoed")
            ]

        async def speak() -> None:
            for i in range(20):
                await talker.utter(f"{i}", mine["session_id"])
                await asyncio.sleep(0.005)
            await edge.backstage.turns.idle()
            await talker.utter("末", mine["session_id"])

        shown, *_ = await asyncio.gather(
            asyncio.gather(*(look() for _ in range(6))), speak()
        )
        await talker.close()
    for seqs in shown:
        assert seqs == list(range(1, len(seqs) + 1))


async def test_that_a_second_hello_on_one_socket_does_no_harm(tmp_path):
    import websockets

    async with served(make_edge(tmp_path, FakeBrain())) as url:
        address = url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
        async with websockets.connect(address) as line:
            assert (await line.recv()).startswith("0")
            for _ in range(3):
                await line.send("40")
                assert (await line.recv()).startswith("4")
            await line.send('42["session_request",{}]')
            said = [await line.recv() for _ in range(1)]
    assert "session_confirm" in said[0]
