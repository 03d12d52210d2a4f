"""What the core needs from outside, as small Protocols; channels/app.py fills them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from bot.channel_rules import ChannelRules
from bot.desk_rules import Handoff
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

    def due(self, start: datetime, amount: int, unit: str) -> datetime:
        """Return when a commitment of the agreement ends that starts at a moment."""


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
    SENDING = "sending"  # handed to the platform, its answer is not known yet
    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"
    KEPT = "kept"  # the platform takes no more until the customer writes again
    UNKNOWN = "unknown"  # it may have arrived; sending again could double it
    DROPPED = "dropped"  # an operator gave it up


@dataclass(frozen=True)
class Receipt:
    """A platform's word on one piece; ``reason`` only when it did not arrive.

    Attributes:
        numbered: Its buttons stood in it as a numbered list.
    """

    state: DeliveryState
    reason: str | None = None
    numbered: bool = False


class Platform(Protocol):
    """One way to customers that messages are pushed to.

    It translates, and never retries or decides. The web is none: its windows fetch.

    Attributes:
        name: The part of sender_id before the colon.
        rules: How much the platform takes, and how often.
    """

    name: str
    rules: ChannelRules

    def render(self, messages: Sequence[StoredMessage]) -> Sequence[Any]:
        """Return the pieces to send, in order; always the same for the same input.

        Args:
            messages: One, or several of one turn when the rules merge them.
        """

    async def send(self, sender_id: str, piece: Any) -> Receipt:
        """Send one piece.

        Raises:
            Retryable: The platform did not take it and asks to send it later.
        """

    def close(self, piece: Any) -> Any:
        """Return a piece that says too: write to me, or I cannot go on.

        Asked for the last piece the platform allows when more stands behind it.
        """

    async def remind(self, sender_id: str) -> None:
        """Tell the customer by other means that something is kept; never fails."""

    async def show_typing(self, sender_id: str, on: bool) -> None:
        """Show or hide the typing sign where the platform has one; never waits."""

    async def stop(self) -> None:
        """Close the platform's lines."""


# Sleeps for some seconds without holding up other conversations.
Rest = Callable[[float], Awaitable[None]]
# Seconds until a conversation should be worked on again; None: nothing waits.
Again = float | None
# Does the next piece of work of one conversation.
Work = Callable[[str, Rest], Awaitable[Again]]


class Dispatcher(Protocol):
    """Works on conversations: one thing at a time in each, several at once."""

    @property
    def load(self) -> int:
        """Count the conversations that are at work or waiting for it."""

    async def wake(self, sender_id: str) -> None:
        """Say that this conversation may have something to do; never fails."""

    async def stop(self) -> None:
        """Let running work end, start no more."""
