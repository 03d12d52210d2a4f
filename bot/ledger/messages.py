"""Messages of the ledger: take one in, add some, read them back in order."""

import itertools
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, and_, desc, select
from sqlalchemy.exc import IntegrityError

from bot.desk_rules import Status
from bot.errors import IllegalMove, StoreError
from bot.ledger.allowances import honour
from bot.ledger.database import Database
from bot.ledger.rows import (
    MESSAGE_COLUMNS,
    REOPENED,
    find_conversation,
    next_seqs,
    open_conversation,
    read_message,
    write_inbound,
    write_move,
    write_outbounds,
)
from bot.ledger.tables import conversations, deliveries, messages
from bot.ledger.values import Accepted, Written
from bot.message import (
    Author,
    Button,
    Inbound,
    Outbound,
    StoredMessage,
)

PAGE = 200  # messages read at once


# replies(seq, held); seq of the message they answer, None for none
Replies = Callable[[int | None, bool], tuple[Outbound, ...]]


class Messages:
    """Reads and writes messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(
        self,
        inbound: Inbound,
        *,
        awaiting: bool = True,
        refused: str | None = None,
        replies: Replies = lambda seq, held: (),
    ) -> Accepted:
        """Store one message from a customer, once.

        Args:
            inbound: The message.
            awaiting: It needs a turn (never when a human holds the conversation).
            refused: Why it will not be handled although it is kept.
            replies: What to say at once, given the message's number and whether a
                human holds the conversation.

        Returns:
            Its number, also when an earlier or a parallel copy has it already.

        Raises:
            StoreError: Nothing was stored.
        """
        for _ in range(2):
            try:
                return await self._database.write(
                    lambda c: _store(c, inbound, awaiting, refused, replies)
                )
            except IntegrityError:
                if known := await self._known(inbound):
                    return known
            # Not a repeat: two first messages of one new conversation met.
        raise StoreError("conversation could not be opened")

    async def _known(self, inbound: Inbound) -> Accepted | None:
        query = (
            select(
                messages.c.seq,
                messages.c.refused,
                conversations.c.status,
                conversations.c.last_seq,
            )
            .join(conversations, conversations.c.sender_id == messages.c.sender_id)
            .where(
                messages.c.sender_id == inbound.sender_id,
                messages.c.message_key == inbound.message_key,
            )
        )
        row = await self._database.read(lambda c: c.execute(query).one_or_none())
        if row is None:
            return None
        written = Written((), Status(row.status), row.last_seq)
        return Accepted(row.seq, True, row.refused, written)

    async def post(
        self,
        outbounds: tuple[Outbound, ...],
        now: datetime,
        held_by: str | None = None,
    ) -> Written:
        """Add messages to one existing conversation outside any turn.

        Args:
            outbounds: Of one conversation.
            now: The moment.
            held_by: Only while this agent holds it.

        Raises:
            IllegalMove: Somebody else holds it.
            IntegrityError: One of their idempotency keys is known.
            StoreError: Nothing was stored.
        """
        return await self._database.write(lambda c: _post(c, outbounds, now, held_by))

    async def knows(self, sender_id: str, message_key: str) -> bool:
        """Say whether a message was stored before."""
        query = select(messages.c.seq).where(
            messages.c.sender_id == sender_id, messages.c.message_key == message_key
        )
        return await self._database.read(lambda c: c.execute(query).first() is not None)

    async def post_once(
        self, outbounds: tuple[Outbound, ...], now: datetime
    ) -> Written | None:
        """Add messages as ``post`` does; None when they were said before.

        Raises:
            StoreError: Nothing was stored.
        """
        try:
            return await self.post(outbounds, now)
        except IntegrityError:
            first = outbounds[0]
            if await self.said(first.sender_id, first.idempotency_key):
                return None
            raise

    async def said(self, sender_id: str, idempotency_key: str) -> bool:
        """Say whether something was said under a key of ours before."""
        query = select(messages.c.seq).where(
            messages.c.sender_id == sender_id,
            messages.c.idempotency_key == idempotency_key,
        )
        return await self._database.read(lambda c: c.execute(query).first() is not None)

    async def after(
        self, sender_id: str, seq: int, limit: int = PAGE
    ) -> tuple[StoredMessage, ...]:
        """Read messages numbered above ``seq``, oldest first, without gaps."""
        query = (
            select(*MESSAGE_COLUMNS)
            .where(messages.c.sender_id == sender_id, messages.c.seq > seq)
            .order_by(messages.c.seq)
            .limit(limit)
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return tuple(read_message(row) for row in rows)

    async def before(
        self, sender_id: str, seq: int, limit: int = PAGE
    ) -> tuple[StoredMessage, ...]:
        """Read the newest messages numbered below ``seq``, oldest first."""
        query = (
            select(*MESSAGE_COLUMNS)
            .where(messages.c.sender_id == sender_id, messages.c.seq < seq)
            .order_by(messages.c.seq.desc())
            .limit(limit)
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return tuple(read_message(row) for row in reversed(rows))

    async def holder(self, sender_id: str) -> tuple[Status, int]:
        """Say who holds a conversation and its last number; (bot, 0) for a new one."""
        query = select(conversations.c.status, conversations.c.last_seq).where(
            conversations.c.sender_id == sender_id
        )
        row = await self._database.read(lambda c: c.execute(query).one_or_none())
        return (Status(row.status), row.last_seq) if row else (Status.BOT, 0)

    async def numbered(self, sender_id: str, window: int = 10) -> tuple[Button, ...]:
        """Return the buttons that the last words to the customer numbered, in order."""
        query = (
            select(*MESSAGE_COLUMNS, deliveries.c.numbered)
            .outerjoin(
                deliveries,
                and_(
                    deliveries.c.sender_id == messages.c.sender_id,
                    deliveries.c.seq == messages.c.seq,
                ),
            )
            .where(messages.c.sender_id == sender_id)
            .order_by(desc(messages.c.seq))
            .limit(window)
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        last = list(itertools.takewhile(lambda r: r.author != Author.CUSTOMER, rows))
        return tuple(
            button
            for row in reversed(last)
            if row.numbered
            for button in read_message(row).buttons
        )

    async def button(self, sender_id: str, seq: int, index: int) -> Button | None:
        """Return the button that stands there; None when there is none."""
        query = select(*MESSAGE_COLUMNS).where(
            messages.c.sender_id == sender_id, messages.c.seq == seq
        )
        row = await self._database.read(lambda c: c.execute(query).one_or_none())
        buttons = read_message(row).buttons if row is not None else ()
        return buttons[index] if index < len(buttons) else None

    async def offered(self, sender_id: str, window: int) -> tuple[Button, ...]:
        """Return the buttons within the last ``window`` messages, newest first."""
        query = (
            select(*MESSAGE_COLUMNS)
            .where(messages.c.sender_id == sender_id)
            .order_by(desc(messages.c.seq))
            .limit(window)
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return tuple(
            button
            for row in rows
            if row.author != Author.CUSTOMER
            for button in read_message(row).buttons
        )


def _store(
    connection: Connection,
    inbound: Inbound,
    awaiting: bool,
    refused: str | None,
    replies: Replies,
) -> Accepted:
    sender_id, now = inbound.sender_id, inbound.received_at
    row = next_seqs(connection, sender_id, 1, now)
    if row is None:
        open_conversation(connection, sender_id, now)
        row = next_seqs(connection, sender_id, 1, now)
        assert row is not None
    seq, reopened = row.last_seq, row.status == Status.CLOSED
    wanted = awaiting and row.status != Status.AGENT
    stored = [write_inbound(connection, inbound, seq, awaiting=wanted, refused=refused)]
    if inbound.terms is not None:
        honour(connection, sender_id, inbound.terms, now)
    if reopened:
        row = write_move(connection, row, REOPENED, now)
    if said := _unsaid(connection, replies(seq, row.status == Status.AGENT)):
        row = next_seqs(connection, sender_id, len(said), now)
        assert row is not None
        stored += write_outbounds(connection, said, seq + 1, now)
    written = Written(tuple(stored), Status(row.status), row.last_seq, reopened)
    return Accepted(seq, False, refused, written)


def _unsaid(
    connection: Connection, outbounds: tuple[Outbound, ...]
) -> tuple[Outbound, ...]:
    """Leave out what was said before under the same key, e.g. for files of an album."""
    if not outbounds:
        return ()
    query = select(messages.c.idempotency_key).where(
        messages.c.sender_id == outbounds[0].sender_id,
        messages.c.idempotency_key.in_([o.idempotency_key for o in outbounds]),
    )
    known = set(connection.execute(query).scalars())
    return tuple(o for o in outbounds if o.idempotency_key not in known)


def _post(
    connection: Connection,
    outbounds: tuple[Outbound, ...],
    now: datetime,
    held_by: str | None,
) -> Written:
    sender_id = outbounds[0].sender_id
    if held_by is not None:
        held = find_conversation(connection, sender_id)
        if held is None or held.status != Status.AGENT or held.agent != held_by:
            raise IllegalMove(f"not held by {held_by}")
    row = next_seqs(connection, sender_id, len(outbounds), now)
    if row is None:
        open_conversation(connection, sender_id, now)
        row = next_seqs(connection, sender_id, len(outbounds), now)
        assert row is not None
    first = row.last_seq - len(outbounds) + 1
    stored = write_outbounds(connection, outbounds, first, now)
    return Written(stored, Status(row.status), row.last_seq)
