"""The only place where the action server reads the time; moments are UTC-aware."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the present moment."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""


class SystemClock:
    """The machine's clock, moved by a fixed offset when a test asks for it.

    Args:
        start: Moment this clock shows now (``BAOKE_CLOCK``); it then runs on. A
            moment without a zone is UTC. None shows the real time.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._offset = timedelta()
        if start is not None:
            aware = start if start.tzinfo else start.replace(tzinfo=UTC)
            self._offset = aware - datetime.now(UTC)

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC) + self._offset
