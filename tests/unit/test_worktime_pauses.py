"""The clock of a promise that stood still for a while."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worktime.calendar import WorkCalendar

DATA = Path(__file__).resolve().parents[2] / "data"
BEIJING = ZoneInfo("Asia/Shanghai")
KEPT = WorkCalendar.load(DATA / "calendar")
MOMENT = timedelta(microseconds=1)
HALF_HOUR = timedelta(minutes=30)


def at(said):
    return datetime.fromisoformat(said).replace(tzinfo=BEIJING)


def beijing(moment):
    assert moment.utcoffset() == timedelta(0)  # UTC comes out
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M}"


moments = st.datetimes(
    min_value=datetime(2025, 1, 1),  # noqa: DTZ001
    max_value=datetime(2026, 9, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)
UNITS = ("工作小时", "工作日", "自然日")
PAUSED = [
    # 国庆: the papers came on the first working day after it.
    ("2026-09-29 10:00", 3, "工作日", [("2026-09-30 09:00", "2026-10-08 09:00")],
     "2026-10-10 18:00"),
    ("2026-09-29 10:00", 3, "工作日", [], "2026-10-09 18:00"),
    # Asked for and brought within the day: nothing is lost by it.
    ("2026-11-23 10:00", 1, "工作日", [("2026-11-24 09:00", "2026-11-24 17:59")],
     "2026-11-24 18:00"),
    ("2026-11-23 10:00", 1, "工作日", [("2026-11-24 09:00", "2026-11-24 18:01")],
     "2026-11-25 18:00"),
    # 春节 with its make-up Saturday (Feb 14): two hours before it, one after.
    ("2026-02-13 16:00", 3, "工作小时", [("2026-02-14 09:00", "2026-02-24 09:00")],
     "2026-02-24 10:00"),
    ("2026-11-23 10:00", 2, "工作小时", [("2026-11-23 11:00", "2026-11-23 15:00")],
     "2026-11-23 16:00"),
    ("2026-11-23 10:00", 2, "自然日", [("2026-11-24 00:00", "2026-11-26 00:00")],
     "2026-11-27 23:59"),
    ("2026-11-23 10:00", 0, "工作日", [("2026-11-23 10:00", "2026-11-25 10:00")],
     "2026-11-25 18:00"),
    # A pause as long as 国庆: working days and hours never ran then, natural days did.
    ("2026-09-30 10:00", 2, "工作日", [("2026-10-01 00:00", "2026-10-08 00:00")],
     "2026-10-09 18:00"),
    ("2026-09-30 17:00", 2, "工作小时", [("2026-10-01 00:00", "2026-10-08 00:00")],
     "2026-10-08 10:00"),
    ("2026-09-30 10:00", 2, "自然日", [("2026-10-01 00:00", "2026-10-08 00:00")],
     "2026-10-09 23:59"),
    # Make-up days: Saturday Oct 10 up to its close and beyond, Sunday Sep 20.
    ("2026-10-09 10:00", 1, "工作日", [("2026-10-10 09:00", "2026-10-10 18:00")],
     "2026-10-10 18:00"),
    ("2026-10-09 10:00", 1, "工作日", [("2026-10-10 09:00", "2026-10-10 18:01")],
     "2026-10-12 18:00"),
    ("2026-09-19 10:00", 1, "工作小时", [("2026-09-20 09:00", "2026-09-20 11:00")],
     "2026-09-20 12:00"),
    # 春节: the clock runs again in the middle of it, and before and after it.
    ("2026-02-13 10:00", 2, "工作日", [("2026-02-13 12:00", "2026-02-18 09:00")],
     "2026-02-25 18:00"),
    ("2026-02-13 10:00", 1, "工作日", [("2026-02-14 12:00", "2026-02-15 10:00")],
     "2026-02-24 18:00"),
    ("2026-02-27 10:00", 1, "工作日", [("2026-02-27 11:00", "2026-02-27 15:00")],
     "2026-02-28 18:00"),
    # In no order, one over the other, an empty one.
    ("2026-11-23 09:00", 2, "工作小时",
     [("2026-11-23 14:00", "2026-11-23 15:00"), ("2026-11-23 10:00", "2026-11-23 14:30"),
      ("2026-11-23 09:30", "2026-11-23 09:30")],
     "2026-11-23 16:00"),
]  # fmt: skip


@pytest.mark.parametrize(("start", "amount", "unit", "pauses", "due"), PAUSED)
def test_that_a_pause_stops_the_clock(start, amount, unit, pauses, due):
    spans = [(at(since), at(until)) for since, until in pauses]

    found = KEPT.due_with_pauses(at(start), amount, unit, spans)

    assert beijing(found) == due


@pytest.mark.parametrize("unit", UNITS)
def test_that_nobody_knows_the_end_while_the_clock_stands(unit):
    start, still = at("2026-11-23 10:00"), [(at("2026-11-23 10:30"), None)]

    assert KEPT.due_with_pauses(start, 2, unit, still) is None
    over = [(at("2027-11-23 10:30"), None)]  # after the end: of no matter
    assert KEPT.due_with_pauses(start, 2, unit, over) == KEPT.due(start, 2, unit)


def test_that_a_pause_cannot_end_before_it_begins():
    wrong = [(at("2026-11-24 10:00"), at("2026-11-23 10:00"))]

    with pytest.raises(ValueError, match="before it begins"):
        KEPT.due_with_pauses(at("2026-11-23 10:00"), 2, "工作日", wrong)
    with pytest.raises(ValueError, match="no unit"):
        KEPT.due_with_pauses(at("2026-11-23 10:00"), 2, "月", [])


@pytest.mark.parametrize("unit", UNITS)
def test_that_what_makes_no_sense_is_refused(unit):
    start = at("2026-11-23 10:00")
    naive = datetime(2026, 11, 24)  # noqa: DTZ001

    with pytest.raises(ValueError, match="negative"):
        KEPT.due_with_pauses(start, -1, unit, [])
    with pytest.raises(ValueError, match="zone"):
        KEPT.due_with_pauses(start, 1, unit, [(start, naive)])


def test_that_a_clock_that_stood_for_years_is_soon_reckoned():
    years = [(at("2026-11-23 10:00"), at("2046-11-23 10:00"))]

    found = KEPT.due_with_pauses(at("2026-11-23 09:00"), 3, "工作日", years)

    assert beijing(found) == "2046-11-27 18:00"  # Friday, Monday, Tuesday


units = st.sampled_from(UNITS)
amounts = st.integers(min_value=0, max_value=12)
spans = st.lists(
    st.tuples(moments, st.timedeltas(timedelta(0), timedelta(days=20))), max_size=4
).map(lambda found: [(since, since + length) for since, length in found])


@given(moments, amounts, units, spans)
def test_that_a_pause_never_brings_the_end_forward(start, amount, unit, pauses):
    found = KEPT.due_with_pauses(start, amount, unit, pauses)

    assert found >= KEPT.due(start, amount, unit)
    assert KEPT.due_with_pauses(start, amount, unit, []) == KEPT.due(
        start, amount, unit
    )


@given(moments, amounts, units, spans)
def test_that_the_end_is_never_inside_a_pause(start, amount, unit, pauses):
    found = KEPT.due_with_pauses(start, amount, unit, pauses)

    # Working hours may end in the very moment a pause begins.
    assert not any(since < found < until for since, until in pauses)


@given(moments, amounts, units, spans)
def test_that_how_pauses_are_written_does_not_matter(start, amount, unit, pauses):
    halves = [
        half
        for since, until in pauses
        for half in (
            (since + (until - since) / 2, until),
            (since, since + (until - since) / 2),
        )
    ]
    assert KEPT.due_with_pauses(start, amount, unit, halves) == KEPT.due_with_pauses(
        start, amount, unit, pauses
    )


@given(moments, amounts, amounts, units, spans)
def test_that_more_is_never_due_sooner(start, one, other, unit, pauses):
    few, many = sorted((one, other))

    assert KEPT.due_with_pauses(start, few, unit, pauses) <= KEPT.due_with_pauses(
        start, many, unit, pauses
    )


@given(moments, amounts, units, spans)
def test_that_a_pause_after_the_end_is_of_no_matter(start, amount, unit, pauses):
    found = KEPT.due_with_pauses(start, amount, unit, pauses)
    later = (found + timedelta(hours=1), found + timedelta(days=9))

    assert KEPT.due_with_pauses(start, amount, unit, [*pauses, later]) == found


@given(moments, moments, amounts, units, spans)
def test_that_who_comes_earlier_is_served_no_later(one, other, amount, unit, pauses):
    first, second = sorted((one, other))

    assert KEPT.due_with_pauses(first, amount, unit, pauses) <= KEPT.due_with_pauses(
        second, amount, unit, pauses
    )


@given(moments, amounts, amounts.filter(bool), spans)
def test_that_work_hours_add_up(start, one, other, pauses):
    """due(due(s, a), b) = due(s, a + b) for a ≥ 0 and b > 0.

    Not for b = 0: a result may be a period's very end, where 0 hours mean the next
    opening.
    """
    midway = KEPT.due_with_pauses(start, one, "工作小时", pauses)

    assert KEPT.due_with_pauses(
        midway, other, "工作小时", pauses
    ) == KEPT.due_with_pauses(start, one + other, "工作小时", pauses)


@given(moments, amounts, spans)
def test_that_the_end_is_working_time(start, amount, pauses):
    in_hours = KEPT.due_with_pauses(start, amount, "工作小时", pauses)
    assert KEPT.is_open(in_hours) or KEPT.is_open(in_hours - MOMENT)

    in_days = KEPT.due_with_pauses(start, amount, "工作日", pauses)
    local = in_days.astimezone(BEIJING)
    assert local.time() == KEPT.periods_of(local.date())[-1].end


@given(moments, amounts, units, spans, spans)
def test_that_more_pauses_never_bring_the_end_forward(start, amount, unit, few, more):
    assert KEPT.due_with_pauses(start, amount, unit, few) <= KEPT.due_with_pauses(
        start, amount, unit, few + more
    )


@given(moments, amounts, units, spans, st.timedeltas(timedelta(0), timedelta(days=9)))
def test_that_a_pause_before_the_start_is_of_no_matter(
    start, amount, unit, pauses, length
):
    before = (start - length, start)
    nothing = (start + length, start + length)
    # One that reaches beyond the start would be longer with the one before it.
    after = [(max(start, since), max(start, until)) for since, until in pauses]

    assert KEPT.due_with_pauses(
        start, amount, unit, [*after, nothing, before]
    ) == KEPT.due_with_pauses(start, amount, unit, after)


@given(moments, amounts, units, spans, st.randoms())
def test_that_the_order_of_pauses_does_not_matter(start, amount, unit, pauses, dice):
    shuffled = list(pauses)
    dice.shuffle(shuffled)

    assert KEPT.due_with_pauses(start, amount, unit, shuffled) == KEPT.due_with_pauses(
        start, amount, unit, pauses
    )


@given(moments, amounts, units, spans)
def test_that_a_clock_stopped_for_good_has_an_end_only_before_that(
    start, amount, unit, pauses
):
    found = KEPT.due_with_pauses(start, amount, unit, pauses)

    later, still = (found + MOMENT, None), (found - MOMENT, None)
    assert KEPT.due_with_pauses(start, amount, unit, [*pauses, later]) == found
    if found > start:  # 0 hours may be over in the moment of the start
        assert KEPT.due_with_pauses(start, amount, unit, [*pauses, still]) is None


def half_hours(least, most):
    return st.integers(least, most).map(lambda n: n * timedelta(minutes=30))


@given(
    half_hours(0, 4000),
    amounts,
    st.lists(st.tuples(half_hours(0, 600), half_hours(0, 99))),
)
def test_that_the_hours_are_those_that_a_clerk_would_count(begun, amount, written):
    start = datetime(2026, 1, 1, tzinfo=UTC) + begun
    pauses = [(start + since, start + since + length) for since, length in written]
    due = KEPT.due_with_pauses(start, amount, "工作小时", pauses)

    counted, at_work = timedelta(0), start
    while at_work < due:
        paused = any(since <= at_work < until for since, until in pauses)
        counted += HALF_HOUR * (KEPT.is_open(at_work) and not paused)
        at_work += HALF_HOUR
    assert counted == timedelta(hours=amount)


@given(moments, amounts.filter(bool), spans)
def test_that_the_days_are_those_that_a_clerk_would_count(start, amount, pauses):
    due = KEPT.due_with_pauses(start, amount, "自然日", pauses)

    closes = [
        close
        for n in range(1, (due - start).days + 2)
        if (close := KEPT.add_natural_days(start, n)) <= due
    ]
    running = [c for c in closes if not any(a <= c < b for a, b in pauses)]
    assert len(running) == amount
    assert running[-1] == due
