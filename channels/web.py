"""REST for apps and the widget: sessions, messages, events (documented in OpenAPI)."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from bot.errors import BadInput, Unauthorized
from bot.ledger.messages import PAGE
from bot.message import StoredMessage
from channels.strict_json import read_object
from channels.tokens import Door, Session
from channels.visitors import BadField, WebRooms, read_inbound, take_in
from channels.wire import event

MAX_WAIT_SECONDS = 55.0  # below the minute after which proxies hang up
Json = dict[str, Any]


def address_of(request: Request) -> str:
    """Return the peer's address; uvicorn has read a trusted proxy's header."""
    return request.client.host if request.client else "unknown"


def session_of(request: Request, rooms: WebRooms) -> Session:
    """Return the session that the bearer token opens.

    Raises:
        Unauthorized: There is none.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and (
        session := rooms.doorkeeper.enter(token.strip(), rooms.clock.now())
    ):
        return session
    raise Unauthorized


async def read_json(request: Request) -> Json:
    """Read a JSON object, see ``read_object``."""
    return read_object(await request.body())


def _number(request: Request, name: str, default: float, top: float) -> float:
    raw = request.query_params.get(name)
    if raw is None or raw == "":
        return default
    if not (raw.isascii() and raw.replace(".", "", 1).isdigit() and len(raw) < 20):
        raise BadField(name)
    return min(float(raw), top)


def build_router(rooms: WebRooms) -> APIRouter:
    """Return the routes under /api/chat."""
    router = APIRouter(prefix="/api/chat", tags=["chat"])

    @router.post("/sessions", summary="Open a session, or renew its token")
    async def open_session(request: Request) -> JSONResponse:
        """Answer ``{"session_id", "token", "expires_at"}``.

        With a valid bearer token the same session gets a fresh token.
        """
        rooms.limits.address.take(address_of(request))
        now = rooms.clock.now()
        try:
            session = session_of(request, rooms)
        except Unauthorized:
            session = rooms.doorkeeper.new_session(Door.TOKEN, now)
        token, ends = rooms.doorkeeper.make_token(session, now)
        body = {"session_id": session.session_id, "token": token, "expires_at": ends}
        return JSONResponse(body)

    @router.post("/messages", status_code=202, summary="Say something")
    async def say(request: Request) -> JSONResponse:
        """Take ``{"text" or "payload", "client_message_id"}``, answer ``{"seq"}``.

        A repeat of ``client_message_id`` answers the same ``seq``, does nothing.
        """
        session = session_of(request, rooms)
        inbound = read_inbound(await read_json(request), session, rooms.clock)
        accepted = await take_in(rooms, session, address_of(request), inbound)
        if accepted.refused:
            raise BadInput(accepted.refused, seq=accepted.seq)
        return JSONResponse({"seq": accepted.seq}, status_code=202)

    @router.get("/events", summary="Read what came after a number")
    async def events(request: Request) -> JSONResponse:
        """Answer ``{"events": […], "status", "last_seq"}``, ordered, without gaps.

        ``after=N`` says that everything up to N has arrived; ``wait=S`` waits up
        to S seconds for news.
        """
        session = session_of(request, rooms)
        rooms.limits.address.take(address_of(request))
        after = int(_number(request, "after", 0, 2**62))
        wait = _number(request, "wait", 0, MAX_WAIT_SECONDS)
        found = await _read(rooms, session.sender_id, after, wait)
        status, last_seq = await rooms.ledger.messages.holder(session.sender_id)
        if after:
            rooms.outbox.confirm(session.sender_id, min(after, last_seq))
        body = {
            "events": [event(message) for message in found],
            "status": status.value,
            "last_seq": last_seq,
        }
        return JSONResponse(body)

    return router


async def _read(
    rooms: WebRooms, sender_id: str, after: int, wait: float
) -> tuple[StoredMessage, ...]:
    """Read a page of messages; wait for the first one if there is none."""
    messages = rooms.ledger.messages
    with rooms.feed.watch(sender_id) as watch:
        found = await messages.after(sender_id, after, PAGE)
        if found or wait <= 0 or not await watch.news(wait):
            return found
        return await messages.after(sender_id, after, PAGE)
