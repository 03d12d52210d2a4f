"""How a turn is begun: what waits, what belongs together, who has it.

Functions of an open transaction, used by bot/ledger/turns.py.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from bot.desk_rules import Status
from bot.ledger.rows import MESSAGE_COLUMNS, AnyRow, read_message
from bot.ledger.tables import conversations, messages, turns
from bot.ledger.values import Outcome, Turn

MAX_BURST = 10  # messages answered as one


def begin_turn(
    connection: Connection, sender_id: str, now: datetime, burst_window: timedelta
) -> Turn | None:
    """Take up what waits, see ``Turns.begin``."""
    rows = awaiting(connection, sender_id)
    if not rows:
        return None
    status = Status(rows[0].status)
    if status is Status.AGENT:
        _hold(connection, sender_id, now)
        return None
    turn_id, attempt, postponed_at = rows[0].turn_id, 1, None
    if turn_id is not None:
        chosen = [row for row in rows if row.turn_id == turn_id]
        attempt, postponed_at = _take_up_again(connection, turn_id)
    else:
        turn_id, chosen = uuid.uuid4().hex, _burst(rows, burst_window)
        _write_turn(connection, turn_id, chosen, now)
    return Turn(
        turn_id,
        sender_id,
        status,
        tuple(read_message(row) for row in chosen),
        attempt,
        postponed_at,
        behind=tuple(read_message(row) for row in rows[len(chosen) :]),
        more=len(rows) > len(chosen) or len(rows) == MAX_BURST,
    )


def _take_up_again(connection: Connection, turn_id: str) -> tuple[int, datetime | None]:
    """Count the attempt; whoever had the turn before can no longer end it."""
    taken = (
        update(turns)
        .where(turns.c.turn_id == turn_id)
        .values(attempt=turns.c.attempt + 1)
        .returning(turns.c.attempt, turns.c.postponed_at)
    )
    row = connection.execute(taken).one()
    return row.attempt, row.postponed_at


def awaiting(connection: Connection, sender_id: str) -> Sequence[AnyRow]:
    """Return the oldest unanswered messages with the holder of the conversation."""
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


def join_turn(connection: Connection, turn: Turn, window: timedelta) -> Turn:
    """Add what came right behind a turn, see ``Turns.join``."""
    rows = awaiting(connection, turn.sender_id)
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
