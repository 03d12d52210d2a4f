"""Messages that are pushed to a platform, as rows: what is next, how far it has come.

In: conversations with deliveries that are open. Out: parcels for bot/sending.py: taken up
(``sending``), sent piece by piece, and ended in a final state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, literal, or_, select, update

from bot.desk_rules import Status
from bot.ledger.allowances import Left, read_left, refuse, spend
from bot.ledger.database import Database
from bot.ledger.deliveries import HAS_MESSAGE, IS_OPEN
from bot.ledger.rows import MESSAGE_COLUMNS, AnyRow, read_message
from bot.ledger.tables import conversations, deliveries, messages
from bot.message import Author, StoredMessage
from bot.ports import DeliveryState

MAX_MERGED = 10  # messages of one turn that are sent as one


@dataclass(frozen=True)
class Parcel:
    """Messages that are pushed together: one, or those of a turn.

    Attributes:
        messages: Oldest first; never empty.
        progress: Pieces of it that were sent.
        attempts: Tries of the next piece so far.
        unsure: Pieces of which nobody knows whether they arrived.
        not_before: The platform asked for patience until then.
        interrupted: Somebody was sending the next piece and never said how it went.
        held: A human holds the conversation.
        push_after: An open call of the platform may carry it until then.
        more: Other messages wait behind it.
        left: What the platform allows, as far as it sets limits.
    """

    messages: tuple[StoredMessage, ...]
    progress: int
    attempts: int
    unsure: int
    not_before: datetime | None
    interrupted: bool
    held: bool
    push_after: datetime | None
    more: bool
    left: Left

    @property
    def sender_id(self) -> str:
        """The conversation."""
        return self.messages[0].sender_id

    @property
    def author(self) -> Author:
        """Who speaks; the same for all messages while a human holds it."""
        return self.messages[0].author


@dataclass(frozen=True)
class Progress:
    """How far a parcel has come; written over what was known.

    Attributes:
        pushed: One more piece left, which counts on what the platform allows.
        refused: The platform's word that it takes no more for now.
        numbered: A piece's buttons stood in it as a numbered list.
    """

    state: DeliveryState
    progress: int
    attempts: int = 0
    unsure: int = 0
    reason: str | None = None
    not_before: datetime | None = None
    pushed: bool = False
    refused: bool = False
    numbered: bool = False


class Parcels:
    """Hands out parcels and writes down how far they have come."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def next(self, sender_id: str, merge: bool, now: datetime) -> Parcel | None:
        """Return what has to be sent next; None when nothing waits."""
        return await self._database.read(lambda c: _next(c, sender_id, merge, now))

    async def look(
        self, sender_id: str, seq: int, merge: bool, now: datetime
    ) -> tuple[bool, Parcel | None]:
        """Say whether message ``seq`` still waits for its turn, and what is next.

        In this order: a turn ends and speaks in one transaction, so whoever sees that
        it has ended sees what it said.
        """
        query = select(messages.c.awaiting).where(
            messages.c.sender_id == sender_id, messages.c.seq == seq
        )

        def read(connection: Connection) -> tuple[bool, Parcel | None]:
            waits = bool(connection.execute(query).scalar())
            return waits, _next(connection, sender_id, merge, now)

        return await self._database.read(read)

    async def note(self, parcel: Parcel, progress: Progress, at: datetime) -> bool:
        """Write down how far a parcel has come.

        Returns:
            False when somebody else went on with it meanwhile; nothing is written.
        """
        return await self._database.write(
            lambda c: write_progress(c, parcel, progress, at)
        )

    async def due(
        self, after: tuple[datetime, str] | None, limit: int, now: datetime
    ) -> Sequence[tuple[datetime, str]]:
        """Return conversations with messages to push, the longest waiting first.

        Args:
            after: The last one of the page before; None for the first page.
            limit: Size of the page.
            now: What a platform wants later than this is left out.
        """
        oldest = func.min(deliveries.c.updated_at)
        moment = deliveries.c.not_before
        query = (
            select(oldest, deliveries.c.sender_id)
            .where(IS_OPEN, or_(moment.is_(None), moment <= now))
            .group_by(deliveries.c.sender_id)
            .order_by(oldest, deliveries.c.sender_id)
            .limit(limit)
        )
        if after is not None:
            bound = literal(after[0], deliveries.c.updated_at.type)
            later = and_(oldest == bound, deliveries.c.sender_id > after[1])
            query = query.having(or_(oldest > bound, later))
        rows = await self._database.read(lambda c: c.execute(query).all())
        return tuple((row[0], row[1]) for row in rows)


