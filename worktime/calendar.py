"""Which moments are working time, and when a promise made in working time falls due.

All arithmetic is done in Beijing time (China has no summer time); moments come in with
any zone and go out as UTC.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, islice
from pathlib import Path

from worktime.pauses import BEIJING, Span, in_order, span_at, to_beijing
from worktime.reading import (
    CalendarError,
    Hours,
    Official,
    Period,
    read_hours,
    read_official,
)

__all__ = ["CalendarError", "Period", "WorkCalendar"]

log = logging.getLogger(__name__)

DAY = timedelta(days=1)
SATURDAY = 5
DECEMBER = timedelta(days=31)  # by then the next year's plan is announced
LAST_SECOND = time(23, 59, 59)
# Longest search for a working day: longer than any holiday with closures around it.
MAX_DAYS_CLOSED = 366
_UNITS = ("工作小时", "工作日", "自然日")


@dataclass(frozen=True)
class WorkCalendar:
    """Official holidays and make-up days, with one insurer's hours and closures.

    Attributes:
        official: The state's plan of each year that is known.
        hours: The insurer's own part.
    """

    official: Official
    hours: Hours
    _warned: set[int] = field(default_factory=set, compare=False, repr=False)

    @classmethod
    def load(cls, path: Path) -> WorkCalendar:
        """Read ``cn.yml`` and ``hours.yml``.

        Args:
            path: The folder of both, or ``cn.yml`` itself with the other beside it.

        Raises:
            CalendarError: A file is missing or says something impossible.
        """
        folder = path if path.is_dir() else path.parent
        official = read_official(folder / "cn.yml")
        return cls(official, read_hours(folder / "hours.yml"))

    def covers(self, year: int) -> bool:
        """Say whether the year's official plan is known; else weekends are guessed."""
        return year in self.official.years

    def warn_of_missing(self, moment: datetime) -> None:
        """Log that a year's plan is missing: this year's; in December also the next's."""
        today = to_beijing(moment).date()
        for year in (today.year, (today + DECEMBER).year):
            if not self.covers(year):
                self._warn(year)

    def is_workday(self, day: date) -> bool:
        """Say whether anybody works on this day in Beijing."""
        return bool(self.periods_of(day))

    def periods_of(self, day: date) -> tuple[Period, ...]:
        """Return the opening hours of a day in Beijing, in order; empty when closed."""
        if day in self.hours.exceptions:
            return self.hours.exceptions[day]
        if day in self.hours.closures or not self._is_official_workday(day):
            return ()
        return self.hours.periods

    def is_open(self, moment: datetime) -> bool:
        """Say whether a moment is working time; the end of a period is not."""
        local = to_beijing(moment)
        return any(
            p.start <= local.time() < p.end for p in self.periods_of(local.date())
        )

    def next_open(self, moment: datetime) -> datetime:
        """Return the moment itself in working time, else the next start of work."""
        begin, _ = next(self._stretches(to_beijing(moment)))
        return begin.astimezone(UTC)

    def add_work_hours(self, start: datetime, hours: float) -> datetime:
        """Return when so many working hours (工作小时) have passed.

        Counting begins at the next working moment and stands still outside working
        time. A result is never outside working time; it may be a period's very end.

        Args:
            start: When it came in.
            hours: At least 0; 0.5 is half an hour.

        Raises:
            ValueError: ``hours`` is negative.
        """
        if hours < 0:
            raise ValueError("hours must not be negative")
        left = timedelta(hours=hours)
        for begin, end in self._stretches(to_beijing(start)):
            if left <= end - begin:
                return (begin + left).astimezone(UTC)
            left -= end - begin
        raise AssertionError("stretches never end")

    def add_workdays(self, start: datetime, days: int) -> datetime:
        """Return the close of work on the n-th working day (工作日) after receipt.

        The day of receipt is not counted. What comes outside working hours is received
        at the next working moment: on Monday at 07:00 it is received on Monday, on
        Monday at 20:00 on Tuesday.

        Args:
            start: When it came in.
            days: At least 0; 0 is the close of work on the day of receipt.

        Raises:
            ValueError: ``days`` is negative.
        """
        if days < 0:
            raise ValueError("days must not be negative")
        close = next(islice(self._closes(start, "工作日"), days, None))
        return close.astimezone(UTC)

    def add_natural_days(self, start: datetime, days: int) -> datetime:
        """Return the last second of the n-th day (自然日) after the day of receipt.

        The day of receipt is not counted; holidays are, also as the last day: what we
        promise is not put off because we are closed.

        Raises:
            ValueError: ``days`` is negative.
        """
        if days < 0:
            raise ValueError("days must not be negative")
        last = to_beijing(start).date() + days * DAY
        return _at(last, LAST_SECOND).astimezone(UTC)

    def due(self, start: datetime, amount: int, unit: str) -> datetime:
        """Return when a commitment ends.

        Args:
            start: What starts its clock.
            amount: Of units.
            unit: 工作小时, 工作日 or 自然日.

        Raises:
            ValueError: There is no such unit, or the amount is negative.
        """
        if unit not in _UNITS:
            raise ValueError(f"no unit {unit}")
        if unit == "工作小时":
            return self.add_work_hours(start, amount)
        if unit == "工作日":
            return self.add_workdays(start, amount)
        return self.add_natural_days(start, amount)

    def due_with_pauses(
        self,
        start: datetime,
        amount: int,
        unit: str,
        pauses: Iterable[tuple[datetime, datetime | None]],
    ) -> datetime | None:
        """Return when a commitment ends whose clock stood still for a while.

        工作小时: working time inside a pause does not count. 工作日 and 自然日: a day
        counts when the clock runs at its close, and the day of receipt never does. In
        the first moment of a pause the clock stands, in its last one it runs. The result
        is never inside a pause; working hours may run out in the moment one begins.

        Args:
            start: What starts its clock.
            amount: Of units.
            unit: 工作小时, 工作日 or 自然日.
            pauses: From when until when; None is until further notice. In any order,
                they may overlap.

        Returns:
            None while the clock stands still and nobody knows until when.

        Raises:
            ValueError: As for ``due``, or a pause ends before it begins.
        """
        if unit not in _UNITS:
            raise ValueError(f"no unit {unit}")
        if amount < 0:
            raise ValueError("amount must not be negative")
        spans = in_order(pauses)
        if unit == "工作小时":
            return self._work_hours_with(start, amount, spans)
        left = max(amount, 1)  # 0: the first close there is, also that of the receipt
        for close in islice(self._closes(start, unit), min(amount, 1), None):
            span = span_at(spans, close)
            if span is None:
                left -= 1
            elif span[1] is None:
                return None
            if left == 0:
                return close.astimezone(UTC)
        raise AssertionError("days never end")

    def _work_hours_with(
        self, start: datetime, hours: float, spans: Sequence[Span]
    ) -> datetime | None:
        left = timedelta(hours=hours)
        for begin, end in self._running(to_beijing(start), spans):
            if left <= end - begin:
                return (begin + left).astimezone(UTC)
            left -= end - begin
        return None

    def _running(
        self, start: datetime, spans: Sequence[Span]
    ) -> Iterator[tuple[datetime, datetime]]:
        """Working time outside the pauses; ends where the clock stops for good."""
        for begin, end in self._stretches(start):
            for since, until in spans:
                if since >= end:
                    break
                if since > begin:
                    yield begin, since
                if until is None:
                    return
                begin = max(begin, until)
                if begin >= end:
                    break
            if begin < end:
                yield begin, end

    def _closes(self, start: datetime, unit: str) -> Iterator[datetime]:
        """The close of the day of receipt and of all days after it; never ends."""
        if unit == "自然日":
            first = to_beijing(start).date()
            yield from (_at(first + n * DAY, LAST_SECOND) for n in count())
        else:
            received = to_beijing(self.next_open(start)).date()
            for day in self._workdays(received):
                yield _at(day, self.periods_of(day)[-1].end)

    def _is_official_workday(self, day: date) -> bool:
        plan = self.official.years.get(day.year)
        if plan is None:
            self._warn(day.year)
            is_free = (day.month, day.day) in self.official.every_year
            return day.weekday() < SATURDAY and not is_free
        if day in plan.workdays:
            return True
        return day.weekday() < SATURDAY and day not in plan.holidays

    def _warn(self, year: int) -> None:
        if year not in self._warned:
            self._warned.add(year)
            log.warning(
                "calendar.year_missing year=%d: moving holidays and make-up days are not "
                "known; add the year to data/calendar/cn.yml",
                year,
            )

    def _workdays(self, first: date) -> Iterator[date]:
        """Working days from ``first`` on, itself included; never ends."""
        day, closed = first, 0
        while True:
            if self.is_workday(day):
                closed = 0
                yield day
            elif (closed := closed + 1) > MAX_DAYS_CLOSED:
                raise CalendarError(f"no working day in the year after {first}")
            day += DAY

    def _stretches(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Working time from ``start`` on as (begin, end) in Beijing; never ends."""
        for day in self._workdays(start.date()):
            for period in self.periods_of(day):
                end = _at(day, period.end)
                if end > start:
                    yield max(start, _at(day, period.start)), end


def _at(day: date, clock_time: time) -> datetime:
    return datetime.combine(day, clock_time, BEIJING)
