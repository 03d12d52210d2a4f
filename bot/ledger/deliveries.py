"""Deliveries of the ledger: what is known about every message on its way.

The web's customers fetch and confirm. Messages of other channels are pushed, see
bot/ledger/parcels.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    desc,
    literal_column,
    or_,
    select,
    text,
    update,
)

from bot.ledger.database import Database
from bot.ledger.rows import MESSAGE_COLUMNS, AnyRow, read_message
from bot.ledger.tables import deliveries, messages
from bot.message import StoredMessage
from bot.ports import DeliveryState

PAGE = 200
# Written out, not bound: only then do databases use the partial indexes.
_IS_PENDING = deliveries.c.state == literal_column("'pending'")
IS_OPEN = text(
    "deliveries.state IN ('pending', 'sending') AND deliveries.channel <> 'web'"
)
_HAS_ENDED = text("deliveries.state IN ('undeliverable', 'unknown', 'dropped', 'kept')")
HAS_MESSAGE = and_(
    deliveries.c.sender_id == messages.c.sender_id, deliveries.c.seq == messages.c.seq
)


@dataclass(frozen=True)
class Delivery:
    """A row of the deliveries table, as an operator sees it."""

    sender_id: str
    seq: int
    state: DeliveryState
    reason: str | None
    attempts: int
    progress: int
    not_before: datetime | None
    updated_at: datetime


class Deliveries:
    """Writes down what is known about messages on their way."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Fetched by the customer's side.

    async def confirm(self, reached: Mapping[str, int], now: datetime) -> None:
        """Note that conversations were read up to a number.

        Args:
            reached: reached[sender_id] = highest number the customer's side has.
            now: The moment it was noted.
        """
        await self._database.write(lambda c: _confirm(c, reached, now))

    async def undelivered(self, sender_id: str) -> tuple[StoredMessage, ...]:
        """Return the messages that nobody has confirmed, oldest first."""
        query = (
            select(*MESSAGE_COLUMNS)
            .join(deliveries, HAS_MESSAGE)
            .where(deliveries.c.sender_id == sender_id, _IS_PENDING)
            .order_by(messages.c.seq)
            .limit(PAGE)
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return tuple(read_message(row) for row in rows)

    # For operators.

    async def listed(
        self,
        sender_id: str | None = None,
        stuck_before: datetime | None = None,
        limit: int = PAGE,
    ) -> tuple[Delivery, ...]:
        """Return deliveries, the newest first.

        Args:
            sender_id: Only of this conversation.
            stuck_before: Only what did not arrive: what ended otherwise, and what is
                on its way since before this moment. The web's are left out.
            limit: At most so many.
        """
        query = select(deliveries).order_by(
            desc(deliveries.c.updated_at),
            deliveries.c.sender_id,
            desc(deliveries.c.seq),
        )
        if sender_id is not None:
            query = query.where(deliveries.c.sender_id == sender_id)
        if stuck_before is not None:
            waits = and_(IS_OPEN, deliveries.c.updated_at < stuck_before)
            query = query.where(or_(_HAS_ENDED, waits))
        rows = await self._database.read(lambda c: c.execute(query.limit(limit)).all())
        return tuple(_read(row) for row in rows)

    async def retry(self, sender_id: str, seq: int, now: datetime) -> bool:
        """Have a message sent again from where it stopped; False when it cannot be.

        What may have arrived is sent again too: an operator decides that it did not.
        """
        again = (
            update(deliveries)
            .where(_is(sender_id, seq), or_(_HAS_ENDED, IS_OPEN))
            .values(
                state=DeliveryState.PENDING,
                reason=None,
                attempts=0,
                unsure=0,
                # All of it when the pieces it has are not known to have arrived.
                progress=case(
                    (deliveries.c.unsure > 0, 0), else_=deliveries.c.progress
                ),
                not_before=None,
                updated_at=now,
            )
        )
        return await self._database.write(lambda c: c.execute(again).rowcount == 1)

    async def drop(self, sender_id: str, seq: int, now: datetime) -> bool:
        """Give a message up; False when there is nothing to give up."""
        dropped = (
            update(deliveries)
            .where(_is(sender_id, seq), or_(_HAS_ENDED, IS_OPEN))
            .values(state=DeliveryState.DROPPED, not_before=None, updated_at=now)
        )
        return await self._database.write(lambda c: c.execute(dropped).rowcount == 1)


def _is(sender_id: str, seq: int) -> ColumnElement[bool]:
    return and_(
        deliveries.c.sender_id == sender_id,
        deliveries.c.seq == seq,
        deliveries.c.channel != "web",
    )


def _read(row: AnyRow) -> Delivery:
    state = DeliveryState(row.state)
    moments = (row.not_before, row.updated_at)
    return Delivery(
        row.sender_id, row.seq, state, row.reason, row.attempts, row.progress, *moments
    )


def _confirm(connection: Connection, reached: Mapping[str, int], now: datetime) -> None:
    for sender_id, seq in sorted(reached.items()):  # one order, so no deadlock
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.sender_id == sender_id,
                deliveries.c.seq <= seq,
                _IS_PENDING,
            )
            .values(state=DeliveryState.DELIVERED, updated_at=now)
        )
