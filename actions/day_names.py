"""Days as customers say them: 昨天, 上周三, 10月2号, 上个月十七八号, 11.20, 国庆第二天.

In: text as `actions.moments` evens it out and today's date in Beijing. Out: `Days`, the
first and the last day it can mean, or None. A month without a day is asked back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from actions.counts import (
    CN,
    COUNT,
    NUMBER,
    NoSuchMoment,
    is_range,
    read_count,
    read_number,
)
from actions.festivals import named_day
from actions.short_days import short_day

_OFFSETS = tuple(
    (re.compile(word), offset)
    for word, offset in {
        "大前天": -3,
        "前天|前日|前儿(?![子女童媳])|前晚": -2,
        "昨(?!年)|琴日": -1,
        "大后天": 3,
        "后天": 2,
        "明[天日早晚儿]": 1,
        "今[天日早晚晨夜儿朝]": 0,
    }.items()
)
_WEEKDAYS = {c: i for i, c in enumerate("一二三四五六")} | {"日": 6, "天": 6, "末": 5}
_WEEKDAY = re.compile(r"(上上|上|这|本|下下|下)?个?周([一二三四五六日天末])")
_DASHED = re.compile(r"(?<![0-9])([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?![0-9])")
# 25.12.31: of two digits only where the century is this one.
_SHORT_YEAR = re.compile(
    r"(?<![0-9A-Za-z./\-:本])(2[0-9])([./-])(0?[1-9]|1[0-2])\2(0?[1-9]|[12][0-9]|3[01])(?![0-9./-])"
)
_WRITTEN = re.compile(r"(?<![0-9])([0-9]{4})年([0-9]{1,2})[-/.月]([0-9]{1,2})(?![0-9])")
_EIGHT_DIGITS = re.compile(
    r"(?<![0-9])(20[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(?![0-9])"
)
# What a number after a month counts when it is no day: 10月2个人, 3月5万.
_COUNTED = "个人名位万千百块元家次条份台辆楼层岁%折天周年例处几多来交付缴"
_MONTH_DAY = re.compile(
    rf"(?:(?P<month>{NUMBER})月份?|(?P<named>上上个?月|[上这本下]个?月))"
    rf"(?!初[一二三四五六七八九十]|廿)\s{{0,3}}的?\s{{0,3}}"
    rf"(?:(?P<day>{COUNT})(?:日|(?![0-9点时:./{_COUNTED}]|[{CN}]{{1,3}}[点时])))?"
)
_MONTH_SHIFT = {"上上": -2, "上": -1, "下": 1}
# Numbers of things, not days: 3号楼, 92号汽油, 3日内.
_BARE_DAY = re.compile(
    rf"(?<!第)(?P<day>{COUNT})日(?![内后常游码楼线院店门车床桌窗汽桥路机柜房仓铺台坐座位选球员公寓地块栋幢厅馆井箱])"
    r"(?!出[口入]|口(?!腔)|病[房床区]|客服)"
)
_COUNTS_PEOPLE = 10  # 二三十号人 are no days
_YEAR_WORDS = (("大前年", -3), ("前年", -2), ("去年", -1), ("今年", 0))
_FOUR_DIGITS = re.compile(
    rf"(?<![0-9])([0-9]{{4}})年|(?<![{CN}])([零〇一二三四五六七八九]{{4}})年"
)
# Of two digits only beside a month or a festival: 15年 alone is how long something took.
_TWO_DIGITS = re.compile(
    rf"(?:(?<![0-9])([0-9]{{2}})|(?<![{CN}])([零〇一二三四五六七八九]{{2}}))年的?\s?"
    rf"(?=[0-9]{{1,2}}[月./-]|[{CN}]{{1,3}}月|正月|冬月|腊月|大年|除夕|[元春国五中端清][旦节庆一秋午明])"
)
_NO_YEAR = re.compile(rf"(?<![0-9])(?:[0-9]{{3}}|[0-9]{{5,}}+)年(?=[0-9{CN}]{{1,3}}月)")
_SPELT = {ord(sign): str(n) for n, sign in enumerate("零一二三四五六七八九")}
_SPELT[ord(CN[1])] = "0"
# Years a customer can mean; others are misreadings.
YEARS = range(1900, 2200)
_AHEAD = timedelta(days=60)


_NAMED = (
    r"(?:大?前天|昨天|今天|(?:上上|上|这|本)?个?周[一二三四五六日天]"
    rf"|(?:{NUMBER}月)?{NUMBER}日)"
)
# 昨天或者前天, 周三还是周四, 20号到22号: one of some days.
_EITHER = re.compile(
    rf"{_NAMED}\s?(?:或者?|还是|、|到|至|[-~—–])\s?(?P<other>{_NAMED})"
)
_ONLY_DAY = re.compile(rf"({NUMBER})日")


@dataclass(frozen=True)
class Days:
    """The first and the last day meant, both the same when one is.

    Attributes:
        is_estimate: only about these days.
    """

    first: date
    last: date
    is_estimate: bool = False


def days(text: str, today: date) -> Days | None:
    """The day or days the text names.

    Raises:
        NoSuchMoment: it names one that does not exist, or a month without a day.
    """
    if either := _EITHER.search(text):
        return _either(text[: either.start("other")], either["other"], today)
    year = _year(text, today)
    one = _absolute(text, today) or _relative(text, today) or _weekday(text, today)
    if one:
        return Days(one, one)
    found = _month_day(text, today, year)
    if found:
        return found
    named = named_day(text, today, year)
    if named:
        return Days(named.day, named.day, named.is_estimate)
    if month := _MONTH_DAY.search(text):
        raise NoSuchMoment(f"no day in {month[0]}")
    return _bare_day(text, today)


def _either(text: str, other: str, today: date) -> Days | None:
    first = days(text, today)
    bare = _ONLY_DAY.fullmatch(other)
    if first is None:
        return None
    if bare:  # of the same month
        last = _date(first.first.year, first.first.month, read_number(bare[1]))
    else:
        second = days(other, today)
        last = second.first if second else first.last
    ends = sorted((first.first, last))
    return Days(ends[0], ends[1], is_estimate=ends[0] < ends[1])


def _absolute(text: str, today: date) -> date | None:
    dashed = _DASHED.search(text)
    if dashed and int(dashed[1]) in YEARS:  # 400-8888-12-12 is a number to call
        return _date(*map(int, dashed.groups()))
    short = _SHORT_YEAR.search(text)
    if short and 2000 + int(short[1]) <= today.year:
        return _date(2000 + int(short[1]), int(short[3]), int(short[4]))
    found = _WRITTEN.search(text) or _EIGHT_DIGITS.search(text)
    return _date(*map(int, found.groups())) if found else None


def _relative(text: str, today: date) -> date | None:
    offset = next((days for word, days in _OFFSETS if word.search(text)), None)
    return None if offset is None else today + timedelta(days=offset)


def _weekday(text: str, today: date) -> date | None:
    found = _WEEKDAY.search(text)
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


def _month_day(text: str, today: date, year: int | None) -> Days | None:
    found = next((each for each in _MONTH_DAY.finditer(text) if each["day"]), None)
    if found is None:
        short = short_day(text)
        if short is None or _MONTH_DAY.search(text):
            return None
        one = _past(year, *short, today)
        return Days(one, one)
    if found["month"] == "八" and found[0].endswith("十五"):
        raise NoSuchMoment("of the lunar calendar or not")
    count = read_count(found["day"])
    if found["month"] is not None:
        month = read_number(found["month"])
        first = _past(year, month, count.low, today)
    else:
        named = found["named"].removesuffix("月").rstrip("个")
        index = today.year * 12 + today.month - 1 + _MONTH_SHIFT.get(named, 0)
        first = _date(index // 12, index % 12 + 1, count.low)
    last = _date(first.year, first.month, count.high)
    return Days(first, last, count.is_range)


def _bare_day(text: str, today: date) -> Days | None:
    """12号: the last day of this number; in this month it may still exist or not."""
    bare = _BARE_DAY.search(text)
    if bare is None:
        return None
    count = read_count(bare["day"])
    if count.high - count.low >= _COUNTS_PEOPLE:
        return None
    month = today
    if count.low > today.day:
        month = today.replace(day=1) - timedelta(days=1)
    first = _date(month.year, month.month, count.low)
    return Days(first, _date(month.year, month.month, count.high), count.is_range)


def _past(year: int | None, month: int, day: int, today: date) -> date:
    """A day without a year is the last one that has come, today included.

    A day up to two months ahead stays ahead: then the form says it has not come yet.
    """
    if year is not None:
        return _date(year, month, day)
    this = _date(today.year, month, day)
    if this <= today + _AHEAD:
        return this
    return _date(today.year - 1, month, day)


def _year(text: str, today: date) -> int | None:
    for word, offset in _YEAR_WORDS:
        if word in text:
            return today.year + offset
    if odd := _NO_YEAR.search(text):
        raise NoSuchMoment(odd[0])
    found = _FOUR_DIGITS.search(text)
    if found:
        return _digits(found[1] or found[2])
    found = _TWO_DIGITS.search(text)
    if found is None:
        return None
    year = 2000 + _digits(found[1] or found[2])
    # 交了四五年10月… is how long; 二三年三月五号 is 2023.
    is_length = found[2] and is_range(found[2]) and year > today.year
    return None if is_length else year


def _digits(text: str) -> int:
    """Spelt digits: 二零二五 → 2025."""
    return int(text.translate(_SPELT))


def _date(year: int, month: int, day: int) -> date:
    """The day.

    Raises:
        NoSuchMoment: there is none.
    """
    if year not in YEARS:
        raise NoSuchMoment(f"year {year}")
    try:
        return date(year, month, day)
    except ValueError as error:
        raise NoSuchMoment(str(error)) from error
