"""A customer who never gives up, and writes down everything that happened.

Sends each message under one ``client_message_id`` until it is acknowledged, reconnects to
whichever edge answers, and reads what comes by long polls, as an app would. Uses nothing
of baoke's code.
"""

import asyncio
import random
import uuid
from dataclasses import dataclass, field

import httpx

LONGEST_PAUSE = 2.0
POLL_SECONDS = 5
GIVE_UP_SECONDS = 240.0


@dataclass
class Sent:
    """One message of the customer.

    Attributes:
        key: Its client_message_id.
        seq: As acknowledged; None before.
        tries: Requests made for it.
    """

    key: str
    text: str
    seq: int | None = None
    tries: int = 0


@dataclass
class Log:
    """What one customer saw."""

    session_id: str = ""
    sent: list[Sent] = field(default_factory=list)
    received: list[dict] = field(default_factory=list)  # events, in order of arrival
    refused: list[str] = field(default_factory=list)  # what was no answer
    complaints: list[str] = field(default_factory=list)  # numbers that were told


class Client:
    """One customer on REST.

    Args:
        urls: Edges; the next one is used when one fails.
        seed: Makes pauses the same in every run.
    """

    def __init__(self, urls, seed=0):
        self.urls = list(urls)
        self.random = random.Random(seed)
        self.at = seed % len(self.urls)
        self.log = Log()
        self.news = asyncio.Event()
        limits = httpx.Limits(max_connections=4)
        self.http = httpx.AsyncClient(timeout=POLL_SECONDS + 10, limits=limits)
        self.reader = None

    async def __aenter__(self):
        opened = await self._ask("POST", "/api/chat/sessions")
        self.log.session_id = opened["session_id"]
        self.http.headers["authorization"] = f"Bearer {opened['token']}"
        self.reader = asyncio.create_task(self._read_forever())
        return self

    async def __aexit__(self, *_):
        self.reader.cancel()
        await asyncio.gather(self.reader, return_exceptions=True)
        await self.http.aclose()

    @property
    def seen(self):
        """Number up to which everything has arrived."""
        return self.log.received[-1]["seq"] if self.log.received else 0

    async def send(self, text, copies=1):
        """Say something and return its number; ``copies`` arrive at the same time."""
        sent = Sent(uuid.UUID(int=self.random.getrandbits(128)).hex, text)
        self.log.sent.append(sent)
        answers = await asyncio.gather(*(self._send(sent) for _ in range(copies)))
        assert len(set(answers)) == 1, f"one message got the numbers {answers}"
        sent.seq = answers[0]
        return sent.seq

    async def _send(self, sent):
        body = {"text": sent.text, "client_message_id": sent.key}
        answer = await self._ask("POST", "/api/chat/messages", body, sent)
        return answer["seq"]

    async def answered(self, seq, seconds=GIVE_UP_SECONDS):
        """Wait until a reply to message ``seq`` has come; whether it has."""
        try:
            async with asyncio.timeout(seconds):
                while not self._has_reply(seq):
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            return False
        return True

    def _has_reply(self, seq):
        return any(
            event["author"] != "customer" and (event.get("in_reply_to") or 0) >= seq
            for event in self.log.received
        )

    async def _read_forever(self):
        while True:
            path = f"/api/chat/events?after={self.seen}&wait={POLL_SECONDS}"
            page = await self._ask("GET", path)
            self.log.received += page["events"]
            if page["events"]:
                self.news.set()

    async def _ask(self, method, path, body=None, sent=None):
        """Try until somebody answers."""
        pause = 0.1
        loop = asyncio.get_running_loop()
        until = loop.time() + GIVE_UP_SECONDS
        while True:
            if sent is not None:
                sent.tries += 1
            url = self.urls[self.at % len(self.urls)]
            try:
                answer = await self.http.request(method, url + path, json=body)
                if answer.is_success:
                    return answer.json()
                why = f"{method} {path.partition('?')[0]}: {answer.status_code}"
            except httpx.HTTPError as err:
                why = f"{method} {path.partition('?')[0]}: {type(err).__name__}"
                self.at += 1
            self.log.refused.append(why)
            assert loop.time() < until, f"nobody answers: {why}"
            await asyncio.sleep(pause * self.random.uniform(0.5, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE)
