"""What customers do while things break: ask, hurry, repeat themselves, file complaints."""

import asyncio
import random
import re

from client import Client

QUESTIONS = (
    "重疾险等待期多久",
    "理赔要多久才能到账",
    "客服电话是多少",
    "投诉多久有结果",
    "百万医疗险续保要重新体检吗",
    "犹豫期是几天",
    "报案要准备什么材料",
    "今天天气怎么样",
    "车险不赔什么",
    "你是机器人吗",
)
FILED = re.compile(r"投诉已经登记，编号(T\d{12,})")


def text_of(event):
    return "\n".join(p["text"] for p in event["parts"] if p["type"] == "text")


async def chat(client: Client, stop: asyncio.Event, think=1.0):
    """Ask until told to stop; sometimes in bursts, sometimes twice at once."""
    dice = random.Random(client.random.random())
    while not stop.is_set():
        copies = 2 if dice.random() < 0.2 else 1
        seq = await client.send(dice.choice(QUESTIONS), copies)
        if dice.random() < 0.2:
            seq = await client.send("急")
        assert await client.answered(seq), f"no answer to #{seq}"
        await asyncio.sleep(dice.uniform(0, think))


async def complain(client: Client, stop: asyncio.Event):
    """File complaints one after the other."""
    while not stop.is_set():
        for words in ("我要投诉", "服务", "打了三次电话没人接", "给我道歉"):
            await _say(client, words)
        check = await _say(client, "13900000008")
        if "请核对" in check:
            await _say(client, "确认提交")
        await asyncio.sleep(0.2)


def numbers_told(log):
    """Complaint numbers as the customer read them, also long after having asked."""
    replies = (event for event in log.received if event["author"] == "bot")
    return [number for event in replies for number in FILED.findall(text_of(event))]


async def _say(client, text):
    seq = await client.send(text)
    assert await client.answered(seq), f"no answer to #{seq}"
    replies = (e for e in client.log.received if e["author"] != "customer")
    return "\n".join(text_of(event) for event in replies if event["seq"] > seq)


async def play(urls, count, trouble, seed):
    """Let customers talk while ``trouble`` runs; return their logs.

    Args:
        urls: Edges.
        count: Customers who chat; one more files complaints.
        trouble: Coroutine; everybody stops, and waits for answers, when it ends.
        seed: Of everything they do.

    Returns:
        Their logs.
    """
    stop = asyncio.Event()
    clients = [Client(urls, seed * 1000 + number) for number in range(count + 1)]

    async def one(number, client):
        async with client:
            if number == 0:
                await complain(client, stop)
            else:
                await chat(client, stop)
            await settle(client)
            client.log.complaints = numbers_told(client.log)

    talking = [asyncio.create_task(one(n, c)) for n, c in enumerate(clients)]
    troubling = asyncio.create_task(trouble)
    await asyncio.wait({troubling})
    stop.set()
    troubling.result()
    await asyncio.gather(*talking)
    return [client.log for client in clients]


async def settle(client):
    """Wait until nothing more comes."""
    seen = -1
    while seen != client.seen:
        seen = client.seen
        await asyncio.sleep(2.5)
