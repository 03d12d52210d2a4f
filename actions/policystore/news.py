"""What customers are still to be told about their cases (outbox).

Written in the transaction of the step, fetched and acknowledged by the edge: told at
least once, and a repeat does nothing because of its key. Of one case the older comes
first; one that cannot be told for good is noted and holds up nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, select

from actions.policystore.news_tables import CaseNewsRow
from actions.policystore.plain import plain, spelled
from actions.policystore.store_session import StoreSession

MAX_TRIES = 8
_FIRST_PAUSE = timedelta(seconds=2)  # doubles with every try
KEPT = timedelta(days=30)  # told or given up, then forgotten
_LOOKED_AT = 500
_MAX_WHY = 100


@dataclass(frozen=True)
class News:
    """Something to tell; ``key`` makes a repeat a repeat."""

    news_id: int
    kind: str
    number: str
    notice: str
    values: Mapping[str, Any]
    senders: tuple[str, ...]
    key: str


class NewsRepository:
    """News of cases that the edge has not told yet."""

    def __init__(self, store: StoreSession) -> None:
        self._store = store

    def add(
        self, kind: str, number: str, found: Mapping[str, Any], now: datetime
    ) -> None:
        """Keep news of a step that is being taken in this transaction."""
        self._store.insert_if_new(
            CaseNewsRow,
            kind=kind,
            number=spelled(number),
            notice=str(found["notice"]),
            said=dict(found["values"]),
            senders=list(found["senders"]),
            key=str(found["key"]),
            made_at=now,
            tries=0,
        )

    def waiting(
        self, now: datetime, number: str | None = None, limit: int = 50
    ) -> list[News]:
        """Return what is to be told now, of every case the oldest first."""
        pending = _pending()
        if number is not None:
            pending = and_(pending, CaseNewsRow.number == spelled(number))
        rows = self._store.reading().scalars(
            select(CaseNewsRow)
            .where(pending)
            .order_by(CaseNewsRow.news_id)
            .limit(_LOOKED_AT)
        )
        resting: set[str] = set()  # cases whose oldest news is to be tried later
        found: list[News] = []
        for row in rows:
            if row.number in resting or (row.next_at is not None and row.next_at > now):
                resting.add(row.number)
            elif len(found) < limit:
                found.append(_news(row))
        return found

    def told(self, news_ids: Sequence[int], now: datetime) -> None:
        """Note that these were told."""
        for row in self._hold(news_ids):
            row.told_at, row.next_at = now, None
        self._store.writing().flush()

    def not_told(self, news_id: int, why: str, now: datetime, *, final: bool) -> None:
        """Note that one could not be told: it is tried again, or never."""
        for row in self._hold([news_id]):
            row.tries += 1
            row.next_at = now + _FIRST_PAUSE * 2 ** min(row.tries, MAX_TRIES)
            if final or row.tries >= MAX_TRIES:
                row.failed = plain(why, _MAX_WHY) or "failed"
        self._store.writing().flush()

    def given_up(self) -> list[tuple[News, str]]:
        """Return what could not be told, and why."""
        rows = self._store.reading().scalars(
            select(CaseNewsRow)
            .where(CaseNewsRow.failed.is_not(None))
            .order_by(CaseNewsRow.news_id)
            .limit(_LOOKED_AT)
        )
        return [(_news(row), row.failed or "") for row in rows]

    def _hold(self, news_ids: Sequence[int]) -> list[CaseNewsRow]:
        rows = self._store.writing().scalars(
            select(CaseNewsRow)
            .where(CaseNewsRow.news_id.in_(list(news_ids)), _pending())
            .order_by(CaseNewsRow.news_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return list(rows)


def _pending() -> Any:
    return and_(CaseNewsRow.told_at.is_(None), CaseNewsRow.failed.is_(None))


def _news(row: CaseNewsRow) -> News:
    return News(
        row.news_id,
        row.kind,
        row.number,
        row.notice,
        row.said,
        tuple(row.senders),
        row.key,
    )
