"""Days that have a name: 国庆第二天, 中秋前一天, 大年初二, 除夕, 正月十五, 腊月廿三.

In: text as `actions.moments` evens it out. Out: the last such day that has come. Dates of
the lunar calendar stand in data/calendar/festivals.yml; what is not there is asked back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import MINYEAR, date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from actions.counts import CN, NUMBER, NoSuchMoment, read_number

PATH = Path(__file__).resolve().parents[1] / "data" / "calendar" / "festivals.yml"
_DAY = timedelta(days=1)
# A bare 初三 is of the New Year as long as one talks of it.
_TALKED_OF = timedelta(days=60)
_FIRST_NAMES = "(?:大年|年|正月|春节|过年|新年)"
_EDGES = {
    "五一": "(?<![十周])五一(?![起直早样])",
    "六一": "(?<![十周])六一(?![起直早样])",
    "国庆": "国庆|十一(?=假期|长假|黄金周|那天|当天|期间|第|节)",
}
# 五一路, 国庆饭店, 我叫陈元旦: names of places and people.
_PLACE = re.compile(
    "大?(?:[街村桥镇巷弄]|路(?![上途过]))|大道|广场|饭店|酒店|宾馆|小区|大厦|公园|中学|小学|商场|花园|公寓"
)
_PERSON = re.compile("(?:叫|姓名是?|名字是?)[^，。,!?]{0,2}$")
_ANOTHER = re.compile("[、或到至和]?初")
_AFTER = re.compile(
    rf"节?(?P<holiday>假期|长假|小长假|黄金周|放假)?的?"
    rf"(?:第(?P<nth>{NUMBER})天|(?P<day>{NUMBER})日|(?P<first>当[天日]|那天|首日|头一?天|正日子)|"
    rf"前(?P<before>{NUMBER})[天日]|(?P<eve>前夕|前夜|前晚|头天)|"
    rf"(?:过?后|之后)(?P<later>{NUMBER})?|(?P<last>最后|后|前几|期间|前后|左右|前(?![面台方往去])))?"
)
_LUNAR = re.compile(
    rf"(?P<year_end>除夕|大年三十|大年夜|(?<![今去明前后每半多大0-9{CN}])年三十(?![岁多几个万千日]))"
    rf"|{_FIRST_NAMES}初(?P<new_year>[一二三四五六七八九十])"
    rf"|(?P<month>正|冬|腊|(?<![{CN}])[二三四五六七八九十]|十[一二])月"
    rf"(?P<day>初[一二三四五六七八九十]|廿[一二三四五六七八九]?|(?<=[正冬腊]月)[{CN}]{{1,3}}(?!日))"
    r"|(?<![上读念在升年月高起当最])初(?P<bare>[一二三四五六七八九十])(?![中次级步期年])"
)
_MONTHS = {"正": 1, "冬": 11, "腊": 12, "十一": 11, "十二": 12}


@dataclass(frozen=True)
class Named:
    """A named day, or the first of the days it may be."""

    day: date
    is_estimate: bool = False


@cache
def _data() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return loaded


@cache
def _names() -> tuple[tuple[re.Pattern[str], str], ...]:
    data = _data()
    names = [*data["solar"], *data["lunar"], "清明"]
    return tuple((re.compile(_EDGES.get(name, name)), name) for name in names)


def named_day(text: str, today: date, year: int | None) -> Named | None:
    """The day named.

    Args:
        text: the customer's words.
        today: day of the message in Beijing.
        year: the year said, None when none was; then it is the last day that has come.

    Raises:
        NoSuchMoment: a day is named that cannot be told.
    """
    for pattern, name in _names():
        found = pattern.search(text)
        if found and not _is_of_a_name(found, text):
            return _beside(name, text[found.end() :], today, year)
    found = _LUNAR.search(text)
    if found is None:
        return None
    one = _lunar(found, today, year)
    return replace(one, is_estimate=True) if _ANOTHER.match(text, found.end()) else one


def _is_of_a_name(found: re.Match[str], text: str) -> bool:
    before = text[max(0, found.start() - 8) : found.start()]
    return bool(_PLACE.match(text, found.end()) or _PERSON.search(before))


def _beside(name: str, rest: str, today: date, year: int | None) -> Named:
    """The festival or a day counted from it: 第二天, 前一天."""
    month_day = _data()["solar"].get(name)
    # 春节初三 says it by the lunar day.
    lunar_day = re.match("节?(?:的)?(?:大年)?初([一二三四五六七八九十])", rest)
    if name == "春节" and lunar_day:
        offset, vague = read_number(lunar_day[1]) - 1, False
    else:
        offset, vague = _offset(name, rest, month_day)

    def of(one: int) -> date:
        return _festival(name, month_day, one) + offset * _DAY

    is_solar = month_day is not None or name == "清明"
    return Named(_last(of, today, year, is_solar), vague)


def _offset(name: str, rest: str, month_day: str | None) -> tuple[int, bool]:
    """Days from the festival, and whether only about that day is meant."""
    found = _AFTER.match(rest)
    assert found is not None
    if found["holiday"] and name in _data()["early_holidays"]:
        raise NoSuchMoment(f"{name}{found[0]}")
    if found["nth"]:
        return read_number(found["nth"]) - 1, False
    if found["day"] and month_day:  # 国庆3号
        return read_number(found["day"]) - int(month_day[3:]), False
    if found["first"]:
        return 0, False
    if found["before"]:
        return -read_number(found["before"]), False
    if found["eve"]:
        return -1, False
    if found["later"] or found["last"] or re.match("节?过?后|节?之后", rest):
        if found["last"] in ("期间", "前后", "左右"):
            return 0, True
        raise NoSuchMoment(f"{name}{found[0]}")  # 国庆后, 国庆最后一天
    return 0, bool(found["holiday"]) or name in _data()["several_days"]


def _festival(name: str, month_day: str | None, year: int) -> date:
    if month_day:
        return date(year, int(month_day[:2]), int(month_day[3:]))
    if name == "清明":
        # Holds for 2000 to 2099.
        short = year % 100
        return date(year, 4, int(short * 0.2422 + 4.81) - short // 4)
    month, day = map(int, _data()["lunar"][name].split("-"))
    return _of_lunar(year, month, day)


def _lunar(found: re.Match[str], today: date, year: int | None) -> Named:
    if found["year_end"]:
        return Named(_last(lambda one: _of_lunar(one, 1, 1) - _DAY, today, year))
    if found["bare"]:
        number = read_number(found["bare"])
        day = _last(lambda one: _of_lunar(one, 1, number), today, year)
        if year is None and today - day > _TALKED_OF:
            raise NoSuchMoment(found[0])
        return Named(day)
    if found["new_year"]:
        month, number = 1, read_number(found["new_year"])
    else:
        month = _MONTHS.get(found["month"]) or read_number(found["month"])
        said = found["day"].removeprefix("初").replace("廿", "二十")
        number = read_number(said)
    return Named(_last(lambda one: _of_lunar(one, month, number), today, year))


def _last(
    of: Callable[[int], date],
    today: date,
    year: int | None,
    is_solar: bool = False,  # reckoned without the table
) -> date:
    """The last such day that has come, today included, or the one of the year said.

    A month of the old year's end lies in the next year of the common calendar.
    """
    newest = today.year if year is None else year
    known = _data()["lunar_months"]
    days = [
        of(one)
        for one in (newest, newest - 1, newest - 2)
        if one in known or (is_solar and one > MINYEAR)
    ]
    if year is None:
        day = next((each for each in days if each <= today), None)
    else:
        day = next((each for each in days if each.year == year), None)
    if day is None:
        raise NoSuchMoment(f"not known for {today.year}")
    return day


def _of_lunar(year: int, month: int, day: int) -> date:
    """A day of a lunar year; the month after a leap month counts on.

    Raises:
        NoSuchMoment: the year is not in the table, or the month has no such day.
    """
    known = _data()["lunar_months"].get(year)
    if known is None or not 1 <= month <= 12 or not 1 <= day <= 30:
        raise NoSuchMoment(f"{year}-{month}-{day}")
    leap = known["leap"]
    index = month - 1 + (1 if leap and month > leap else 0)
    firsts = [date.fromisoformat(first) for first in known["first_days"]]
    found = firsts[index] + (day - 1) * _DAY
    ends = firsts[index + 1] if index + 1 < len(firsts) else firsts[index] + 30 * _DAY
    if found >= ends:
        raise NoSuchMoment(f"{year}-{month}-{day}")
    return found
