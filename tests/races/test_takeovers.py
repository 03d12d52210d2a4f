"""Takeovers under fire: customers, agents and the bot act at random moments.

After each run the ledger must show one owner at any time, no line of the bot while a human
held the conversation, and every line that was taken exactly once. Seeds repeat a run.
"""

import asyncio
import os
import random
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from edge_kit import (
    FakeBrain,
    FakeHours,
    Visitor,
    make_edge,
    make_settings,
    say,
    served,
)
from postgres import binaries, may_run
from scaled import redis_server
from sqlalchemy import create_engine, select

from bot.desk_rules import Handoff
from bot.dispatch_queue import install_queue
from bot.errors import IllegalMove
from bot.ledger.agents import Role
from bot.ledger.database import sync_url
from bot.ledger.migrate import upgrade
from bot.ledger.tables import handoffs, messages
from bot.message import Author
from channels.app import build_app
from channels.backstage import build_backstage
from channels.console.accounts import hash_password

SEEDS = range(int(os.environ.get("BAOKE_RACES", "4")))
PASSWORD = "correct horse"
HASH = hash_password(PASSWORD)
AGENTS = ("agent1", "agent2", "agent3")
STEPS = 12
QUICK = {"desk_gone": timedelta(seconds=1), "desk_offer": timedelta(seconds=1)}


class Agent:
    """An agent who grabs, writes, passes on and lets go as chance will have it."""

    def __init__(self, name, url, dice) -> None:
        self.name, self.dice = name, dice
        self.client = httpx.AsyncClient(base_url=url, timeout=30)
        self.taken = []  # words the desk has taken
        self.count = 0

    async def login(self):
        body = {"name": self.name, "password": PASSWORD}
        answer = await self.client.post("/api/desk/login", json=body)
        self.client.headers["X-CSRF-Token"] = answer.json()["csrf"]

    async def act(self, sender_id, step=None):
        self.count += 1
        key = f"{self.name}-{self.count}"
        step = step or self.dice.choice(
            ("accept", "accept", "write", "write", "write", "release", "transfer",
             "pass", "close", "take", "here", "idle")
        )  # fmt: skip
        if step == "idle":  # long enough to count as gone, sometimes
            await asyncio.sleep(self.dice.random() * 1.5)
            return False
        if step == "here":
            body = {"ready": self.dice.random() < 0.8}
            await self.client.post("/api/desk/presence", json=body)
            return False
        body = {"key": key}
        path = {"write": "messages", "pass": "transfer"}.get(step, step)
        if step == "write":
            body["text"] = f"坐席{key}"
        elif step == "pass":
            body["to"] = self.dice.choice(AGENTS)
        elif step == "take":
            found = await self.client.get(f"/api/desk/conversations/{sender_id}")
            row = found.json() if found.is_success else {}
            if row.get("status", "closed") == "closed":
                return False
            body |= {"found": row["status"], "held_by": row["agent"]}
        url = f"/api/desk/conversations/{sender_id}/{path}"
        answer = await self.client.post(url, json=body)
        assert answer.status_code in (200, 404, 409), answer.text
        if step == "write" and answer.status_code == 200:
            self.taken.append(body["text"])
        return answer.status_code == 200


