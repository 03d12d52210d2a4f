"""When an answer is due, by the agreement in force."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.desk_rules import Status
from bot.ledger.desk_view import Listed
from bot.ports import Clock, WorkHours
from channels.console.backroom import Backroom

_KEEP = timedelta(minutes=5)  # the agreement seldom changes
_RETRY = timedelta(seconds=30)


@dataclass(frozen=True)
class Promise:
    """Until when something was promised, and by which clause."""

    at: datetime
    clause: str


class Due:
    """Reckons when waiting customers were promised an answer."""

    def __init__(self, backroom: Backroom, hours: WorkHours, clock: Clock) -> None:
        self._backroom = backroom
        self._hours = hours
        self._clock = clock
        self._promised: Any = None
        self._asked_at: datetime | None = None

    async def of(self, row: Listed) -> Promise | None:
        """Return until when a customer was promised an answer; None when they have it.

        Nothing is reckoned while the action server does not answer.
        """
        since = row.waiting_since
        if row.status is Status.AGENT and not row.answered:
            since = row.last_at
        promised = await self._promise()
        if since is None or not promised:
            return None
        at = self._hours.due(since, promised["amount"], promised["unit"])
        return Promise(at, promised["ref"])

    async def _promise(self) -> Any:
        now = self._clock.now()
        keep = _KEEP if self._promised else _RETRY
        if self._asked_at is None or now - self._asked_at > keep:
            self._asked_at = now
            self._promised = await self._backroom.promise() or self._promised
        return self._promised
