"""The composition root: the only place that builds things and joins them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import socketio
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send

from bot.brain import RasaBrain
from bot.clock import SystemClock
from bot.desk import Desk
from bot.dispatch import LocalDispatcher
from bot.errors import BadInput, BaokeError
from bot.feed import Feed
from bot.inbox import Inbox, worker
from bot.ledger.repository import Ledger
from bot.notices import Notices
from bot.outbox import Outbox
from bot.payloads import PayloadRules
from bot.ports import Brain, Channel, Clock, WorkHours
from bot.settings import Settings
from bot.turn import Rooms
from channels import attachments, health, pages, web
from channels.limits import BodyLimit, Limits
from channels.metrics import Metrics
from channels.socket import SocketDoor
from channels.tokens import CHANNEL, Doorkeeper, open_secret
from channels.visitors import Refusal, WebRooms, refusal
from channels.windows import Windows
from worktime.calendar import WorkCalendar

SOCKET_PATH = "socket.io"
CALENDAR_DIR = "data/calendar"

log = structlog.get_logger()


@dataclass
class Edge:
    """The running edge: an ASGI application and the rooms behind it."""

    settings: Settings
    asgi: Any
    ledger: Ledger
    desk: Desk
    outbox: Outbox
    dispatcher: LocalDispatcher
    door: SocketDoor
    client: httpx.AsyncClient

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self.asgi(scope, receive, send)

    async def start(self) -> None:
        """Begin to work, first of all on what the last run left unanswered."""
        self.outbox.start()
        self.door.start()
        waiting = await self.ledger.turns.waiting()
        for sender_id in waiting:
            self.dispatcher.wake(sender_id)
        log.info("edge.started", resumed=len(waiting))

    async def stop(self) -> None:
        """End turns that can end, write receipts, give everything back."""
        await self.dispatcher.stop()
        await self.door.stop()
        await self.outbox.stop()
        await self.client.aclose()
        await self.ledger.close()
        log.info("edge.stopped")


def build_app(
    settings: Settings,
    *,
    brain: Brain | None = None,
    clock: Clock | None = None,
    hours: WorkHours | None = None,
    notices: Notices | None = None,
    checks: dict[str, health.Check] | None = None,
) -> Edge:
    """Build the edge; tests pass fakes for what lies outside.

    Args:
        settings: Read once, see bot/settings.py.
        brain: Instead of Rasa over HTTP.
        clock: Instead of the machine's clock.
        hours: Instead of the calendar under data/calendar.
        notices: Instead of bot/notices.zh.yml.
        checks: Instead of asking Rasa, the action server and the database.

    Raises:
        ValueError: A setting or a data file cannot be used.
    """
    clock = clock or SystemClock(settings.clock)
    notices = notices or Notices.load()
    hours = hours or WorkCalendar.load(settings.root / CALENDAR_DIR)
    client = httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=20))
    metrics = Metrics()
    ledger = Ledger.at(settings.database_url, settings.root)
    feed = Feed()
    ways: dict[str, Channel] = {}
    outbox = Outbox(ledger.deliveries, ledger.messages, ways, feed, clock)
    desk = Desk(ledger.moves, notices, hours, clock, settings, outbox)
    brain = brain or RasaBrain(
        client, settings.rasa_url, settings.brain_timeout, settings.brain_retry_budget
    )
    turn_rooms = Rooms(ledger.turns, desk, brain, outbox, clock, settings, metrics.turn)
    dispatcher = LocalDispatcher(worker(turn_rooms), settings.turn_concurrency)
    rules = PayloadRules.load()
    inbox = Inbox(ledger.messages, outbox, dispatcher, rules, notices, settings)
    rooms = WebRooms(
        inbox=inbox,
        ledger=ledger,
        outbox=outbox,
        feed=feed,
        doorkeeper=Doorkeeper(open_secret(settings), settings.session_ttl),
        notices=notices,
        clock=clock,
        settings=settings,
        metrics=metrics,
        limits=Limits.of(settings),
    )
    door = _open_door(rooms, ways, dispatcher)
    api = _build_api(rooms, checks or health.build_checks(settings, client, ledger))
    asgi = _wrap(socketio.ASGIApp(door.sio, api, socketio_path=SOCKET_PATH), rooms)
    edge = Edge(settings, asgi, ledger, desk, outbox, dispatcher, door, client)
    api.state.edge = edge
    return edge


def _open_door(
    rooms: WebRooms, ways: dict[str, Channel], dispatcher: LocalDispatcher
) -> SocketDoor:
    """Join the web's windows to the outbox and the feed."""
    windows = Windows(rooms.ledger.messages, rooms.outbox, rooms.notices)
    ways[CHANNEL] = windows
    rooms.feed.listen(windows.on_written)
    door = SocketDoor(rooms, windows)
    rooms.metrics.watch("baoke_sockets", "Connected sockets", lambda: door.count)
    rooms.metrics.watch(
        "baoke_conversations_busy", "At work or waiting", lambda: dispatcher.load
    )
    return door


