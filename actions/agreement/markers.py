"""Number markers of an agreement: 第X条, (一), 一、, 1., (1), ① and friends.

In: one line. Out: every place that looks like the number of a clause, with how
sure its surroundings make it. Whether it *is* one depends on the numbers before
and after, which `importing.py` knows.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache

from actions.agreement.numerals import CHINESE_NUMERAL, chinese_to_int, int_to_chinese


class Kind(IntEnum):
    """Marker families, outermost first: a smaller kind closes the larger ones."""

    PART = -3
    CHAPTER = -2
    SECTION = -1
    ARTICLE = 0
    CN_COMMA = 1
    CN_PAREN = 2
    NUM = 3
    NUM_PAREN = 4
    NUM_CLOSE = 5
    CIRCLED = 6


class Strength(IntEnum):
    """How much the place of a marker speaks for it."""

    RUN = 0  # in the middle of running text
    SPACE = 1  # after white space or a closing bracket
    SENTENCE = 2  # after the end of a sentence, a colon or another marker
    LINE = 3  # first on its line


@dataclass(frozen=True)
class Marker:
    """A possible clause number at `text[start:end]` of one line.

    Args:
        kind: family.
        value: the number.
        start: where it begins, with brackets and a number in English before it.
        end: where it ends, with a colon or the like after it.
        strength: what its place says for it.
        word: how a part calls itself (部分, 编, 篇), "" for all others.
        shut: position of the bracket that closes `【第一条 服务】`, else -1.
        keep: words inside `start` and `end` that belong to the clause (`Article 1`).
    """

    kind: Kind
    value: int
    start: int
    end: int
    strength: Strength
    word: str = ""
    shut: int = -1
    keep: str = ""


CERTAIN = 3  # of doubt: words that never begin a clause
CN = CHINESE_NUMERAL
_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        Kind.PART,
        re.compile(
            rf"^第\s*((?:{CN}\s*)+|\d+)\s*(?:部\s*分|[编編篇])(?![制写号辑幅章])"
        ),
    ),
    (Kind.CHAPTER, re.compile(rf"^第\s*((?:{CN}\s*)+|\d+)\s*章(?!程)")),
    (Kind.SECTION, re.compile(rf"^第\s*((?:{CN}\s*)+|\d+)\s*[节節]")),
    (Kind.ARTICLE, re.compile(rf"第\s*((?:{CN}\s*)+|\d+)\s*[条條]")),
    (
        Kind.CN_PAREN,
        re.compile(rf"[(（\u3014]\s*({CN}{{1,3}})\s*[)）\u3015]|([㈠-㈩])"),
    ),
    (Kind.CN_COMMA, re.compile(rf"(?<![第{CN[1:-1]}\d])({CN}{{1,3}})\s*[、.．](?!\d)")),
    (Kind.NUM_PAREN, re.compile(r"[(（]\s*(\d{1,2})\s*[)）]|([⑴-⒇])")),
    (Kind.CIRCLED, re.compile(r"([①-⑳])")),
    (
        Kind.NUM,
        re.compile(
            r"(?<![\d.．])(\d{1,2})\s*(?:[.．](?!\d)|、(?!\s*\d)"
            r"|[.．](?=\d+(?:个|日|天|小时|分钟|年|周|×|x|X|\*|/)))|([⒈-⒛])"
        ),
    ),
    (Kind.NUM_CLOSE, re.compile(rf"(?<![\d(（{CN[1:-1]}])(\d{{1,2}})[)）]")),
)
_LOOSE_CN_PAREN = re.compile(rf"^({CN}{{1,3}})\s*[)）]")
_BRACKETED = re.compile(
    r"\[[^\]\n]{0,200}\]|【[^】\n]{0,200}】|\uff3b[^\uff3d\n]{0,200}\uff3d|《[^》\n]*》"
)

_FRONT = re.compile(
    r"\s*(?:(?P<keep>(?:Article|Clause|Section|Art\.?)\s*\d{1,4})\s*[.:：、，,]?\s*"
    r"|(?P<open>[【\[\uff3b\u3014])\s*)"
    rf"第\s*(?P<value>(?:{CN}\s*)+|\d+)\s*[条條]",
    re.IGNORECASE,
)
_SHUT = {"【": "】", "[": "]", "\uff3b": "\uff3d", "\u3014": "\u3015"}
# What may stand between a number and its words; before another number it lists.
_ARTICLE_SIGN = re.compile(
    r"\s*(?:[:：]|[.．](?!\d)|[—–-]+(?!\s*[第\d])|、(?!\s*(?:第|本|前|[(（])))"
)
_ITEM_SIGN = re.compile(r"\s*(?:[:：]|[.．](?!\d)|、)(?!\s*(?:第|[(（\d]))")

# Words after a number that make it a reference to a clause, not its beginning.
_OTHER = rf"第\s*[(（]?\s*(?:{CN}+|\d+)\s*[)）]?\s*[条條款项章目]"
_NEVER_A_START = re.compile(
    r"\s*(?:项(?!目)|款(?!项|额)|目(?!的|标|录)|条(?!款|件|例)|所述|所列|所称|规定的|"
    r"约定的|第\s*(?:"
    + CN
    + r"+|\d+)\s*[条款项章]|第\s*[(（]|[、，,。；;）)】」』”]|$)"
)
# The same where a line or sentence begins with it: fewer words speak against it.
_REFERENCE_WORDS = re.compile(
    rf"\s*(?:(?:至|到|和|与|及|或|以及|，|,)?\s*{_OTHER}|第\s*[(（]|[(（]\s*(?:{CN}+|\d+)\s*[)）]\s*[项款目]"
    r"|(?:项(?!目)|款(?!项|额)|条(?!款|件|例)|目(?!的|标|录|前))"
    r"(?=[的中之及和或与至、，,。；;）)第所规约内以和均]|情形|$)"
    r"|的(?!士|确)|[、。；;）)】」』”])"
)
_LIKELY_REFERENCE = re.compile(
    r"\s*(?:所述|所列|所称|规定|约定|另有|另行|之|至|到|和|与|及|或|以及|等|中|[，,])"
)
_RARELY_A_START = re.compile(
    r"\s*(?:中|之|至|到|和|与|及|或|以及|等|两|各|均|规定|约定|的)"
)
_REFERS = re.compile(
    r"(?:第|附件|附表|附录|表|图|本条|本款|前款|上述|前述|下述|依照|依据|按照|按|根据|见|参照|适用|符合|属于|违反"
    r"|条|款|项|、|和|或|与|及|至|之|本协议|本合同|》|法|办法|规定)\s*$"
)
_ENDS = tuple("。；;：:！？!?…")
_REACH = 60  # characters before and after a number that say what it is


def find_markers(text: str) -> list[Marker]:
    """Find the possible clause numbers of a line, left to right, no overlaps.

    Args:
        text: one line as read; its white space at the ends does not matter.
    """
    return list(_markers_of(text))


@lru_cache(maxsize=8192)  # every pass over a document asks again
def _markers_of(text: str) -> tuple[Marker, ...]:
    lead = len(text) - len(text.lstrip())
    closed = [match.span() for match in _BRACKETED.finditer(text)]
    front = _front_article(text)
    found: list[Marker] = [] if front is None else [front]
    for kind, pattern in _PATTERNS:
        heading = kind < Kind.ARTICLE  # only ever first on the line
        for match in pattern.finditer(text[lead:] if heading else text):
            offset = lead if heading else 0
            span = (match.start() + offset, match.end() + offset)
            if any(a < span[1] and span[0] < b for a, b in closed):
                continue
            value = _value(match)
            if value is not None:
                marker = _marker(kind, value, span, text, lead)
                if kind is Kind.PART:
                    word = "部分" if match.group().endswith("分") else match.group()[-1]
                    marker = replace(marker, word=word)
                found.append(_with_sign(marker, text))
    loose = _LOOSE_CN_PAREN.match(text.strip())
    if loose and (value := chinese_to_int(loose.group(1))) is not None:
        end = lead + loose.end()
        found.append(Marker(Kind.CN_PAREN, value, lead, end, Strength.LINE))
    return tuple(_settle(sorted(found, key=lambda m: (m.start, -m.end)), text))


def is_reference(marker: Marker, text: str) -> bool:
    """Tell whether the words around a marker make it a mere cross reference."""
    after = text[marker.end : marker.end + _REACH]
    before = text[max(0, marker.start - _REACH) : marker.start]
    if marker.strength >= Strength.SENTENCE:
        return doubt_after(marker, text) >= CERTAIN
    if marker.kind >= Kind.ARTICLE and _NEVER_A_START.match(after):
        return True
    if marker.kind is Kind.ARTICLE:
        if _REFERS.search(before):
            return True
        return bool(re.match(r"\s*(?:规定|约定|之|至|和|与|及|或)", after))
    if marker.strength is Strength.RUN:
        return bool(_RARELY_A_START.match(after) or _REFERS.search(before))
    return False


def doubt_after(marker: Marker, text: str) -> int:
    """How much the words after a number that begins a sentence speak against it.

    Returns:
        0 for nothing, 1 or 2 for words that a clause may begin with as well (2 when
        nothing parts them from the number), `CERTAIN` for those it never begins with.
    """
    after = text[marker.end : marker.end + _REACH]
    if not after.strip():
        return 0
    if _REFERENCE_WORDS.match(after):
        # 第八条 第二款项下的费用…: a space may part the number from words of its clause
        return 2 if after[0].isspace() and after.strip()[0] == "第" else CERTAIN
    if not _LIKELY_REFERENCE.match(after):
        return 0
    parted = after[0].isspace() or text[marker.end - 1] not in "条條章节節编編篇分"
    return 1 if parted else 2


def ref_part(marker: Marker, digit_levels: int) -> str:
    """Write one level of a reference.

    Args:
        marker: its number.
        digit_levels: how many levels with Arabic digits lie above.
    """
    kind, value = marker.kind, marker.value
    if kind < Kind.ARTICLE:
        word = {Kind.CHAPTER: "章", Kind.SECTION: "节"}.get(kind, marker.word or "编")
        return f"第{int_to_chinese(value)}{word}"
    if kind is Kind.ARTICLE:
        return f"第{int_to_chinese(value)}条"
    if kind in (Kind.CN_COMMA, Kind.CN_PAREN):
        return f"({int_to_chinese(value)})"
    return str(value) if digit_levels == 0 else f"({value})"


def _front_article(text: str) -> Marker | None:
    """An article number in brackets or after one in English, first on its line."""
    match = _FRONT.match(text)
    value = (
        None if match is None else chinese_to_int("".join(match.group("value").split()))
    )
    if match is None or value is None:
        return None
    start, end, shut = len(text) - len(text.lstrip()), match.end(), -1
    if (bracket := match.group("open")) is not None:
        close = text.find(_SHUT[bracket], end)
        inside = text[end:close]
        if close < 0 or (inside.strip() and (bracket != "【" or len(inside) > 30)):
            return None
        if inside.strip() and _LIKELY_REFERENCE.match(inside) and inside[0].strip():
            return None  # 【第一条约定的金额】 is a blank
        if inside.strip():
            shut = close
        else:
            end = close + 1
    marker = Marker(
        Kind.ARTICLE,
        value,
        start,
        end,
        Strength.LINE,
        shut=shut,
        keep=match.group("keep") or "",
    )
    return _with_sign(marker, text)


def _with_sign(marker: Marker, text: str) -> Marker:
    """Take the colon, dot or comma that parts a number from its words with it."""
    if marker.kind in (Kind.CN_COMMA, Kind.NUM) or marker.strength < Strength.SENTENCE:
        return marker
    sign = _ARTICLE_SIGN if marker.kind <= Kind.ARTICLE else _ITEM_SIGN
    match = sign.match(text, marker.end)
    return marker if match is None else replace(marker, end=match.end())


def _value(match: re.Match[str]) -> int | None:
    text = "".join(next(group for group in match.groups() if group).split())
    number = chinese_to_int(text)
    if number is None and len(text) == 1:  # one sign: ㈠ ⑴ ⒈ ①
        sign = unicodedata.numeric(text, None)
        number = None if sign is None else int(sign)
    return number


def _marker(
    kind: Kind, value: int, span: tuple[int, int], text: str, lead: int
) -> Marker:
    start, end = span
    if start == lead:
        strength = Strength.LINE
    elif text[max(lead, start - _REACH) : start].rstrip()[-1:] in _ENDS:
        strength = Strength.SENTENCE
    elif text[start - 1].isspace() or text[start - 1] in "】]\uff3d)）」”":
        strength = Strength.SPACE
    else:
        strength = Strength.RUN
    return Marker(kind, value, start, end, strength)


def _settle(markers: list[Marker], text: str) -> list[Marker]:
    """Drop overlaps and impossible places; a marker after a marker is strong."""
    kept: list[Marker] = []
    for marker in markers:
        if kept and marker.start < kept[-1].end:
            continue
        before = text[marker.start - 1] if marker.start else ""
        if marker.kind in (Kind.NUM_PAREN, Kind.CN_PAREN) and (
            before.isdigit() or (before and chinese_to_int(before) is not None)
        ):
            continue  # 十五(15), 三(三): an amount written twice
        adjacent = kept and not text[kept[-1].end : marker.start].strip()
        if adjacent and marker.strength < Strength.SENTENCE:
            marker = replace(marker, strength=Strength.SENTENCE)
        if marker.kind in (Kind.CN_COMMA, Kind.NUM_CLOSE) or (
            marker.kind is Kind.NUM and text[marker.end - 1] == "、"
        ):
            weak = Strength.SPACE if marker.kind is Kind.NUM else Strength.SENTENCE
            if marker.strength < weak:
                continue  # 统一、规范; 附件1、附件2
        kept.append(marker)
    return kept
