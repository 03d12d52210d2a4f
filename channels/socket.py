"""Socket.IO for the widget and for ready-made Rasa widgets: Rasa's event names.

In: connect, session_request, user_uttered. Out: session_confirm, bot_uttered, and
for our own widget session_token, session_state, user_echoed, typing, notice.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import socketio
import structlog

from bot.errors import BadInput, BaokeError, Overloaded
from bot.message import Inbound
from channels.tokens import Door, Session
from channels.visitors import (
    BadField,
    Refusal,
    WebRooms,
    optional_text,
    read_inbound,
    refusal,
    take_in,
)
from channels.windows import Window, Windows

PING_INTERVAL_SECONDS = 25
PING_TIMEOUT_SECONDS = 20
HISTORY = 50  # messages shown when a window does not say what it has
MAX_JUNK = 20  # meaningless events before the door is closed
OUR_CLIENT = "baoke"
_SWEEP_SECONDS = 15.0
# What was sent longer ago has arrived, if the line was whole until now: a word from the
# peer may have crossed what was sent just before it.
CROSSING_SECONDS = 2.0
# The peer said goodbye, so the line was whole until then.
_CLEAN_ENDS = frozenset({"client disconnect", "transport close"})

log = structlog.get_logger()


class SocketDoor:
    """Registers the events and keeps each window's state.

    Events of one socket are handled one after the other, in the order in which they
    were sent; different sockets in parallel.
    """

    def __init__(self, rooms: WebRooms, windows: Windows) -> None:
        self._rooms = rooms
        self._windows = windows
        self._by_sid: dict[str, Window] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self.sio = socketio.AsyncServer(
            async_mode="asgi",
            async_handlers=False,
            cors_allowed_origins=self._may_connect,
            cors_credentials=False,
            max_http_buffer_size=rooms.settings.max_body_bytes,
            ping_interval=PING_INTERVAL_SECONDS,
            ping_timeout=PING_TIMEOUT_SECONDS,
        )
        for name, handler in (
            ("connect", self._connect),
            ("disconnect", self._disconnect),
            ("session_request", self._session_request),
            ("user_uttered", self._user_uttered),
            ("*", self._unknown),
        ):
            self.sio.on(name, handler)
        windows.connect_to(self._emit)

    def start(self) -> None:
        """Begin to look after windows that never acknowledge."""
        self._sweeper = asyncio.create_task(self._sweep_forever())

    async def stop(self) -> None:
        """End looking after windows and close them."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        await self.sio.shutdown()

    @property
    def count(self) -> int:
        """Count connected sockets."""
        return len(self._by_sid)

    def _may_connect(self, origin: str | None, environ: Mapping[str, Any]) -> bool:
        if origin is None:
            return True  # no browser; an origin is no proof of identity anyway
        same = urlsplit(origin).netloc == environ.get("HTTP_HOST")
        return same or origin.rstrip("/") in self._rooms.settings.widget_origins

    async def _emit(
        self,
        event: str,
        data: Any,
        sid: str,
        acknowledged: Callable[..., None] | None = None,
    ) -> None:
        await self.sio.emit(event, data, to=sid, callback=acknowledged)

    # Events; a client may send anything, or nothing, as their arguments.

    async def _connect(self, sid: str, environ: Any, auth: Any = None) -> None:
        client = (environ.get("asgi.scope") or {}).get("client")
        window = Window(sid, address=client[0] if client else "unknown")
        try:
            self._rooms.limits.address.take(window.address)
        except Overloaded as err:
            raise socketio.exceptions.ConnectionRefusedError(err.code) from err
        token = auth.get("token") if isinstance(auth, dict) else None
        if isinstance(token, str) and token:
            window.entered = self._rooms.doorkeeper.enter(
                token, self._rooms.clock.now()
            )
            if window.entered is None:
                raise socketio.exceptions.ConnectionRefusedError("unauthorized")
            window.plain = False
        self._by_sid[sid] = window
        environ.clear()  # kept as long as the socket: headers of no further use

    async def _disconnect(self, sid: str, reason: str = "") -> None:
        window = self._by_sid.pop(sid, None)
        if window is None:
            return
        if reason in _CLEAN_ENDS:
            self._arrived(window, CROSSING_SECONDS)
        self._windows.leave(window)

    async def _session_request(self, sid: str, *args: Any) -> Any:
        window = self._by_sid[sid]
        data = args[0] if args and isinstance(args[0], dict) else {}
        try:
            self._rooms.limits.address.take(window.address)
            return await self._open(window, data)
        except BaokeError as err:
            return await self._refuse(window, err)

    async def _user_uttered(self, sid: str, *args: Any) -> Any:
        window = self._by_sid[sid]
        try:
            data = args[0] if args else None
            if not isinstance(data, dict):
                raise BadInput("bad_json", status=400)
            return await self._take(window, data)
        except BaokeError as err:
            return await self._refuse(window, err)

    async def _unknown(self, event: str, sid: str, *args: Any) -> None:
        window = self._by_sid.get(sid)
        if window is None:
            return
        window.junk += 1
        if window.junk > MAX_JUNK:
            log.info("socket.junk", address=window.address)
            await self.sio.disconnect(sid)

    # What the events mean.

    async def _open(self, window: Window, data: Mapping[str, Any]) -> Any:
        custom = data.get("customData")
        if isinstance(custom, dict) and custom.get("client") == OUR_CLIENT:
            window.plain = False
        known = self._known(window, data.get("session_id"))
        now = self._rooms.clock.now()
        door = Door.BARE if window.plain else Door.TOKEN
        session = known or self._rooms.doorkeeper.new_session(door, now)
        if crowded := await self._windows.join(window, session):
            await self.sio.disconnect(crowded.sid)
        await self._emit("session_confirm", session.session_id, window.sid)
        messages = self._rooms.ledger.messages
        status, last_seq = await messages.holder(session.sender_id)
        if known:
            await self._replay(window, session, data.get("after"), last_seq)
        else:
            await self._windows.replay(window, 0, 0)
        if window.plain:
            return {"session_id": session.session_id}
        state = {"status": status.value, "last_seq": last_seq}
        await self._emit("session_state", state, window.sid)
        token, ends = self._rooms.doorkeeper.make_token(session, now)
        fresh = {"session_id": session.session_id, "token": token, "expires_at": ends}
        await self._emit("session_token", fresh, window.sid)
        return {**fresh, **state}

    def _known(self, window: Window, session_id: object) -> Session | None:
        """Return the session a window may enter: by token, or by a bare id."""
        if window.entered is not None:
            return window.entered
        if isinstance(session_id, str):
            now = self._rooms.clock.now()
            return self._rooms.doorkeeper.enter_bare(session_id, now)
        return None

    async def _replay(
        self, window: Window, session: Session, after: object, last_seq: int
    ) -> None:
        if window.plain:
            await self._rooms.outbox.flush()  # receipts on their way count
            missed = await self._rooms.ledger.deliveries.undelivered(session.sender_id)
            await self._windows.replay_these(window, missed, last_seq)
            return
        first = max(0, last_seq - HISTORY)
        if isinstance(after, int) and not isinstance(after, bool):
            first = min(max(after, 0), last_seq)
            self._rooms.outbox.confirm(session.sender_id, first)
        await self._windows.replay(window, first, last_seq)

    async def _take(self, window: Window, data: Mapping[str, Any]) -> Any:
        self._arrived(window, CROSSING_SECONDS)
        session = await self._session_of(window, data)
        inbound = _read(data, session, self._rooms)
        window.own_keys.add(inbound.message_key)
        try:
            accepted = await take_in(self._rooms, session, window.address, inbound)
        except BaokeError:
            window.own_keys.discard(inbound.message_key)
            raise
        if accepted.repeat:
            window.own_keys.discard(inbound.message_key)
        if accepted.refused:
            kept = BadInput(accepted.refused, seq=accepted.seq)
            return self._describe(kept).to_json()
        return {"seq": accepted.seq}

    async def _session_of(self, window: Window, data: Mapping[str, Any]) -> Session:
        """Return the session a message belongs to.

        A ready-made widget may speak before it asks for its session again.
        """
        named = data.get("session_id")
        session = window.session
        if session is not None and named in (None, session.session_id):
            return session
        known = self._known(window, named) if session is None else None
        if known is None:
            raise BadInput("session_unknown", status=401)
        await self._open(window, data)
        return known

    def _arrived(self, window: Window, age: float) -> None:
        """Note that a window that never acknowledges has what is ``age`` seconds old."""
        if window.session is not None and (seq := window.arrived(age)):
            self._rooms.outbox.confirm(window.session.sender_id, seq)

    async def _sweep_forever(self) -> None:
        patience = PING_INTERVAL_SECONDS + PING_TIMEOUT_SECONDS
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            for window in self._windows.everybody():
                self._arrived(window, patience)  # it answered a ping since

    def _describe(self, err: BaokeError) -> Refusal:
        return refusal(err, self._rooms.notices, self._rooms.settings)

    async def _refuse(self, window: Window, err: BaokeError) -> Any:
        said = self._describe(err)
        if window.plain:  # knows no notice; say it, do not keep it
            await self._emit("bot_uttered", {"text": said.message}, window.sid)
        else:
            words = {"code": said.code, "text": said.message}
            await self._emit("notice", words, window.sid)
        return said.to_json()


def _read(data: Mapping[str, Any], session: Session, rooms: WebRooms) -> Inbound:
    """Read ``user_uttered``; pressed buttons arrive as words that are payloads."""
    message = data.get("message")
    if not isinstance(message, str):
        raise BadField("message")
    metadata = data.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    key = optional_text(metadata, "client_message_id")
    wire = {"text": message, "client_message_id": key}
    return read_inbound(wire, session, rooms.clock)
