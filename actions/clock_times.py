"""Times of day as customers say them: 三点半, 两三点, 晚上八点多, 昨晚, 半夜.

In: text as `actions.moments` evens it out. Out: a `Clock` when an hour is named, a `Part`
when only a part of the day is; the part has no hour of its own and is shown as a word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from actions.counts import COUNT, NUMBER, Count, NoSuchMoment, read_count, read_number

# 早 and 晚 alone are part of many words (早就, 晚点): a day or an hour stands beside them.
_ALONE = (
    r"(?:(?<=[昨今明前天日儿六末])|(?<=周[一二三四五])){0}(?![点就已期])"
    r"|{0}(?=[0-9两三四五六七八九十])"
)


@dataclass(frozen=True)
class Part:
    """A part of the day: its word and the hour it can begin at."""

    word: str
    begins: int


@dataclass(frozen=True)
class Clock:
    """An hour and minute; several hours when estimated."""

    hour: Count
    minute: int
    is_about: bool  # 三点多


DAWN, LATE = Part("凌晨", 0), Part("半夜", 0)
NIGHTS = EVENING, NIGHT = Part("晚上", 18), Part("夜里", 18)
NOON, AFTERNOON, DUSK = Part("中午", 12), Part("下午", 12), Part("傍晚", 17)
_PARTS = tuple(
    (re.compile(names), part)
    for names, part in (
        ("凌晨", DAWN),
        ("半夜|深夜|午夜", LATE),
        ("清晨|清早|早上|早晨|一大?早|今晨|" + _ALONE.format("早"), Part("早上", 6)),
        ("上午", Part("上午", 8)),
        ("中午|正午", NOON),
        ("午后|下午", AFTERNOON),
        ("傍晚", DUSK),
        ("晚上|晚间|" + _ALONE.format("晚"), EVENING),
        ("夜里|夜间|昨夜|今夜", NIGHT),
    )
)
_WEEKDAY = re.compile("周[一二三四五六]")
_DIGITAL = re.compile(r"(?<![0-9:])([0-9]{1,2}):([0-9]{2})(?![0-9])")
_UNTIL = rf"(?:\s?(?:到|至|[-~—–])\s?(?P<until>{NUMBER})点)"
_SPOKEN = re.compile(
    rf"(?P<hour>{COUNT})(?:点|时(?!候|间|不|常|效))(?P<sure>钟|整)?"
    rf"(?P<more>多|过(?!敏|期|去|来))?"
    rf"(?:(?P<half>半)|(?P<quarter>一刻|三刻)|{_UNTIL}|(?P<minute>{NUMBER})(?P<fen>分)?)?"
)
# Two of something, and not two o'clock: 有两点要说, 快一点, 3点意见.
_BEFORE_POINTS = re.compile(
    "(?:[有说这那提补充强下大小快慢高低好多少差长短远近轻重]|以下|如下|强调|分|占)$"
)
_AFTER_POINTS = re.compile(
    r"\s?(?:意见|建议|要(?!去)|问题|原因|疑|不|想|说明|声明|诉求|需|理由|希望|请|感受|补充|都|儿|心|伤)"
)
_MEASURED = re.compile(
    r"[0-9]?\s?(?:米|万|千(?!万)|亿|元|块|公|倍|折|级|%|个|寸|升|吨|斤)"
)
# 责任比例70:30, 比分 2:10.
_RATIO_BEFORE = re.compile("(?:比例|比分|比率|责任|占|分)(?:是|为|按)?[:\\s]{0,2}$")
_RATIO_AFTER = re.compile(r"\s?(?:的?比例|的?责任|分责|承担|开(?!车)|赢|输|负|胜)")
_NEAR = 6  # characters looked at beside a match


def clock(text: str) -> Clock | None:
    """The hour and minute named, or None.

    Raises:
        NoSuchMoment: 25点.
    """
    text = _WEEKDAY.sub("周", text)  # 周五十二点 is not 五十二点
    for found in _DIGITAL.finditer(text):
        before, after = _around(text, found)
        if not (_RATIO_BEFORE.search(before) or _RATIO_AFTER.match(after)):
            hour = read_count(found[1])
            return _checked(Clock(hour, int(found[2]), is_about=False))
    for found in _SPOKEN.finditer(text):
        if _is_clock(text, found):
            return _checked(_spoken(found))
    return None


def part_of_day(text: str) -> Part | None:
    """The part of the day named, or None."""
    return next((part for names, part in _PARTS if names.search(text)), None)


def hour_of(hour: int, part: Part) -> int:
    """Hour of a clock time said with a part of the day; 24 and more is the next day."""
    if part == DAWN:
        return hour % 12 if hour == 12 else hour
    if part == LATE:
        return {12: 24}.get(hour, hour + 12 if 9 <= hour < 12 else hour)
    if part in NIGHTS:
        if hour <= 4 or hour == 12:
            return 24 + hour % 12
        return hour + 12 if hour < 12 else hour
    # 中午一点 is 13, 中午十一点 stays 11.
    if part == NOON:
        return hour + 12 if 1 <= hour <= 4 else hour
    if part in (AFTERNOON, DUSK):
        return hour + 12 if 1 <= hour < 12 else hour
    return hour


def _spoken(found: re.Match[str]) -> Clock:
    hour = read_count(found["hour"])
    if found["until"]:
        until = read_number(found["until"])
        if until <= hour.low:
            raise NoSuchMoment(found[0])
        hour = Count(hour.low, until)
    minute = 30 if found["half"] else {"一刻": 15, "三刻": 45}.get(found["quarter"], 0)
    if found["minute"]:
        minute = read_number(found["minute"])
    return Clock(hour, minute, is_about=bool(found["more"]))


def _is_clock(text: str, found: re.Match[str]) -> bool:
    before, after = _around(text, found)
    minute = found["minute"]
    if minute and not found["fen"] and _MEASURED.match(after):
        return False  # 三点五米
    if found["sure"] or found["half"] or found["quarter"] or found["more"]:
        return True
    if found["until"] or (minute and (found["fen"] or len(minute) > 1)):
        return True
    if minute:  # 三点五 is 3.5 of something
        return False
    if _BEFORE_POINTS.search(before) or _AFTER_POINTS.match(after):
        return False
    if found["hour"] != "一":
        return True
    # 我有一点不舒服, 早一点: a day or a part of it stands beside an hour.
    is_beside = re.search("[天日夜]$|(?<=[昨今明前])[早晚]$", before) is not None
    return is_beside or (part_of_day(text) is not None and before[-1:] not in "早晚")


def _around(text: str, found: re.Match[str]) -> tuple[str, str]:
    start, end = found.span()
    return text[max(0, start - _NEAR) : start], text[end : end + _NEAR]


def _checked(said: Clock) -> Clock:
    if said.hour.high > 24 or said.minute > 59:
        raise NoSuchMoment(f"{said.hour}:{said.minute}")
    return said
