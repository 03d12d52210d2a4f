"""Why the bot answered as it did: one turn, read back from the ledger.

In: a conversation and the number of any message of the turn. Out: a `Why`, for the
console, for ``baoke why`` and for ``baoke ask``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, desc, select

from bot.ledger.rows import MESSAGE_COLUMNS, read_message
from bot.ledger.tables import conversations, messages, turns
from bot.message import Author, StoredMessage

MAX_CONVERSATIONS = 20
MAX_MESSAGES = 50


@dataclass(frozen=True)
class Why:
    """One turn.

    Attributes:
        asked: What the customer wrote; several messages when a burst was answered as one.
        replies: What was said in it, also by the system.
        outcome: ``ledger.values.Outcome``; None while the turn runs.
        note: Why it was not answered.
        trace: What the brain told about itself: ``ranking``, ``entities``, ``actions``
            (with the policy that chose them), ``active_form``, ``responses``,
            ``searched`` (clauses with their scores), ``values`` (data as read).
    """

    turn_id: str
    started_at: datetime
    finished_at: datetime | None
    asked: tuple[StoredMessage, ...]
    replies: tuple[StoredMessage, ...]
    outcome: str | None
    note: str | None
    intent: str | None
    confidence: float | None
    trace: Mapping[str, Any] = field(default_factory=dict)


def read_why(connection: Connection, sender_id: str, seq: int) -> Why | None:
    """Read the turn a message belongs to.

    Returns:
        None when there is no such message, or when it never was part of a turn (it was
        refused, or a human answered it).
    """
    turn_id = connection.execute(
        select(messages.c.turn_id).where(
            messages.c.sender_id == sender_id, messages.c.seq == seq
        )
    ).scalar_one_or_none()
    if turn_id is None:
        return None
    turn = connection.execute(select(turns).where(turns.c.turn_id == turn_id)).one()
    rows = connection.execute(
        select(*MESSAGE_COLUMNS)
        .where(messages.c.sender_id == sender_id, messages.c.turn_id == turn_id)
        .order_by(messages.c.seq)
    )
    said = [read_message(row) for row in rows]
    return Why(
        turn_id,
        turn.started_at,
        turn.finished_at,
        tuple(m for m in said if m.author is Author.CUSTOMER),
        tuple(m for m in said if m.author is not Author.CUSTOMER),
        turn.outcome,
        turn.note,
        turn.intent,
        turn.confidence,
        turn.trace or {},
    )


def latest_conversations(connection: Connection) -> list[tuple[str, int, datetime]]:
    """Return sender, last number and moment of the conversations moved last."""
    c = conversations.c
    query = select(c.sender_id, c.last_seq, c.updated_at).order_by(desc(c.updated_at))
    rows = connection.execute(query.limit(MAX_CONVERSATIONS))
    return [(row.sender_id, row.last_seq, row.updated_at) for row in rows]


def sender_ids(connection: Connection, beginning: str) -> list[str]:
    """Return the conversations whose id begins so, two at most; an exact one alone."""
    ids = conversations.c.sender_id
    query = select(ids).where(ids.startswith(beginning, autoescape=True)).order_by(ids)
    found = list(connection.execute(query.limit(2)).scalars())
    return [beginning] if beginning in found else found


def latest_messages(connection: Connection, sender_id: str) -> list[StoredMessage]:
    """Return the newest messages of a conversation, oldest of them first."""
    query = (
        select(*MESSAGE_COLUMNS)
        .where(messages.c.sender_id == sender_id)
        .order_by(desc(messages.c.seq))
        .limit(MAX_MESSAGES)
    )
    return [read_message(row) for row in connection.execute(query)][::-1]
