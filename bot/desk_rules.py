"""The desk's rules as plain values: who may hold a conversation and what may follow.

Used by the desk, which decides, and by the ledger, which writes moves down.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from bot.errors import IllegalMove


class Status(StrEnum):
    """Who holds a conversation."""

    BOT = "bot"
    QUEUED = "queued"  # the bot still answers, a human is coming
    AGENT = "agent"  # the bot is silent
    CLOSED = "closed"


class Priority(StrEnum):
    """Order in the queue."""

    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"  # somebody's life

    @property
    def rank(self) -> int:
        """How strong it is: more comes before less."""
        return list(Priority).index(self)


TRANSFERRED = "transferred"  # reason: an agent passes it on

LEGAL_MOVES: frozenset[tuple[Status, Status]] = frozenset(
    {
        (Status.BOT, Status.QUEUED),  # request
        (Status.QUEUED, Status.AGENT),  # accept
        (Status.QUEUED, Status.BOT),  # cancelled by the customer, or given up
        (Status.AGENT, Status.BOT),  # release
        (Status.AGENT, Status.CLOSED),  # close
        (Status.AGENT, Status.QUEUED),  # transfer
        (Status.CLOSED, Status.BOT),  # the customer writes again
    }
)


@dataclass(frozen=True)
class Handoff:
    """A wish for a human (转人工).

    Attributes:
        reason: Machine word such as ``customer_asked`` or ``brain_failed``.
        skill: Skill of the agent who should take it (理赔, 保全), None for any.
        category: What it was about, when it ends.
    """

    reason: str
    priority: Priority = Priority.NORMAL
    skill: str | None = None
    summary: str | None = None
    category: str | None = None

    def joined(self, other: "Handoff | None") -> "Handoff":
        """Return the stronger of two wishes, with what only the other one knows."""
        if other is None:
            return self
        strong, weak = self, other
        if other.priority.rank > self.priority.rank:
            strong, weak = other, self
        return replace(
            strong,
            skill=strong.skill or weak.skill,
            summary=strong.summary or weak.summary,
        )


@dataclass(frozen=True)
class Move:
    """One step of a conversation from holder to holder.

    Attributes:
        actor: ``customer``, ``bot``, ``system`` or ``agent:<name>``.
        held_by: Only legal while this agent holds the conversation.
        found: Only legal from this state; None: from any that the rules allow.
    """

    to: Status
    actor: str
    handoff: Handoff
    held_by: str | None = None
    found: Status | None = None


def check_move(current: Status, to: Status) -> None:
    """Refuse a move that the rules do not know.

    Raises:
        IllegalMove: Always when the pair is not listed above.
    """
    if (current, to) not in LEGAL_MOVES:
        raise IllegalMove(f"{current} -> {to}")


@dataclass(frozen=True)
class QueuePlace:
    """Where a conversation stands in the queue.

    Attributes:
        ahead: Conversations that will be served before it.
        already: It was queued before, so this is a reminder.
        present: Agents who are there and take conversations.
        minutes: How long it will take at the pace of the last hour; None when too
            little was done in it to say.
    """

    ahead: int
    already: bool
    present: int = 0
    minutes: int | None = None


RATE_PAYLOAD = "/rate_episode"  # begins what the buttons below such a question send


@dataclass(frozen=True)
class Rating:
    """A question to the customer how a spell with somebody was.

    Attributes:
        episode: Names the spell, once in a conversation.
        about: ``bot`` or ``agent:<name>``.
    """

    episode: str
    about: str
