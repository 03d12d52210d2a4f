"""Shared writing of rows inside an open transaction, and reading them back."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from bot.desk_rules import TRANSFERRED, Handoff, Move, Priority, Status, check_move
from bot.errors import IllegalMove
from bot.ledger.tables import conversations, deliveries, handoffs, messages
from bot.message import (
    ORIGIN,
    Author,
    Inbound,
    Outbound,
    StoredMessage,
    part_from_json,
)
from bot.ports import DeliveryState

AnyRow = Row[*tuple[Any, ...]]

# The queue is served from the lowest number on.
_QUEUE_RANK = {priority: -priority.rank for priority in Priority}

MESSAGE_COLUMNS = (
    messages.c.sender_id,
    messages.c.seq,
    messages.c.author,
    messages.c.at,
    messages.c.parts,
    messages.c.in_reply_to,
    messages.c.message_key,
    messages.c.text,
    messages.c.payload,
    messages.c.metadata,
)


def read_message(row: AnyRow) -> StoredMessage:
    """Turn a row of MESSAGE_COLUMNS into a value."""
    return StoredMessage(
        sender_id=row.sender_id,
        seq=row.seq,
        author=Author(row.author),
        at=row.at,
        parts=tuple(part_from_json(part) for part in row.parts),
        in_reply_to=row.in_reply_to,
        message_key=row.message_key,
        text=row.text,
        payload=row.payload,
        origin=str(row.metadata.get(ORIGIN) or ""),
    )


def open_conversation(connection: Connection, sender_id: str, now: datetime) -> None:
    """Insert the conversation's row; the caller knows that it is missing."""
    connection.execute(
        insert(conversations).values(
            sender_id=sender_id,
            status=Status.BOT,
            last_seq=0,
            created_at=now,
            updated_at=now,
        )
    )


def lock_conversation(connection: Connection, sender_id: str) -> AnyRow:
    """Read an existing conversation's row and keep everybody else from changing it."""
    row = find_conversation(connection, sender_id)
    assert row is not None
    return row


def find_conversation(connection: Connection, sender_id: str) -> AnyRow | None:
    """Read a conversation's row as `lock_conversation`; None when there is none."""
    query = (
        select(conversations)
        .where(conversations.c.sender_id == sender_id)
        .with_for_update()
    )
    return connection.execute(query).one_or_none()


def write_move(
    connection: Connection,
    row: AnyRow,
    move: Move,
    now: datetime,
    turn_id: str | None = None,
) -> AnyRow:
    """Change the holder and note it down.

    Returns:
        The conversation's row after the move.

    Raises:
        IllegalMove: The rules do not allow it from here.
    """
    before = Status(row.status)
    check_move(before, move.to)
    if move.found is not None and move.found is not before:
        raise IllegalMove(f"{before}, not {move.found}")
    if move.held_by is not None and row.agent != move.held_by:
        raise IllegalMove(f"not held by {move.held_by}")
    changed = (
        update(conversations)
        .where(conversations.c.sender_id == row.sender_id)
        .values(**_held_by(move, row.skill, now))
        .returning(*conversations.c)
    )
    after = connection.execute(changed).one()
    _note_down(connection, row, move, now, turn_id)
    return after


def _note_down(
    connection: Connection,
    row: AnyRow,
    move: Move,
    now: datetime,
    turn_id: str | None,
) -> None:
    handoff = move.handoff
    connection.execute(
        insert(handoffs).values(
            sender_id=row.sender_id,
            moved_from=Status(row.status),
            moved_to=move.to,
            at=now,
            actor=move.actor,
            reason=handoff.reason,
            priority=handoff.priority,
            skill=handoff.skill,
            summary=handoff.summary,
            category=handoff.category,
            turn_id=turn_id,
        )
    )


def raise_wish(
    connection: Connection, row: AnyRow, move: Move, now: datetime, turn_id: str
) -> AnyRow:
    """Move a queued conversation forward for a stronger reason; a weaker one is none.

    Returns:
        The conversation's row afterwards.
    """
    handoff = move.handoff
    if _QUEUE_RANK[handoff.priority] >= row.queue_rank:
        return row
    raised = (
        update(conversations)
        .where(conversations.c.sender_id == row.sender_id)
        .values(
            queue_rank=_QUEUE_RANK[handoff.priority],
            skill=handoff.skill or row.skill,
            offered_to=None,
            offered_at=None,
            passed_by=None,
        )
        .returning(*conversations.c)
    )
    after = connection.execute(raised).one()
    _note_down(connection, row, move, now, turn_id)
    return after


