"""What agents see of conversations: lists and one conversation, read only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, desc, exists, func, select

from bot.desk_rules import Status
from bot.ledger.database import Database
from bot.ledger.tables import conversations, deliveries, handoffs, messages
from bot.ledger.why import Why, read_why
from bot.message import Author


@dataclass(frozen=True)
class Listed:
    """A conversation in a list.

    Attributes:
        waiting_since: When it was queued; None with an agent.
        offered_to, offered_at: Who is asked to take it, and since when.
        answered: An agent wrote after the customer's newest message.
        reason, priority, summary: Of the newest handoff.
        last_text, last_at, asked_seq: Of the customer's newest message.
    """

    sender_id: str
    status: Status
    agent: str | None
    skill: str | None
    waiting_since: datetime | None
    last_seq: int
    reason: str | None
    priority: str | None
    summary: str | None
    last_text: str
    last_at: datetime | None
    asked_seq: int
    offered_to: str | None = None
    offered_at: datetime | None = None
    answered: bool = False

    @property
    def channel(self) -> str:
        """Where the customer is."""
        return self.sender_id.partition(":")[0]


class DeskView:
    """Reads for agents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def queue(self, limit: int = 200) -> tuple[Listed, ...]:
        """Return what waits, in the order in which it will be served."""
        where = conversations.c.status == Status.QUEUED
        order = (
            conversations.c.queue_rank,
            conversations.c.queued_at,
            conversations.c.sender_id,
        )
        return await self._list(where, order, limit)

    async def held(self, agent: str | None, limit: int = 500) -> tuple[Listed, ...]:
        """Return what one agent holds, or all agents, the newest message first."""
        where = conversations.c.status == Status.AGENT
        if agent is not None:
            where = and_(where, conversations.c.agent == agent)
        return await self._list(where, (conversations.c.updated_at.desc(),), limit)

    async def live(self, limit: int = 100) -> tuple[Listed, ...]:
        """Return what the bot talks about, the newest message first."""
        where = conversations.c.status == Status.BOT
        return await self._list(where, (conversations.c.updated_at.desc(),), limit)

    async def one(self, sender_id: str) -> Listed | None:
        """Return one conversation."""
        found = await self._list(conversations.c.sender_id == sender_id, (), 1)
        return found[0] if found else None

    async def moves(self, sender_id: str) -> tuple[dict[str, Any], ...]:
        """Return who held a conversation and why, oldest first."""
        query = (
            select(handoffs)
            .where(handoffs.c.sender_id == sender_id)
            .order_by(handoffs.c.id)
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return tuple(row._asdict() for row in rows)

    async def why(self, sender_id: str, seq: int) -> Why | None:
        """Return why a message was answered as it was; None when it was no turn."""
        return await self._database.read(lambda c: read_why(c, sender_id, seq))

    async def states(
        self, sender_id: str, seqs: Sequence[int]
    ) -> dict[int, tuple[str, str | None]]:
        """Return (delivery state, reason) by message number."""
        if not seqs:
            return {}
        query = select(deliveries.c.seq, deliveries.c.state, deliveries.c.reason).where(
            deliveries.c.sender_id == sender_id,
            deliveries.c.seq >= min(seqs),
            deliveries.c.seq <= max(seqs),
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return {row.seq: (row.state, row.reason) for row in rows}

    async def _list(
        self, where: Any, order: Sequence[Any], limit: int
    ) -> tuple[Listed, ...]:
        newest = (
            select(func.max(handoffs.c.id))
            .where(handoffs.c.sender_id == conversations.c.sender_id)
            .correlate(conversations)
            .scalar_subquery()
        )
        said = messages.alias("said")
        asked = (
            select(said.c.seq)
            .where(
                said.c.sender_id == conversations.c.sender_id,
                said.c.author == Author.CUSTOMER,
            )
            .order_by(desc(said.c.seq))
            .limit(1)
            .correlate(conversations)
            .scalar_subquery()
        )
        last = and_(
            messages.c.sender_id == conversations.c.sender_id, messages.c.seq == asked
        )
        later = messages.alias("later")
        answered = (
            exists()
            .where(
                later.c.sender_id == conversations.c.sender_id,
                later.c.seq > asked,
                later.c.author == Author.AGENT,
            )
            .correlate(conversations)
            .label("answered")
        )
        query = (
            select(
                answered,
                conversations.c.sender_id,
                conversations.c.status,
                conversations.c.agent,
                conversations.c.skill,
                conversations.c.queued_at,
                conversations.c.last_seq,
                conversations.c.offered_to,
                conversations.c.offered_at,
                handoffs.c.reason,
                handoffs.c.priority,
                handoffs.c.summary,
                messages.c.parts,
                messages.c.at,
                messages.c.seq,
            )
            .outerjoin(handoffs, handoffs.c.id == newest)
            .outerjoin(messages, last)
            .where(where)
            .order_by(*order)
            .limit(limit)
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return tuple(_listed(row) for row in rows)


def _listed(row: Any) -> Listed:
    parts = row.parts or ()
    words = " ".join(p["text"] for p in parts if p.get("type") == "text")
    return Listed(
        row.sender_id,
        Status(row.status),
        row.agent,
        row.skill,
        row.queued_at,
        row.last_seq,
        row.reason,
        row.priority,
        row.summary,
        words[:200],
        row.at,
        row.seq or 0,
        row.offered_to,
        row.offered_at,
        bool(row.answered),
    )
