"""Turns of the ledger: begin one, end one, find those that a crash left behind."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    func,
    literal,
    or_,
    select,
    update,
)

from bot.desk_rules import Move, Status
from bot.errors import StaleTurn
from bot.ledger.database import Database
from bot.ledger.ratings import answer_rating, ask_rating
from bot.ledger.rows import (
    AnyRow,
    lock_conversation,
    next_seqs,
    raise_wish,
    write_move,
    write_outbounds,
)
from bot.ledger.tables import conversations, messages, turns
from bot.ledger.turn_begin import awaiting, begin_turn, join_turn
from bot.ledger.values import Conclusion, Outcome, Turn, Written
from bot.ledger.waiting import place_of
from bot.message import Outbound


class Turns:
    """Begins and ends turns; at most one runs in a conversation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(
        self,
        after: tuple[datetime, str] | None,
        limit: int,
        before: datetime | None = None,
    ) -> Sequence[tuple[datetime, str]]:
        """Return conversations with unanswered messages, the longest waiting first.

        Args:
            after: The last one of the page before; None for the first page.
            limit: Size of the page.
            before: Only those that wait since before this moment.

        Returns:
            (moment of the oldest unanswered message, sender_id), in this order.
        """
        oldest = func.min(messages.c.at)
        query = (
            select(oldest, messages.c.sender_id)
            .where(messages.c.awaiting)
            .group_by(messages.c.sender_id)
            .order_by(oldest, messages.c.sender_id)
            .limit(limit)
        )
        if before is not None:
            query = query.having(oldest < before)
        if after is not None:
            moment = literal(after[0], messages.c.at.type)
            query = query.having(
                or_(
                    oldest > moment,
                    and_(oldest == moment, messages.c.sender_id > after[1]),
                )
            )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return tuple((row[0], row[1]) for row in rows)

    async def begin(
        self, sender_id: str, now: datetime, burst_window: timedelta
    ) -> Turn | None:
        """Take up what waits in a conversation.

        A turn that was begun and never ended is taken up again under its own
        turn_id and with its own messages. Otherwise the oldest message starts a
        new one, together with further texts that came within ``burst_window`` of
        each other; payloads and files always stand alone.

        Returns:
            None when nothing waits, or when a human holds the conversation.

        Raises:
            StoreError: The database failed.
        """
        return await self._database.write(
            lambda connection: begin_turn(connection, sender_id, now, burst_window)
        )

    async def join(self, turn: Turn, burst_window: timedelta) -> Turn:
        """Add to a running turn the texts that came right behind it.

        Returns:
            The same turn when nothing came; else one with more messages, or with
            ``more`` set when what came stands alone.

        Raises:
            StoreError: The database failed.
        """
        rows = await self._database.read(lambda c: awaiting(c, turn.sender_id))
        if not any(row.turn_id is None for row in rows):
            return turn
        return await self._database.write(lambda c: join_turn(c, turn, burst_window))

    async def finish(self, turn: Turn, end: Conclusion, now: datetime) -> Written:
        """End a turn: its replies, moves and notes become visible all at once.

        Only who took it up last may end it.

        When a human has taken over meanwhile, nothing is said; the replies are
        kept with the turn as dropped.

        Raises:
            StaleTurn: It was ended before; nothing is written.
            StoreError: The database failed; nothing is written.
        """
        return await self._database.write(
            lambda connection: _finish(connection, turn, end, now)
        )

    async def postpone(self, turn: Turn, notice: Outbound, now: datetime) -> Written:
        """Leave a turn for later, and say so the first time.

        Raises:
            StaleTurn: Somebody else has taken it up or ended it; nothing is written.
            StoreError: The database failed; nothing is written.
        """
        return await self._database.write(
            lambda connection: _postpone(connection, turn, notice, now)
        )


def _finish(
    connection: Connection, turn: Turn, end: Conclusion, now: datetime
) -> Written:
    row = lock_conversation(connection, turn.sender_id)
    held = row.status == Status.AGENT
    _close_turn(connection, turn, end, held, now)
    said: tuple[Outbound, ...] = ()
    moved = False
    if not held:
        row, spoken, moved = _apply(connection, row, turn, end, now)
        said = end.replies + spoken
        asks = end.rating if row.status == Status.BOT else None
        if asks and ask_rating(connection, turn.sender_id, asks[0], now):
            said += (asks[1],)
    if end.rated is not None:
        answer_rating(connection, turn.sender_id, *end.rated, now)
    if said:
        row = next_seqs(connection, turn.sender_id, len(said), now) or row
    first = row.last_seq - len(said) + 1
    stored = write_outbounds(connection, said, first, now, turn.turn_id)
    outcome = Outcome.DROPPED if held and end.replies else end.outcome
    return Written(stored, Status(row.status), row.last_seq, moved, outcome)


