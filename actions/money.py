"""Sums of money as customers say them (三千块, 1.2万元, 三块五) → fen.

In: Chinese text that holds one sum. Out: fen, or None when it is none or another
currency; 两三千块 is an estimate with a least and a most. Numerals are read by cn2an,
which read 27 of 34 forms of our tests, jionlp 22 (DECISIONS.md, 9); what stands around
them (块五, 毛, 50w, 多) is read here.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

LARGEST = 10**15  # fen
LONGEST_TEXT = 64  # code points
LONGEST_SUM = 40  # code points of the numeral with its unit
# cn2an looks things up in tables and leaves it at that when they are not there.
_UNREADABLE = (ValueError, ArithmeticError, LookupError, TypeError)
_ABOUT = re.compile(
    r"左右|上下|大概|大约|差不多|将近|[约近多来余]|几(?![十百千万亿块元])"
)
_WITHOUT_SENSE = re.compile("[整钱]")
_OURS = re.compile(r"人民币|RMB|CNY|[¥￥]", re.IGNORECASE)
_FOREIGN = re.compile(r"美|港|欧|日元|英镑|\$|USD|HKD|刀", re.IGNORECASE)
_WHOLE = re.compile(r"^[^块元圆毛角分]+$")
_PARTS = re.compile(
    r"^(?:(?P<yuan>[^块元圆毛角分]+)[块元圆])?(?:(?P<jiao>[^块元圆毛角分])[毛角])?"
    r"(?:(?P<rest>[^块元圆毛角分])(?P<fen>分)?)?$"
)
_DIGITS = "零一二三四五六七八九"
_FAR_PAIRS = ((3, 5), (3, 2))  # 三五百, 三两千
_TWO_DIGITS = re.compile(
    "([一二三四五六七八九])([一二三四五六七八九])(?=[十百千万亿块元圆毛角分]|$)"
)
# 2-3千, 5000到8000元: a unit said once holds for both.
_TWO_FIGURES = re.compile(
    r"([0-9]{1,12}(?:\.[0-9]{1,2})?)([十百千万亿]{0,2}[块元圆]?)(?:[-~—–、]|到|至|或者?)"
    r"([0-9]{1,12}(?:\.[0-9]{1,2})?)([十百千万亿]{0,2}[块元圆]?钱?)"
)
_SCALE = str.maketrans({"w": "万", "W": "万", "k": "千", "K": "千"})


@dataclass(frozen=True)
class Amount:
    """A sum of money as said.

    Attributes:
        fen: the sum, or the least it can mean.
        most: the most it can mean, in fen; the same as ``fen`` unless a range was said.
        estimate: only about so much: 三千多, 两三千.
    """

    fen: int
    most: int
    estimate: bool = False


def amount_fen(text: str) -> int | None:
    """Read one sum.

    Args:
        text: such as an entity ``amount``; words of estimate are read past.

    Returns:
        Fen; None when it is no sum of yuan, a range (两三千), below nothing or too large
        to be meant.
    """
    found = amount(text)
    return found.fen if found and found.fen == found.most else None


def amount(text: str) -> Amount | None:
    """Read one sum or an estimate of it: 两三千块 is 2,000 to 3,000 yuan.

    Args:
        text: such as an entity ``amount``.

    Returns:
        None when it is no sum of yuan, below nothing or too large to be meant.
    """
    plain = unicodedata.normalize("NFKC", text[:LONGEST_TEXT])
    plain = plain.replace(",", "").replace(" ", "").replace("两", "二")
    if _FOREIGN.search(plain):
        return None
    exact = _ABOUT.sub("", _OURS.sub("", _WITHOUT_SENSE.sub("", plain)))
    exact = exact.translate(_SCALE)
    if not exact or len(exact) > LONGEST_SUM:
        return None
    span = _span(exact)
    low, high = (_fen(each) for each in span or (exact, exact))
    if low is None or high is None or high < low:
        return None
    return Amount(low, high, span is not None or _ABOUT.search(plain) is not None)


def _span(plain: str) -> tuple[str, str] | None:
    """The least and the most of an estimate in words or figures; None when it is none."""
    found = _TWO_FIGURES.fullmatch(plain)
    if found:
        low, low_unit, high, unit = found.groups()
        return low + (low_unit or unit), high + unit
    found = _TWO_DIGITS.search(plain)
    if not found or len(_TWO_DIGITS.findall(plain)) != 1:
        return None
    low, high = (_DIGITS.index(sign) for sign in found.groups())
    # 一百二 and 两千三 have a unit between; 三二 is no estimate.
    if high != low + 1 and (low, high) not in _FAR_PAIRS:
        return None
    rest = plain[: found.start()], plain[found.end() :]
    first, last = (rest[0] + _DIGITS[n] + rest[1] for n in sorted((low, high)))
    return first, last


def _fen(plain: str) -> int | None:
    try:
        fen = _number(plain) * 100 if _WHOLE.match(plain) else _in_parts(plain)
    except _UNREADABLE:
        return None
    return int(fen) if 0 <= fen < LARGEST and fen == int(fen) else None


def _in_parts(plain: str) -> Decimal:
    """Read 三块五, 两块二毛五, 六毛, 五元三分."""
    found = _PARTS.match(plain)
    if found is None:
        raise ValueError(plain)
    yuan, jiao, rest = (
        _number(found[name]) if found[name] else Decimal(0)
        for name in ("yuan", "jiao", "rest")
    )
    if found["rest"] and not found["fen"] and not found["jiao"]:
        jiao, rest = rest, Decimal(0)  # 三块五 is 3.5
    return yuan * 100 + jiao * 10 + rest


def _number(text: str) -> Decimal:
    """Read a numeral.

    Raises:
        ValueError, ArithmeticError, LookupError, TypeError: It is none.
    """
    import cn2an

    if text.startswith("半"):
        text = "0.5" + text[1:]
    number = Decimal(str(cn2an.cn2an(text, "smart")))
    if not number.is_finite():
        raise ValueError(text)
    return number
