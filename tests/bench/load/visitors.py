"""Customers of a load run: over REST, over a socket, and straight to Rasa."""

import asyncio
import uuid
from dataclasses import dataclass, field
from time import perf_counter

import httpx
import socketio

# Questions of many kinds; no greetings, which wait for the rest of a burst.
TEXTS = (
    "重疾险等待期多久",
    "理赔要多久才能到账",
    "客服电话是多少",
    "投诉多久有结果",
    "百万医疗险保什么",
    "犹豫期是几天",
    "报案要准备什么材料",
    "今天天气怎么样",
    "车险不赔什么",
    "你是机器人吗",
)
PATIENCE = 120.0  # seconds for one turn
TURN = "/webhooks/baoke/turn"


class RestVisitor:
    """One conversation by POST and long poll."""

    def __init__(self, client, url):
        self.client, self.url, self.after = client, url, 0

    async def open(self):
        answer = await self.client.post(f"{self.url}/api/chat/sessions")
        self.headers = {"Authorization": f"Bearer {answer.json()['token']}"}

    async def turn(self, text):
        body = {"text": text, "client_message_id": uuid.uuid4().hex}
        said = await self.client.post(
            f"{self.url}/api/chat/messages", json=body, headers=self.headers
        )
        said.raise_for_status()
        seq = said.json()["seq"]
        while True:
            page = await self.client.get(
                f"{self.url}/api/chat/events?after={self.after}&wait=30",
                headers=self.headers,
                timeout=PATIENCE,
            )
            for event in page.json()["events"]:
                self.after = event["seq"]
                if event["author"] != "customer" and event["in_reply_to"] == seq:
                    return

    async def close(self): ...


class SocketVisitor:
    """One conversation on a websocket, as our widget holds it."""

    def __init__(self, client, url):
        self.url = url
        self.sio = socketio.AsyncClient(reconnection=False)
        self.replies = asyncio.Queue()  # what they answer

    async def open(self):
        self.sio.on("bot_uttered", self._on_uttered)
        await self.sio.connect(self.url, transports=["websocket"], wait_timeout=60)
        request = {"session_id": None, "customData": {"client": "baoke"}}
        got = await self.sio.call("session_request", request, timeout=60)
        self.session = got["session_id"]

    async def _on_uttered(self, data):
        self.replies.put_nowait(data["metadata"]["in_reply_to"] or 0)

    async def turn(self, text):
        data = {
            "message": text,
            "session_id": self.session,
            "metadata": {"client_message_id": uuid.uuid4().hex},
        }
        said = await self.sio.call("user_uttered", data, timeout=PATIENCE)
        async with asyncio.timeout(PATIENCE):
            while await self.replies.get() != said["seq"]:
                pass

    async def close(self):
        await self.sio.disconnect()


class RasaVisitor:
    """One conversation with Rasa itself, on the route the edge uses."""

    def __init__(self, client, url):
        self.client, self.url = client, url + TURN
        self.sender = f"bench:{uuid.uuid4().hex}"

    async def open(self): ...

    async def turn(self, text):
        body = {"sender_id": self.sender, "turn_id": uuid.uuid4().hex, "text": text}
        answer = await self.client.post(self.url, json=body, timeout=PATIENCE)
        answer.raise_for_status()

    async def close(self): ...


@dataclass
class Result:
    """What a load run gave; times in seconds."""

    conversations: int
    seconds: float = 0.0
    turns: list = field(default_factory=list)
    errors: int = 0

    @property
    def rate(self):
        return len(self.turns) / self.seconds

    def quantile(self, share):
        ordered = sorted(self.turns)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def run_load(kinds, urls, conversations, seconds, think=0.0):
    """Let many customers ask at once, each waiting for its answer.

    Args:
        kinds: Visitor classes, dealt in turn.
        urls: Servers, dealt in turn.
        conversations: Customers.
        seconds: How long; running turns are finished and counted.
        think: Seconds between an answer and the next question.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    result = Result(conversations)
    async with httpx.AsyncClient(timeout=PATIENCE, limits=limits) as client:
        visitors = [
            kinds[n % len(kinds)](client, urls[n // len(kinds) % len(urls)])
            for n in range(conversations)
        ]
        for start in range(0, conversations, 50):
            await asyncio.gather(*(v.open() for v in visitors[start : start + 50]))
        began = perf_counter()
        until = began + seconds

        async def talk(number, visitor):
            await asyncio.sleep(think * number / conversations)
            turn = number
            while perf_counter() < until:
                asked = perf_counter()
                try:
                    await visitor.turn(TEXTS[turn % len(TEXTS)])
                except (
                    httpx.HTTPError,
                    TimeoutError,
                    socketio.exceptions.SocketIOError,
                ):
                    result.errors += 1
                else:
                    result.turns.append(perf_counter() - asked)
                turn += 1
                await asyncio.sleep(think)

        await asyncio.gather(*(talk(n, v) for n, v in enumerate(visitors)))
        result.seconds = perf_counter() - began
        await asyncio.gather(*(v.close() for v in visitors))
    return result
