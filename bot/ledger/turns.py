"""Turns of the ledger: begin one, end one, find those that a crash left behind."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from bot.desk_rules import Move, QueuePlace, Status
from bot.errors import StaleTurn
from bot.ledger.database import Database
from bot.ledger.rows import (
    MESSAGE_COLUMNS,
    AnyRow,
    count_ahead,
    lock_conversation,
    next_seqs,
    read_message,
    write_move,
    write_outbounds,
)
from bot.ledger.tables import conversations, messages, turns
from bot.ledger.values import Conclusion, Outcome, Turn, Written
from bot.message import Outbound

MAX_BURST = 10  # messages answered as one


class Turns:
    """Begins and ends turns; at most one runs in a conversation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self) -> tuple[str, ...]:
        """Return the conversations with messages that were never answered."""
        query = select(messages.c.sender_id).where(messages.c.awaiting).distinct()
        return await self._database.read(
            lambda connection: tuple(connection.execute(query).scalars())
        )

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
            lambda connection: _begin(connection, sender_id, now, burst_window)
        )

    async def join(self, turn: Turn, burst_window: timedelta) -> Turn:
        """Add to a running turn the texts that came right behind it.

        Returns:
            The same turn when nothing came; else one with more messages, or with
            ``more`` set when what came stands alone.

        Raises:
            StoreError: The database failed.
        """
        rows = await self._database.read(lambda c: _awaiting(c, turn.sender_id))
        if not any(row.turn_id is None for row in rows):
            return turn
        return await self._database.write(lambda c: _join(c, turn, burst_window))

    async def finish(self, turn: Turn, end: Conclusion, now: datetime) -> Written:
        """End a turn: its replies, moves and notes become visible all at once.

        When a human has taken over meanwhile, nothing is said; the replies are
        kept with the turn as dropped.

        Raises:
            StaleTurn: It was ended before; nothing is written.
            StoreError: The database failed; nothing is written.
        """
        return await self._database.write(
            lambda connection: _finish(connection, turn, end, now)
        )


def _begin(
    connection: Connection, sender_id: str, now: datetime, burst_window: timedelta
) -> Turn | None:
    rows = _awaiting(connection, sender_id)
    if not rows:
        return None
    status = Status(rows[0].status)
    if status is Status.AGENT:
        _hold(connection, sender_id, now)
        return None
    turn_id = rows[0].turn_id
    if turn_id is not None:
        chosen = [row for row in rows if row.turn_id == turn_id]
    else:
        turn_id, chosen = uuid.uuid4().hex, _burst(rows, burst_window)
        _write_turn(connection, turn_id, chosen, now)
    return Turn(
        turn_id,
        sender_id,
        status,
        tuple(read_message(row) for row in chosen),
        resumed=rows[0].turn_id is not None,
        more=len(rows) > len(chosen) or len(rows) == MAX_BURST,
    )


def _awaiting(connection: Connection, sender_id: str) -> Sequence[AnyRow]:
    query = (
        select(
            *MESSAGE_COLUMNS,
            messages.c.kind,
            messages.c.turn_id,
            conversations.c.status,
        )
        .join(conversations, conversations.c.sender_id == messages.c.sender_id)
        .where(messages.c.sender_id == sender_id, messages.c.awaiting)
        .order_by(messages.c.seq)
        .limit(MAX_BURST)
    )
    return connection.execute(query).all()


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
    if said:
        row = next_seqs(connection, turn.sender_id, len(said), now) or row
    first = row.last_seq - len(said) + 1
    stored = write_outbounds(connection, said, first, now, turn.turn_id)
    outcome = Outcome.DROPPED if held and end.replies else end.outcome
    return Written(stored, Status(row.status), row.last_seq, moved, outcome)


def _join(connection: Connection, turn: Turn, window: timedelta) -> Turn:
    rows = _awaiting(connection, turn.sender_id)
    chosen = _burst(rows, window)
    added = [row for row in chosen if row.turn_id is None]
    if added:
        connection.execute(
            update(messages)
            .where(
                messages.c.sender_id == turn.sender_id,
                messages.c.seq.in_([row.seq for row in added]),
            )
            .values(turn_id=turn.turn_id)
        )
    return replace(
        turn,
        messages=tuple(read_message(row) for row in chosen),
        more=len(rows) > len(chosen) or len(rows) == MAX_BURST,
    )


def _burst(rows: Sequence[AnyRow], window: timedelta) -> list[AnyRow]:
    chosen = [rows[0]]
    for row in rows[1:]:
        texts = chosen[-1].kind == "text" and row.kind == "text"
        if not texts or row.at - chosen[-1].at > window:
            break
        chosen.append(row)
    return chosen


def _write_turn(
    connection: Connection,
    turn_id: str,
    chosen: Sequence[AnyRow],
    now: datetime,
) -> None:
    sender_id = chosen[0].sender_id
    connection.execute(
        insert(turns).values(
            turn_id=turn_id, sender_id=sender_id, state="running", started_at=now
        )
    )
    connection.execute(
        update(messages)
        .where(
            messages.c.sender_id == sender_id,
            messages.c.seq.between(chosen[0].seq, chosen[-1].seq),
            messages.c.awaiting,
        )
        .values(turn_id=turn_id)
    )


def _hold(connection: Connection, sender_id: str, now: datetime) -> None:
    """A human reads what waited; the brain will never be asked about it."""
    connection.execute(
        update(messages)
        .where(messages.c.sender_id == sender_id, messages.c.awaiting)
        .values(awaiting=False)
    )
    connection.execute(
        update(turns)
        .where(turns.c.sender_id == sender_id, turns.c.state == "running")
        .values(state="finished", outcome=Outcome.HELD, finished_at=now)
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
        .where(turns.c.turn_id == turn.turn_id, turns.c.state == "running")
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
    if move is not None and _possible(status, move):
        row = write_move(connection, row, move, now, turn.turn_id)
        if move.to is not Status.QUEUED:
            return row, (), True
        place = QueuePlace(count_ahead(connection, row), already=False)
        return row, (end.announce(place),), True
    if status is not Status.QUEUED or not _hint_due(row, end, now):
        return row, (), False
    place = QueuePlace(count_ahead(connection, row), already=True)
    hinted = (
        update(conversations)
        .where(conversations.c.sender_id == row.sender_id)
        .values(hinted_at=now)
    )
    connection.execute(hinted)
    return row, (end.announce(place),), False


def _possible(status: Status, move: Move) -> bool:
    origin = Status.BOT if move.to is Status.QUEUED else Status.QUEUED
    return status is origin


def _hint_due(row: AnyRow, end: Conclusion, now: datetime) -> bool:
    asked_again = end.move is not None and end.move.to is Status.QUEUED
    told = row.hinted_at
    return asked_again or told is None or now - told >= end.hint_every
