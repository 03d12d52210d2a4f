"""The calendar's two files read into values; whatever is wrong is said with its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml


class CalendarError(Exception):
    """A calendar file is missing or says something impossible."""


@dataclass(frozen=True)
class Period:
    """Working time of one day, Beijing time; the end does not belong to it."""

    start: time
    end: time


@dataclass(frozen=True)
class YearPlan:
    """What the State Council announced for one year."""

    holidays: frozenset[date]
    workdays: frozenset[date]


@dataclass(frozen=True)
class Official:
    """The state's part: known years, and ``(month, day)`` that are free by law."""

    years: Mapping[int, YearPlan]
    every_year: frozenset[tuple[int, int]]


@dataclass(frozen=True)
class Hours:
    """The insurer's own hours; ``exceptions[day]`` are that day's periods."""

    periods: tuple[Period, ...]
    closures: frozenset[date]
    exceptions: Mapping[date, tuple[Period, ...]]


def read_official(file: Path) -> Official:
    """Read the official holidays.

    Raises:
        CalendarError: The file cannot be read or a day stands in a wrong year.
    """
    found = _read(file)
    try:
        plans = _years(file, found["years"])
        fixed = [_day(f"2000-{said}") for said in found.get("every_year") or ()]
    except (AttributeError, KeyError, TypeError, ValueError) as err:
        raise CalendarError(f"{file}: {err!r}") from err
    return Official(plans, frozenset((day.month, day.day) for day in fixed))


def _years(file: Path, found: Mapping[Any, Any]) -> dict[int, YearPlan]:
    plans = {}
    for year, plan in found.items():
        try:
            holidays = frozenset(
                day for holiday in plan["holidays"] for day in _days(holiday)
            )
            workdays = frozenset(_day(said) for said in plan["workdays"])
            plans[int(year)] = YearPlan(holidays, workdays)
        except (KeyError, TypeError, ValueError) as err:
            raise CalendarError(f"{file}: year {year}: {err}") from err
        if holidays & workdays:
            raise CalendarError(f"{file}: {year}: a day is holiday and working day")
        if any(day.year != int(year) for day in holidays | workdays):
            raise CalendarError(f"{file}: {year}: a day of another year")
    return plans


def read_hours(file: Path) -> Hours:
    """Read the insurer's hours, closures and exceptions.

    Raises:
        CalendarError: The file cannot be read, or periods are empty or overlap.
    """
    found = _read(file)
    try:
        periods = _periods(found["periods"])
        closures = frozenset(_day(one["day"]) for one in found.get("closures") or ())
        exceptions = {
            _day(one["day"]): _periods(one["periods"])
            for one in found.get("exceptions") or ()
        }
    except (KeyError, TypeError, ValueError) as err:
        raise CalendarError(f"{file}: {err!r}") from err
    return Hours(periods, closures, exceptions)


def _read(file: Path) -> Mapping[Any, Any]:
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        raise CalendarError(f"{file}: {err}") from err
    if not isinstance(found, Mapping):
        raise CalendarError(f"{file}: not a mapping")
    return found


def _days(holiday: Mapping[str, Any]) -> Iterator[date]:
    if "days" in holiday:
        yield from (_day(said) for said in holiday["days"])
        return
    day, last = _day(holiday["from"]), _day(holiday["to"])
    while day <= last:
        yield day
        day += timedelta(days=1)


def _day(said: object) -> date:
    # PyYAML makes a date of an unquoted day.
    return said if type(said) is date else date.fromisoformat(str(said))


def _periods(said: Iterable[object]) -> tuple[Period, ...]:
    periods = tuple(sorted((_period(one) for one in said), key=lambda p: p.start))
    if not periods:
        raise ValueError("no working hours; close a day with a closure instead")
    for one, following in pairwise(periods):
        if one.end > following.start:
            raise ValueError(f"working hours overlap at {following.start}")
    return periods


def _period(said: object) -> Period:
    start, _, end = str(said).partition("-")
    period = Period(time.fromisoformat(start.strip()), time.fromisoformat(end.strip()))
    if period.start >= period.end:
        raise ValueError(f"working hours end before they begin: {said}")
    return period
