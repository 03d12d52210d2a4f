"""Values that cross rooms: Inbound, Outbound, their parts, and stored messages.

Frozen plain values that can be logged, stored and replayed; JSON in and out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

ORIGIN = "origin"  # key of a message's metadata: hash of the customer's network

Json = dict[str, Any]


class Author(StrEnum):
    """Who wrote a message. ``agent`` is always a human (坐席)."""

    CUSTOMER = "customer"
    BOT = "bot"
    AGENT = "agent"
    SYSTEM = "system"


class Kind(StrEnum):
    """What a customer sent."""

    TEXT = "text"
    PAYLOAD = "payload"
    ATTACHMENT = "attachment"
    EVENT = "event"


@dataclass(frozen=True)
class Attachment:
    """A stored file: where it lies is known to the ledger only."""

    attachment_id: str
    name: str
    media_type: str
    size_bytes: int

    def to_json(self) -> Json:
        """Return the plain form."""
        return {
            "attachment_id": self.attachment_id,
            "name": self.name,
            "media_type": self.media_type,
            "size_bytes": self.size_bytes,
        }


@dataclass(frozen=True)
class Button:
    """A choice: what the customer reads and what is sent when it is pressed."""

    title: str
    payload: str

    def to_json(self) -> Json:
        """Return the plain form."""
        return {"title": self.title, "payload": self.payload}


@dataclass(frozen=True)
class TextPart:
    """Words."""

    text: str

    def to_json(self) -> Json:
        """Return the wire form."""
        return {"type": "text", "text": self.text}


@dataclass(frozen=True)
class ButtonsPart:
    """Quick replies below the words."""

    buttons: tuple[Button, ...]

    def to_json(self) -> Json:
        """Return the wire form."""
        return {"type": "buttons", "buttons": [b.to_json() for b in self.buttons]}


@dataclass(frozen=True)
class CitationPart:
    """A clause quoted word for word, with the version it was taken from."""

    ref: str
    quote: str
    title: str | None = None
    version: str | None = None
    effective_from: str | None = None  # ISO date

    def to_json(self) -> Json:
        """Return the wire form."""
        return {
            "type": "citation",
            "ref": self.ref,
            "quote": self.quote,
            "version": self.version,
            "effective_from": self.effective_from,
            "title": self.title,
        }


@dataclass(frozen=True)
class ImagePart:
    """A picture at an address."""

    url: str
    alt: str = ""

    def to_json(self) -> Json:
        """Return the wire form."""
        return {"type": "image", "url": self.url, "alt": self.alt}


@dataclass(frozen=True)
class FilePart:
    """A stored attachment."""

    attachment_id: str
    name: str

    def to_json(self) -> Json:
        """Return the wire form."""
        return {"type": "file", "attachment_id": self.attachment_id, "name": self.name}


Part = TextPart | ButtonsPart | CitationPart | ImagePart | FilePart


def part_from_json(data: Mapping[str, Any]) -> Part:
    """Read one part back.

    Raises:
        ValueError: The type is unknown.
        KeyError: A required key is missing.
    """
    match data["type"]:
        case "text":
            return TextPart(data["text"])
        case "buttons":
            return ButtonsPart(
                tuple(Button(b["title"], b["payload"]) for b in data["buttons"])
            )
        case "citation":
            keys = ("title", "version", "effective_from")
            rest = {key: data.get(key) for key in keys}
            return CitationPart(data["ref"], data["quote"], **rest)
        case "image":
            return ImagePart(data["url"], data.get("alt", ""))
        case "file":
            return FilePart(data["attachment_id"], data["name"])
        case other:
            raise ValueError(f"unknown part type {other!r}")


@dataclass(frozen=True)
class Terms:
    """What a platform allows in return for a message of the customer.

    Attributes:
        trigger: Name of the allowance; a newer one of the same name replaces it.
        pushes: Pieces that may be pushed …
        until: … before this moment.
        push_after: Nothing is pushed before it: an open call may carry a reply.
    """

    trigger: str
    pushes: int
    until: datetime
    push_after: datetime | None = None


@dataclass(frozen=True)
class Inbound:
    """One message from a customer, already translated from its platform.

    Attributes:
        sender_id: ``"<channel>:<platform id>"``, the key of the conversation.
        message_key: What makes a repeat a repeat, unique within the conversation.
        payload: ``/intent`` or ``/intent{json}`` when a button was pressed.
        terms: None where the platform sets none. Not part of the plain form.
    """

    sender_id: str
    message_key: str
    received_at: datetime
    kind: Kind
    text: str | None = None
    payload: str | None = None
    attachments: tuple[Attachment, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    terms: Terms | None = None

    def to_json(self) -> Json:
        """Return the plain form."""
        return {
            "sender_id": self.sender_id,
            "message_key": self.message_key,
            "received_at": self.received_at.isoformat(),
            "kind": self.kind.value,
            "text": self.text,
            "payload": self.payload,
            "attachments": [a.to_json() for a in self.attachments],
            "metadata": dict(self.metadata),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read the plain form back."""
        return cls(
            sender_id=data["sender_id"],
            message_key=data["message_key"],
            received_at=datetime.fromisoformat(data["received_at"]),
            kind=Kind(data["kind"]),
            text=data.get("text"),
            payload=data.get("payload"),
            attachments=tuple(Attachment(**a) for a in data.get("attachments", ())),
            metadata=data.get("metadata", {}),
        )

    def parts(self) -> tuple[Part, ...]:
        """Return what the conversation shows for this message."""
        shown: list[Part] = []
        if words := self.text or self.payload:
            shown.append(TextPart(words))
        shown.extend(FilePart(a.attachment_id, a.name) for a in self.attachments)
        return tuple(shown)


@dataclass(frozen=True)
class Outbound:
    """One message to a customer; channels render its parts as far as they can.

    Attributes:
        in_reply_to: Sequence number of the customer's message it answers.
        idempotency_key: The same key is stored once, however often it is tried.
    """

    sender_id: str
    author: Author
    parts: tuple[Part, ...]
    idempotency_key: str
    in_reply_to: int | None = None

    def to_json(self) -> Json:
        """Return the plain form."""
        return {
            "sender_id": self.sender_id,
            "author": self.author.value,
            "parts": [part.to_json() for part in self.parts],
            "idempotency_key": self.idempotency_key,
            "in_reply_to": self.in_reply_to,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read the plain form back."""
        return cls(
            sender_id=data["sender_id"],
            author=Author(data["author"]),
            parts=tuple(part_from_json(part) for part in data["parts"]),
            idempotency_key=data["idempotency_key"],
            in_reply_to=data.get("in_reply_to"),
        )


@dataclass(frozen=True)
class StoredMessage:
    """A message with its place in the conversation.

    Attributes:
        seq: 1, 2, 3 … without gaps within ``sender_id``.
        message_key: The customer's own key; None for messages to the customer.
        payload: What a pressed button sent, when it was one.
        origin: Hash of the customer's network; empty where a platform stands between.
    """

    sender_id: str
    seq: int
    author: Author
    at: datetime
    parts: tuple[Part, ...]
    in_reply_to: int | None = None
    message_key: str | None = None
    text: str | None = None
    payload: str | None = None
    origin: str = ""

    @property
    def buttons(self) -> tuple[Button, ...]:
        """All choices it offers, in order."""
        found = (part.buttons for part in self.parts if isinstance(part, ButtonsPart))
        return tuple(button for buttons in found for button in buttons)
