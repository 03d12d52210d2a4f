"""Telegram: files that never come, kinds nobody reads, edits, and updates made odd."""

import asyncio
import copy
import json
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from edge_kit import FakeBrain, eventually, served
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telegram_kit import PNG, error, message, telegram
from test_telegram import HOOK, Hook, edge_for

from bot.desk_rules import Handoff
from bot.errors import StoreError
from channels.fetching import Patience
from channels.telegram.reading import SERVICE, UNREADABLE, read_update

SAMPLES = [
    sample["update"]
    for sample in json.loads(
        (
            Path(__file__).parents[1]
            / "fixtures/platforms/telegram_updates_official_guide.json"
        ).read_text()
    )
]
PHOTO = {"photo": [{"file_id": "p", "file_unique_id": "u", "width": 1, "height": 1}]}
PAPER = {"document": {"file_id": "d", "file_name": "病历.pdf"}}
WRONG = error(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
AWAY = (502, {"ok": False, "error_code": 502, "description": "Bad Gateway"})


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr("channels.telegram.door._PAUSE_SECONDS", 0.02)
    monkeypatch.setattr("channels.telegram.intake._FETCH_DELAY", timedelta(0))
    monkeypatch.setattr("channels.fetching._EVERY_SECONDS", 0.02)
    patience = Patience(timedelta(milliseconds=10), tries=6)
    monkeypatch.setattr("channels.telegram.files._PATIENCE", patience)
    monkeypatch.setattr("channels.telegram.files._SOON", timedelta(milliseconds=10))


def polling(tmp_path, fake, brain=None, **more):
    settings = {"telegram_mode": "polling", "telegram_secret": None, **more}
    return edge_for(tmp_path, fake, brain, burst_window=timedelta(0), **settings)


async def kept(edge, chat=7):
    """What agents read of a conversation: (author, words or file)."""
    found = await edge.backstage.ledger.messages.after(f"telegram:{chat}", 0)
    return [
        (m.author.value, getattr(part, "text", None) or getattr(part, "name", ""))
        for m in found
        for part in m.parts
        if part.to_json()["type"] in ("text", "file")
    ]


NEVER = {
    "wrong id": ({"getFile": WRONG}, [], "没有取到"),
    "no such id": ({"getFile": error(400, "Bad Request: invalid file_id")}, [], "没有取到"),
    "too big": ({"getFile": error(400, "Bad Request: file is too big")}, [], "太大"),
    "not found": ({"getFile": error(404, "Not Found")}, [], "没有取到"),
    "forbidden": ({"getFile": error(403, "Forbidden")}, [], "没有取到"),
    "no path": ({"getFile": (200, {"ok": True, "result": {"file_id": "d"}})}, [], "没有取到"),
    "gone at last": ({}, [(404, b"")], "没有取到"),
    "forbidden at last": ({}, [(403, b"")], "没有取到"),
    "a page": ({}, [(200, b"<html>no picture</html>")], "图片"),
    "nothing": ({}, [(200, b"")], "图片"),
    "too long": ({}, [(200, PNG * 1000)], "太大"),
    "always away": ({"getFile": AWAY}, [], "没有取到"),
    "always busy": ({"getFile": error(429, "Too Many", retry_after=0)}, [], "没有取到"),
    "always odd": ({"getFile": (200, ["?"])}, [], "没有取到"),
    "away at last": ({}, [(500, b"")] * 20, "没有取到"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        *(("webhook", name) for name in NEVER),
        *(("polling", name) for name in ("wrong id", "gone at last", "always away")),
    ],
)
async def test_that_a_file_that_never_comes_is_told_and_stops_nobody(
    tmp_path, mode, name
):
    script, gives, says = NEVER[name]
    async with telegram() as fake:
        fake.script.update(script)
        fake.gives += gives
        updates = [
            message(1, chat=7, caption="我的病历", **PAPER),
            message(2, chat=8, text="在吗"),
            message(3, chat=7, text="收到了吗"),
        ]
        if mode == "polling":
            fake.updates = updates
            edge = polling(tmp_path, fake, max_attachment_bytes=9000)
            async with served(edge):
                await eventually(lambda: "答：在吗" in fake.sent(8))
                await eventually(lambda: len(fake.sent(7)) == 2)
                await eventually(
                    lambda: any(b.get("offset") == 4 for b in fake.named("getUpdates"))
                )
                seen = await kept(edge)
        else:
            edge = edge_for(
                tmp_path, fake, max_attachment_bytes=9000, burst_window=timedelta(0)
            )
            async with served(edge) as url, Hook(url) as hook:
                await hook.tell(*updates)
                await hook.tell(updates[0])  # and once more
                await eventually(lambda: "答：在吗" in fake.sent(8))
                await eventually(lambda: len(fake.sent(7)) == 2)
                seen = await kept(edge)
        assert len(fake.named("getFile")) <= 7
    assert sorted(fake.sent(7))[-1] == "答：收到了吗"
    told = next(text for text in fake.sent(7) if text != "答：收到了吗")
    assert says in told
    words = "\n".join(text for author, text in seen if author == "customer")
    assert "病历.pdf" in words and "我的病历" in words


SOMETIMES = {
    "away": ({"getFile": [AWAY] * 2}, []),
    "busy": ({"getFile": [error(429, "Too Many Requests", retry_after=0)]}, []),
    "away at last": ({}, [(503, b"")] * 3),
    "wrong and right again": ({"getFile": [WRONG]}, []),
    "odd": ({"getFile": [(200, {"ok": True, "result": "?"}), (500, [])]}, []),
}


@pytest.mark.parametrize(
    "name", ["away", "busy", "away at last", "wrong and right again"]
)
async def test_that_a_file_that_comes_later_is_kept_and_told_then(tmp_path, name):
    script, gives = SOMETIMES[name]
    async with telegram() as fake:
        fake.script.update(copy.deepcopy(script))
        fake.gives += gives
        edge = edge_for(tmp_path, fake)
        async with served(edge) as url, Hook(url) as hook:
            same = message(1, **PHOTO)
            await hook.tell(same, same)
            await eventually(lambda: fake.sent())
            (path,) = (tmp_path / "attachments").iterdir()
            assert path.read_bytes() == PNG
            (first, *_) = await edge.backstage.ledger.messages.after("telegram:7", 0)
            assert first.parts[0].attachment_id == path.name
            row = await edge.backstage.ledger.attachments.get("telegram:7", path.name)
            assert row.size_bytes == len(PNG)
            await hook.tell(same)
    assert len(fake.sent()) == 1
    assert "已收到您的文件" in fake.sent()[0]


async def test_that_an_album_that_comes_later_is_confirmed_once(tmp_path):
    async with telegram() as fake:
        fake.script["getFile"] = [AWAY] * 3
        edge = edge_for(tmp_path, fake)
        async with served(edge) as url, Hook(url) as hook:
            for number in (1, 2, 3):
                await hook.tell(message(number, media_group_id="g1", **PHOTO))
            await eventually(
                lambda: (
                    len(list((tmp_path / "attachments").iterdir())) == 3
                    if (tmp_path / "attachments").exists()
                    else False
                )
            )
            await hook.tell(message(4, text="好了吗"))
            await eventually(lambda: "答：好了吗" in fake.sent())
    assert [text for text in fake.sent() if "已收到" in text] == fake.sent()[:1]


@pytest.mark.parametrize("mode", ["webhook", "polling"])
async def test_that_a_file_that_hangs_keeps_nobody_waiting(tmp_path, mode, monkeypatch):
    monkeypatch.setattr("channels.telegram.intake._FILE_SECONDS", 0.1)
    async with telegram() as fake:
        fake.slow = asyncio.Event()
        updates = [message(n, chat=7, **PHOTO) for n in range(1, 20)]
        updates.append(message(20, chat=8, text="在吗"))
        fake.updates = updates if mode == "polling" else []
        edge = (polling if mode == "polling" else edge_for)(tmp_path, fake)
        async with served(edge) as url, Hook(url) as hook:
            if mode == "webhook":
                await hook.tell(*updates)
            await eventually(lambda: "答：在吗" in fake.sent(8))
            fake.slow.set()
            await eventually(lambda: len(fake.sent(7)) == 19)
    assert all("已收到您的文件" in text for text in fake.sent(7))


async def test_that_an_agent_is_not_interrupted_by_a_late_file(tmp_path):
    async with telegram() as fake:
        edge = edge_for(tmp_path, fake)
        async with served(edge) as url, Hook(url) as hook:
            await hook.tell(message(1, text="在吗"))
            await eventually(lambda: fake.sent())
            desk = edge.backstage.desk
            await desk.request("telegram:7", Handoff("customer_asked"), "h1")
            await desk.accept("telegram:7", "王", "h2")
            await eventually(lambda: any("已加入" in text for text in fake.sent()))
            before = len(fake.sent())
            fake.script["getFile"] = [AWAY]
            await hook.tell(message(2, **PHOTO))
            await eventually(lambda: (tmp_path / "attachments").exists())
            await hook.tell(message(3, poll={"question": "退吗", "options": []}))
            seen = await kept(edge)
            assert ("customer", "photo.jpg") in seen
            assert ("customer", "（发来了投票）\n退吗") in seen
            assert len(fake.sent()) == before


KINDS = {
    "checklist": ({"title": "出院材料", "tasks": []}, "清单", "出院材料"),
    "story": ({"chat": {"id": 1}, "id": 1}, "动态", ""),
    "game": ({"title": "猜谜", "description": "", "photo": []}, "游戏", "猜谜"),
    "paid_media": ({"star_count": 1, "paid_media": []}, "付费内容", ""),
    "giveaway": ({"chats": [], "winner_count": 1}, "抽奖", ""),
    "dice": ({"emoji": "🎲", "value": 3}, "骰子表情", "🎲"),
    "poll": ({"id": "1", "question": "退不退", "options": []}, "投票", "退不退"),
    "invoice": ({"title": "保费", "currency": "CNY"}, "账单", "保费"),
    "contact": ({"first_name": "王"}, "联系人名片", ""),
    "venue": ({"title": "医院", "address": "路"}, "位置", "医院"),
    "location": ({"latitude": "x"}, "位置", ""),
    "voice": ({"file_id": "v"}, "语音", ""),
    "audio": ({"file_id": "v", "title": "录音"}, "音频", "录音"),
    "video_note": ({"file_id": "v"}, "视频", ""),
    "animation": ({"file_id": "v"}, "视频", ""),
    "sticker": ({"file_id": "v", "emoji": "😀"}, "表情", "😀"),
    "hologram_of_2030": ({"file_id": "v"}, "这种消息", ""),
    "photo": ([], "这种消息", ""),
    "document": ("?", "这种消息", ""),
    "text": ("\x00\x01", "这种消息", ""),
    "caption": ("只有说明", "这种消息", "只有说明"),
}


async def test_that_a_kind_nobody_reads_gets_an_honest_line_and_is_seen(tmp_path):
    brain = FakeBrain()
    async with telegram() as fake:
        edge = edge_for(tmp_path, fake, brain)
        async with served(edge) as url, Hook(url) as hook:
            for chat, (kind, (value, name, title)) in enumerate(KINDS.items(), 100):
                same = message(chat, chat=chat, **{kind: value})
                await hook.tell(same, same)
                await eventually(partial(fake.sent, chat))
                seen, shown = await kept(edge, chat), f"（发来了{name}）"
                (said,) = fake.sent(chat)
                assert said.startswith(f"抱歉，我暂时看不懂{name}"), kind
                wanted = f"{shown}\n{title}" if title else shown
                assert seen[0] == ("customer", wanted), kind
    assert brain.asked == []


async def test_that_the_words_beside_a_video_are_seen_by_agents(tmp_path):
    async with telegram() as fake:
        edge = edge_for(tmp_path, fake)
        async with served(edge) as url, Hook(url) as hook:
            await hook.tell(message(1, video={"file_id": "v"}, caption="车门这样赔吗"))
            await eventually(fake.sent)
            seen = await kept(edge)
    assert seen[0] == ("customer", "（发来了视频）\n车门这样赔吗")


@pytest.mark.parametrize("name", sorted(SERVICE))
def test_that_what_the_app_writes_by_itself_needs_no_answer(name):
    assert read_update(message(1, **{name: {"title": "x"}})) is None


def test_that_no_kind_is_both_read_and_passed_over():
    assert not SERVICE & UNREADABLE.keys()


def edit(number, of=1, name="edited_message", **content):
    told = message(number, **content)
    return {"update_id": number, name: {**told["message"], "message_id": of}}


async def test_that_an_edit_is_told_once_and_seen_and_does_nothing(tmp_path):
    brain = FakeBrain()
    async with telegram() as fake:
        edge = edge_for(tmp_path, fake, brain)
        async with served(edge) as url, Hook(url) as hook:
            await hook.tell(message(1, text="我要退保"))
            await eventually(lambda: "答：我要退保" in fake.sent())
            await hook.tell(
                edit(2, text="我不退保了"),
                edit(2, text="我不退保了"),
                edit(3, text="/human"),
                edit(4, caption="新的说明", **PHOTO),
                edit(5, poll={"question": "新的"}),
                edit(6, location={"latitude": 1.0, "longitude": 2.0}),  # it moves on
                edit(7, of=9, text="另一条"),
            )
            await eventually(lambda: len(fake.sent()) == 3)
            await hook.tell(message(8, text="好"))
            await eventually(lambda: "答：好" in fake.sent())
            seen = [text for author, text in await kept(edge) if author == "customer"]
    assert [q.text for q in brain.asked] == ["我要退保", "好"]
    assert len(fake.sent()) == 4
    assert all("修改了之前的消息" in text for text in fake.sent()[1:3])
    assert seen == [
        "我要退保",
        "（修改了之前的消息）\n我不退保了",
        "（修改了之前的消息）\n/human",
        "（修改了之前的消息）\n（发来了文件）\n新的说明",
        "（修改了之前的消息）\n（发来了投票）\n新的",
        "（修改了之前的消息）\n另一条",
        "好",
    ]
    assert fake.named("getFile") == []


async def test_that_business_messages_get_an_honest_line(tmp_path):
    async with telegram() as fake:
        edge = edge_for(tmp_path, fake)
        async with served(edge) as url, Hook(url) as hook:
            told = message(1, text="怎么理赔")["message"]
            own = {**told, "from": {"id": 99}}
            channel = {**told, "chat": {"id": -5, "type": "channel"}}
            await hook.tell(
                {"update_id": 1, "business_message": told},
                {"update_id": 2, "edited_business_message": told},
                {"update_id": 3, "business_message": own},
                {"update_id": 4, "edited_business_message": own},
                {"update_id": 5, "edited_channel_post": channel},
                {"update_id": 6, "channel_post": channel},
            )
            await eventually(lambda: len(fake.sent()) == 2)
            seen = [text for author, text in await kept(edge) if author == "customer"]
    assert "看不懂经商务账号转来的消息" in fake.sent()[0]
    assert seen == [
        "（发来了经商务账号转来的消息）\n怎么理赔",
        "（修改了之前的消息）\n怎么理赔",
    ]


async def test_that_telegram_is_asked_for_edits(tmp_path):
    async with telegram() as fake:
        edge = edge_for(tmp_path, fake, public_url="https://chat.example.com/")
        async with served(edge):
            await eventually(lambda: fake.named("setWebhook"))
    (body,) = fake.named("setWebhook")
    assert {"message", "callback_query", "edited_message"} <= set(
        json.loads(body["allowed_updates"])
        if isinstance(body["allowed_updates"], str)
        else body["allowed_updates"]
    )


class Poisoned:
    """A ledger that fails for one update, and for all while ``sick``."""

    def __init__(self, edge, error, key="update-1"):
        self.messages, self.error, self.key = edge.backstage.ledger.messages, error, key
        self.real, self.sick = self.messages.accept, False
        self.messages.accept = self.accept

    async def accept(self, inbound, **rest):
        if self.sick or inbound.message_key == self.key:
            raise self.error
        return await self.real(inbound, **rest)


@pytest.mark.parametrize("fault", [RuntimeError("ours"), StoreError("value too long")])
@pytest.mark.parametrize("mode", ["webhook", "polling"])
async def test_that_an_update_that_breaks_us_stops_nobody(tmp_path, mode, fault):
    async with telegram() as fake:
        updates = [
            message(1, text="毒"),
            message(2, text="二"),
            message(3, chat=8, text="三"),
        ]
        fake.updates = updates if mode == "polling" else []
        edge = (polling if mode == "polling" else edge_for)(tmp_path, fake)
        Poisoned(edge, fault)
        async with served(edge) as url, Hook(url) as hook:
            if mode == "webhook":
                statuses = []
                for _ in range(10):  # Telegram comes again and again
                    answer = await hook.client.post(HOOK, json=updates[0])
                    statuses.append(answer.status_code)
                    await hook.tell(*updates[1:])
                assert set(statuses) == {200, 503}
                assert statuses.index(200) < 6
            await eventually(lambda: fake.sent(8) == ["答：三"])
            await eventually(lambda: "答：二" in fake.sent(7))
            if mode == "polling":
                await eventually(
                    lambda: any(b.get("offset") == 4 for b in fake.named("getUpdates"))
                )


async def test_that_nothing_is_given_up_while_nothing_can_be_stored(tmp_path):
    async with telegram() as fake:
        fake.updates = [message(1, text="一"), message(2, chat=8, text="二")]
        edge = polling(tmp_path, fake)
        ledger = Poisoned(edge, StoreError("disk full"), key=None)
        ledger.sick = True
        async with served(edge):
            await eventually(lambda: len(fake.named("getUpdates")) > 20)
            assert all(
                "offset" not in b or b["offset"] <= 1 for b in fake.named("getUpdates")
            )
            ledger.sick = False
            await eventually(lambda: len(fake.sent()) == 2)
    assert fake.sent(7) == ["答：一"]


async def test_that_odd_batches_do_not_end_polling(tmp_path):
    async with telegram() as fake:
        fake.script["getUpdates"] = [
            (200, {"ok": True, "result": {"update_id": 1}}),
            (200, []),
            (200, {"ok": True, "result": [7, None, {"update_id": "x"}, {}]}),
            (200, {"ok": False, "parameters": {"retry_after": "soon"}}),
        ]
        fake.updates = [message(1, text="一")]
        async with served(polling(tmp_path, fake)):
            await eventually(lambda: fake.sent() == ["答：一"])


# Samples made odd.

WORTHLESS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-3, 3),
    st.floats(allow_nan=False, allow_infinity=False), st.just(10**40),
    st.text(st.characters(), max_size=8), st.just("\x00\ud800\U0001f600"),
    st.just([]), st.just({}), st.just([{}]), st.just({"id": 7}),
)  # fmt: skip


