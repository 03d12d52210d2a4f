"""What REST and Socket.IO share: a web visitor's message in, a refusal in words out."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.errors import (
    BadInput,
    BaokeError,
    Overloaded,
    StoreError,
    Unauthorized,
)
from bot.feed import Feed
from bot.inbox import Inbox
from bot.ledger.repository import Ledger
from bot.ledger.values import Accepted
from bot.message import ORIGIN, Inbound, Kind
from bot.notices import Notices
from bot.outbox import Outbox
from bot.ports import Clock
from bot.settings import MEGABYTE, Settings
from channels.limits import Limits, network_of
from channels.metrics import Metrics
from channels.tokens import CHANNEL, Doorkeeper, Session

MAX_KEY_CHARS = 128
UNAVAILABLE_PAUSE_SECONDS = 5

log = structlog.get_logger()


@dataclass(frozen=True)
class WebRooms:
    """What the web channel reaches."""

    inbox: Inbox
    ledger: Ledger
    outbox: Outbox
    feed: Feed
    doorkeeper: Doorkeeper
    notices: Notices
    clock: Clock
    settings: Settings
    metrics: Metrics
    limits: Limits


@dataclass(frozen=True)
class Refusal:
    """A request that was not done, in words for its sender.

    Attributes:
        seq: Number under which a refused message was kept, if it was.
        retry_after: Seconds.
    """

    status: int
    code: str
    message: str
    retry_after: int | None = None
    seq: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return ``{"error": {"code", "message"}}``, with ``seq`` when kept."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        body: dict[str, Any] = {"error": error}
        if self.seq is not None:
            body["seq"] = self.seq
        return body


class BadField(BadInput):
    """A field is missing or of the wrong kind."""

    def __init__(self, field: str) -> None:
        super().__init__("bad_field", status=422)
        self.field = field


def refusal(
    err: BaokeError | StoreError, notices: Notices, settings: Settings
) -> Refusal:
    """Put an error into words a customer may read."""
    values = {
        "max_chars": settings.max_text_chars,
        "max_megabytes": settings.max_attachment_bytes // MEGABYTE,
        "field": getattr(err, "field", ""),
    }
    match err:
        case BadInput():
            words = notices.refusal(err.code, **{**values, **err.values})
            return Refusal(err.status, err.code, words, seq=err.seq)
        case Unauthorized():
            return Refusal(401, "unauthorized", notices.refusal("unauthorized"))
        case Overloaded():
            status = 503 if err.code == "overloaded" else 429
            pause = max(1, int(err.retry_after.total_seconds()))
            return Refusal(status, err.code, notices.refusal(err.code), pause)
    log.error("web.failed", error=str(err))
    words = notices.refusal("unavailable")
    return Refusal(503, "unavailable", words, UNAVAILABLE_PAUSE_SECONDS)


def optional_text(data: Mapping[str, Any], field: str) -> str | None:
    """Return a text field or None.

    Raises:
        BadField: It is there and is no text.
    """
    value = data.get(field)
    if value is not None and not isinstance(value, str):
        raise BadField(field)
    return value


def read_inbound(data: Mapping[str, Any], session: Session, clock: Clock) -> Inbound:
    """Read ``{"text" or "payload", "client_message_id"}``.

    A message without an id of its own gets one; its repeats cannot be known.

    Raises:
        BadField: A field has the wrong kind.
        BadInput: There is neither text nor payload.
    """
    text, payload = optional_text(data, "text"), optional_text(data, "payload")
    if text is None and payload is None:
        raise BadInput("empty")
    if text is not None and payload is not None:
        raise BadField("payload")
    return Inbound(
        sender_id=session.sender_id,
        message_key=read_key(data),
        received_at=clock.now(),
        kind=Kind.TEXT if payload is None else Kind.PAYLOAD,
        text=text,
        payload=payload,
    )


def read_key(data: Mapping[str, Any]) -> str:
    """Return the client's message id, or a new one.

    Raises:
        BadField: It is empty, too long, or has anything but visible ASCII.
    """
    key = optional_text(data, "client_message_id")
    if key is None:
        return f"server-{uuid.uuid4().hex}"
    visible = key.isascii() and key.isprintable()
    if not (visible and 0 < len(key) <= MAX_KEY_CHARS):
        raise BadField("client_message_id")
    return key


async def take_in(
    rooms: WebRooms, session: Session, address: str, inbound: Inbound
) -> Accepted:
    """Hand a visitor's message to the inbox, within the limits.

    Raises:
        BadInput, Overloaded, StoreError: See ``Inbox.accept``.
    """
    rooms.limits.address.take(address)
    rooms.limits.visitor.take(session.sender_id)
    # Guessing is counted by network; the address itself is kept nowhere.
    origin = rooms.doorkeeper.mark("origin", network_of(address))
    inbound = replace(inbound, metadata={**inbound.metadata, ORIGIN: origin})
    try:
        accepted = await rooms.inbox.accept(inbound)
    except BaokeError as err:
        rooms.metrics.messages.labels(CHANNEL, type(err).__name__).inc()
        raise
    result = "repeat" if accepted.repeat else accepted.refused or "accepted"
    rooms.metrics.messages.labels(CHANNEL, result).inc()
    return accepted
