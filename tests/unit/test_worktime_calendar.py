"""Working time: make-up days, holidays, several periods a day, deadlines."""

import logging
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from worktime.calendar import WorkCalendar
from worktime.reading import Hours, Official, Period, YearPlan

DATA = Path(__file__).resolve().parents[2] / "data"
BEIJING = ZoneInfo("Asia/Shanghai")
KEPT = WorkCalendar.load(DATA / "calendar")


def at(said):
    return datetime.fromisoformat(said).replace(tzinfo=BEIJING)


def beijing(moment):
    assert moment.utcoffset() == timedelta(0)  # UTC comes out
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M}"


# 2026: 春节 Feb 15 (Sun) – 23 (Mon), work on Sat 14 and 28; 国庆 Oct 1 – 7, work on
# Sun Sep 20 and Sat Oct 10; 中秋 Sep 25 – 27.
@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-02-14", True),  # a Saturday, made up for
        ("2026-02-15", False),
        ("2026-02-23", False),
        ("2026-02-24", True),
        ("2026-02-28", True),
        ("2026-03-01", False),
        ("2026-09-20", True),
        ("2026-09-25", False),
        ("2026-10-07", False),
        ("2026-10-08", True),
        ("2026-10-10", True),
        ("2026-10-11", False),
        ("2025-01-26", True),
        ("2025-10-08", False),
        ("2025-10-11", True),
        ("2026-11-23", True),
    ],
)
def test_that_holidays_and_make_up_days_are_known(day, works):
    assert KEPT.is_workday(date.fromisoformat(day)) is works


@pytest.mark.parametrize(("year", "holidays", "extra"), [(2025, 28, 5), (2026, 33, 6)])
def test_that_the_announced_years_are_complete(year, holidays, extra):
    plan = KEPT.official.years[year]

    assert (len(plan.holidays), len(plan.workdays)) == (holidays, extra)
    assert all(day.weekday() >= 5 for day in plan.workdays)
    assert KEPT.covers(year)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-23 08:59:59", False),
        ("2026-11-23 09:00", True),
        ("2026-11-23 11:59:59", True),
        ("2026-11-23 12:00", False),
        ("2026-11-23 12:59", False),
        ("2026-11-23 13:00", True),
        ("2026-11-23 18:00", False),
        ("2026-11-22 10:00", False),
        ("2026-10-10 10:00", True),
    ],
)
def test_that_opening_hours_are_kept(moment, is_open):
    assert KEPT.is_open(at(moment)) is is_open


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-11-23 10:00", "2026-11-23 10:00"),
        ("2026-11-23 07:00", "2026-11-23 09:00"),
        ("2026-11-23 12:30", "2026-11-23 13:00"),
        ("2026-11-20 18:00", "2026-11-23 09:00"),
        ("2026-09-30 18:00", "2026-10-08 09:00"),
        ("2026-02-14 18:00", "2026-02-24 09:00"),
    ],
)
def test_that_the_next_opening_is_found(moment, opens):
    assert beijing(KEPT.next_open(at(moment))) == opens


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-23 10:00", 2, "2026-11-23 12:00"),
        ("2026-11-23 11:00", 2, "2026-11-23 14:00"),
        ("2026-11-23 07:00", 2, "2026-11-23 11:00"),
        ("2026-11-23 17:30", 2, "2026-11-24 10:30"),
        ("2026-11-20 20:00", 2, "2026-11-23 11:00"),
        ("2026-09-30 17:00", 2, "2026-10-08 10:00"),
        ("2026-11-23 09:00", 8, "2026-11-23 18:00"),
        ("2026-11-23 09:00", 8.5, "2026-11-24 09:30"),
        ("2026-11-23 10:00", 0, "2026-11-23 10:00"),
    ],
)
def test_that_work_hours_are_counted_in_working_time(start, hours, due):
    assert beijing(KEPT.add_work_hours(at(start), hours)) == due


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-11-23 10:00", 1, "2026-11-24 18:00"),
        ("2026-11-23 10:00", 15, "2026-12-14 18:00"),
        ("2026-11-23 07:00", 1, "2026-11-24 18:00"),  # received this morning
        ("2026-11-23 12:30", 1, "2026-11-24 18:00"),
        ("2026-11-23 18:00", 1, "2026-11-25 18:00"),  # received tomorrow
        ("2026-11-21 10:00", 1, "2026-11-24 18:00"),  # received on Monday
        ("2026-09-30 17:00", 1, "2026-10-08 18:00"),
        ("2026-09-30 19:00", 3, "2026-10-12 18:00"),  # 8th; 9th, Saturday 10th, 12th
        ("2026-02-13 10:00", 3, "2026-02-25 18:00"),  # Saturday 14th counts
        ("2026-11-23 10:00", 0, "2026-11-23 18:00"),
    ],
)
def test_that_workdays_are_counted_after_the_day_of_receipt(start, days, due):
    assert beijing(KEPT.add_workdays(at(start), days)) == due


def test_that_natural_days_count_holidays_too():
    due = KEPT.add_natural_days(at("2026-09-30 17:00"), 5)

    assert due.astimezone(BEIJING) == at("2026-10-05 23:59:59")


def test_that_the_zone_of_a_moment_does_not_matter():
    utc = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # 07:30 on Monday in Beijing

    assert KEPT.next_open(utc) == KEPT.next_open(utc.astimezone(BEIJING))
    assert beijing(KEPT.add_workdays(utc, 1)) == "2026-11-24 18:00"


