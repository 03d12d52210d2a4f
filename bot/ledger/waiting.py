"""Where a conversation stands in the queue, and how long it will honestly take."""

import math
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, func, select, tuple_

from bot.desk_rules import QueuePlace, Status
from bot.ledger.desk_tables import agents
from bot.ledger.rows import AnyRow
from bot.ledger.tables import conversations, handoffs

PRESENT = timedelta(seconds=60)  # without a heartbeat for longer an agent is away
PACE_WINDOW = timedelta(hours=1)
LEAST_TAKEN = 3  # in the window; with fewer nothing is said about the time


def is_present(now: datetime) -> ColumnElement[bool]:
    """Say in SQL whether an agent is there and takes conversations."""
    seen_lately = agents.c.seen_at > now - PRESENT
    return and_(agents.c.active, agents.c.ready, seen_lately)


def is_here(seen_at: datetime | None, now: datetime) -> bool:
    """Say whether an agent last seen at a moment is there, wanted or not."""
    return seen_at is not None and now - seen_at < PRESENT


def place_of(
    connection: Connection, row: AnyRow, now: datetime, *, already: bool
) -> QueuePlace:
    """Return the place of a queued conversation."""
    ahead = _count_ahead(connection, row)
    since = now - PACE_WINDOW
    taken = connection.execute(
        select(func.count())
        .select_from(handoffs)
        .where(handoffs.c.moved_to == Status.AGENT, handoffs.c.at > since)
    ).scalar_one()
    present = connection.execute(
        select(func.count()).select_from(agents).where(is_present(now))
    ).scalar_one()
    minutes = None
    if taken >= LEAST_TAKEN:
        each = PACE_WINDOW.total_seconds() / 60 / taken
        minutes = math.ceil((ahead + 1) * each)
    return QueuePlace(ahead, already, present, minutes)


def _count_ahead(connection: Connection, row: AnyRow) -> int:
    """Count the queued conversations that come before this one."""
    order = tuple_(
        conversations.c.queue_rank,
        conversations.c.queued_at,
        conversations.c.sender_id,
    )
    mine = tuple_(row.queue_rank, row.queued_at, row.sender_id)
    query = (
        select(func.count())
        .select_from(conversations)
        .where(conversations.c.status == Status.QUEUED, order < mine)
    )
    return connection.execute(query).scalar_one()
