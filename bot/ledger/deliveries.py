"""Deliveries of the ledger: one row per message to a customer and channel."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, literal_column, select, update

from bot.ledger.database import Database
from bot.ledger.rows import MESSAGE_COLUMNS, read_message
from bot.ledger.tables import deliveries, messages
from bot.message import StoredMessage
from bot.ports import DeliveryState, Receipt

PAGE = 200
# Written out, not bound: only then do databases use the index of pending rows.
_IS_PENDING = deliveries.c.state == literal_column("'pending'")


class Deliveries:
    """Writes down what is known about messages on their way."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def confirm(self, reached: Mapping[str, int], now: datetime) -> None:
        """Note that conversations were read up to a number.

        Args:
            reached: reached[sender_id] = highest number the customer's side has.
            now: The moment it was noted.
        """
        await self._database.write(lambda c: _confirm(c, reached, now))

    async def note(
        self, message: StoredMessage, receipt: Receipt, at: datetime
    ) -> None:
        """Write down a channel's word on one message."""
        noted = (
            update(deliveries)
            .where(
                deliveries.c.sender_id == message.sender_id,
                deliveries.c.seq == message.seq,
                deliveries.c.channel == message.sender_id.partition(":")[0],
            )
            .values(
                state=receipt.state,
                reason=receipt.reason,
                attempts=deliveries.c.attempts + 1,
                updated_at=at,
            )
        )
        await self._database.write(lambda c: c.execute(noted))

    async def undelivered(self, sender_id: str) -> tuple[StoredMessage, ...]:
        """Return the messages that nobody has confirmed, oldest first."""
        query = (
            select(*MESSAGE_COLUMNS)
            .join(
                deliveries,
                (deliveries.c.sender_id == messages.c.sender_id)
                & (deliveries.c.seq == messages.c.seq),
            )
            .where(deliveries.c.sender_id == sender_id, _IS_PENDING)
            .order_by(messages.c.seq)
            .limit(PAGE)
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return tuple(read_message(row) for row in rows)


def _confirm(connection: Connection, reached: Mapping[str, int], now: datetime) -> None:
    for sender_id, seq in reached.items():
        connection.execute(
            update(deliveries)
            .where(
                deliveries.c.sender_id == sender_id,
                deliveries.c.seq <= seq,
                _IS_PENDING,
            )
            .values(state=DeliveryState.DELIVERED, updated_at=now)
        )
