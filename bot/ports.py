"""What the core needs from outside, as small Protocols; channels/app.py fills them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from bot.desk_rules import Handoff, Status
from bot.message import Part, StoredMessage


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present moment, UTC-aware."""


class WorkHours(Protocol):
    """When humans answer (worktime.calendar.WorkCalendar)."""

    def is_open(self, moment: datetime) -> bool:
        """Say whether somebody is at work at this moment."""

    def next_open(self, moment: datetime) -> datetime:
        """Return the next moment at which work begins."""


@dataclass(frozen=True)
class Question:
    """What the brain is asked: one turn of one conversation.

    Attributes:
        turn_id: Same for every try, so that business effects happen once.
        text: The customer's words, or a payload such as ``/affirm``.
        urgent: The edge can act without the brain, so do not wait for it long.
        may_wait: The customer may still be writing: words that make no sense alone
            need no answer yet.
    """

    sender_id: str
    turn_id: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    urgent: bool = False
    may_wait: bool = False


@dataclass(frozen=True)
class Answer:
    """What the brain said.

    Attributes:
        replies: One entry per message to the customer.
        handoff: Set when the turn asks for a human.
        trace: Intent, ranking, entities, actions: the "why" for the console.
        unfinished: The words seem to have a second half to come. Nothing was done or
            remembered; only ever said to a question that may wait.
    """

    replies: tuple[tuple[Part, ...], ...]
    handoff: Handoff | None = None
    intent: str | None = None
    confidence: float | None = None
    trace: Mapping[str, Any] = field(default_factory=dict)
    unfinished: bool = False


class Brain(Protocol):
    """Turns a question into an answer."""

    async def ask(self, question: Question) -> Answer:
        """Answer one turn.

        Raises:
            BrainError: No answer; see bot/errors.py for the two kinds.
        """


class DeliveryState(StrEnum):
    """What is known about one message on its way to the customer."""

    PENDING = "pending"
    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Receipt:
    """A channel's word on one delivery; ``reason`` only when it did not arrive."""

    state: DeliveryState
    reason: str | None = None


class Channel(Protocol):
    """One way to a customer; it translates, and never retries or decides.

    Attributes:
        name: The part of sender_id before the colon.
        pushes: Messages are sent to a platform; False when the customer's side
            fetches them and says so.
    """

    name: str
    pushes: bool

    async def deliver(self, message: StoredMessage) -> Receipt:
        """Send one stored message.

        Raises:
            Retryable: The platform asks to send later.
        """

    async def show_typing(self, sender_id: str, on: bool) -> None:
        """Show or hide the typing sign where the platform has one."""

    async def show_status(self, sender_id: str, status: Status, last_seq: int) -> None:
        """Tell the customer's screen who holds the conversation."""


# Sleeps for some seconds without holding up other conversations.
Rest = Callable[[float], Awaitable[None]]


class Dispatcher(Protocol):
    """Runs turns: one at a time per conversation, several conversations at once."""

    @property
    def load(self) -> int:
        """Count the conversations that are at work or waiting for it."""

    def wake(self, sender_id: str) -> None:
        """Say that this conversation may have something to do."""

    async def stop(self) -> None:
        """Let running turns end, start no more."""
