"""What the ledger hands back and is handed: turns, their conclusions, results."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.desk_rules import Move, QueuePlace, Rating, Status
from bot.message import Outbound, StoredMessage

# Words for a place in the queue; known only inside the transaction that queues.
Announce = Callable[[QueuePlace], Outbound]


class Outcome(StrEnum):
    """How a turn ended."""

    ANSWERED = "answered"
    COMMANDED = "commanded"  # the edge knew what to do without the brain
    FAILED = "failed"  # the brain gave no answer, the customer got an apology
    DROPPED = "dropped"  # a human took over before the answer came
    HELD = "held"  # a human held the conversation, the brain was not asked


@dataclass(frozen=True)
class Turn:
    """Messages that are answered together.

    Attributes:
        messages: One or more, oldest first; never empty.
        attempt: 1, or more when it was begun before and not ended.
        postponed_at: When the customer was told that the answer will take longer.
        behind: Messages that wait for a turn of their own, as far as they were read.
        more: Further messages wait behind it.
    """

    turn_id: str
    sender_id: str
    status: Status
    messages: tuple[StoredMessage, ...]
    attempt: int = 1
    postponed_at: datetime | None = None
    behind: tuple[StoredMessage, ...] = ()
    more: bool = False

    @property
    def resumed(self) -> bool:
        """Whether it was begun before and not ended."""
        return self.attempt > 1

    @property
    def last_seq(self) -> int:
        """Sequence number of the newest message it answers."""
        return self.messages[-1].seq


@dataclass(frozen=True)
class Conclusion:
    """Everything that is written when a turn ends, in one transaction.

    Attributes:
        replies: Dropped and noted when a human holds the conversation by then.
        move: A wish to queue or to leave the queue; left out when no longer legal.
        announce: Words about the place in the queue.
        hint_every: A queued customer is told the place again after this time.
        rating: A question how it was, and the words that ask it; left out when the
            customer was asked lately.
        rated: The customer's answer: (episode, score or None for none).
    """

    outcome: Outcome
    replies: tuple[Outbound, ...]
    announce: Announce
    hint_every: timedelta
    move: Move | None = None
    note: str | None = None
    intent: str | None = None
    confidence: float | None = None
    trace: Mapping[str, Any] = field(default_factory=dict)
    rating: tuple[Rating, Outbound] | None = None
    rated: tuple[str, int | None] | None = None


@dataclass(frozen=True)
class Written:
    """What a transaction added to a conversation.

    Attributes:
        messages: New ones, oldest first.
        moved: The holder changed.
        last_seq: Highest sequence number of the conversation.
    """

    messages: tuple[StoredMessage, ...]
    status: Status
    last_seq: int
    moved: bool = False
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Accepted:
    """What became of one inbound message.

    Attributes:
        seq: Its number; a repeat gets the number of the first copy.
        refused: Why the first copy was refused, None when it was taken.
        written: New messages, empty for a repeat.
    """

    seq: int
    repeat: bool
    refused: str | None
    written: Written


@dataclass(frozen=True)
class StoredAttachment:
    """A row of the attachments table."""

    attachment_id: str
    sender_id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    created_at: datetime
