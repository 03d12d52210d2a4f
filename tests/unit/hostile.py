"""Hostile strings and a way to tell whether work grows faster than its text.

Growth is judged by ratios of processor time, never by the clock: what is linear takes
four times as long for four times the text, what is quadratic sixteen times.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from time import process_time
from typing import Any

# One character class each, and mixtures in which several patterns begin everywhere.
UNITS = (
    *"一二十百千万亿两零几半多1２.-/:：,，、年月日号点时前后第块元￥ 　\t\n()（）[]【】《》{}'\"“”",
    *"初廿周上下早晚某x",
    *("\u200b", "\ufeff", "\u0301", "\u20e3", "😀", "👨\u200d👩\u200d👧", "ﷺ", "\x00"),
    *(
        "P",
        "C",
        "T",
        "P2024",
        "P2024 ",
        "京A",
        "京A12345",
        "86",
        "1391234",
        "0 1",
        "１ ",
    ),
    *(
        "1.",
        "1-",
        "1/",
        "1:",
        "1,",
        "1 ",
        "- ",
        "一百",
        "一千万",
        "万一",
        "一点",
        "两三",
        "十一",
    ),
    *(
        "1-2",
        "1/2",
        "11.20",
        "11-20-",
        "2026-",
        "2026年",
        "3月",
        "3月1",
        "上个月",
        "上个",
        "周三",
    ),
    *(
        "三天前",
        "两三天",
        "半个",
        "国庆",
        "国庆第",
        "初三",
        "正月",
        "腊月廿",
        "晚上",
        "昨天",
        "今天下午",
    ),
    *(
        "身份证",
        "后四位",
        "身份证后",
        "快递单号",
        "座机",
        "(010)",
        "010-",
        "￥1,",
        "1万",
        "三块五",
    ),
    *(
        "先不办了",
        "不用了",
        "算了",
        "我要",
        "没有",
        "未",
        "无",
        "我要报案",
        "转人工",
        "投诉",
    ),
    *(
        "大概",
        "约",
        "左右",
        "责任",
        "比例是",
        "分之",
        "一分之",
        "/a",
        "a{",
        "{}",
        "/affirm",
        "理陪",
    ),
)
ENDS = ("", "x")


def strings(repeats: int) -> Iterator[str]:
    """Every unit so often, with each ending."""
    for unit in UNITS:
        for end in ENDS:
            yield unit * repeats + end


class Growth(AssertionError):
    """Something takes far more than its share of time for a longer text."""


def assert_linear(work: Callable[[str], object], unit: str, end: str = "") -> None:
    """Fail when ``work`` grows faster than a text of so many units.

    Raises:
        Growth: Four times the text took more than ten times as long.
    """

    def repeated(repeats: int) -> str:
        return unit * repeats + end

    def filled(characters: int) -> str:
        return (unit * characters)[:characters] + end

    # First so short that even an explosion ends: 2^18 steps against 2^14.
    _compare(work, repeated(14), repeated(18), limit=6.0)
    _compare(work, filled(100), filled(400), limit=10.0)  # what is cubic ends here
    _compare(work, filled(400), filled(1600), limit=10.0)


def _compare(
    work: Callable[[str], object], short: str, long: str, limit: float
) -> None:
    if _seconds(work, long, 1) < MEASURABLE:
        return
    for runs in (1, 3, 7):  # a busy machine may disturb some measurements, not all
        ratio = _seconds(work, long, runs) / _seconds(work, short, runs + 2)
        if ratio <= limit:
            return
        if ratio > 3 * limit:
            break
    raise Growth(f"{ratio:.0f} times as long for {long[:12]!r}… ({len(long)})")


# Below this processor time (seconds) there is nothing to compare: what is quadratic in
# 1,600 characters takes several times as long on any machine.
MEASURABLE = 0.002


def _seconds(work: Callable[[str], object], text: str, runs: int) -> float:
    best = float("inf")
    gc.disable()
    try:
        for _ in range(runs):
            started = process_time()
            work(text)
            best = min(best, process_time() - started)
    finally:
        gc.enable()
    return best


def near_misses(pattern: re.Pattern[str]) -> list[str]:
    """Strings made from the pattern itself: what it wants, and all of that but the end."""
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
    made = {_made(tree, pick, more) for pick in (0, -1) for more in (1, 3)}
    return sorted({each for one in made for each in (one, one[:-1])} - {""})


_CLASSES = {
    sre.CATEGORY_DIGIT: "1",
    sre.CATEGORY_SPACE: " ",
    sre.CATEGORY_WORD: "a",
    sre.CATEGORY_NOT_DIGIT: "x",
    sre.CATEGORY_NOT_SPACE: "x",
    sre.CATEGORY_NOT_WORD: "-",
}


def _made(tree: Any, pick: int, more: int) -> str:
    return "".join(_one(code, value, pick, more) for code, value in tree)


def _one(code: Any, value: Any, pick: int, more: int) -> str:
    if code is sre.LITERAL:
        return chr(value)
    if code in (sre.NOT_LITERAL, sre.ANY):
        return "龥"
    if code is sre.IN:
        return _of_class(value, pick)
    if code is sre.BRANCH:
        return _made(value[1][pick], pick, more)
    if code is sre.SUBPATTERN:
        return _made(value[3], pick, more)
    if code is sre.ATOMIC_GROUP:
        return _made(value, pick, more)
    if code in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        low, high, inner = value
        return _made(inner, pick, more) * min(max(low, more), int(high))
    return ""  # an assertion or a back reference


def _of_class(items: Any, pick: int) -> str:
    if items[0][0] is sre.NEGATE:
        return "龥"
    code, value = items[pick]
    if code is sre.LITERAL:
        return chr(value)
    if code is sre.RANGE:
        return chr(value[0])
    return _CLASSES.get(value, "1")
