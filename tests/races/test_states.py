"""Hard moments at the desk: a restart in every state, a close while a line is on its way,
more lines than WeChat allows. Nothing is lost, doubled, or said by the wrong one."""

import asyncio

import httpx
import pytest
from desk_kit import HASH, Browser, held_on_telegram, held_on_wechat, seen_by
from edge_kit import FakeBrain, Visitor, eventually, make_edge, served
from telegram_kit import error

from bot.desk_rules import Handoff

STATES = ("bot", "queued", "agent", "closed")


async def into(state, edge, agent, sender_id):
    """Bring a conversation of the bot into a state."""
    if state == "bot":
        return
    await edge.backstage.desk.request(sender_id, Handoff("asked"), "w")
    base = f"conversations/{sender_id}"
    if state in ("agent", "closed"):
        assert (await agent.post(f"{base}/accept", key="a")).is_success
        said = await agent.post(f"{base}/messages", text="我来看", key="1")
        assert said.is_success
    if state == "closed":
        assert (await agent.post(f"{base}/close", key="c")).is_success


@pytest.mark.parametrize("state", STATES)
async def test_that_a_restart_keeps_the_state(tmp_path, state):
    brain = FakeBrain()
    edge = make_edge(tmp_path, brain)
    await edge.backstage.ledger.agents.put("agent1", "小王", HASH)
    async with httpx.AsyncClient() as web:
        async with served(edge) as url:
            web.base_url, agent = url, Browser(url)
            await agent.login("agent1")
            visitor = await Visitor.arrive(web)
            await visitor.say("在吗", "m1")
            await eventually(lambda: brain.asked)
            query = "SELECT sender_id FROM conversations"
            read = edge.backstage.ledger._database.read
            sender_id = await read(lambda c: c.exec_driver_sql(query).scalar_one())
            await visitor.until(2)
            await into(state, edge, agent, sender_id)
            before = await visitor.events()
        edge = make_edge(tmp_path, brain)
        async with served(edge) as url:
            web.base_url, agent.client.base_url = url, httpx.URL(url)
            assert await visitor.events() == before
            asked = len(brain.asked)
            await visitor.say("还有一件事", "m2")
            base = f"conversations/{sender_id}"
            if state == "agent":
                # The session outlived the restart, and so did the hold.
                assert (
                    await agent.post(f"{base}/messages", text="请讲", key="2")
                ).is_success
                await visitor.until(len(before) + 2)
                assert len(brain.asked) == asked
                assert (await agent.post(f"{base}/release", key="r")).is_success
            else:
                async with asyncio.timeout(60):
                    while "答：还有一件事" not in await seen_by(web, visitor):
                        await asyncio.sleep(0.05)
            if state == "queued":
                assert (await agent.post(f"{base}/accept", key="b")).is_success
            seqs = [event["seq"] for event in await visitor.events()]
            assert seqs == list(range(1, len(seqs) + 1))
        await agent.client.aclose()


async def test_that_a_close_waits_for_no_line_and_loses_none(tmp_path):
    """Telegram asks for patience while the agent already ends the conversation."""
    async with held_on_telegram(tmp_path) as (fake, agent, base):
        await eventually(lambda: "已加入" in "".join(fake.sent(7)))
        fake.script["sendMessage"] = [
            error(429, "Too Many Requests", retry_after=1) for _ in range(2)
        ]
        await say_lines(agent, base, 3)
        assert (await agent.post(f"{base}/close", key="c")).is_success
        await eventually(lambda: "已结束" in fake.sent(7)[-1])
        assert_in_order(fake.arrived, 3)


async def test_that_lines_beyond_wechats_count_wait_for_the_customer(tmp_path):
    async with held_on_wechat(tmp_path) as (fake, agent, base):
        await say_lines(agent, base, 7, pause=0.1)
        who = fake.followers["oCustomer1"]

        async def states():
            found = (await agent.get(f"{base}/messages", after=0)).json()["messages"]
            return [m["delivery"]["state"] for m in found if m["author"] == "agent"]

        async with asyncio.timeout(60):
            while "kept" not in await states() or "pending" in await states():
                await asyncio.sleep(0.1)
        assert "回复任意文字" in who.texts[-1]
        left = (await agent.get(base)).json()["left"]
        assert left["pushes"] == 0 or left["refused"]
        await fake.say("好的")
        await fake.until(lambda: "第6句" in "\n".join(who.texts))
        assert_in_order(who.texts, 7)


async def say_lines(agent, base, count, pause=0.0):
    for number in range(count):
        words = {"text": f"第{number}句", "key": str(number)}
        assert (await agent.post(f"{base}/messages", **words)).is_success
        await asyncio.sleep(pause)


def assert_in_order(texts, count):
    """Each line once, and none before the one before it."""
    lines = "\n".join(texts)
    places = [lines.index(f"第{number}句") for number in range(count)]
    assert places == sorted(places)
    assert all(lines.count(f"第{number}句") == 1 for number in range(count))
