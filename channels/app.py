"""The composition root: the only place that builds things and joins them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import socketio
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send

from bot.errors import BadInput, BaokeError
from bot.inbox import Inbox
from bot.notices import Notices
from bot.offers import Dealer, OfferTimes
from bot.payloads import PayloadRules
from bot.ports import Brain, Clock, WorkHours
from bot.settings import Settings
from channels import attachments, health, pages, web
from channels.backstage import Backstage, build_backstage
from channels.console import api as desk_api
from channels.limits import BodyLimit, Limits
from channels.links.loop import LinkLoop
from channels.links.setup import attach_desks
from channels.socket import SocketDoor
from channels.telegram.door import UPDATE_BYTES
from channels.telegram.door import WEBHOOK_PATH as TELEGRAM_PATH
from channels.telegram.setup import TelegramEdge, telegram_edge
from channels.tokens import Doorkeeper, open_secret
from channels.visitors import Refusal, WebRooms, refusal
from channels.wechat.setup import WeChatEdge, wechat_edge
from channels.windows import Windows

SOCKET_PATH = "socket.io"

log = structlog.get_logger()


@dataclass
class Edge:
    """The running edge: an ASGI application and the rooms behind it."""

    asgi: Any
    backstage: Backstage
    door: SocketDoor
    dealer: Dealer
    platforms: tuple[TelegramEdge | WeChatEdge | LinkLoop, ...] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self.asgi(scope, receive, send)

    async def start(self) -> None:
        """Begin to serve."""
        await self.backstage.start()
        self.door.start()
        await self.dealer.start()
        for platform in self.platforms:
            await platform.start()
        log.info("edge.started", works=bool(self.backstage.works))

    async def stop(self) -> None:
        """Close the doors, then end what can end."""
        for platform in self.platforms:
            await platform.stop()
        await self.dealer.stop()
        await self.door.stop()
        await self.backstage.stop()
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
    backstage = build_backstage(
        settings, works=False, brain=brain, clock=clock, hours=hours, notices=notices
    )
    rooms = WebRooms(
        inbox=Inbox(
            backstage.ledger.messages,
            backstage.outbox,
            backstage.turns,
            PayloadRules.load(),
            backstage.notices,
            settings,
            backstage.desk.leave,
        ),
        ledger=backstage.ledger,
        outbox=backstage.outbox,
        feed=backstage.feed,
        doorkeeper=Doorkeeper(open_secret(settings), settings.session_ttl),
        notices=backstage.notices,
        clock=backstage.clock,
        settings=settings,
        metrics=backstage.metrics,
        limits=Limits.of(settings),
    )
    door = _open_door(rooms, backstage)
    checks = checks or dict(health.build_checks(backstage))
    api = _build_api(rooms, backstage, checks)
    asgi = _wrap(socketio.ASGIApp(door.sio, api, socketio_path=SOCKET_PATH), rooms)
    telegram = telegram_edge(
        api, rooms, backstage.client, backstage.platforms.get("telegram")
    )
    links = attach_desks(api, rooms, backstage.desk, backstage.client)
    wechat = wechat_edge(
        api,
        rooms,
        backstage.platforms.get("wechat"),
        backstage.sends,
        backstage.desk,
    )
    doors = tuple(each for each in (telegram, wechat) if each is not None)
    times = OfferTimes(settings.desk_offer, settings.desk_gone)
    offers = backstage.ledger.offers
    dealer = Dealer(offers, backstage.desk, backstage.clock, times)
    edge = Edge(asgi, backstage, door, dealer, (*doors, *links))
    api.state.edge = edge
    return edge


def _open_door(rooms: WebRooms, backstage: Backstage) -> SocketDoor:
    """Join the web's windows to the feed."""
    windows = Windows(rooms.ledger.messages, rooms.outbox, rooms.notices)
    rooms.feed.listen(windows)
    door = SocketDoor(rooms, windows)
    rooms.metrics.watch("baoke_sockets", "Connected sockets", lambda: door.count)
    rooms.metrics.watch(
        "baoke_conversations_busy", "At work or waiting", lambda: backstage.turns.load
    )
    return door


@asynccontextmanager
async def _lifespan(api: FastAPI) -> AsyncIterator[None]:
    edge: Edge = api.state.edge
    await edge.start()
    yield
    await edge.stop()


def _build_api(rooms: WebRooms, backstage: Backstage, checks: Any) -> FastAPI:
    api = FastAPI(
        title="baoke",
        description="Customer-service chat of an insurer: REST for apps and widgets.",
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
        lifespan=_lifespan,
    )
    api.include_router(web.build_router(rooms))
    api.include_router(attachments.build_router(rooms))
    api.include_router(
        desk_api.build_router(
            rooms, backstage.desk, backstage.hours, backstage.client, backstage.news
        )
    )
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
        desk_file = path.startswith("/api/desk/") and path.endswith("/files")
        if path == "/api/chat/attachments" or desk_file:
            return settings.max_attachment_bytes + attachments.FORM_OVERHEAD_BYTES
        if path == TELEGRAM_PATH:  # what is refused comes again, for ever
            return max(settings.max_body_bytes, UPDATE_BYTES)
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
