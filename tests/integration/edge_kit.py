"""Fakes and a real loopback server for tests of the edge."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import socketio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.ledger.database import sync_url
from bot.ledger.migrate import upgrade
from bot.message import TextPart
from bot.ports import Answer, Question
from bot.settings import Settings
from channels.app import Edge, build_app
from channels.serve import Server

ROOT = Path(__file__).parents[2]


def say(*texts: str) -> Answer:
    return Answer(tuple((TextPart(text),) for text in texts), intent="greet")


@dataclass
class FakeBrain:
    """Echoes unless told otherwise, and keeps what it was asked."""

    answer: Callable[[Question], Awaitable[Answer]] | None = None
    asked: list[Question] = field(default_factory=list)

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        if self.answer is not None:
            return await self.answer(question)
        return say(f"答：{question.text}")


@dataclass
class FakeHours:
    open: bool = True
    opens: datetime | None = None  # an hour from when it is asked, unless said

    def due(self, start: datetime, amount: int, unit: str) -> datetime:
        return start + timedelta(hours=amount)

    def is_open(self, moment: datetime) -> bool:
        return self.open

    def next_open(self, moment: datetime) -> datetime:
        return self.opens or moment + timedelta(hours=1)


@cache
def _template() -> Path:
    path = Path(mkdtemp(prefix="baoke-ledger-")) / "empty.db"
    upgrade(sync_url(f"sqlite:///{path}", Path("/")))
    return path


def make_settings(folder: Path, **overrides: Any) -> Settings:
    database = folder / "baoke.db"
    if not database.exists():
        shutil.copy(_template(), database)
    values: dict[str, Any] = {
        "root": ROOT,
        "var_dir": folder,
        "database_url": f"sqlite:///{database}",
        "brain_retry_budget": timedelta(seconds=0.3),
        "actions_url": "http://127.0.0.1:9",  # never an instance that really runs
    }
    return Settings(**{**values, **overrides})


async def _ready() -> str | None:
    return None


def make_edge(folder: Path, brain: Any = None, **overrides: Any) -> Edge:
    hours = overrides.pop("hours", FakeHours())
    checks = overrides.pop("checks", {"rasa": _ready})
    clock = overrides.pop("clock", None)
    settings = make_settings(folder, **overrides)
    return build_app(settings, brain=brain, clock=clock, hours=hours, checks=checks)


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Run an ASGI application on a free loopback port."""
    # Named as TCP, or asyncio leaves Nagle on and every answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, ws="websockets-sansio", log_level="error", timeout_graceful_shutdown=2
    )
    server = Server(config, app) if isinstance(app, Edge) else uvicorn.Server(config)
    server.capture_signals = _no_signals  # type: ignore[method-assign]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        assert not task.done(), "the server did not start"
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # asyncio forgets to close a line it accepts while its server closes, so nothing
        # is accepted any more, and what was accepted is let in, before the server ends.
        asyncio.get_running_loop().remove_reader(listener)
        for _ in range(5):
            await asyncio.sleep(0)
        server.should_exit = True
        await task
        # Whoever still held a line is cut off, or its socket outlives the test's loop.
        for protocol in list(server.server_state.connections):
            if (transport := getattr(protocol, "transport", None)) is not None:
                transport.abort()
        await asyncio.sleep(0)
        listener.close()


class _no_signals:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class Visitor:
    """A customer on REST."""

    def __init__(self, client: httpx.AsyncClient, session: dict[str, Any]) -> None:
        self.client = client
        self.session_id = session["session_id"]
        self.token = session["token"]
        self.headers = {"Authorization": f"Bearer {self.token}"}
        self.seen = 0

    @classmethod
    async def arrive(cls, client: httpx.AsyncClient) -> "Visitor":
        answer = await client.post("/api/chat/sessions")
        assert answer.status_code == 200, answer.text
        return cls(client, answer.json())

    async def post(self, **body: Any) -> httpx.Response:
        return await self.client.post(
            "/api/chat/messages", json=body, headers=self.headers
        )

    async def say(self, text: str, key: str | None = None) -> int:
        body = {"text": text} | ({"client_message_id": key} if key else {})
        answer = await self.post(**body)
        assert answer.status_code == 202, answer.text
        return answer.json()["seq"]

    async def events(self, after: int = 0, wait: float = 0) -> list[dict[str, Any]]:
        answer = await self.client.get(
            "/api/chat/events",
            params={"after": after, "wait": wait},
            headers=self.headers,
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["events"]

    async def until(self, count: int) -> list[dict[str, Any]]:
        """Read until the conversation has so many messages."""
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(60):
            while len(found) < count:
                after = found[-1]["seq"] if found else 0
                found += await self.events(after, wait=5)
        return found


async def eventually(true: Callable[[], Any]) -> None:
    """Wait until something holds; fail when it never does."""
    for _ in range(12_000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came true")


def words(event: dict[str, Any]) -> str:
    return "".join(p["text"] for p in event["parts"] if p["type"] == "text")


@asynccontextmanager
async def visiting(url: str) -> AsyncIterator[Visitor]:
    async with httpx.AsyncClient(base_url=url) as client:
        yield await Visitor.arrive(client)


class SocketClient:
    """A browser's socket that keeps everything it was sent."""

    def __init__(self, acknowledges: bool = True) -> None:
        self.sio = socketio.AsyncClient(reconnection=False)
        self.got: list[tuple[str, Any]] = []
        self._news = asyncio.Event()
        self.sio.on("*", self._keep)

    async def _keep(self, event: str, *args: Any) -> None:
        self.got.append((event, args[0] if args else None))
        self._news.set()

    async def open(self, url: str, **kwargs: Any) -> "SocketClient":
        await self.sio.connect(url, transports=["websocket"], **kwargs)
        return self

    async def request(self, session_id: str | None = None, **more: Any) -> Any:
        return await self.sio.call(
            "session_request", {"session_id": session_id, **more}
        )

    async def utter(self, message: Any, session_id: str, key: str | None = None) -> Any:
        data: dict[str, Any] = {"message": message, "session_id": session_id}
        if key:
            data["metadata"] = {"client_message_id": key}
        return await self.sio.call("user_uttered", data)

    def all(self, event: str) -> list[Any]:
        return [data for name, data in self.got if name == event]

    async def until(self, event: str, count: int = 1) -> list[Any]:
        async with asyncio.timeout(60):
            while len(self.all(event)) < count:
                self._news.clear()
                await self._news.wait()
        return self.all(event)

    async def close(self) -> None:
        await self.sio.disconnect()


@dataclass
class FakeRasa:
    """Answers like bot/assistant/connector.py."""

    replies: list[dict[str, Any]] = field(default_factory=lambda: [{"text": "您好"}])
    status: int = 200
    error: str = "action_failed"
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def turn(self, request: Request) -> Response:
        self.asked.append(await request.json())
        if self.status != 200:
            error = {"code": self.error, "detail": "…"}
            return JSONResponse({"error": error}, status_code=self.status)
        body = {
            "replies": self.replies,
            "intent": {"name": "greet", "confidence": 0.98},
            "ranking": [{"name": "greet", "confidence": 0.98}],
            "entities": [],
            "actions": [{"name": "utter_greet", "policy": "Rule", "confidence": 1.0}],
            "active_form": None,
        }
        return JSONResponse(body)

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/webhooks/baoke/turn", self.turn, methods=["POST"]),
                Route("/webhooks/baoke/", self.health),
                Route("/health", self.health),
            ]
        )