@asynccontextmanager
async def _lifespan(api: FastAPI) -> AsyncIterator[None]:
    edge: Edge = api.state.edge
    await edge.start()
    yield
    await edge.stop()


def _build_api(rooms: WebRooms, checks: Any) -> FastAPI:
    api = FastAPI(
        title="baoke",
        description="Customer-service chat of an insurer: REST for apps and widgets.",
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
        lifespan=_lifespan,
    )
    api.include_router(web.build_router(rooms))
    api.include_router(attachments.build_router(rooms))
    api.include_router(health.build_router(checks, rooms.metrics))
    api.include_router(pages.build_router())

    def answer(said: Refusal) -> JSONResponse:
        retry = {"Retry-After": str(said.retry_after)} if said.retry_after else None
        return JSONResponse(said.to_json(), status_code=said.status, headers=retry)

    async def refuse(_: Request, err: Exception) -> JSONResponse:
        assert isinstance(err, BaokeError)
        return answer(refusal(err, rooms.notices, rooms.settings))

    async def refuse_http(_: Request, err: Exception) -> JSONResponse:
        assert isinstance(err, HTTPException)
        code = {404: "not_found", 405: "method_not_allowed"}.get(err.status_code)
        code = code or "bad_request"
        said = Refusal(err.status_code, code, rooms.notices.refusal(code))
        return answer(said)

    async def refuse_shape(_: Request, err: Exception) -> JSONResponse:
        return answer(Refusal(422, "bad_request", rooms.notices.refusal("bad_request")))

    api.add_exception_handler(BaokeError, refuse)
    api.add_exception_handler(HTTPException, refuse_http)
    api.add_exception_handler(RequestValidationError, refuse_shape)
    return api


def _wrap(app: Any, rooms: WebRooms) -> Any:
    """Put limits, headers and CORS around everything, sockets included."""
    settings = rooms.settings
    too_large = refusal(BadInput("body_too_large", 413), rooms.notices, settings)

    def limit_for(path: str) -> int:
        if path == "/api/chat/attachments":
            return settings.max_attachment_bytes + attachments.FORM_OVERHEAD_BYTES
        return settings.max_body_bytes

    limited = BodyLimit(app, limit_for, too_large.to_json())
    if settings.widget_origins:
        limited = _allow_origins(limited, app, settings)
    return pages.SafeHeaders(limited)


def _allow_origins(limited: Any, app: Any, settings: Settings) -> Any:
    """Let other sites use the REST routes; sockets check their origin themselves."""
    cors = CORSMiddleware(
        limited,
        allow_origins=list(settings.widget_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["Retry-After"],
        max_age=600,
    )

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        rest = scope["type"] == "http" and scope["path"].startswith("/api/")
        await (cors if rest else limited)(scope, receive, send)

    return route
