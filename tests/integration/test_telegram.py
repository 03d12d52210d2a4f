"""Telegram, against a scripted Bot API: both ways in, every way out."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from edge_kit import FakeBrain, eventually, make_edge, say, served
from telegram_kit import TOKEN, error, message, press, telegram

from bot.message import Button, ButtonsPart, TextPart
from bot.ports import Answer
from channels.telegram.door import TelegramDoor
from channels.telegram.reading import read_update

FIXTURES = (
    Path(__file__).parents[1]
    / "fixtures/platforms/telegram_updates_official_guide.json"
)
SECRET = "a-long-secret"
SIGNED = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
HOOK = "/webhooks/telegram"


def edge_for(tmp_path, fake, brain=None, **more):
    values = {
        "telegram_token": TOKEN,
        "telegram_secret": SECRET,
        "telegram_api_base": fake.url,
        **more,
    }
    return make_edge(tmp_path, brain or FakeBrain(), **values)


class Hook:
    """What Telegram does to a webhook."""

    def __init__(self, url) -> None:
        self.client = httpx.AsyncClient(base_url=url, headers=SIGNED, timeout=30)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.client.aclose()

    async def tell(self, *updates):
        for update in updates:
            answer = await self.client.post(HOOK, json=update)
            assert answer.status_code == 200, answer.text


async def test_that_a_message_is_answered_in_its_chat(tmp_path):
    async with (
        telegram() as fake,
        served(edge_for(tmp_path, fake)) as url,
        Hook(url) as hook,
    ):
        await hook.tell(
            message(1, chat=7, text="你好"), message(2, chat=8, text="在吗")
        )
        await eventually(lambda: len(fake.sent()) == 2)
    assert fake.sent(7) == ["答：你好"]
    assert fake.sent(8) == ["答：在吗"]
    assert fake.named("sendChatAction") == []  # nobody had to wait


async def test_that_a_slow_answer_shows_the_typing_sign(tmp_path):
    async def think(question):
        await asyncio.sleep(1.5)
        return say("好")

    async with (
        telegram() as fake,
        served(edge_for(tmp_path, fake, brain=FakeBrain(think))) as url,
        Hook(url) as hook,
    ):
        await hook.tell(message(1, chat=7, text="你好"))
        await eventually(fake.sent)
        assert [int(b["chat_id"]) for b in fake.named("sendChatAction")] == [7]


@pytest.mark.parametrize("given", [{}, {"X-Telegram-Bot-Api-Secret-Token": "wrong"}])
async def test_that_nobody_else_may_speak_for_telegram(tmp_path, given):
    async with telegram() as fake, served(edge_for(tmp_path, fake)) as url:
        async with httpx.AsyncClient(base_url=url, headers=given) as client:
            answer = await client.post(HOOK, json=message(1, text="你好"))
    assert answer.status_code == 403
    assert fake.sent() == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"update_id": 1, "message": {}}',
        b'{"update_id": 1, "message": {"chat": {"id": []}, "text": "a"}}',
        b'{"update_id": 1, "callback_query": {"id": 1}}',
        b'{"update_id": 1, "message": []}',
        b'{"update_id": 1}',
        b'{"update_id": 1, "message_of_2030": {"chat": {"id": 1}, "text": "a"}}',
        b'{"update_id": 1, "message": {"chat": {"id": 1, "type": "group"}, "text": "a"}}',
    ],
)
async def test_that_what_cannot_be_read_is_taken_and_stops_nothing(tmp_path, body):
    async with (
        telegram() as fake,
        served(edge_for(tmp_path, fake)) as url,
        Hook(url) as hook,
    ):
        assert (await hook.client.post(HOOK, content=body)).status_code == 200
        await hook.tell(message(2, text="你好"))
        await eventually(lambda: fake.sent() == ["答：你好"])


NO_UPDATES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"7",
    b"\xff\xfe",
    b'{"update_id": 1, "message": {"text": "\xff"}}',
    b"[" * 10_000,
    b'{"update_id": 1, "message": ' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"update_id": 1, "x": ' + b'{"a":' * 100 + b"1" + b"}" * 101,
    b'{"message": {"chat": {"id": 7}, "text": "a"}}',
    b'{"update_id": 1, "update_id": 2}',
    b'{"update_id": 1, "message": {"location": {"latitude": 1e999}}}',
    *(
        b'{"update_id": %b, "message": {"chat": {"id": 7}, "text": "a"}}' % number
        for number in (
            b"1e999", b"-1e999", b"NaN", b"Infinity", b"-Infinity", b"-1", b"1.0",
            b"1.5", b"1e3", b'"1"', b"true", b"null", b"[]", b"{}", b"9" * 30,
            b"9" * 5000, b"9223372036854775808",
        )
    ),
]  # fmt: skip


async def test_that_what_is_no_update_is_a_400_and_stops_nothing(tmp_path):
    async with (
        telegram() as fake,
        served(edge_for(tmp_path, fake)) as url,
        Hook(url) as hook,
    ):
        for body in NO_UPDATES:
            answer = await hook.client.post(HOOK, content=body)
            assert answer.status_code == 400, body[:80]
            assert answer.json()["error"]["code"] == "bad_json"
        await hook.tell(message(2, text="你好"))
        await eventually(lambda: fake.sent() == ["答：你好"])


@pytest.mark.skipif(not FIXTURES.exists(), reason="no shared fixtures here")
def test_that_every_sample_of_the_official_guide_is_read():
    for sample in json.loads(FIXTURES.read_text()):
        update = sample["update"]
        found = read_update(update)
        text = (update.get("message") or {}).get("text")
        if text == "/start":
            assert found is not None and found.payload == "/greet"
        elif text is not None:
            assert found is not None and found.text == text


async def test_that_an_update_told_again_is_answered_once(tmp_path):
    brain = FakeBrain()
    async with telegram() as fake, served(edge_for(tmp_path, fake, brain)) as url:
        async with Hook(url) as hook:
            same = message(5, text="你好")
            await asyncio.gather(*(hook.tell(same) for _ in range(5)))
            await hook.tell(same)
            await eventually(lambda: fake.sent() == ["答：你好"])
    assert len(brain.asked) == 1


async def offer(question):
    if question.text.startswith("/"):
        return say(f"按了{question.text}")
    buttons = ButtonsPart((Button("查保单", "/query_policy"), Button("都不是", "不是")))
    return Answer(((TextPart("您想？"), buttons),))


class _Later:
    url = "http://127.0.0.1:1"


async def test_that_a_press_means_what_its_button_said(tmp_path):
    async with (
        telegram() as fake,
        served(edge_for(tmp_path, fake, FakeBrain(offer))) as url,
        Hook(url) as hook,
    ):
        await hook.tell(message(1, text="帮我"))
        await eventually(lambda: fake.buttons())
        (title, data), (_, words) = fake.buttons()
        assert (title, data) == ("查保单", "2.0")
        await hook.tell(press(2, data))
        await eventually(lambda: "按了/query_policy" in fake.sent())
        await hook.tell(press(3, words))
        await eventually(lambda: len(fake.sent()) == 3)
        for number, odd in enumerate(("2.9", "99.0", "x", "/restart", ""), 4):
            await hook.tell(press(number, odd))
        await eventually(lambda: len(fake.sent()) == 8)
    assert all("已经失效" in text for text in fake.sent()[3:])
    assert len(fake.named("answerCallbackQuery")) == 7


async def test_that_commands_do_what_they_say(tmp_path):
    brain = FakeBrain()
    async with telegram() as fake, served(edge_for(tmp_path, fake, brain)) as url:
        async with Hook(url) as hook:
            await hook.tell(
                message(1, text="/start x"), message(2, text="/human@ourbot")
            )
            await eventually(lambda: len(fake.sent()) >= 2)
            await hook.tell(message(3, text="/restart"))
            await eventually(lambda: len(fake.sent()) == 3)
    assert [q.text for q in brain.asked] == ["/greet", "/request_handoff"]
    assert "已经失效" in fake.sent()[-1]


async def test_that_a_long_answer_arrives_in_pieces_with_buttons_below(tmp_path):
    async def long(question):
        button = ButtonsPart((Button("好", "/affirm"),))
        return Answer(((TextPart("一句话说完。" * 1500), button),))

    async with (
        telegram() as fake,
        served(edge_for(tmp_path, fake, FakeBrain(long))) as url,
        Hook(url) as hook,
    ):
        await hook.tell(message(1, text="说"))
        await eventually(lambda: len(fake.sent()) == 3)
    assert all(len(text) <= 4096 and text.endswith("。") for text in fake.sent())
    marked = [b for m, b in fake.calls if m == "sendMessage" and "reply_markup" in b]
    assert len(marked) == 1 and marked[0]["text"] == fake.sent()[-1]


async def states(edge, sender="telegram:7"):
    listed = await edge.backstage.ledger.deliveries.listed(sender)
    return [(d.state.value, d.reason) for d in reversed(listed)]


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (
            error(403, "Forbidden: bot was blocked by the user"),
            "undeliverable",
            "blocked",
        ),
        (error(400, "Bad Request: chat not found"), "undeliverable", "Chat not found"),
    ],
)
async def test_that_a_refusal_is_final(tmp_path, answer, state, reason):
    async with telegram() as fake:
        edge = edge_for(tmp_path, fake)
        async with served(edge) as url, Hook(url) as hook:
            fake.script["sendMessage"] = [answer]
            await hook.tell(message(1, text="一"))
            await eventually(lambda: fake.named("sendMessage"))
            await edge.backstage.sends.idle()
            found = await states(edge)
    assert found[0][0] == state and reason.lower() in found[0][1].lower()


async def test_that_a_chat_that_must_wait_holds_no_other_up(tmp_path):
    async with (
        telegram() as fake,
        served(edge_for(tmp_path, fake)) as url,
        Hook(url) as hook,
    ):
        fake.script["sendMessage"] = [
            error(429, "Too Many Requests: retry after 2", retry_after=2)
        ]
        await hook.tell(message(1, chat=7, text="一"))
        await eventually(lambda: fake.named("sendMessage"))
        await hook.tell(message(2, chat=8, text="二"))
        await eventually(lambda: "答：二" in fake.sent(8))
        assert len(fake.sent(7)) == 1  # the refused try
        await eventually(lambda: len(fake.sent(7)) == 2)
    assert fake.sent(7)[1] == "答：一"


async def test_that_a_5xx_is_tried_again_and_a_lost_answer_is_not(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("channels.telegram.platform._SECONDS", 0.5)
    async with telegram() as fake:
        edge = edge_for(tmp_path, fake)
        async with served(edge) as url, Hook(url) as hook:
            fake.script["sendMessage"] = [
                (502, {"ok": False, "description": "Bad Gateway"})
            ]
            await hook.tell(message(1, text="一"))
            await eventually(lambda: len(fake.sent()) == 2)
            fake.hang = asyncio.Event()
            await hook.tell(message(2, text="二"))
            await eventually(lambda: len(fake.sent()) == 3)
            await edge.backstage.sends.idle()
            found = await states(edge)
            fake.hang.set()
    assert [state for state, _ in found] == ["delivered", "unknown"]
    assert len(fake.sent()) == 3


async def test_that_files_are_kept_and_others_refused_in_words(tmp_path):
    async with telegram() as fake:
        edge = edge_for(tmp_path, fake, max_attachment_bytes=1000)
        async with served(edge) as url, Hook(url) as hook:
            photo = [
                {"file_id": "s", "file_size": 10},
                {"file_id": "l", "file_size": 48},
            ]
            same = message(1, photo=photo, caption="病理报告")
            await hook.tell(same, same)
            await eventually(lambda: len(fake.sent()) == 1)
            assert "已收到您的文件" in fake.sent()[0]
            document = {"file_id": "d", "file_name": "a.zip", "file_size": 5000}
            await hook.tell(message(2, document=document))
            await eventually(lambda: len(fake.sent()) == 2)
            fake.file = b"MZ not a picture"
            document = {"file_id": "d", "file_name": "../a.exe"}
            await hook.tell(message(3, document=document))
            await eventually(lambda: len(fake.sent()) == 3)
            await hook.tell(message(4, voice={"file_id": "v"}))
            await eventually(lambda: len(fake.sent()) == 4)
            kept = list((tmp_path / "attachments").iterdir())
    assert len(fake.named("getFile")) == 2
    assert [path.read_bytes()[:4] for path in kept] == [b"\x89PNG"]
    assert "太大" in fake.sent()[1]
    assert "图片" in fake.sent()[2]
    assert "语音" in fake.sent()[3]


@pytest.mark.parametrize(("code", "says"), [(1, "没有通过安全检查"), (2, "暂时做不了")])
async def test_that_a_file_that_is_not_clean_is_refused_in_words(tmp_path, code, says):
    async with telegram() as fake:
        edge = edge_for(tmp_path, fake, scan_command=f"sh -c 'exit {code}'")
        async with served(edge) as url, Hook(url) as hook:
            await hook.tell(message(1, document={"file_id": "d", "file_name": "a.png"}))
            await eventually(lambda: len(fake.sent()) == 1)
    assert says in fake.sent()[0]
    assert not (tmp_path / "attachments").exists()


async def test_that_a_place_and_a_number_become_words(tmp_path):
    brain = FakeBrain()
    async with telegram() as fake, served(edge_for(tmp_path, fake, brain)) as url:
        async with Hook(url) as hook:
            where = {"latitude": 31.2304, "longitude": 121.4737}
            await hook.tell(message(1, location=where))
            await eventually(lambda: len(brain.asked) == 1)
            await hook.tell(message(2, contact={"phone_number": "13900000001"}))
            await eventually(lambda: len(brain.asked) == 2)
    assert "31.23040" in brain.asked[0].text
    assert brain.asked[1].text == "13900000001"


async def test_that_an_overload_makes_telegram_come_again(tmp_path):
    async with telegram() as fake:
        edge = edge_for(tmp_path, fake, max_waiting=1)
        never = asyncio.Event()
        edge.backstage.turns._work = lambda *_: never.wait()
        async with served(edge) as url, Hook(url) as hook:
            await hook.tell(message(1, text="一"))
            answer = await hook.client.post(HOOK, json=message(2, chat=8, text="二"))
            assert answer.status_code == 503
            never.set()


async def test_that_polling_takes_updates_and_skips_the_poisoned(tmp_path):
    async with telegram() as fake:
        fake.script["getUpdates"] = [error(409, "Conflict: another getUpdates")]
        odd = {"update_id": 2, "message": {"chat": 7}}
        fake.updates = [message(1, text="一"), odd, message(3, text="三")]
        edge = edge_for(
            tmp_path, fake, telegram_mode="polling", telegram_secret=None,
            burst_window=timedelta(0),
        )  # fmt: skip
        async with served(edge):
            await eventually(lambda: len(fake.sent()) == 2)
            await eventually(
                lambda: any(b.get("offset") == 4 for b in fake.named("getUpdates"))
            )
    assert fake.sent() == ["答：一", "答：三"]
    assert fake.named("deleteWebhook")[0]["drop_pending_updates"] is False


def test_that_a_webhook_without_a_secret_is_refused(tmp_path):
    with pytest.raises(ValueError, match="BAOKE_TELEGRAM_SECRET"):
        edge_for(tmp_path, _Later(), telegram_secret=None)


async def test_that_the_webhook_is_set_where_the_address_is_known(tmp_path):
    async with telegram() as fake:
        edge = edge_for(tmp_path, fake, public_url="https://chat.example.com/")
        async with served(edge):
            await eventually(lambda: fake.named("setWebhook"))
    (body,) = fake.named("setWebhook")
    assert body["url"] == "https://chat.example.com/webhooks/telegram"
    assert body["secret_token"] == SECRET


async def test_that_an_album_is_confirmed_once(tmp_path):
    async with (
        telegram() as fake,
        served(edge_for(tmp_path, fake)) as url,
        Hook(url) as hook,
    ):
        photo = [{"file_id": "p", "file_unique_id": "u", "width": 1, "height": 1}]
        await hook.tell(
            message(1, photo=photo, media_group_id="g1", caption="病历"),
            message(2, photo=photo, media_group_id="g1"),
            message(3, photo=photo, media_group_id="g1"),
            message(4, photo=photo, media_group_id="g2"),
        )
        await eventually(lambda: len(fake.sent()) == 2)
        await asyncio.sleep(0.3)
        assert len(fake.sent()) == 2
        assert len(fake.named("getFile")) == 4


async def test_that_a_fault_of_ours_does_not_end_polling(tmp_path, monkeypatch):
    monkeypatch.setattr("channels.telegram.door._PAUSE_SECONDS", 0.01)
    taken = TelegramDoor.take
    faults = [AttributeError("ours"), RuntimeError("ours")]

    async def take(door, data):
        if faults:
            raise faults.pop()
        return await taken(door, data)

    monkeypatch.setattr(TelegramDoor, "take", take)
    async with telegram() as fake:
        fake.updates = [message(1, text="一")]
        edge = edge_for(tmp_path, fake, telegram_mode="polling", telegram_secret=None)
        async with served(edge):
            await eventually(lambda: fake.sent())
    assert (fake.sent(), faults) == (["答：一"], [])
