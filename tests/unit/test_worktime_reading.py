"""Calendar files that are wrong are refused with a reason."""

import pytest

from worktime.calendar import WorkCalendar
from worktime.reading import CalendarError

CN = """
every_year: ["01-01"]
years:
  2026:
    holidays: [{name: 元旦, from: "2026-01-01", to: "2026-01-03"}]
    workdays: ["2026-01-04"]
"""
HOURS = 'periods: ["13:00-18:00", "09:00-12:00"]\n'


def load(folder, cn=CN, hours=HOURS):
    if cn is not None:
        (folder / "cn.yml").write_text(cn, encoding="utf-8")
    if hours is not None:
        (folder / "hours.yml").write_text(hours, encoding="utf-8")
    return WorkCalendar.load(folder)


def test_that_both_ways_to_name_the_files_work(tmp_path):
    calendar = load(tmp_path)

    assert WorkCalendar.load(tmp_path / "cn.yml") == calendar
    assert [f"{p.start:%H}" for p in calendar.hours.periods] == ["09", "13"]
    assert len(calendar.official.years[2026].holidays) == 3


@pytest.mark.parametrize(
    "cn",
    [
        None,
        "",
        "[]",
        "years: [",
        "years: {}\nevery_year: ['13-40']",
        "years: {2026: {holidays: []}}",
        "years: {2026: {workdays: ['2025-01-01'], holidays: []}}",
        "years: {2026: {workdays: ['x'], holidays: []}}",
        "years: {x: {workdays: [], holidays: []}}",
        "years: {2026: {workdays: ['2026-01-01'], holidays: [{days: ['2026-01-01']}]}}",
        b"\xff\xfe\xfa",
    ],
)
def test_that_a_wrong_holiday_file_is_refused(tmp_path, cn):
    if isinstance(cn, bytes):
        (tmp_path / "cn.yml").write_bytes(cn)
        cn = None
    with pytest.raises(CalendarError, match=r"cn\.yml"):
        load(tmp_path, cn=cn)


@pytest.mark.parametrize(
    "hours",
    [
        None,
        "periods: []",
        "periods: 9-18",
        "periods: [13:00]",
        'periods: ["18:00-09:00"]',
        'periods: ["09:00-12:00", "11:00-18:00"]',
        'periods: ["09:00-12:00"]\nclosures: ["2026-01-01"]',
        'periods: ["09:00-12:00"]\nclosures: [{day: "2026-13-01"}]',
        'periods: ["09:00-12:00"]\nexceptions: [{day: "2026-12-01", periods: []}]',
    ],
)
def test_that_wrong_hours_are_refused(tmp_path, hours):
    with pytest.raises(CalendarError, match=r"hours\.yml"):
        load(tmp_path, hours=hours)


def test_that_unquoted_days_are_days_too(tmp_path):
    hours = HOURS + "closures: [{day: 2026-12-31}]\n"

    assert not load(tmp_path, hours=hours).periods_of(
        next(iter(load(tmp_path, hours=hours).hours.closures))
    )