def paths(value, here=()):
    yield here
    children = value.items() if isinstance(value, dict) else (
        enumerate(value) if isinstance(value, list) else ()
    )  # fmt: skip
    for key, child in children:
        yield from paths(child, (*here, key))


@st.composite
def odd_updates(draw):
    update = copy.deepcopy(draw(st.sampled_from(SAMPLES)))
    content = next((k for k in update if k != "update_id"), None)
    if content and draw(st.booleans()):
        kinds = sorted({*UNREADABLE, *SERVICE, "text", "photo", "document", "caption"})
        update[content][draw(st.sampled_from(kinds))] = copy.deepcopy(draw(WORTHLESS))
    for _ in range(draw(st.integers(0, 3))):
        *way, last = draw(st.sampled_from([p for p in paths(update) if p]))
        at = update
        for key in way:
            at = at[key]
        if isinstance(at, dict) and draw(st.booleans()):
            del at[last]
        else:
            at[last] = copy.deepcopy(draw(WORTHLESS))
    return update


async def test_that_no_odd_update_is_a_5xx_and_nothing_is_lost(tmp_path):
    brain, tried = FakeBrain(), []
    limits = {"max_examples": 150, "deadline": None, "database": None}

    @settings(suppress_health_check=list(HealthCheck), **limits)
    @given(odd_updates())
    def collect(update):
        tried.append(update)

    await asyncio.to_thread(collect)
    async with telegram() as fake:
        edge = edge_for(tmp_path, fake, brain)
        async with served(edge) as url, Hook(url) as hook:
            for number, update in enumerate(tried, 1000):
                if isinstance(update.get("update_id"), int):
                    update["update_id"] = number
                raw = json.dumps(update)
                answer = await hook.client.post(HOOK, content=raw)
                assert answer.status_code in (200, 400), raw
                read = read_update(json.loads(raw))
                if read is None:
                    continue
                assert answer.status_code == 200, raw
                stored = await edge.backstage.ledger.messages.knows(
                    read.sender_id, f"update-{number}"
                )
                assert stored, raw
            await hook.tell(message(9999, chat=4242, text="还在吗"))
            await eventually(lambda: fake.sent(4242))