def _next(
    connection: Connection, sender_id: str, merge: bool, now: datetime
) -> Parcel | None:
    query = (
        select(
            *MESSAGE_COLUMNS,
            messages.c.turn_id,
            deliveries.c.state,
            deliveries.c.progress,
            deliveries.c.attempts,
            deliveries.c.unsure,
            deliveries.c.not_before,
            conversations.c.status,
            conversations.c.push_after,
        )
        .join(deliveries, HAS_MESSAGE)
        .join(conversations, conversations.c.sender_id == messages.c.sender_id)
        .where(deliveries.c.sender_id == sender_id, IS_OPEN)
        .order_by(messages.c.seq)
        .limit(MAX_MERGED if merge else 2)
    )
    rows = connection.execute(query).all()
    if not rows:
        return None
    first, chosen = rows[0], _together(rows) if merge else rows[:1]
    return Parcel(
        tuple(read_message(row) for row in chosen),
        first.progress,
        first.attempts,
        first.unsure,
        first.not_before,
        first.state == DeliveryState.SENDING,
        first.status == Status.AGENT,
        first.push_after,
        len(rows) > len(chosen),
        read_left(connection, sender_id, now),
    )


def _together(rows: Sequence[AnyRow]) -> Sequence[AnyRow]:
    """Return the rows that stand beside the first one and are of its turn."""
    first = rows[0]
    end = 1
    while end < len(rows) and (
        first.turn_id is not None
        and rows[end].turn_id == first.turn_id
        # What the bot said may be dropped when a human has taken over by then.
        and (rows[end].author == first.author or first.status != Status.AGENT)
        and rows[end].seq == rows[end - 1].seq + 1
        and rows[end].state == first.state
    ):
        end += 1
    return rows[:end]


def write_progress(
    connection: Connection, parcel: Parcel, new: Progress, at: datetime
) -> bool:
    """Write how far a parcel has come, inside a transaction, see ``Parcels.note``.

    The first message carries the parcel's progress; all share its state.
    """
    seqs = [message.seq for message in parcel.messages]
    mine = and_(
        deliveries.c.sender_id == parcel.sender_id,
        deliveries.c.channel == parcel.sender_id.partition(":")[0],
    )
    first = (
        update(deliveries)
        .where(
            mine,
            deliveries.c.seq == seqs[0],
            deliveries.c.progress == parcel.progress,
            deliveries.c.attempts == parcel.attempts,
            IS_OPEN,
        )
        .values(
            state=new.state,
            reason=new.reason,
            progress=new.progress,
            attempts=new.attempts,
            unsure=new.unsure,
            not_before=new.not_before,
            updated_at=at,
        )
    )
    if connection.execute(first).rowcount != 1:
        return False
    if seqs[1:]:
        connection.execute(
            update(deliveries)
            .where(mine, deliveries.c.seq.in_(seqs[1:]))
            .values(state=new.state, reason=new.reason, updated_at=at)
        )
    if new.numbered:
        connection.execute(
            update(deliveries)
            .where(mine, deliveries.c.seq.in_(seqs))
            .values(numbered=True)
        )
    if new.pushed:
        spend(connection, parcel.sender_id, at)
    if new.refused:
        refuse(connection, parcel.sender_id, new.reason or "refused")
    return True
