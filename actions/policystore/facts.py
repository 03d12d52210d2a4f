"""What the store was last brought up to date with, by name."""

from __future__ import annotations

from datetime import datetime

from actions.policystore.store_session import StoreSession
from actions.policystore.tables import StoreFactRow


class FactRepository:
    """Small facts about the store itself."""

    def __init__(self, store: StoreSession) -> None:
        self._store = store

    def get(self, name: str) -> str | None:
        """Return a fact, None when it was never set."""
        row = self._store.reading().get(StoreFactRow, name)
        return row.value if row else None

    def set(self, name: str, value: str, now: datetime) -> None:
        """Keep a fact instead of an older one."""
        row = StoreFactRow(name=name, value=value, at=now)
        self._store.writing().merge(row)
