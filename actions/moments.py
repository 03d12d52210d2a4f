"""Dates as customers say them (昨天下午三点, 上周三, 两三天前, 昨晚) → moments.

In: Chinese text and the moment it was written. Out: `When`, or None when the text holds
no date this understands. Days and hours are Beijing's. Nothing is made more exact than it
was said: 两三天前 is an estimate of two days, 昨晚 a part of a day without an hour.
jionlp 1.5.31 reads a few forms more and costs 216 MB on disk; see DECISIONS.md, 9.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from actions.clock_times import NIGHTS, Clock, Part, clock, hour_of, part_of_day
from actions.counts import CN, COUNT, Count, NoSuchMoment, read_count
from actions.day_names import Days, days

BEIJING = ZoneInfo("Asia/Shanghai")
Precision = Literal["minute", "part", "day"]
LONGEST_TEXT = 2000  # code points; what stands behind is not read
_JUST_NOW = re.compile("刚才|刚刚|就在刚")
_AGO = re.compile(
    rf"(?:(?P<count>{COUNT})|(?P<half>半))(?P<odd>[来多余])?(?P<pieces>个半?)?(?P<more>[来多])?"
    r"(?P<unit>分钟|刻钟|小时|钟头|天|周|(?<=[个半多来余])月|年)(?P<rest>多)?(?:之前|以前|前)"
)
# 前两三天; 前一天 and 前三天 are counted from something else.
_THE_LAST = re.compile(rf"(?<![提之以目当生])前(?P<count>{COUNT})(?P<unit>天|个?周)")
_MINUTES = {"分钟": 1, "刻钟": 15, "小时": 60, "钟头": 60}
_DAYS = {"天": 1, "周": 7, "月": 30, "年": 365}
_EXACT_UNITS = ("分钟", "天")
_LONGEST_AGO = 1000
_DATE_SIGN = rf"[0-9{CN}半昨前上去今这周]"
_ABOUT = re.compile(
    rf"(?:大概|大约|差不多|约莫|估计|好像|可能|将近|不到|快)[是在就也于有]{{0,2}}\s?{_DATE_SIGN}"
    rf"|(?<![预签节])约\s?{_DATE_SIGN}"
    r"|[日天周月年点分钟前半末0-9](?:的时候)?(?:左右|前后|上下|的?样子)"
)


@dataclass(frozen=True)
class When:
    """A moment as said, no more exact than it was said.

    Attributes:
        start: first moment it can mean, UTC-aware (Beijing midnight for a bare day).
        said: the customer's words.
        until: where the last day or hour begins, when there are several; else None.
        estimate: only about then; it is read back as such.
        precision: what was named: a clock time, a part of a day, or a day alone. Of
            ``start`` only so much is known.
        part: word for the part of the day, e.g. 晚上, when ``precision`` is "part".
    """

    start: datetime
    said: str
    until: datetime | None = None
    estimate: bool = False
    precision: Precision = "minute"
    part: str | None = None


def when(text: str, now: datetime) -> When | None:
    """Read the date and time of day in ``text``.

    Args:
        text: the customer's words, alone or inside a sentence.
        now: the moment of the message, UTC-aware.
    """
    plain = unicodedata.normalize("NFKC", text[:LONGEST_TEXT]).replace("号", "日")
    plain = plain.replace("礼拜", "周").replace("星期", "周")
    try:
        found = _read(plain, now.astimezone(BEIJING))
    except (NoSuchMoment, OverflowError):
        return None
    if found is None:
        return None
    about = found.estimate or _ABOUT.search(plain) is not None
    return replace(found, said=text.strip(), estimate=about)


def _read(plain: str, local: datetime) -> When | None:
    ago = _ago(plain, local)
    if isinstance(ago, When):
        return ago
    said = ago or days(plain, local.date())
    time_said, part = clock(plain), part_of_day(plain)
    is_today = said is None or said.first == local.date()
    if time_said is None and is_today and _JUST_NOW.search(plain):
        return When(local, plain)
    if (said, time_said, part) == (None, None, None):
        return None
    found = _composed(said or _day(local.date()), time_said, part)
    # 昨晚两点 is this morning's; 晚上两点, said in the morning, is the past night's.
    is_past_midnight = (
        part in NIGHTS and time_said and hour_of(time_said.hour.low, part) > 23
    )
    if is_past_midnight and found.start > local and (said is None or not is_today):
        return replace(found, start=found.start - timedelta(days=1))
    return found


def _day(one: date) -> Days:
    return Days(one, one)


def _composed(said: Days, clock_said: Clock | None, part: Part | None) -> When:
    first, last = _midnight(said.first), _midnight(said.last)
    if clock_said is None:
        hours = timedelta(hours=part.begins if part else 0)
        start, until = first + hours, last + hours
        about = said.is_estimate
    else:
        low, high = clock_said.hour.low, clock_said.hour.high
        if part:
            low, high = hour_of(low, part), hour_of(high, part)
        minutes = timedelta(minutes=clock_said.minute)
        start = first + timedelta(hours=low) + minutes
        until = last + timedelta(hours=high) + minutes
        about = said.is_estimate or clock_said.is_about or clock_said.hour.is_range
    precision: Precision = "minute" if clock_said else "part" if part else "day"
    return When(
        start,
        "",
        until if until > start else None,
        about,
        precision,
        part.word if part and precision == "part" else None,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BEIJING)


def _ago(text: str, local: datetime) -> When | Days | None:
    """So long ago: a moment when hours or minutes are counted, else days."""
    found = _AGO.search(text)
    if not found:
        return _the_last(text, local)
    count = read_count(found["count"]) if found["count"] else Count(0, 0)
    if count.high > _LONGEST_AGO:
        raise NoSuchMoment(found[0])
    half = 0.5 if found["half"] or found["pieces"] == "个半" else 0
    unit = found["unit"]
    is_odd = bool(found["odd"] or found["more"] or found["rest"] or half)
    about = count.is_range or is_odd or unit not in _EXACT_UNITS
    if unit in _MINUTES:
        start, until = (
            local - timedelta(minutes=(number + half) * _MINUTES[unit])
            for number in (count.high, count.low)
        )
        return When(start, "", until if count.is_range else None, about)
    first, last = (
        local.date() - timedelta(days=int((number + half) * _DAYS[unit]))
        for number in (count.high, count.low)
    )
    return Days(first, last, about)


def _the_last(text: str, local: datetime) -> Days | None:
    found = _THE_LAST.search(text)
    if not found:
        return None
    count = read_count(found["count"])
    if not count.is_range and count.low != 2:
        return None
    unit = _DAYS[found["unit"][-1]]
    first, last = (
        local.date() - timedelta(days=number * unit)
        for number in (count.high, count.low)
    )
    return Days(first, last, is_estimate=True)
