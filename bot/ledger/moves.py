"""Moves of conversations from holder to holder that happen outside a turn."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, select

from bot.desk_rules import Move, QueuePlace, Status
from bot.errors import IllegalMove
from bot.ledger.database import Database
from bot.ledger.rows import (
    count_ahead,
    find_conversation,
    next_seqs,
    write_move,
    write_outbounds,
)
from bot.ledger.tables import conversations, handoffs
from bot.ledger.values import Written
from bot.message import Outbound

Tell = Callable[[QueuePlace], tuple[Outbound, ...]]


class Moves:
    """Writes the desk's moves and reads their history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def make(
        self, sender_id: str, move: Move, now: datetime, tell: Tell
    ) -> Written:
        """Move a conversation and say so in it, in one transaction.

        Args:
            sender_id: An existing conversation.
            move: Where it goes; of two movers from one state exactly one succeeds.
            now: The moment of the move.
            tell: Words for the customer, given the place in the queue.

        Raises:
            IllegalMove: The state it is in by now does not allow it.
            StoreError: Nothing was written.
        """
        return await self._database.write(
            lambda connection: _make(connection, sender_id, move, now, tell)
        )

    async def agent_of(self, sender_id: str) -> str | None:
        """Return the agent who holds a conversation; None when none does."""
        query = select(conversations.c.agent).where(
            conversations.c.sender_id == sender_id
        )
        return await self._database.read(lambda c: c.execute(query).scalar())

    async def history(self, sender_id: str) -> tuple[tuple[str, str, str, str], ...]:
        """Return all moves, oldest first, as (from, to, actor, reason)."""
        query = (
            select(
                handoffs.c.moved_from,
                handoffs.c.moved_to,
                handoffs.c.actor,
                handoffs.c.reason,
            )
            .where(handoffs.c.sender_id == sender_id)
            .order_by(handoffs.c.id)
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return tuple((r[0], r[1], r[2], r[3]) for r in rows)


def _make(
    connection: Connection, sender_id: str, move: Move, now: datetime, tell: Tell
) -> Written:
    if (held := find_conversation(connection, sender_id)) is None:
        raise IllegalMove("no such conversation")
    row = write_move(connection, held, move, now)
    ahead = count_ahead(connection, row) if move.to is Status.QUEUED else 0
    said = tell(QueuePlace(ahead, already=False))
    if said:
        row = next_seqs(connection, sender_id, len(said), now) or row
    stored = write_outbounds(connection, said, row.last_seq - len(said) + 1, now)
    return Written(stored, Status(row.status), row.last_seq, moved=True)
