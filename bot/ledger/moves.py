"""Moves of conversations from holder to holder that happen outside a turn."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from bot.desk_rules import Move, QueuePlace, Rating, Status
from bot.errors import IllegalMove
from bot.ledger.database import Database
from bot.ledger.ratings import ask_rating
from bot.ledger.rows import (
    AnyRow,
    find_conversation,
    next_seqs,
    write_move,
    write_outbounds,
)
from bot.ledger.tables import conversations, handoffs
from bot.ledger.values import Written
from bot.ledger.waiting import place_of
from bot.message import Outbound

Tell = Callable[[QueuePlace], tuple[Outbound, ...]]


class Moves:
    """Writes the desk's moves and reads their history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def make(
        self,
        sender_id: str,
        moves: Move | Sequence[Move],
        now: datetime,
        tell: Tell,
        rating: Rating | None = None,
    ) -> Written:
        """Move a conversation and say so in it, in one transaction.

        Args:
            sender_id: An existing conversation.
            moves: Where it goes, step by step; of two movers from one state exactly
                one succeeds.
            now: The moment of the move.
            tell: Words for the customer, given the place in the queue.
            rating: What the words ask the customer to rate.

        Raises:
            IllegalMove: The state it is in by now does not allow it.
            StoreError: Nothing was written.
        """
        steps = (moves,) if isinstance(moves, Move) else tuple(moves)
        return await self._database.write(
            lambda connection: _make(connection, sender_id, steps, now, tell, rating)
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
    connection: Connection,
    sender_id: str,
    moves: Sequence[Move],
    now: datetime,
    tell: Tell,
    rating: Rating | None,
) -> Written:
    if (row := find_conversation(connection, sender_id)) is None:
        raise IllegalMove("no such conversation")
    for move in moves:
        row = write_move(connection, row, move, now)
    if rating is not None:
        ask_rating(connection, sender_id, rating, now)
    said = tell(_place(connection, row, now))
    if said:
        row = next_seqs(connection, sender_id, len(said), now) or row
    stored = write_outbounds(connection, said, row.last_seq - len(said) + 1, now)
    return Written(stored, Status(row.status), row.last_seq, moved=True)


def _place(connection: Connection, row: AnyRow, now: datetime) -> QueuePlace:
    if row.status != Status.QUEUED:
        return QueuePlace(0, already=False)
    return place_of(connection, row, now, already=False)