def test_that_a_moment_needs_a_zone_and_an_amount_is_not_negative():
    with pytest.raises(ValueError, match="zone"):
        KEPT.is_open(datetime(2026, 11, 23))  # noqa: DTZ001
    for add in (KEPT.add_workdays, KEPT.add_work_hours, KEPT.add_natural_days):
        with pytest.raises(ValueError, match="negative"):
            add(at("2026-11-23 10:00"), -1)


def test_that_a_missing_year_is_guessed_and_told_once(caplog):
    calendar = WorkCalendar.load(DATA / "calendar")

    with caplog.at_level(logging.WARNING):
        found = [calendar.is_workday(date(2031, 10, n)) for n in range(1, 12)]

    assert not calendar.covers(2031)
    # Wednesday to Friday are free by law; the rest of the week cannot be known.
    assert found == [False] * 5 + [True] * 5 + [False]
    assert [r.message.partition(":")[0] for r in caplog.records] == [
        "calendar.year_missing year=2031"
    ]


@pytest.mark.parametrize(
    ("now", "missing"),
    [
        ("2026-11-30 23:59", []),  # the next year may not be announced yet
        ("2026-12-01 00:00", [2027]),
        ("2027-01-01 00:00", [2027]),
        ("2027-12-31 10:00", [2027, 2028]),
    ],
)
def test_that_a_missing_year_is_told_before_anybody_asks(caplog, now, missing):
    plans = {year: KEPT.official.years[year] for year in (2025, 2026)}
    calendar = WorkCalendar(Official(plans, KEPT.official.every_year), KEPT.hours)

    with caplog.at_level(logging.WARNING):
        calendar.warn_of_missing(at(now))
        calendar.warn_of_missing(at(now))

    assert [r.message.partition(":")[0] for r in caplog.records] == [
        f"calendar.year_missing year={year}" for year in missing
    ]


def test_that_the_insurer_has_days_of_its_own():
    monday = date(2026, 11, 23)
    hours = Hours(
        periods=(Period(time(9), time(17)),),
        closures=frozenset({monday}),
        exceptions={date(2026, 11, 28): (Period(time(10), time(12)),)},  # a Saturday
    )
    own = WorkCalendar(KEPT.official, hours)

    assert not own.is_workday(monday)
    assert beijing(own.next_open(at("2026-11-20 17:00"))) == "2026-11-24 09:00"
    assert own.is_open(at("2026-11-28 11:00"))
    assert beijing(own.add_workdays(at("2026-11-27 10:00"), 1)) == "2026-11-28 12:00"


def test_that_a_calendar_without_working_days_says_so():
    days = frozenset(date(2026, 1, 1) + timedelta(n) for n in range(365))
    year = {2026: YearPlan(days, frozenset()), 2027: YearPlan(days, frozenset())}
    years = year | {
        2027: YearPlan(frozenset(d.replace(year=2027) for d in days), frozenset())
    }
    closed = WorkCalendar(Official(years, frozenset()), KEPT.hours)

    with pytest.raises(Exception, match="no working day"):
        closed.next_open(at("2026-01-01 10:00"))


def test_that_the_agreement_tells_the_same_hours():
    told = yaml.safe_load((DATA / "agreement/settings.yml").read_text("utf-8"))
    periods = told["facts"]["service_hours"]["periods"]

    assert (
        tuple(
            Period(time.fromisoformat(p["start"]), time.fromisoformat(p["end"]))
            for p in periods
        )
        == KEPT.hours.periods
    )


moments = st.datetimes(
    min_value=datetime(2025, 1, 1),  # noqa: DTZ001
    max_value=datetime(2026, 9, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)
hours = st.integers(min_value=1, max_value=2000).map(lambda quarter: quarter / 4)
days = st.integers(min_value=0, max_value=40)


def is_working_time(moment):
    """Working time, the very end of a period included."""
    return KEPT.is_open(moment) or KEPT.is_open(moment - timedelta(microseconds=1))


@given(moments, hours)
def test_that_work_hours_never_land_outside_working_time(start, amount):
    due = KEPT.add_work_hours(start, amount)

    assert due > start
    assert is_working_time(due)


@given(moments, hours, hours)
def test_that_work_hours_add_up(start, one, other):
    in_steps = KEPT.add_work_hours(KEPT.add_work_hours(start, one), other)

    assert in_steps == KEPT.add_work_hours(start, one + other)


@given(moments, moments, hours, days)
def test_that_who_comes_earlier_is_served_no_later(one, other, amount, count):
    first, second = sorted((one, other))

    assert KEPT.add_work_hours(first, amount) <= KEPT.add_work_hours(second, amount)
    assert KEPT.add_workdays(first, count) <= KEPT.add_workdays(second, count)
    assert KEPT.add_natural_days(first, count) <= KEPT.add_natural_days(second, count)
    assert KEPT.next_open(first) <= KEPT.next_open(second)


@given(moments, days, days)
def test_that_workdays_add_up_and_end_a_working_day(start, one, other):
    due = KEPT.add_workdays(start, one + other)

    # From inside the last day's hours the rest is counted as if nothing had happened.
    midway = KEPT.add_workdays(start, one) - timedelta(minutes=1)
    assert KEPT.add_workdays(midway, other) == due
    local = due.astimezone(BEIJING)
    assert KEPT.is_workday(local.date())
    assert local.time() == KEPT.periods_of(local.date())[-1].end


@given(moments)
def test_that_the_next_opening_is_open(start):
    opens = KEPT.next_open(start)

    assert KEPT.is_open(opens)
    assert opens >= start
    assert KEPT.next_open(opens) == opens
    assert opens == start or not KEPT.is_open(start)
