"""How many, as customers say it: 三, 二十五, 两三, 十七八, 三五, 2-3, 17、18.

In: a numeral. Out: the least and the most it can mean. 两三 is two to three and never 23:
digits in a row are a number only where digits are spelt out (years, 零五分).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from actions.agreement.numerals import chinese_to_int, int_to_chinese

CN = "零〇一二两三四五六七八九十"
LONGEST = 4  # digits or characters; a longer run is a number of something else
_TO = r"\s?(?:[-~—–、/]|到|至|或者?)\s?"
# Possessive: a run of digits is taken whole or not at all, and read once.
NUMBER = rf"(?:(?<![0-9])(?<![0-9]\.)[0-9]++|(?<![{CN}])[{CN}]++)"
COUNT = rf"(?:{NUMBER}(?:{_TO}(?:[0-9]++|[{CN}]++))?)"
_BETWEEN = re.compile(_TO)
_RANGE = re.compile(
    "([二两三四五六七八九]?十)?([一二两三四五六七八九])([一二两三四五六七八九])(十)?"
)
_FAR_PAIRS = ((3, 5), (3, 2))  # 三五天, 三两天


class NoSuchMoment(ValueError):
    """The text names a number, a day or an hour, and there is none: 2月30号, 25点."""


@dataclass(frozen=True)
class Count:
    """A number, or the least and the most it may be."""

    low: int
    high: int

    @property
    def is_range(self) -> bool:
        """Whether it was said as an estimate."""
        return self.low < self.high


def read_count(text: str) -> Count:
    """Read one numeral or two with 到 between them.

    Raises:
        NoSuchMoment: It is none, or too long to be meant.
    """
    low, *more = _BETWEEN.split(text, maxsplit=1)
    if not more:
        return _one(low)
    first, last = _one(low), _one(more[0])
    high = last.high
    if high < first.low and high < 10 <= first.low:
        high += first.low - first.low % 10  # 17、8号
    if not first.low < high:
        raise NoSuchMoment(text)
    return Count(first.low, high)


def read_number(text: str) -> int:
    """Read a numeral that is no estimate.

    Raises:
        NoSuchMoment: It is none: 两三, 十五一.
    """
    count = _one(text)
    if count.is_range:
        raise NoSuchMoment(text)
    return count.low


def is_range(text: str) -> bool:
    """Whether a numeral in words stands for two numbers: 两三, 十七八."""
    found = _RANGE.fullmatch(text)
    return found is not None and _pair(found) is not None


def _one(text: str) -> Count:
    if len(text) > LONGEST:
        raise NoSuchMoment("no number of a date")
    found = _RANGE.fullmatch(text)
    if found:
        pair = _pair(found)
        if pair is None:
            raise NoSuchMoment(text)
        return pair
    number = chinese_to_int(text)
    if number is None:
        raise NoSuchMoment(text)
    spoken = text.replace("两", "二")
    if "十" in text and int_to_chinese(number) not in (spoken, spoken[1:]):
        raise NoSuchMoment(text)
    is_spelt = len(text) > 1 and "十" not in text and not text.isdecimal()
    if is_spelt and text[0] not in "零〇":
        raise NoSuchMoment(text)
    return Count(number, number)


def _pair(found: re.Match[str]) -> Count | None:
    tens, first, second, unit = found.groups()
    low, high = (chinese_to_int(sign) or 0 for sign in (first, second))
    if (high != low + 1 and (low, high) not in _FAR_PAIRS) or (tens and unit):
        return None
    base = (chinese_to_int(tens) or 0) if tens else 0
    scale = 10 if unit else 1
    return Count(base + min(low, high) * scale, base + max(low, high) * scale)
