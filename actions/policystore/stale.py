"""What the identity check need not remember any longer.

In: the present moment. Out: how many rows are gone. A row somebody is working on is
left for the next time; nobody is waited for.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Table, and_, delete, or_, select
from sqlalchemy import tuple_ as row_of
from sqlalchemy.orm import DeclarativeBase

from actions.policystore.code_tables import OneTimeCodeRow
from actions.policystore.news import KEPT
from actions.policystore.news_tables import CaseNewsRow
from actions.policystore.one_time_codes import DAY
from actions.policystore.store_session import StoreSession
from actions.policystore.tables import (
    BindingRow,
    VerificationAttemptRow,
    VerificationCounterRow,
)
from actions.settings import Settings

MOST = 1000  # rows of a table at once: others want to write too

Condition = ColumnElement[bool]


def forget_stale(store: StoreSession, settings: Settings, now: datetime) -> int:
    """Delete at most `MOST` stale rows of each table; call again until it is 0."""
    stale: list[tuple[type[DeclarativeBase], Condition]] = [
        (VerificationCounterRow, _counter_is_over(now)),
        (
            OneTimeCodeRow,
            and_(OneTimeCodeRow.expires_at <= now, OneTimeCodeRow.sent_at <= now - DAY),
        ),
        (BindingRow, BindingRow.expires_at <= now),
        (
            CaseNewsRow,  # told, or given up, long ago
            and_(
                CaseNewsRow.made_at < now - KEPT,
                or_(CaseNewsRow.told_at.is_not(None), CaseNewsRow.failed.is_not(None)),
            ),
        ),
        (
            VerificationAttemptRow,
            VerificationAttemptRow.at <= now - settings.attempts_kept,
        ),
    ]
    return sum(_delete(store, row, condition) for row, condition in stale)


def _counter_is_over(now: datetime) -> Condition:
    row = VerificationCounterRow
    return and_(
        or_(row.window_ends_at.is_(None), row.window_ends_at <= now),
        or_(row.locked_until.is_(None), row.locked_until <= now),
    )


def _delete(
    store: StoreSession, row: type[DeclarativeBase], condition: Condition
) -> int:
    table = row.__table__
    assert isinstance(table, Table)
    keys = list(table.primary_key)
    found = select(*keys).where(condition).limit(MOST)
    # SQLite has one writer at a time and leaves the locking away.
    found = found.with_for_update(skip_locked=True)
    done: CursorResult[Any] = (
        store.writing()
        .connection()
        .execute(delete(table).where(row_of(*keys).in_(found)))
    )
    return done.rowcount