async def play(url, desk, ledger, seed):
    """Let them all act; return what each side was told was taken."""
    dice = random.Random(seed)
    for name in AGENTS:
        role = Role.LEADER if name == AGENTS[-1] else Role.AGENT
        await ledger.agents.put(name, name, HASH, role, capacity=50)
    async with httpx.AsyncClient(base_url=url, timeout=30) as web:
        visitor = await Visitor.arrive(web)
        said = ["顾客0"]
        await visitor.post(text=said[0], client_message_id="m0")
        query = "SELECT sender_id FROM conversations LIMIT 1"
        read = ledger._database.read
        sender_id = await read(lambda c: c.exec_driver_sql(query).scalar_one())
        agents = [Agent(name, url, random.Random(dice.random())) for name in AGENTS]
        for agent in agents:
            await agent.login()

        async def customer():
            for number in range(1, STEPS):
                await asyncio.sleep(dice.random() * 0.08)
                text = f"顾客{number}"
                answer = await visitor.post(text=text, client_message_id=f"m{number}")
                if answer.status_code == 202:
                    said.append(text)

        async def wishes():
            for number in range(STEPS // 2):
                await asyncio.sleep(dice.random() * 0.15)
                with suppress(IllegalMove):
                    await desk.request(sender_id, Handoff("asked"), f"w{number}")

        async def works(agent):
            for _ in range(STEPS):
                await asyncio.sleep(agent.dice.random() * 0.08)
                await agent.act(sender_id)

        await asyncio.gather(customer(), wishes(), *(works(agent) for agent in agents))
        for agent in agents:  # nobody keeps it: the bot answers what is left
            await agent.act(sender_id, "release")
        await visitor.post(text="最后", client_message_id="last")
        said.append("最后")
        async with asyncio.timeout(60):
            while not await _answered(ledger, sender_id):
                for agent in agents:
                    await agent.act(sender_id, "release")
                await asyncio.sleep(0.1)
        seen = (
            await web.get("/api/chat/events?after=0", headers=visitor.headers)
        ).json()["events"]
        for agent in agents:
            await agent.client.aclose()
        taken = [text for agent in agents for text in agent.taken]
        return sender_id, said, taken, seen


async def _answered(ledger, sender_id):
    query = select(messages.c.seq).where(
        messages.c.sender_id == sender_id, messages.c.awaiting
    )
    return not await ledger._database.read(lambda c: c.execute(query).all())


async def judge(ledger, sender_id, said, taken, seen):
    """Compare what was told with what is written."""

    def read(connection):
        rows = select(messages).where(messages.c.sender_id == sender_id)
        moves = select(handoffs).where(handoffs.c.sender_id == sender_id)
        return (
            connection.execute(rows.order_by(messages.c.seq)).all(),
            connection.execute(moves.order_by(handoffs.c.id)).all(),
        )

    rows, moves = await ledger._database.read(read)
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    before = "bot"
    for move in moves:  # one chain: no two owners at any time
        assert move.moved_from == before, moves
        before = move.moved_to
    words = [(row.author, part["text"]) for row in rows for part in row.parts
             if part["type"] == "text"]  # fmt: skip
    for author, texts in ((Author.CUSTOMER, said), (Author.AGENT, taken)):
        written = [text for who, text in words if who == author]
        assert sorted(written) == sorted(texts), "lost or doubled"
    # Who holds it is told in the conversation, so its order is the order of moves.
    held = False
    for author, text in words:
        if author == Author.SYSTEM and "已加入" in text:
            held = True
        elif author == Author.SYSTEM and (
            "已离开" in text or "已结束" in text or "转接" in text or "等待" in text
        ):
            held = False
        elif author == Author.BOT:
            assert not held, f"the bot spoke while a human held it: {text}"
    assert [event["seq"] for event in seen] == list(range(1, len(seen) + 1))


def brain_of(seed):
    dice = random.Random(seed + 1000)

    async def answer(question):
        await asyncio.sleep(dice.random() * 0.15)
        return say(f"答：{question.text}")

    return FakeBrain(answer)


@pytest.mark.parametrize("seed", SEEDS)
async def test_that_takeovers_are_clean_on_one_machine(tmp_path, seed):
    edge = make_edge(
        tmp_path, brain_of(seed), visitor_burst=1000, visitor_rate=1000, **QUICK
    )
    backstage = edge.backstage
    async with served(edge) as url:
        told = await play(url, backstage.desk, backstage.ledger, seed)
        await judge(backstage.ledger, *told)


@asynccontextmanager
async def many(folder, postgres_url, redis_url, brain):
    """An edge and two workers."""
    address = sync_url(postgres_url, Path("/"))
    upgrade(address)
    engine = create_engine(address)
    install_queue(engine)
    engine.dispose()
    settings = make_settings(
        folder, database_url=postgres_url, redis_url=redis_url, secret_key="k" * 40,
        visitor_burst=1000, visitor_rate=1000, **QUICK,
    )  # fmt: skip

    async def ready():
        return None

    workers = [
        build_backstage(settings, works=True, brain=brain, hours=FakeHours())
        for _ in range(2)
    ]
    edge = build_app(settings, hours=FakeHours(), checks={"rasa": ready})
    async with served(edge) as url:
        for worker in workers:
            await worker.start()
        try:
            yield url, edge.backstage
        finally:
            for worker in workers:
                await worker.stop()


@pytest.mark.skipif(binaries() is None or not may_run(), reason="no PostgreSQL")
@pytest.mark.parametrize("seed", SEEDS)
async def test_that_takeovers_are_clean_on_many(tmp_path, postgres_url, seed):
    with redis_server() as redis:
        if redis is None:
            pytest.skip("redis-server is not installed")
        async with many(tmp_path, postgres_url, redis.url, brain_of(seed)) as (
            url,
            back,
        ):
            told = await play(url, back.desk, back.ledger, seed)
            await judge(back.ledger, *told)
