"""Dates as customers say them (昨天下午三点, 上周三, 10月2号) → moments.

In: Chinese text and the moment it was written. Out: `When`, or None when the text holds
no date this understands. Days and hours are Beijing's. jionlp 1.5.31 reads a few forms
more and costs 216 MB on disk (measured 2026-11); see DECISIONS.md, 9.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from actions.agreement.numerals import chinese_to_int

BEIJING = ZoneInfo("Asia/Shanghai")
_N = r"(\d+|[零〇一二两三四五六七八九十]+)"
# Hour a part of the day begins at, and what is added to a clock time said with it.
_PARTS = (
    ("凌晨", 0, 0),
    ("半夜|深夜|午夜", 0, 0),
    ("清晨|清早|早上|早晨|一大早|今早|昨早|明早|今晨|早", 6, 0),
    ("上午", 8, 0),
    ("中午|正午", 12, 12),
    ("午后|下午", 12, 12),
    ("傍晚", 17, 12),
    ("晚上|夜里|夜间|今晚|昨晚|前晚|明晚|昨夜|今夜|晚间|晚", 18, 12),
)
_DAYS = {
    "大前天": -3,
    "前天": -2,
    "前日": -2,
    "前儿": -2,
    "前晚": -2,
    "昨": -1,
    "琴日": -1,
    "大后天": 3,
    "后天": 2,
    "明": 1,
    "今": 0,
}
_WEEKDAYS = {c: i for i, c in enumerate("一二三四五六")} | {"日": 6, "天": 6, "末": 5}
_FESTIVALS = {"元旦": (1, 1), "五一": (5, 1), "国庆": (10, 1), "十一假期": (10, 1)}


@dataclass(frozen=True)
class When:
    """A moment as said.

    Attributes:
        start: first moment it can mean, UTC-aware (Beijing midnight for a bare day).
        said: the customer's words.
    """

    start: datetime
    said: str


def when(text: str, now: datetime) -> When | None:
    """Read the date and time of day in ``text``.

    Args:
        text: the customer's words, alone or inside a sentence.
        now: the moment of the message, UTC-aware.
    """
    plain = unicodedata.normalize("NFKC", text).replace("号", "日")
    plain = plain.replace("礼拜", "周").replace("星期", "周")
    local = now.astimezone(BEIJING)
    ago = _ago(plain, local)
    if ago is not None:
        return When(ago, text.strip())
    if re.search("刚才|刚刚|就在刚", plain):
        return When(local, text.strip())
    day = _day(plain, local.date())
    clock, part = _clock(plain), _part(plain)
    if day is None and clock is None and part is None:
        return None
    day = day or local.date()
    hour, minute = clock or (0, 0)
    if part is not None:
        begins, shift = part
        if clock is None:
            hour = begins
        elif shift and 1 <= hour < 12 + (begins > 12):
            # 中午一点 is 13, 中午十一点 stays 11, 晚上十二点 is midnight's 24.
            hour += shift if not (begins == 12 and hour >= 10) else 0
    day += timedelta(days=hour // 24)
    try:
        start = datetime.combine(day, time(hour % 24, minute), BEIJING)
    except ValueError:
        return None
    return When(start, text.strip())


def _ago(text: str, local: datetime) -> datetime | None:
    found = re.search(
        rf"(?:{_N}|(半|几))(个半?)?(分钟|小时|钟头|天|周|月|年)(?:之前|以前|前)", text
    )
    if not found:
        return None
    amount = chinese_to_int(found.group(1)) if found.group(1) else 1
    if amount is None or amount > 1000:
        return None
    unit = found.group(4)
    if unit == "分钟":
        return local - timedelta(minutes=amount)
    if unit in ("小时", "钟头"):
        return local - timedelta(hours=amount)
    days = amount * {"天": 1, "周": 7, "月": 30, "年": 365}[unit]
    start = local.date() - timedelta(days=days)
    return datetime.combine(start, time(), BEIJING)


def _day(text: str, today: date) -> date | None:
    return (
        _absolute(text, today)
        or _relative(text, today)
        or _weekday(text, today)
        or _festival(text, today)
        or _month_day(text, today)
    )


def _absolute(text: str, today: date) -> date | None:
    found = re.search(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})", text) or re.search(
        r"(?<!\d)(20\d{2})(\d{2})(\d{2})(?!\d)", text
    )
    return _date(*map(int, found.groups())) if found else None


def _relative(text: str, today: date) -> date | None:
    for word, offset in _DAYS.items():
        if word in text and not (word in ("今", "明", "昨") and f"{word}年" in text):
            return today + timedelta(days=offset)
    return None


def _weekday(text: str, today: date) -> date | None:
    found = re.search(r"(上上|上|这|本|下)?个?周([一二三四五六日天末])", text)
    if not found:
        return None
    monday = today - timedelta(days=today.weekday())
    weeks = {"上上": -2, "上": -1, "下": 1}.get(found.group(1) or "", 0)
    day = monday + timedelta(days=7 * weeks + _WEEKDAYS[found.group(2)])
    # A bare 周五 about something that happened is the last one.
    if not found.group(1) and day > today:
        day -= timedelta(days=7)
    return day


def _festival(text: str, today: date) -> date | None:
    for word, (month, day) in _FESTIVALS.items():
        if word in text:
            year = _year(text, today) or today.year
            found = date(year, month, day)
            return (
                found
                if found <= today or _year(text, today)
                else found.replace(year=year - 1)
            )
    return None


def _month_day(text: str, today: date) -> date | None:
    found = re.search(
        rf"(?:{_N}月份?|(上个?月|这个?月|本月))\s*(?:的)?\s*{_N}?日?", text
    )
    year = _year(text, today)
    if found:
        if found.group(2):
            first = today.replace(day=1)
            if found.group(2).startswith("上"):
                first = (first - timedelta(days=1)).replace(day=1)
            day = chinese_to_int(found.group(3)) if found.group(3) else None
            return _date(first.year, first.month, day) if day else None
        month = chinese_to_int(found.group(1))
        day = chinese_to_int(found.group(3)) if found.group(3) else None
        if month is None or day is None:
            return None
        return _past(year, month, day, today)
    short = re.search(
        r"(?<![\d.])(1[0-2]|[1-9])[./-]([12]\d|3[01]|[1-9])(?![\d.])", text
    )
    if short:
        return _past(year, int(short.group(1)), int(short.group(2)), today)
    bare = re.search(rf"{_N}日", text)
    day = chinese_to_int(bare.group(1)) if bare else None
    if day is None:
        return None
    this = _date(today.year, today.month, day)
    if this and this <= today:
        return this
    last = today.replace(day=1) - timedelta(days=1)
    return _date(last.year, last.month, day)


def _past(year: int | None, month: int, day: int, today: date) -> date | None:
    """A day without a year is the last one that has come, today included.

    A day up to two months ahead stays ahead: then the form says it has not come yet.
    """
    if year is not None:
        return _date(year, month, day)
    this = _date(today.year, month, day)
    if this is None or this <= today + timedelta(days=60):
        return this
    return _date(today.year - 1, month, day)


def _year(text: str, today: date) -> int | None:
    for word, offset in (("大前年", -3), ("前年", -2), ("去年", -1), ("今年", 0)):
        if word in text:
            return today.year + offset
    found = re.search(r"(\d{4}|\d{2})年", text)
    if not found:
        return None
    year = int(found.group(1))
    return year if year >= 1000 else 2000 + year


def _date(year: int, month: int, day: int | None) -> date | None:
    try:
        return date(year, month, day or 1)
    except ValueError:
        return None


def _clock(text: str) -> tuple[int, int] | None:
    found = re.search(r"(\d{1,2}):(\d{2})", text)
    if found:
        hour, minute = int(found.group(1)), int(found.group(2))
    else:
        spoken = re.search(
            rf"{_N}(?:点|时(?!候|间|不))(?:钟)?(?:(半)|(一刻|三刻)|{_N}分?)?", text
        )
        if not spoken:
            return None
        hour = chinese_to_int(spoken.group(1)) or 0
        quarter = {"一刻": 15, "三刻": 45}.get(spoken.group(3) or "", 0)
        minute = 30 if spoken.group(2) else quarter
        if spoken.group(4):
            minute = chinese_to_int(spoken.group(4)) or 0
    return (hour, minute) if hour <= 24 and minute < 60 else None


def _part(text: str) -> tuple[int, int] | None:
    for names, begins, shift in _PARTS:
        if re.search(names, text):
            return begins, shift
    return None
