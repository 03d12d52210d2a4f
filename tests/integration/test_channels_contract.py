"""What every channel must do, whatever its platform: one contract, three channels."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from edge_kit import FakeBrain, Visitor, make_edge, say, served
from telegram_kit import TOKEN, message, press, telegram
from wechat_kit import service, wechat

from bot.desk_rules import Handoff
from bot.errors import StoreError
from bot.message import Author, Button, ButtonsPart, CitationPart, Outbound, TextPart
from bot.ports import Answer

CHANNELS = ("web", "wechat", "wechat-late", "telegram")


class Web:
    def __init__(self, edge, client, visitor):
        self.edge, self.client, self.visitor = edge, client, visitor

    @classmethod
    @asynccontextmanager
    async def open(cls, folder, brain, **more):
        edge = make_edge(folder, brain, **more)
        async with served(edge) as url, httpx.AsyncClient(base_url=url) as client:
            yield cls(edge, client, await Visitor.arrive(client))

    async def sender(self):
        rooms = self.edge.backstage.ledger
        rows = await rooms._database.read(
            lambda c: c.exec_driver_sql("SELECT sender_id FROM conversations").all()
        )
        return rows[0][0]

    async def say(self, text, key):
        body = {"text": text, "client_message_id": f"k{key}"}
        answer = await self.visitor.post(**body)
        return answer.status_code

    async def press(self, title, key):
        (button,) = [b for b in self._buttons(await self.events()) if b[0] == title]
        body = {"payload": button[1], "client_message_id": f"k{key}"}
        await self.visitor.post(**body)

    async def events(self):
        found = await self.client.get(
            "/api/chat/events?after=0", headers=self.visitor.headers
        )
        return [e for e in found.json()["events"] if e["author"] != "customer"]

    @staticmethod
    def _buttons(events):
        return [
            (b["title"], b["payload"])
            for e in events
            for p in e["parts"]
            if p["type"] == "buttons"
            for b in p["buttons"]
        ]

    async def shown(self):
        return [
            "\n".join(p.get("text") or p.get("quote") or "" for p in event["parts"])
            for event in await self.events()
        ]


class WeChat:
    def __init__(self, edge, fake):
        self.edge, self.fake = edge, fake

    @classmethod
    @asynccontextmanager
    async def open(cls, folder, brain, **more):
        async with wechat() as fake, service(folder, brain, fake, **more) as edge:
            yield cls(edge, fake)

    async def sender(self):
        return "wechat:oCustomer1"

    async def say(self, text, key):
        await self.fake.say(text, MsgId=9000 + key)
        return self.fake.answers[-1][0]

    async def press(self, title, key):
        who = self.fake.followers["oCustomer1"]
        for pressed, words in who.menu:
            if words == title:
                await self.fake.say(title, MsgId=9000 + key, bizmsgmenuid=pressed)
                return
        numbered = next(text for text in reversed(who.texts) if f". {title}" in text)
        (line,) = [row for row in numbered.split("\n") if row.endswith(f". {title}")]
        await self.fake.say(line.partition(".")[0], MsgId=9000 + key)

    async def shown(self):
        return self.fake.followers["oCustomer1"].texts


class Telegram:
    def __init__(self, edge, fake, client):
        self.edge, self.fake, self.client = edge, fake, client

    @classmethod
    @asynccontextmanager
    async def open(cls, folder, brain, **more):
        async with telegram() as fake:
            values = {
                "telegram_token": TOKEN,
                "telegram_secret": "s",
                "telegram_api_base": fake.url,
            }
            edge = make_edge(folder, brain, **values, **more)
            headers = {"X-Telegram-Bot-Api-Secret-Token": "s"}
            async with served(edge) as url:
                client = httpx.AsyncClient(base_url=url, headers=headers, timeout=30)
                async with client:
                    yield cls(edge, fake, client)

    async def sender(self):
        return "telegram:7"

    async def _tell(self, update):
        return await self.client.post("/webhooks/telegram", json=update)

    async def say(self, text, key):
        return (await self._tell(message(9000 + key, text=text))).status_code

    async def press(self, title, key):
        (data,) = [data for words, data in self.fake.buttons() if words == title]
        await self._tell(press(9000 + key, data))

    async def shown(self):
        return self.fake.sent()


@pytest.fixture
def brain():
    return FakeBrain()


@pytest.fixture(params=CHANNELS)
async def open_channel(request, tmp_path, brain):
    """Open a channel with settings; a WeChat also with answers that come late."""
    kinds = {"web": Web, "telegram": Telegram}
    late = {"wechat_passive_wait": timedelta(0)} if "late" in request.param else {}
    kind = kinds.get(request.param, WeChat)
    return lambda **more: kind.open(tmp_path, brain, **(more | late))


async def until(channel, *wanted):
    """Wait until exactly these words were shown, each somewhere in a message."""
    async with asyncio.timeout(60):
        while True:
            text = "\n".join(await channel.shown())
            if all(words in text for words in wanted):
                return text
            await asyncio.sleep(0.05)


async def post(channel, text, author, key):
    """Somebody at the desk or the system writes."""
    backstage, sender_id = channel.edge.backstage, await channel.sender()
    said = Outbound(sender_id, author, (TextPart(text),), key)
    written = await backstage.ledger.messages.post((said,), datetime.now(UTC))
    await backstage.outbox.publish(sender_id, written)


async def test_that_a_question_is_answered_once(open_channel, brain):
    async with open_channel() as channel:
        assert await channel.say("犹豫期几天", 1) in (200, 202)
        await until(channel, "答：犹豫期几天")
        await asyncio.sleep(0.3)
        assert await channel.shown() == ["答：犹豫期几天"]


async def test_that_a_repeat_is_no_second_question(open_channel, brain):
    async with open_channel() as channel:
        await channel.say("犹豫期几天", 1)
        await until(channel, "答：犹豫期几天")
        await asyncio.gather(*(channel.say("犹豫期几天", 1) for _ in range(3)))
        await channel.say("再问", 2)
        await until(channel, "答：再问")
        assert [q.text for q in brain.asked] == ["犹豫期几天", "再问"]


async def test_that_answers_come_in_the_order_of_questions(open_channel, brain):
    async with open_channel(burst_window=timedelta(0)) as channel:
        for number in range(4):
            await channel.say(f"第{number}问", number + 1)
        text = await until(channel, *(f"答：第{n}问" for n in range(4)))
        places = [text.index(f"答：第{n}问") for n in range(4)]
        assert places == sorted(places)


async def test_that_a_button_means_what_it_says(open_channel, brain):
    async def answer(question):
        if question.text.startswith("/"):
            return say(f"选了{question.text}")
        buttons = (
            Button("重疾险", '/inform{"p":"a"}'),
            Button("车险", '/inform{"p":"b"}'),
        )
        return Answer(((TextPart("请选择险种"), ButtonsPart(buttons)),))

    brain.answer = answer
    async with open_channel() as channel:
        await channel.say("保费多少", 1)
        await until(channel, "请选择险种")
        await channel.press("车险", 2)
        await until(channel, '选了/inform{"p":"b"}')
        await channel.press("车险", 3)  # a second time, later
        await asyncio.sleep(0.3)


async def test_that_nobody_types_a_command(open_channel, brain):
    async with open_channel() as channel:
        await channel.say('/inform{"policy_no":"P1"}', 1)
        await until(channel, "这个选项已经失效或不存在")
        assert brain.asked == []


async def test_that_a_message_too_long_is_kept_and_told(open_channel, brain):
    async with open_channel(max_text_chars=50) as channel:
        await channel.say("长" * 51, 1)
        if isinstance(channel, Web):
            await asyncio.sleep(0.3)
        await until(channel, "这条消息太长了")
        assert brain.asked == []


async def test_that_a_clause_is_quoted_with_its_reference(open_channel, brain):
    quote = CitationPart(
        "第五条(二)1", "犹豫期为十五日", "服务协议", "v1", "2026-01-01"
    )

    async def answer(question):
        return Answer(((TextPart("十五天。"), quote),))

    brain.answer = answer
    async with open_channel() as channel:
        await channel.say("犹豫期几天", 1)
        text = await until(channel, "犹豫期为十五日")
        if not isinstance(channel, Web):  # the web shows it as a card
            assert "第五条(二)1" in text
            assert "2026-01-01" in text


async def test_that_the_bot_is_silent_while_a_human_speaks(open_channel, brain):
    async with open_channel() as channel:
        await channel.say("在吗", 1)
        await until(channel, "答：在吗")
        desk, sender_id = channel.edge.backstage.desk, await channel.sender()
        await desk.request(sender_id, Handoff("customer_asked"), "h1")
        await desk.accept(sender_id, "王", "h2")
        await post(channel, "您好，我是小王", Author.AGENT, "a1")
        await until(channel, "人工客服王已加入", "您好，我是小王")
        assert await channel.say("我的案子呢", 2) in (200, 202)
        await post(channel, "我查一下", Author.AGENT, "a2")
        await until(channel, "我查一下")
        assert [q.text for q in brain.asked] == ["在吗"]
        await desk.release(sender_id, "王", "h3")
        await channel.say("谢谢", 3)
        await until(channel, "答：谢谢")


async def test_that_a_bot_line_in_flight_is_dropped_when_a_human_takes_over(
    open_channel, brain
):
    asked, go = asyncio.Event(), asyncio.Event()

    async def answer(question):
        if question.text == "慢":
            asked.set()
            await go.wait()
        return say(f"答：{question.text}")

    brain.answer = answer
    async with open_channel(wechat_passive_wait=timedelta(seconds=0.2)) as channel:
        await channel.say("在吗", 1)
        await until(channel, "答：在吗")
        desk, sender_id = channel.edge.backstage.desk, await channel.sender()
        await desk.request(sender_id, Handoff("customer_asked"), "h1")
        saying = asyncio.create_task(channel.say("慢", 2))
        await asked.wait()
        await desk.accept(sender_id, "王", "h2")
        go.set()
        await saying
        await until(channel, "人工客服王已加入")
        await asyncio.sleep(0.5)
        assert "答：慢" not in "\n".join(await channel.shown())


async def test_that_a_sick_store_takes_nothing_and_says_so(
    open_channel, brain, monkeypatch
):
    overrides = {"wechat_passive_wait": timedelta(seconds=0.2)}
    async with open_channel(**overrides) as channel:
        database = channel.edge.backstage.ledger._database
        real = database.write

        async def fail(work):
            raise StoreError("disk full")

        monkeypatch.setattr(database, "write", fail)
        status = await channel.say("在吗", 1)
        if isinstance(channel, WeChat):  # an error would show WeChat's own words
            assert status == 200
            assert "系统暂时不可用" in (await channel.shown())[-1]
        else:
            assert status == 503
        monkeypatch.setattr(database, "write", real)
        await channel.say("在吗", 1)  # what was never taken is no repeat
        await until(channel, "答：在吗")


async def test_that_odd_words_arrive_as_they_are(open_channel, brain):
    odd = "a<b>&amp;]]>😀𠮷‮反 \\u4f60 {x} %s"
    async with open_channel() as channel:
        await channel.say(odd, 1)
        text = await until(channel, "答：a<b>&amp;]]>😀𠮷反")
        assert json.dumps("{x} %s")[1:-1] in text
