"""Allowances of the ledger: how much a platform lets us push, and until when.

In: terms of customers' messages, pieces that were pushed, the platform's refusals. Out:
what is left. Our count is for planning; a platform's own word always beats it.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from bot.ledger.database import Database
from bot.ledger.rows import AnyRow
from bot.ledger.tables import allowances, conversations, deliveries
from bot.message import Terms
from bot.ports import DeliveryState


@dataclass(frozen=True)
class Left:
    """What may still be pushed to a conversation.

    Attributes:
        pushes: Pieces, as far as we counted.
        until: When the last of them can leave; None when none can.
        refused: The platform takes nothing until the customer does something.
    """

    pushes: int
    until: datetime | None
    refused: str | None = None


class Allowances:
    """Reads what is left."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def left(self, sender_id: str, now: datetime) -> Left:
        """Say what may still be pushed to a conversation."""
        return await self._database.read(lambda c: read_left(c, sender_id, now))


def honour(connection: Connection, sender_id: str, terms: Terms, now: datetime) -> None:
    """Write down what a customer's message allows; what was kept is sent again."""
    row = {
        "allowed": terms.pushes,
        "used": 0,
        "granted_at": now,
        "expires_at": terms.until,
        "refused": None,
    }
    mine = (
        allowances.c.sender_id == sender_id,
        allowances.c.trigger == terms.trigger,
    )
    if connection.execute(update(allowances).where(*mine).values(row)).rowcount == 0:
        key = {"sender_id": sender_id, "trigger": terms.trigger}
        connection.execute(insert(allowances).values(key | row))
    if terms.push_after is not None:
        connection.execute(
            update(conversations)
            .where(conversations.c.sender_id == sender_id)
            .values(push_after=terms.push_after)
        )
    connection.execute(
        update(deliveries)
        .where(
            deliveries.c.sender_id == sender_id,
            deliveries.c.state == DeliveryState.KEPT,
        )
        .values(
            state=DeliveryState.PENDING,
            reason=None,
            attempts=0,
            not_before=None,
            updated_at=now,
        )
    )


def read_left(connection: Connection, sender_id: str, now: datetime) -> Left:
    """Read what is left inside a transaction."""
    rows = _rows(connection, sender_id)
    live = [row for row in rows if row.expires_at > now and row.refused is None]
    if live:
        pushes = sum(max(0, row.allowed - row.used) for row in live)
        return Left(pushes, max(row.expires_at for row in live))
    newest = max(rows, key=lambda row: row.granted_at, default=None)
    return Left(0, None, newest.refused if newest is not None else None)


def spend(connection: Connection, sender_id: str, now: datetime) -> None:
    """Count one pushed piece, on what expires first."""
    rows = sorted(_rows(connection, sender_id), key=lambda row: row.expires_at)
    for row in rows:
        if row.expires_at > now and row.refused is None and row.used < row.allowed:
            _change(connection, row, used=row.used + 1)
            return


def refuse(connection: Connection, sender_id: str, reason: str) -> None:
    """Note that the platform takes no more."""
    for row in _rows(connection, sender_id):
        _change(connection, row, refused=reason[:32])


def forget(connection: Connection, sender_id: str) -> None:
    """Delete what is known about a conversation."""
    connection.execute(delete(allowances).where(allowances.c.sender_id == sender_id))


def _rows(connection: Connection, sender_id: str) -> list[AnyRow]:
    query = select(allowances).where(allowances.c.sender_id == sender_id)
    return list(connection.execute(query).all())


def _change(connection: Connection, row: AnyRow, **values: object) -> None:
    connection.execute(
        update(allowances)
        .where(
            allowances.c.sender_id == row.sender_id,
            allowances.c.trigger == row.trigger,
        )
        .values(**values)
    )
