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

from actions.agreement.numerals import chinese_to_int, int_to_chinese

BEIJING = ZoneInfo("Asia/Shanghai")
_CN = "零〇一二两三四五六七八九十"
_N = rf"((?<![0-9])(?<![0-9]\.)[0-9]+|(?<![{_CN}])[{_CN}]+)"
LONGEST_NUMBER = 4  # digits; a longer run is a number of something else
# 早 and 晚 alone are part of many words (早就, 晚点): a day or an hour stands beside them.
_ALONE = (
    r"(?:(?<=[昨今明前天日儿六末])|(?<=周[一二三四五])){0}(?![点就已期])"
    r"|{0}(?=[0-9两三四五六七八九十])"
)
# Names of the day's parts and the hour each begins at.
_DAWN, _NOON, _NIGHT = (
    "凌晨",
    "中午|正午",
    "晚上|夜里|夜间|昨夜|今夜|晚间|" + _ALONE.format("晚"),
)
_LATE = "半夜|深夜|午夜"
_AFTERNOON = ("午后|下午", "傍晚")
_PARTS = (
    (_DAWN, 0),
    (_LATE, 0),
    ("清晨|清早|早上|早晨|一大?早|今晨|" + _ALONE.format("早"), 6),
    ("上午", 8),
    (_NOON, 12),
    (_AFTERNOON[0], 12),
    (_AFTERNOON[1], 17),
    (_NIGHT, 18),
)
_DAYS = {
    "大前天": -3,
    "前天|前日|前儿(?![子女童媳])|前晚": -2,
    "昨(?!年)|琴日": -1,
    "大后天": 3,
    "后天": 2,
    "明[天日早晚儿]": 1,
    "今[天日早晚晨夜儿朝]": 0,
}
_WEEKDAYS = {c: i for i, c in enumerate("一二三四五六")} | {"日": 6, "天": 6, "末": 5}
_FESTIVALS = {
    "元旦": (1, 1),
    "(?<![十周])五一(?![起直早样])": (5, 1),
    "国庆|十一假期": (10, 1),
}
_SHORT_DAY = re.compile(
    r"(?<![0-9.])(1[0-2]|0?[1-9])[./-]([12][0-9]|3[01]|0?[1-9])(?![0-9.万千元块%折米公吨])"
)
_JUST_NOW = re.compile("刚才|刚刚|就在刚")
_BARE_DAY = re.compile(rf"{_N}日(?![内后常游码楼线院店门])")
# Years a customer can mean; others are misreadings.
_YEARS = range(1900, 2200)


class _NoSuchMoment(ValueError):
    """The text names a day or an hour, and there is none: 2月30号, 25点."""


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
    try:
        start = _start(plain, now.astimezone(BEIJING))
    except _NoSuchMoment:
        return None
    return When(start, text.strip()) if start else None


def _start(plain: str, local: datetime) -> datetime | None:
    ago = _ago(plain, local)
    if ago is not None:
        return ago
    day = _day(plain, local.date())
    clock, part = _clock(plain), _part(plain)
    if clock is None and day in (None, local.date()) and _JUST_NOW.search(plain):
        return local
    if (day, clock, part) == (None, None, None):
        return None
    if (day, part) == (None, None) and re.search("一[点时](?![0-9半钟整一三])", plain):
        return None  # 我有一点不舒服
    hour, minute = clock or (part[1] if part else 0, 0)
    if clock and part:
        hour = _hour(hour, part[0])
    begin = datetime.combine(day or local.date(), time(), BEIJING)
    start = begin + timedelta(hours=hour, minutes=minute)
    # 昨晚两点 is this morning's; 晚上两点, said in the morning, is the past night's.
    is_past_midnight = part is not None and part[0] == _NIGHT and hour >= 24
    if is_past_midnight and start > local and day != local.date():
        return start - timedelta(days=1)
    return start


def _hour(hour: int, part: str) -> int:
    """Hour of a clock time said with a part of the day; 24 and more is the next day."""
    if part == _DAWN:
        return hour % 12 if hour == 12 else hour
    if part == _LATE:
        return {12: 24}.get(hour, hour + 12 if 9 <= hour < 12 else hour)
    if part == _NIGHT:
        if hour <= 4 or hour == 12:
            return 24 + hour % 12
        return hour + 12 if hour < 12 else hour
    # 中午一点 is 13, 中午十一点 stays 11.
    if part == _NOON:
        return hour + 12 if 1 <= hour <= 4 else hour
    if part in _AFTERNOON:
        return hour + 12 if 1 <= hour < 12 else hour
    return hour


def _ago(text: str, local: datetime) -> datetime | None:
    found = re.search(
        rf"(?:{_N}|(半))(个半?)?(分钟|小时|钟头|天|周|月|年)(?:之前|以前|前)", text
    )
    if not found:
        return None
    number = _number(found.group(1)) if found.group(1) else 0
    if number > 1000:
        return None
    half = bool(found.group(2)) or found.group(3) == "个半"
    amount = number + 0.5 * half
    unit = found.group(4)
    if unit == "分钟":
        return local - timedelta(minutes=amount)
    if unit in ("小时", "钟头"):
        return local - timedelta(hours=amount)
    days = int(amount * {"天": 1, "周": 7, "月": 30, "年": 365}[unit])
    start = local.date() - timedelta(days=days)
    return datetime.combine(start, time(), BEIJING)


def _day(text: str, today: date) -> date | None:
    """The day the text names.

    Raises:
        _NoSuchMoment: it names one that does not exist, or a month without a day.
    """
    return (
        _absolute(text)
        or _relative(text, today)
        or _weekday(text, today)
        or _month_day(text, today)
        or _festival(text, today)
        or _bare_day(text, today)
    )


