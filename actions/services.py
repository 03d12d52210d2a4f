"""Everything the actions of one process share, built once and lazily.

In: settings. Out: `Services`. The only place of the action server that opens things.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from actions.agreement.library import Library, open_library
from actions.clock import Clock, SystemClock
from actions.policystore.unit_of_work import UnitOfWork, open_store
from actions.settings import Settings, read_settings
from actions.sms import SmsGateway, open_sms
from worktime.calendar import WorkCalendar


@dataclass(frozen=True)
class Services:
    """Store, agreement, calendar, clock, gateway of text messages."""

    settings: Settings
    unit_of_work: Callable[[], UnitOfWork]
    library: Callable[[], Library]
    calendar: WorkCalendar
    clock: Clock
    sms: SmsGateway | None = None  # None: no codes, see `Settings.sms_url`

    def now(self) -> datetime:
        """The moment of this process's clock, UTC."""
        return self.clock.now()


@cache
def open_services() -> Services:
    """Build everything from the environment; the first action run pays for it."""
    settings = read_settings()
    clock = SystemClock(settings.clock)

    def library() -> Library:
        return open_library(settings, clock.now())

    return Services(
        settings=settings,
        unit_of_work=open_store(settings),
        library=library,
        calendar=WorkCalendar.load(settings.calendar_dir),
        clock=clock,
        sms=open_sms(settings),
    )
