"""A real edge in a thread of its own, with customers and agents around it."""

import asyncio
import threading
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import httpx
from edge_kit import FakeBrain, make_edge, served

from bot.desk_rules import Handoff
from bot.ledger.agents import Role
from bot.message import Author, Outbound, TextPart
from channels.console.accounts import hash_password

PASSWORD = "correct horse"


class Desk:
    """A real edge in a thread of its own, as Playwright blocks its own."""

    def __init__(self, folder, brain=None, platform=None) -> None:
        """Serve; platform(stack) opens a fake one and returns (fake, settings)."""
        self.folder = folder
        self.brain = brain or FakeBrain()
        self.platform = platform
        self.fake = None
        self.ready = threading.Event()
        self.url = ""
        self.loop = None
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self):
        self.thread.start()
        assert self.ready.wait(60)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.done.set)
        self.thread.join(30)

    async def _serve(self):
        self.loop, self.done = asyncio.get_running_loop(), asyncio.Event()
        async with AsyncExitStack() as stack:
            settings = {}
            if self.platform is not None:
                self.fake, settings = await self.platform(stack)
            self.edge = make_edge(self.folder, self.brain, **settings)
            agents = self.edge.backstage.ledger.agents
            url = await stack.enter_async_context(served(self.edge))
            hashed = hash_password(PASSWORD)
            await agents.put("agent1", "小王", hashed, skills=["理赔"])
            await agents.put("agent2", "小李", hashed)
            await agents.put("leader", "老陈", hashed, Role.LEADER)
            self.url = url
            self.ready.set()
            await self.done.wait()

    def run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def say_much(self, count):
        """The bot says many things in the only conversation."""
        query = "SELECT sender_id FROM conversations"
        ledger = self.edge.backstage.ledger
        read = ledger._database.read
        sender_id = self.run(read(lambda c: c.exec_driver_sql(query).scalar_one()))
        said = [
            Outbound(sender_id, Author.BOT, (TextPart(f"第{n}句"),), f"much:{n}")
            for n in range(count)
        ]
        self.run(ledger.messages.post(said, datetime.now(UTC)))

    def wait_for_human(self, visitor):
        query = "SELECT sender_id FROM conversations ORDER BY created_at DESC LIMIT 1"
        read = self.edge.backstage.ledger._database.read
        sender_id = self.run(read(lambda c: c.exec_driver_sql(query).scalar_one()))
        wish = Handoff("customer_asked", summary="问理赔进度")
        self.run(self.edge.backstage.desk.request(sender_id, wish, visitor.key))
        return sender_id


class Customer:
    """Somebody on REST."""

    def __init__(self, url) -> None:
        self.client = httpx.Client(base_url=url, timeout=30)
        session = self.client.post("/api/chat/sessions").json()
        self.key = session["session_id"][:20]
        self.client.headers["Authorization"] = f"Bearer {session['token']}"

    def say(self, text):
        assert self.client.post("/api/chat/messages", json={"text": text}).is_success

    def seen(self):
        return self.client.get("/api/chat/events?after=0").text
