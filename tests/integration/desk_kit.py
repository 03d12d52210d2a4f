"""Agents' browsers around one edge, and customers on the web, WeChat and Telegram."""

import asyncio
from contextlib import asynccontextmanager

import httpx
from edge_kit import FakeBrain, Visitor, eventually, make_edge, served
from telegram_kit import TOKEN, message, telegram
from wechat_kit import service, wechat

from bot.desk_rules import Handoff
from bot.ledger.agents import Role
from channels.console.accounts import hash_password

PASSWORD = "correct horse"
HASH = hash_password(PASSWORD)


class Browser:
    """An agent's browser."""

    def __init__(self, url) -> None:
        self.client = httpx.AsyncClient(base_url=url, timeout=30)
        self.csrf = ""

    async def login(self, name, password=PASSWORD):
        body = {"name": name, "password": password}
        answer = await self.client.post("/api/desk/login", json=body)
        if answer.status_code == 200:
            self.csrf = answer.json()["csrf"]
        return answer

    async def get(self, path, **query):
        return await self.client.get(f"/api/desk/{path}", params=query)

    async def post(self, path, csrf=None, **body):
        headers = {"X-CSRF-Token": self.csrf if csrf is None else csrf}
        return await self.client.post(f"/api/desk/{path}", json=body, headers=headers)

    async def upload(self, base, name, content, key):
        return await self.client.post(
            f"/api/desk/{base}/files",
            files={"file": (name, content)},
            data={"key": key},
            headers={"X-CSRF-Token": self.csrf},
        )


@asynccontextmanager
async def desk_of(tmp_path, brain=None, **settings):
    edge = make_edge(tmp_path, brain or FakeBrain(), **settings)
    agents = edge.backstage.ledger.agents
    async with served(edge) as url, httpx.AsyncClient(base_url=url) as web:
        await agents.put("agent1", "小王", HASH, skills=["理赔"])
        await agents.put("agent2", "小李", HASH, capacity=1)
        await agents.put("leader", "老陈", HASH, Role.LEADER)
        browsers = [Browser(url) for _ in range(3)]
        for browser, name in zip(browsers, ("agent1", "agent2", "leader"), strict=True):
            assert (await browser.login(name)).status_code == 200
        yield edge, web, browsers
        for browser in browsers:
            await browser.client.aclose()


@asynccontextmanager
async def held_on_wechat(tmp_path):
    """A customer on WeChat with an agent: the fake, the agent, the conversation."""
    async with wechat() as fake, service(tmp_path, FakeBrain(), fake) as edge:
        await fake.say("在吗")
        async with _held(edge, fake.server, "wechat:oCustomer1") as (agent, base):
            yield fake, agent, base


@asynccontextmanager
async def held_on_telegram(tmp_path):
    """A customer on Telegram with an agent: the fake, the agent, the conversation."""
    async with telegram() as fake:
        settings = {"telegram_token": TOKEN, "telegram_api_base": fake.url}
        edge = make_edge(tmp_path, FakeBrain(), telegram_secret="s", **settings)
        async with served(edge) as url, httpx.AsyncClient(base_url=url) as hook:
            signed = {"X-Telegram-Bot-Api-Secret-Token": "s"}
            update = message(1, chat=7, text="在吗")
            await hook.post("/webhooks/telegram", json=update, headers=signed)
            await eventually(lambda: fake.sent(7))
            async with _held(edge, url, "telegram:7") as (agent, base):
                yield fake, agent, base


@asynccontextmanager
async def _held(edge, url, sender_id):
    await edge.backstage.ledger.agents.put("agent1", "小王", HASH)
    await edge.backstage.desk.request(sender_id, Handoff("x"), "w")
    agent, base = Browser(url), f"conversations/{sender_id}"
    try:
        assert (await agent.login("agent1")).status_code == 200
        assert (await agent.post(f"{base}/accept", key="a")).status_code == 200
        yield agent, base
    finally:
        await agent.client.aclose()


async def newest(edge):
    """The conversation that began last."""
    query = "SELECT sender_id FROM conversations ORDER BY created_at DESC LIMIT 1"
    read = edge.backstage.ledger._database.read
    return await read(lambda c: c.exec_driver_sql(query).scalar_one())


async def ask_for_human(edge, web):
    """A customer on the web asks; returns the visitor and the conversation."""
    visitor = await Visitor.arrive(web)
    await visitor.post(text="在吗", client_message_id="m1")
    sender_id = await newest(edge)
    async with asyncio.timeout(60):
        while "答：在吗" not in await seen_by(web, visitor):
            await asyncio.sleep(0.02)
    wish = Handoff("customer_asked")
    await edge.backstage.desk.request(sender_id, wish, visitor.session_id[:20])
    return visitor, sender_id


async def seen_by(web, visitor):
    answer = await web.get("/api/chat/events?after=0", headers=visitor.headers)
    return answer.text
