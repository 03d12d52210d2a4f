"""Replies that an open call of a platform carries (被动回复), once or again.

In: a conversation whose first piece shall go back on the line that asked. Out: a claim
on that piece, which keeps the sender from pushing it, and its end.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from bot.ledger.database import Database
from bot.ledger.parcels import Parcel, Progress, write_progress
from bot.ledger.tables import conversations, passive_replies
from bot.ports import DeliveryState

_ASKED_AGAIN = timedelta(hours=1)  # platforms repeat a call within seconds


class PassiveReplies:
    """Writes down what open calls carry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def given(self, sender_id: str, seq: int) -> str | None:
        """Return what was answered to message ``seq``; None when nothing was."""
        query = select(passive_replies.c.text).where(
            passive_replies.c.sender_id == sender_id, passive_replies.c.seq == seq
        )
        return await self._database.read(lambda c: c.execute(query).scalar())

    async def claim(
        self, parcel: Parcel, seq: int, text: str, numbered: bool, now: datetime
    ) -> bool:
        """Take the next piece of a parcel for the call that brought message ``seq``.

        Args:
            parcel: What is next.
            seq: The message whose call carries it.
            text: What the call is answered with.
            numbered: The piece's buttons stand in it as a numbered list.
            now: The moment.

        Returns:
            False when somebody else has taken it; nothing is written.
        """
        return await self._database.write(
            lambda c: _claim(c, parcel, seq, text, numbered, now)
        )

    async def settle(
        self, parcel: Parcel, pieces: int, until: datetime, now: datetime
    ) -> None:
        """Note that a claimed piece was handed over, and let the sender go on.

        Args:
            parcel: As it was claimed.
            pieces: How many it has.
            until: The ``push_after`` of this call; a younger call's is left alone.
            now: The moment.
        """
        await self._database.write(lambda c: _settle(c, parcel, pieces, until, now))

    async def let_go(self, sender_id: str, until: datetime) -> None:
        """Let the sender push again: the call was answered without a reply."""
        await self._database.write(lambda c: _let_go(c, sender_id, until))


def _claim(
    connection: Connection,
    parcel: Parcel,
    seq: int,
    text: str,
    numbered: bool,
    now: datetime,
) -> bool:
    trying = Progress(
        DeliveryState.SENDING,
        parcel.progress,
        parcel.attempts + 1,
        parcel.unsure,
        numbered=numbered,
    )
    if not write_progress(connection, parcel, trying, now):
        return False
    connection.execute(
        delete(passive_replies).where(
            passive_replies.c.sender_id == parcel.sender_id,
            passive_replies.c.at < now - _ASKED_AGAIN,
        )
    )
    row = {"sender_id": parcel.sender_id, "seq": seq, "text": text, "at": now}
    connection.execute(insert(passive_replies).values(row))
    return True


def _settle(
    connection: Connection, parcel: Parcel, pieces: int, until: datetime, now: datetime
) -> None:
    sent = parcel.progress + 1
    state = DeliveryState.PENDING
    if sent >= pieces:
        state = DeliveryState.UNKNOWN if parcel.unsure else DeliveryState.DELIVERED
    end = Progress(state, sent, 0, parcel.unsure)
    write_progress(connection, parcel, end, now)
    _let_go(connection, parcel.sender_id, until)


def _let_go(connection: Connection, sender_id: str, until: datetime) -> None:
    connection.execute(
        update(conversations)
        .where(
            conversations.c.sender_id == sender_id,
            conversations.c.push_after == until,
        )
        .values(push_after=None)
    )