def _absolute(text: str) -> date | None:
    found = re.search(
        r"(?<![0-9])([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})(?![0-9])", text
    ) or re.search(
        r"(?<![0-9])(20[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?![0-9])", text
    )
    return _date(*map(int, found.groups())) if found else None


def _relative(text: str, today: date) -> date | None:
    for word, offset in _DAYS.items():
        if re.search(word, text):
            return today + timedelta(days=offset)
    return None


def _weekday(text: str, today: date) -> date | None:
    found = re.search(r"(上上|上|这|本|下下|下)?个?周([一二三四五六日天末])", text)
    if not found:
        return None
    monday = today - timedelta(days=today.weekday())
    said = found.group(1) or ""
    weeks = {"上上": -2, "上": -1, "下": 1, "下下": 2}.get(said, 0)
    day = monday + timedelta(days=7 * weeks + _WEEKDAYS[found.group(2)])
    # A bare 周五 about something that happened is the last one.
    if not said and day > today:
        day -= timedelta(days=7)
    return day


def _festival(text: str, today: date) -> date | None:
    for word, (month, first) in _FESTIVALS.items():
        found = re.search(rf"(?:{word})(?:{_N}日)?", text)
        if not found:
            continue
        day = _number(found.group(1)) if found.group(1) else first
        said = _year(text, today)
        year = said or today.year
        start = _date(year, month, day)
        return start if start <= today or said else _date(year - 1, month, day)
    return None


def _month_day(text: str, today: date) -> date | None:
    year = _year(text, today)
    found = re.search(
        rf"(?:{_N}月份?|((?:上上|上|这|本|下)个?月))\s*(?:的)?\s*(?:{_N}(?:日|(?![0-9点时:]|[{_CN}]+[点时])))?",
        text,
    )
    if not found:
        short = _SHORT_DAY.search(text)
        return _past(year, int(short[1]), int(short[2]), today) if short else None
    month, named, day = found.groups()
    if day is None:
        raise _NoSuchMoment(f"no day in {found.group()}")
    number = _number(day)
    if month is not None:
        return _past(year, _number(month), number, today)
    months = {"上上": -2, "上": -1, "下": 1}.get(
        named.removesuffix("月").rstrip("个"), 0
    )
    index = today.year * 12 + today.month - 1 + months
    return _date(index // 12, index % 12 + 1, number)


def _bare_day(text: str, today: date) -> date | None:
    """12号: the last day of this number; in this month it may still exist or not."""
    bare = _BARE_DAY.search(text)
    if bare is None:
        return None
    day = _number(bare.group(1))
    if day <= today.day:
        return _date(today.year, today.month, day)
    last = today.replace(day=1) - timedelta(days=1)
    return _date(last.year, last.month, day)


def _past(year: int | None, month: int, day: int, today: date) -> date:
    """A day without a year is the last one that has come, today included.

    A day up to two months ahead stays ahead: then the form says it has not come yet.
    """
    if year is not None:
        return _date(year, month, day)
    this = _date(today.year, month, day)
    if this <= today + timedelta(days=60):
        return this
    return _date(today.year - 1, month, day)


def _year(text: str, today: date) -> int | None:
    for word, offset in (("大前年", -3), ("前年", -2), ("去年", -1), ("今年", 0)):
        if word in text:
            return today.year + offset
    found = re.search(rf"{_N}年", text)
    # 十年 and 3年 are how long something took.
    if found is None or len(found.group(1)) in (1, 3) or "十" in found.group(1):
        return None
    year = _number(found.group(1))
    return year if year >= 100 else 2000 + year


def _number(text: str) -> int:
    """A numeral as an integer.

    Raises:
        _NoSuchMoment: it is too long, or none: 十五一.
    """
    number = chinese_to_int(text) if len(text) <= LONGEST_NUMBER else None
    if number is None:
        raise _NoSuchMoment("no number of a date")
    spoken = text.replace("两", "二")
    if "十" in text and int_to_chinese(number) not in (spoken, spoken[1:]):
        raise _NoSuchMoment(text)
    return number


def _date(year: int, month: int, day: int) -> date:
    """The day.

    Raises:
        _NoSuchMoment: there is none.
    """
    if year not in _YEARS:
        raise _NoSuchMoment(f"year {year}")
    try:
        return date(year, month, day)
    except ValueError as error:
        raise _NoSuchMoment(str(error)) from error


def _clock(text: str) -> tuple[int, int] | None:
    """Hour and minute.

    Raises:
        _NoSuchMoment: 25点.
    """
    text = re.sub("周[一二三四五六]", "周", text)  # 周五十二点 is not 五十二点
    found = re.search(r"(?<![0-9])([0-9]{1,2}):([0-9]{2})(?![0-9])", text)
    if found:
        hour, minute = int(found.group(1)), int(found.group(2))
    else:
        spoken = re.search(
            rf"{_N}(?:点|时(?!候|间|不|常|效))(?:钟)?(?:(半)|(一刻|三刻)|{_N}分?)?",
            text,
        )
        if not spoken:
            return None
        hour = _number(spoken.group(1))
        quarter = {"一刻": 15, "三刻": 45}.get(spoken.group(3) or "", 0)
        minute = 30 if spoken.group(2) else quarter
        if spoken.group(4):
            minute = _number(spoken.group(4))
    if hour > 24 or minute > 59:
        raise _NoSuchMoment(f"{hour}:{minute}")
    return hour, minute


def _part(text: str) -> tuple[str, int] | None:
    for names, begins in _PARTS:
        if re.search(names, text):
            return names, begins
    return None
