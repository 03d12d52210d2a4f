"""What waits for an agent, who is there, and to whom it is offered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, not_, or_, select, update

from bot.desk_rules import RATE_PAYLOAD, Status
from bot.ledger.database import Database
from bot.ledger.desk_tables import agents
from bot.ledger.tables import conversations, handoffs, messages
from bot.ledger.waiting import is_present
from bot.message import Author

MOST = 200  # conversations looked at, the first of the queue


@dataclass(frozen=True)
class Waiting:
    """A queued conversation.

    Attributes:
        passed_by: Agents who were asked and did not take it.
    """

    sender_id: str
    queued_at: datetime
    skill: str | None = None
    last_agent: str | None = None
    offered_to: str | None = None
    offered_at: datetime | None = None
    passed_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Present:
    """An agent who is there and wants conversations.

    Attributes:
        held: Conversations held now.
    """

    name: str
    skills: tuple[str, ...]
    capacity: int
    held: int


@dataclass(frozen=True)
class Offline:
    """A conversation whose customer waits and whose agent is gone."""

    sender_id: str
    agent: str
    title: str
    last_seq: int


class Offers:
    """Reads and writes offers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self) -> tuple[Waiting, ...]:
        """Return what waits, in the order in which it is to be served."""
        c = conversations.c
        query = (
            select(
                c.sender_id,
                c.queued_at,
                c.skill,
                c.last_agent,
                c.offered_to,
                c.offered_at,
                c.passed_by,
            )
            .where(c.status == Status.QUEUED)
            .order_by(c.queue_rank, c.queued_at, c.sender_id)
            .limit(MOST)
        )
        rows = await self._database.read(lambda conn: conn.execute(query).all())
        return tuple(Waiting(*row[:6], passed_by=tuple(row[6] or ())) for row in rows)

    async def present(self, now: datetime) -> Sequence[Present]:
        """Return the agents who are there and want conversations, with their load."""
        held = (
            select(conversations.c.agent, func.count().label("held"))
            .where(conversations.c.status == Status.AGENT)
            .group_by(conversations.c.agent)
            .subquery()
        )
        query = (
            select(
                agents.c.name,
                agents.c.skills,
                agents.c.capacity,
                func.coalesce(held.c.held, 0),
            )
            .outerjoin(held, held.c.agent == agents.c.name)
            .where(is_present(now))
            .order_by(agents.c.name)
        )
        rows = await self._database.read(lambda conn: conn.execute(query).all())
        return tuple(Present(r[0], tuple(r[1]), r[2], r[3]) for r in rows)

    async def offer(self, row: Waiting) -> bool:
        """Write an offer down; False when the conversation no longer waits."""
        c = conversations.c
        offered = (
            update(conversations)
            .where(
                c.sender_id == row.sender_id,
                c.status == Status.QUEUED,
                c.queued_at == row.queued_at,
            )
            .values(
                offered_to=row.offered_to,
                offered_at=row.offered_at,
                passed_by=list(row.passed_by) or None,
            )
        )
        return await self._database.write(
            lambda conn: conn.execute(offered).rowcount == 1
        )

    async def offline(self, since: datetime) -> tuple[Offline, ...]:
        """Return conversations whose agent is gone while the customer waits.

        Gone is whose account is closed, or who was not seen since then. The customer
        waits for a word of the agent: after words of their own, or after they were
        told that the agent has joined. What the system or the bot said meanwhile is
        no answer, and a rating is no question.

        Args:
            since: Before it the agent got the conversation and was last seen, and
                the customer began to wait.
        """
        c = conversations.c
        query = (
            select(c.sender_id, c.agent, agents.c.title, c.last_seq)
            .join(agents, agents.c.name == c.agent)
            .join(handoffs, handoffs.c.id == _newest_taking())
            .where(
                c.status == Status.AGENT,
                or_(
                    not_(agents.c.active),
                    agents.c.seen_at.is_(None),
                    agents.c.seen_at < since,
                ),
                handoffs.c.at < since,
                or_(_asks_since(since), not_(_has_answered(handoffs.c.at))),
            )
            .limit(MOST)
        )
        rows = await self._database.read(lambda conn: conn.execute(query).all())
        return tuple(Offline(*row) for row in rows)


def _newest_taking() -> Any:
    """Return in SQL the handoff by which a conversation came to its agent."""
    return (
        select(func.max(handoffs.c.id))
        .where(
            handoffs.c.sender_id == conversations.c.sender_id,
            handoffs.c.moved_to == Status.AGENT,
        )
        .correlate(conversations)
        .scalar_subquery()
    )


def _has_answered(taken_at: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Say in SQL whether an agent wrote since a conversation came to its agent."""
    said = messages.alias("said")
    return (
        exists()
        .where(
            said.c.sender_id == conversations.c.sender_id,
            said.c.author == Author.AGENT,
            said.c.at >= taken_at,
        )
        .correlate(conversations, handoffs)
    )


def _asks_since(since: datetime) -> ColumnElement[bool]:
    """Say in SQL whether words of the customer from before then have no answer."""
    said, asked = messages.alias("answers"), messages.alias("asked")
    answered = (
        select(said.c.seq)
        .where(
            said.c.sender_id == conversations.c.sender_id,
            said.c.author == Author.AGENT,
        )
        .order_by(said.c.seq.desc())  # from the end: histories may be long
        .limit(1)
        .correlate(conversations)
        .scalar_subquery()
    )
    rates = func.coalesce(asked.c.payload, "").startswith(RATE_PAYLOAD, autoescape=True)
    return (
        exists()
        .where(
            asked.c.sender_id == conversations.c.sender_id,
            asked.c.author == Author.CUSTOMER,
            asked.c.seq > func.coalesce(answered, 0),
            asked.c.at < since,
            not_(rates),
        )
        .correlate(conversations)
    )
