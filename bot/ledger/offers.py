"""What waits for an agent, who is there, and to whom it is offered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update

from bot.desk_rules import Status
from bot.ledger.database import Database
from bot.ledger.desk_tables import agents
from bot.ledger.tables import conversations, messages
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
    """A conversation whose customer wrote last and whose agent is gone."""

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
        """Return conversations of agents not seen since then whose customer waits."""
        c = conversations.c
        query = (
            select(c.sender_id, c.agent, agents.c.title, c.last_seq)
            .join(agents, agents.c.name == c.agent)
            .join(
                messages,
                (messages.c.sender_id == c.sender_id) & (messages.c.seq == c.last_seq),
            )
            .where(
                c.status == Status.AGENT,
                agents.c.seen_at < since,
                messages.c.author == Author.CUSTOMER,
                messages.c.at < since,
            )
            .limit(MOST)
        )
        rows = await self._database.read(lambda conn: conn.execute(query).all())
        return tuple(Offline(*row) for row in rows)
