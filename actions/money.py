"""Sums of money as customers say them (三千块, 1.2万元, 三块五) → fen.

In: Chinese text that holds one sum. Out: fen, or None when it is none or another
currency. Numerals are read by cn2an, which read 27 of 34 forms of our tests, jionlp 22
(DECISIONS.md, 9); what stands around them (块五, 毛, 50w, 多) is read here.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

LARGEST = 10**15  # fen
# cn2an looks things up in tables and leaves it at that when they are not there.
_UNREADABLE = (ValueError, ArithmeticError, LookupError, TypeError)
_ABOUT = re.compile(r"左右|上下|大概|大约|差不多|将近|[约近整多来余钱几]")
_OURS = re.compile(r"人民币|RMB|CNY|[¥￥]", re.IGNORECASE)
_FOREIGN = re.compile(r"美|港|欧|日元|英镑|\$|USD|HKD|刀", re.IGNORECASE)
_WHOLE = re.compile(r"^[^块元圆毛角分]+$")
_PARTS = re.compile(
    r"^(?:(?P<yuan>[^块元圆毛角分]+)[块元圆])?(?:(?P<jiao>[^块元圆毛角分])[毛角])?"
    r"(?:(?P<rest>[^块元圆毛角分])(?P<fen>分)?)?$"
)
_SCALE = str.maketrans({"w": "万", "W": "万", "k": "千", "K": "千"})


def amount_fen(text: str) -> int | None:
    """Read one sum.

    Args:
        text: such as an entity ``amount``; words of estimate are read past.

    Returns:
        Fen; None when it is no sum of yuan, below nothing or too large to be meant.
    """
    plain = unicodedata.normalize("NFKC", text).replace(",", "").replace(" ", "")
    if _FOREIGN.search(plain):
        return None
    plain = _ABOUT.sub("", _OURS.sub("", plain)).translate(_SCALE)
    if not plain:
        return None
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
