"""Other people's programs against ours: WeRoBot, telemelya, and the widget rasa-webchat.

They are got by ``scripts/setup.py --test-tools``; what is not there is skipped, aloud.
"""

import asyncio
import json
import os
import shutil
import socket
from asyncio.subprocess import PIPE, STDOUT
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from edge_kit import FakeBrain, make_edge, served
from scaled import redis_server
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from wechat_kit import service, wechat

from bot.message import Button, ButtonsPart, CitationPart, TextPart
from bot.ports import Answer

PEERS = Path(__file__).parents[1] / "peers"
PYTHON = PEERS / ".venv/bin/python"
NODE = shutil.which("node")
WEBCHAT = PEERS / "node_modules/rasa-webchat"
HINT = "run scripts/setup.py --test-tools"

needs_python = pytest.mark.skipif(not PYTHON.exists(), reason=f"no peers: {HINT}")
needs_node = pytest.mark.skipif(
    NODE is None or not WEBCHAT.exists(), reason=f"no node or rasa-webchat: {HINT}"
)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@asynccontextmanager
async def running(port, *command, env=None, cwd=PEERS):
    """Run a peer until its port answers; end it afterwards."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), cwd=cwd, env=env, stdout=PIPE, stderr=STDOUT
    )
    said = bytearray()

    async def read():
        while chunk := await process.stdout.read(4096):
            said.extend(chunk)

    reading = asyncio.create_task(read())
    try:
        async with asyncio.timeout(60):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    assert process.returncode is None, said.decode()
                    await asyncio.sleep(0.1)
        yield said
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


# WeChat.


@needs_python
@pytest.mark.parametrize("mode", ["plain", "safe"])
async def test_that_our_fake_wechat_speaks_to_werobot_as_wechat_does(mode):
    port = free_port()
    server = running(port, PYTHON, "werobot_server.py", port, mode)
    async with wechat(mode=mode) as fake, server:
        fake.server = f"http://127.0.0.1:{port}"
        params, _ = fake.signed("")
        url = f"{fake.server}/webhooks/wechat"
        answer = await fake.client.get(url, params=params | {"echostr": "42"})
        assert (answer.status_code, answer.text) == (200, "42")
        assert await fake.say("你好") == "WeRoBot：你好"
        assert await fake.event("subscribe") == "WeRoBot：欢迎"
        fake.patience = 0.2  # three tries, then WeChat's own words
        await fake.say("慢")
        assert fake.followers["oCustomer1"].shown[-1][0] == "away"


@needs_python
async def test_that_werobot_opens_our_sealed_replies(tmp_path):
    async with wechat(mode="safe") as fake, service(tmp_path, FakeBrain(), fake):
        await fake.say("犹豫期几天？<b>&]]>")
        (_, sealed) = fake.answers[-1]
        process = await asyncio.create_subprocess_exec(
            str(PYTHON), "werobot_open.py", cwd=PEERS, stdin=PIPE, stdout=PIPE
        )
        opened, _ = await process.communicate(sealed.encode())
        xml = opened.decode()
        assert process.returncode == 0
        assert fake.read(sealed).findtext("Content") == "答：犹豫期几天？<b>&]]>"
        assert "<ToUserName><![CDATA[oCustomer1]]></ToUserName>" in xml


# Telegram.

TOKEN, AUTH, SECRET = "123456789:ABCDefGhIjKlMnOpQrStUvWxYz", "peer-key", "s3cret"


def relay(edge_url):
    """Adds the secret header, which telemelya does not know."""

    async def pass_on(request):
        async with httpx.AsyncClient() as client:
            answer = await client.post(
                f"{edge_url[0]}/webhooks/telegram",
                content=await request.body(),
                headers={
                    "X-Telegram-Bot-Api-Secret-Token": SECRET,
                    "content-type": "application/json",
                },
            )
        return Response(answer.content, status_code=answer.status_code)

    return Starlette(routes=[Route("/hook", pass_on, methods=["POST"])])


@needs_python
async def test_that_telemelya_unmodified_holds_a_dialogue_with_us(tmp_path):
    async def offer(question):
        if question.text.startswith("/"):
            return Answer(((TextPart(f"选了{question.text}"),),))
        buttons = ButtonsPart((Button("转人工", "/request_handoff"),))
        return Answer(((TextPart(f"答：{question.text}"), buttons),))

    with redis_server() as redis:
        if redis is None:
            pytest.skip(f"no redis-server: {HINT}")
        port = free_port()
        base, edge_url = f"http://127.0.0.1:{port}", []
        env = os.environ | {
            "REDIS_URL": redis.url,
            "MOCK_SERVER_HOST": "127.0.0.1",
            "MOCK_SERVER_PORT": str(port),
            "MOCK_SERVER_URL": base,
            "AUTH_KEYS": AUTH,
            "NO_PROXY": "127.0.0.1,localhost",
        }
        edge = make_edge(
            tmp_path, FakeBrain(offer), telegram_token=TOKEN, telegram_secret=SECRET,
            telegram_api_base=base,
        )  # fmt: skip
        async with (
            running(port, PYTHON, "telemelya_server.py", env=env),
            served(edge) as url,
            served(relay(edge_url)) as hook,
            httpx.AsyncClient(base_url=base, timeout=30) as client,
        ):
            edge_url.append(url)
            told = await client.post(
                f"/bot{TOKEN}/setWebhook", json={"url": f"{hook}/hook"}
            )
            assert told.json()["ok"]
            client.headers.update(
                {"Authorization": f"Bearer {AUTH}", "X-Test-Session": "s"}
            )
            phone = Phone(client)
            await phone.send(text="犹豫期几天")
            first = await phone.answer("犹豫期几天")
            (button,) = first["reply_markup"]["inline_keyboard"][0]
            assert button["text"] == "转人工"
            await phone.send(text=button["text"], callback_data=button["callback_data"])
            await phone.answer("选了/request_handoff")
            await phone.send(command="/start")
            await phone.answer("选了/greet")


class Phone:
    """A customer of telemelya's Telegram."""

    def __init__(self, client):
        self.client = client
        self.seen = []

    async def send(self, **update):
        answer = await self.client.post(
            "/api/v1/test/send_update",
            params={"bot_token": TOKEN},
            json={"chat_id": 7, **update},
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["delivery"]["status_code"] == 200

    async def answer(self, words):
        """Wait until something with these words was sent; return that call."""
        async with asyncio.timeout(60):
            while True:
                found = await self.client.get("/api/v1/test/responses")
                self.seen = found.json()
                for sent in _calls(self.seen):
                    if words in str(sent.get("text", "")):
                        return sent
                await asyncio.sleep(0.1)


def _calls(found):
    """Every object with a text, wherever telemelya keeps it."""
    if isinstance(found, dict):
        if "text" in found:
            markup = found.get("reply_markup")
            if isinstance(markup, str):
                found["reply_markup"] = json.loads(markup)
            yield found
        for value in found.values():
            yield from _calls(value)
    elif isinstance(found, list):
        for value in found:
            yield from _calls(value)


# The web.


@needs_node
async def test_that_rasa_webchat_completes_a_dialogue(tmp_path):
    quote = CitationPart(
        "第五条(二)1", "犹豫期为十五日", "服务协议", "v1", "2026-01-01"
    )
    buttons = ButtonsPart((Button("理赔进度", "/track_claim"),))

    async def answer(question):
        if question.text == "/greet":
            return Answer(((TextPart("您好，请问有什么可以帮您？"), buttons),))
        if question.text == "/track_claim":
            return Answer(((TextPart("您的案件已支付。"),),))
        return Answer(((TextPart("十五天。"), quote),))

    brain = FakeBrain(answer)
    steps = [
        {"wait": "您好，请问有什么可以帮您？"},
        {"press": "理赔进度"},
        {"wait": "您的案件已支付。"},
        {"say": "犹豫期几天"},
        {"wait": "第五条(二)1"},
    ]
    async with served(make_edge(tmp_path, brain)) as url:
        process = await asyncio.create_subprocess_exec(
            NODE, "webchat.js", url, json.dumps(steps), cwd=PEERS, stdout=PIPE
        )
        said, _ = await process.communicate()
    result = json.loads(said)
    assert result["ok"], result
    assert [q.text for q in brain.asked] == ["/greet", "/track_claim", "犹豫期几天"]
    shown = "\n".join(result["shown"])
    for words in ("您好", "理赔进度", "已支付", "犹豫期几天", "犹豫期为十五日"):
        assert words in shown, result
