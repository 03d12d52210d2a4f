"""WeChat over two edges and a worker: what one replica knows, all know."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from edge_kit import FakeBrain, FakeHours, make_settings, say, served
from scaled import redis_server
from sqlalchemy import create_engine
from wechat_kit import settings_for, wechat, xml_of

from bot.dispatch_queue import install_queue
from bot.ledger.database import sync_url
from bot.ledger.migrate import upgrade
from channels.app import build_app
from channels.backstage import build_backstage

WHO = "oCustomer1"


async def _ready():
    return None


@asynccontextmanager
async def replicas(folder, postgres_url, redis_url, brain, fake, **more):
    """Two edges (their addresses) with one worker behind them."""
    address = sync_url(postgres_url, Path("/"))
    upgrade(address)
    engine = create_engine(address)
    install_queue(engine)
    engine.dispose()
    values = {
        "database_url": postgres_url,
        "redis_url": redis_url,
        "secret_key": "k" * 40,
        **settings_for(fake, **more),
    }
    settings = make_settings(folder, **values)
    worker = build_backstage(settings, works=True, brain=brain, hours=FakeHours())
    edges = [build_app(settings, checks={"rasa": _ready}) for _ in range(2)]
    async with served(edges[0]) as first, served(edges[1]) as second:
        await worker.start()
        try:
            yield first, second
        finally:
            await worker.stop()


@pytest.fixture
def redis_url():
    with redis_server() as redis:
        if redis is None:
            pytest.skip("redis-server is not installed")
        yield redis.url


def question(number, text="在吗"):
    return xml_of(ToUserName="gh_1", FromUserName=WHO, CreateTime=1, MsgType="text",
                  Content=text, MsgId=number)  # fmt: skip


async def post(fake, server, xml):
    params, body = fake.signed(xml)
    url = f"{server}/webhooks/wechat"
    return await fake.client.post(url, params=params, content=body, timeout=10)


async def test_that_tries_at_two_replicas_are_one_message(
    tmp_path, postgres_url, redis_url
):
    async def think(asked):
        await asyncio.sleep(0.5)
        return say(f"答：{asked.text}")

    brain = FakeBrain(think)
    async with (
        wechat() as fake,
        replicas(tmp_path, postgres_url, redis_url, brain, fake) as edges,
    ):
        calls = [post(fake, edges[n % 2], question(1)) for n in range(3)]
        answers = await asyncio.gather(*calls)
        said = {fake.read(answer.text).findtext("Content") for answer in answers}
        assert said == {"答：在吗"}
        assert len(brain.asked) == 1
        assert fake.followers[WHO].texts == []  # nothing was pushed beside it


async def test_that_replicas_and_workers_share_one_token(
    tmp_path, postgres_url, redis_url
):
    async with wechat() as fake:
        brain = FakeBrain()
        setting = {"wechat_passive_wait": 0.0}
        async with replicas(
            tmp_path, postgres_url, redis_url, brain, fake, **setting
        ) as edges:
            fake.followers[WHO].left["message"] = 5
            for number in range(4):
                answer = await post(
                    fake, edges[number % 2], question(number, f"第{number}问")
                )
                assert answer.text == "success"
            image = xml_of(ToUserName="gh_1", FromUserName=WHO, CreateTime=2,
                           MsgType="image", MediaId="m", MsgId=99)  # fmt: skip
            await post(
                fake, edges[1], image
            )  # fetched by an edge, pushed by the worker
            await fake.until(lambda: fake.named("media/get"))
            await fake.until(lambda: len(fake.followers[WHO].shown) >= 2)
            assert len(fake.named("stable_token")) == 1


async def test_that_replicas_share_used_signatures(tmp_path, postgres_url, redis_url):
    brain = FakeBrain()
    async with (
        wechat(mode="plain") as fake,
        replicas(tmp_path, postgres_url, redis_url, brain, fake) as edges,
    ):
        params, body = fake.signed(question(1))
        bodies = [body, question(2, "我要退保").encode()]

        async def call(server, body):
            url = f"{server}/webhooks/wechat"
            found = await fake.client.post(url, params=params, content=body, timeout=10)
            return found.status_code

        assert await call(edges[0], bodies[0]) == 200
        assert await call(edges[1], bodies[1]) == 403
        assert await call(edges[1], bodies[0]) == 200
        params, _ = fake.signed("")
        calls = [call(edges[n % 2], bodies[n % 2]) for n in range(6)]
        assert sorted(await asyncio.gather(*calls)) == [200] * 3 + [403] * 3
