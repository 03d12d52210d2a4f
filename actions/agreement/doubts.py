"""How much speaks against a number that stands first on its line.

In: the lines and their possible numbers. Out: a doubt for each. A sentence that a
narrow page has cut may go on with a number (依照⏎第三条的约定…); a clause may begin
with 与, 或 or 规定 as well, and the line before may end in 条款. So no single word
decides: the words before and after count together, and a later line that bears the
same number with less doubt wins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from actions.agreement.clauses import SourceLine
from actions.agreement.furniture import TERMINAL, is_heading
from actions.agreement.markers import (
    CERTAIN,
    CN,
    Kind,
    Marker,
    Strength,
    doubt_after,
)

WRAPPED_AT = 24  # characters; an unfinished line this long was cut by its width
_LOOK_AHEAD = 400  # markers
_POINTS_ON = re.compile(
    r"(?:第|依照|依据|按照|遵照|根据|参照|参见|详见|按|见|适用|符合|违反|属于|遵守|履行|满足"
    r"|本协议|本合同|本条款|》|法|办法|规定|约定|和|与|及|或|至|之|、)\s*$"
)
_NAMES_CLAUSE = re.compile(
    rf"(?:第\s*[(（]?\s*(?:{CN}+|\d+)\s*[)）]?\s*[条條款项]"
    rf"|[(（]\s*(?:{CN}+|\d+)\s*[)）]\s*[款项]|[本前上][条款项])\s*(?:之|的|中)?\s*$"
)
Placed = tuple[int, Marker]


def doubts_of(
    lines: Sequence[SourceLine],
    reasons: Sequence[str | None],
    markers: Sequence[Placed],
) -> list[int]:
    """Weigh each marker; 0 for those that begin neither a line nor a sentence.

    Args:
        lines: all lines.
        reasons: why a line is skipped, None where it is not.
        markers: (line, marker) in order.
    """
    doubts = []
    for number, marker in markers:
        doubt = 0
        if marker.strength >= Strength.SENTENCE:
            doubt = doubt_after(marker, lines[number].text)
        if marker.strength is Strength.LINE:
            doubt += _doubt_before(marker, open_text(lines, reasons, number))
        doubts.append(doubt)
    return doubts


def open_text(
    lines: Sequence[SourceLine], reasons: Sequence[str | None], number: int
) -> str:
    """The line before, "" when it is finished or no running text.

    Skipped lines between do not count: a page may end in the middle of a sentence.
    """
    before = number - 1
    while before >= 0 and reasons[before] is not None:
        before -= 1
    if before < 0 or lines[before].origin != "text":
        return ""
    text = lines[before].text.strip()
    return "" if text[-1] in TERMINAL + "：:" else text


def _doubt_before(marker: Marker, before: str) -> int:
    if marker.kind < Kind.ARTICLE or not before:
        return 0
    if marker.kind > Kind.ARTICLE and _NAMES_CLAUSE.search(before):
        own_number = re.fullmatch(rf"第\s*(?:{CN}+|\d+)\s*[条條]", before)
        return 0 if own_number else 2
    if _POINTS_ON.search(before):
        return 2 if len(before) >= WRAPPED_AT else 1
    return 0


def is_chapter_line(marker: Marker, text: str, doubt: int) -> bool:
    """Chapters and parts are headings: short, unfinished, hardly doubtful."""
    if marker.kind is Kind.PART and not is_heading(text):
        return False
    return doubt < CERTAIN and (doubt < 2 or is_heading(text))


def is_borne_later(
    markers: Sequence[Placed], doubts: Sequence[int], index: int
) -> bool:
    """Tell whether a later line or sentence bears the same number with less doubt.

    Only up to the next number: an appendix or another chapter counts anew.
    """
    marker = markers[index][1]
    last = min(len(markers), index + _LOOK_AHEAD)
    for later in range(index + 1, last):
        other = markers[later][1]
        if other.strength < marker.strength or doubts[later] >= CERTAIN:
            continue
        if other.kind < marker.kind:
            return False
        if other.kind is marker.kind and doubts[later] < doubts[index]:
            if other.value == marker.value:
                return True
            if other.value == marker.value + 1:
                return False
    return False


def strongest_later(
    markers: Sequence[Placed], doubts: Sequence[int], index: int, value: int
) -> Strength | None:
    """Look for another marker of the same kind with `value`, in the same scope.

    Args:
        markers: (line, marker) pairs of the document, references left out.
        doubts: of each marker; those in serious doubt are no rivals.
        index: the marker whose rival or successor is looked for.
        value: the number looked for.

    Returns:
        Strength of the strongest one before an outer level goes on, or None.
    """
    kind = markers[index][1].kind
    best: Strength | None = None
    for later in range(index + 1, min(len(markers), index + _LOOK_AHEAD)):
        other = markers[later][1]
        if doubts[later] >= 2:
            continue
        if other.kind < kind and other.strength >= Strength.SENTENCE:
            break
        if other.kind is kind and other.value == value:
            best = other.strength if best is None else max(best, other.strength)
    return best