def _held_by(move: Move, skill: str | None, now: datetime) -> dict[str, Any]:
    """Return the conversation's columns after a move."""
    waits, taken = move.to is Status.QUEUED, move.to is Status.AGENT
    agent = move.actor.removeprefix("agent:") if taken else None
    # Whoever passes it on is not the one to be asked first.
    passes = waits and move.handoff.reason == TRANSFERRED and move.held_by
    return {
        "status": move.to,
        "queued_at": now if waits else None,
        "queue_rank": _QUEUE_RANK[move.handoff.priority] if waits else 0,
        "skill": move.handoff.skill if waits else skill,
        "agent": agent,
        "hinted_at": now if waits else None,
        "offered_to": None,
        "offered_at": None,
        "passed_by": [move.held_by] if passes else None,
        **({"last_agent": agent} if taken else {}),
    }


REOPENED = Move(Status.BOT, "customer", Handoff("wrote_again"))


def next_seqs(
    connection: Connection, sender_id: str, count: int, now: datetime
) -> AnyRow | None:
    """Take the next ``count`` numbers; None when there is no such conversation.

    The row stays locked until the transaction ends, so numbers become visible in
    their own order and a rollback leaves no gap.

    Returns:
        The row with ``last_seq`` = the last number taken.
    """
    taken = (
        update(conversations)
        .where(conversations.c.sender_id == sender_id)
        .values(last_seq=conversations.c.last_seq + count, updated_at=now)
        .returning(*conversations.c)
    )
    return connection.execute(taken).one_or_none()


def write_inbound(
    connection: Connection,
    inbound: Inbound,
    seq: int,
    *,
    awaiting: bool,
    refused: str | None,
) -> StoredMessage:
    """Insert a customer's message.

    Raises:
        IntegrityError: Its message_key is known.
    """
    parts = inbound.parts()
    connection.execute(
        insert(messages).values(
            sender_id=inbound.sender_id,
            seq=seq,
            author=Author.CUSTOMER,
            kind=inbound.kind,
            at=inbound.received_at,
            text=inbound.text,
            payload=inbound.payload,
            parts=[part.to_json() for part in parts],
            message_key=inbound.message_key,
            refused=refused,
            awaiting=awaiting,
            metadata=dict(inbound.metadata),
        )
    )
    return StoredMessage(
        inbound.sender_id,
        seq,
        Author.CUSTOMER,
        inbound.received_at,
        parts,
        message_key=inbound.message_key,
        text=inbound.text,
        payload=inbound.payload,
        origin=str(inbound.metadata.get(ORIGIN) or ""),
    )


def write_outbounds(
    connection: Connection,
    outbounds: Sequence[Outbound],
    first_seq: int,
    now: datetime,
    turn_id: str | None = None,
) -> tuple[StoredMessage, ...]:
    """Insert messages to the customer, each with its delivery.

    Raises:
        IntegrityError: One of them was stored before.
    """
    if not outbounds:
        return ()
    stored = tuple(
        StoredMessage(o.sender_id, seq, o.author, now, o.parts, o.in_reply_to)
        for seq, o in enumerate(outbounds, first_seq)
    )
    keys = (outbound.idempotency_key for outbound in outbounds)
    connection.execute(insert(messages), _message_rows(stored, keys, turn_id))
    connection.execute(
        insert(deliveries),
        [
            {
                "sender_id": message.sender_id,
                "seq": message.seq,
                "channel": message.sender_id.partition(":")[0],
                "state": DeliveryState.PENDING,
                "updated_at": now,
            }
            for message in stored
        ],
    )
    return stored


def _message_rows(
    stored: Iterable[StoredMessage], keys: Iterable[str], turn_id: str | None
) -> list[dict[str, Any]]:
    return [
        {
            "sender_id": message.sender_id,
            "seq": message.seq,
            "author": message.author,
            "kind": "text",
            "at": message.at,
            "parts": [part.to_json() for part in message.parts],
            "in_reply_to": message.in_reply_to,
            "idempotency_key": key,
            "turn_id": turn_id,
            "metadata": {},
        }
        for message, key in zip(stored, keys, strict=True)
    ]