def _postpone(
    connection: Connection, turn: Turn, notice: Outbound, now: datetime
) -> Written:
    row = lock_conversation(connection, turn.sender_id)
    noted = (
        update(turns)
        .where(_is_mine(turn))
        .values(postponed_at=func.coalesce(turns.c.postponed_at, now))
    )
    if connection.execute(noted).rowcount != 1:
        raise StaleTurn(turn.turn_id)
    if turn.postponed_at is not None or row.status == Status.AGENT:
        return Written((), Status(row.status), row.last_seq)
    row = next_seqs(connection, turn.sender_id, 1, now) or row
    said = write_outbounds(connection, (notice,), row.last_seq, now, turn.turn_id)
    return Written(said, Status(row.status), row.last_seq)


def _is_mine(turn: Turn) -> ColumnElement[bool]:
    """Whether a turn still runs and nobody took it up after this one did."""
    return and_(
        turns.c.turn_id == turn.turn_id,
        turns.c.state == "running",
        turns.c.attempt == turn.attempt,
    )


def _close_turn(
    connection: Connection,
    turn: Turn,
    end: Conclusion,
    held: bool,
    now: datetime,
) -> None:
    dropped = [reply.to_json() for reply in end.replies] if held else None
    closed = connection.execute(
        update(turns)
        .where(_is_mine(turn))
        .values(
            state="finished",
            outcome=Outcome.DROPPED if dropped else end.outcome,
            note="agent_took_over" if dropped else end.note,
            dropped=dropped or None,
            finished_at=now,
            intent=end.intent,
            confidence=end.confidence,
            trace=dict(end.trace),
        )
    )
    if closed.rowcount != 1:
        raise StaleTurn(turn.turn_id)
    connection.execute(
        update(messages)
        .where(
            messages.c.sender_id == turn.sender_id,
            messages.c.turn_id == turn.turn_id,
            messages.c.awaiting,
        )
        .values(awaiting=False)
    )


def _apply(
    connection: Connection,
    row: AnyRow,
    turn: Turn,
    end: Conclusion,
    now: datetime,
) -> tuple[AnyRow, tuple[Outbound, ...], bool]:
    """Make the desk's move and say where the customer stands in the queue."""
    status, move = Status(row.status), end.move
    if end.outcome is Outcome.FAILED and not _failed_before(connection, turn):
        move = None  # once may be chance
    if move is not None and _possible(status, move):
        row = write_move(connection, row, move, now, turn.turn_id)
        if move.to is not Status.QUEUED:
            return row, (), True
        place = place_of(connection, row, now, already=False)
        return row, (end.announce(place),), True
    raised = False
    if status is Status.QUEUED and move is not None and move.to is Status.QUEUED:
        before, row = row, raise_wish(connection, row, move, now, turn.turn_id)
        raised = row is not before
    if status is not Status.QUEUED or not _hint_due(row, end, now):
        return row, (), raised
    place = place_of(connection, row, now, already=True)
    hinted = (
        update(conversations)
        .where(conversations.c.sender_id == row.sender_id)
        .values(hinted_at=now)
    )
    connection.execute(hinted)
    return row, (end.announce(place),), raised


def _failed_before(connection: Connection, turn: Turn) -> bool:
    """Whether the conversation's turn before this one failed as well."""
    query = (
        select(turns.c.outcome)
        .where(turns.c.sender_id == turn.sender_id, turns.c.turn_id != turn.turn_id)
        .order_by(turns.c.started_at.desc())
        .limit(1)
    )
    return connection.execute(query).scalar() == Outcome.FAILED


def _possible(status: Status, move: Move) -> bool:
    origin = Status.BOT if move.to is Status.QUEUED else Status.QUEUED
    return status is origin


def _hint_due(row: AnyRow, end: Conclusion, now: datetime) -> bool:
    asked_again = end.move is not None and end.move.to is Status.QUEUED
    told = row.hinted_at
    return asked_again or told is None or now - told >= end.hint_every
