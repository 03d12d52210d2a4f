"""Which markers really number a clause: the state of the running numbers.

In: the possible markers of a whole document in order. Out: for each one a
verdict and a reference. A number is believed when it is the next one of an open
level (or the first of a new level) and nothing stronger claims to be it later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from actions.agreement.markers import Kind, Marker, ref_part

MAX_GAP = {Kind.ARTICLE: 20}
DEFAULT_MAX_GAP = 5
DIGIT_KINDS = (Kind.NUM, Kind.NUM_PAREN, Kind.NUM_CLOSE, Kind.CIRCLED)


class Verdict(Enum):
    """What a possible marker turns out to be."""

    CLAUSE = "clause"  # next in sequence
    GAP = "gap"  # a clause, but numbers before it are missing
    DUPLICATE = "duplicate_number"
    OUT_OF_SEQUENCE = "number_out_of_sequence"
    TEXT = "text"  # only words


@dataclass(frozen=True)
class Level:
    """An open level: the clause that new text or children belong to."""

    kind: Kind
    value: int
    ref: str


class Numbering:
    """The open levels while reading; judges and enters markers.

    Args:
        restarts: articles begin anew in every chapter, so references name it.
    """

    def __init__(self, restarts: bool = False) -> None:
        self.open: list[Level] = []
        self.used: set[str] = set()
        self._restarts = restarts

    def expected(self, marker: Marker) -> int:
        """Next number of this marker's level, 1 for a level not yet open."""
        for level in self.open:
            if level.kind is marker.kind:
                return level.value + 1
        return 1

    def judge(self, marker: Marker) -> Verdict:
        """Compare a marker at the beginning of a line with the open levels."""
        has_article = any(level.kind is Kind.ARTICLE for level in self.open)
        if marker.kind < Kind.ARTICLE:
            used = self.ref_of(marker) in self.used
            return Verdict.DUPLICATE if used else Verdict.CLAUSE
        if marker.kind is not Kind.ARTICLE and not has_article:
            return Verdict.TEXT
        expected = self.expected(marker)
        if marker.value == expected:
            used = self.ref_of(marker) in self.used
            return Verdict.DUPLICATE if used else Verdict.CLAUSE
        if marker.value < expected or self.ref_of(marker) in self.used:
            return Verdict.DUPLICATE
        limit = MAX_GAP.get(marker.kind, DEFAULT_MAX_GAP)
        too_far = marker.value - expected > limit
        return Verdict.OUT_OF_SEQUENCE if too_far else Verdict.GAP

    def parents(self, marker: Marker) -> list[Level]:
        """Levels that stay open around a marker."""
        return [level for level in self.open if level.kind < marker.kind]

    def ref_of(self, marker: Marker) -> str:
        """Reference the marker would get now, such as `第三条(四)2`."""
        kind = marker.kind
        whole = kind < Kind.ARTICLE or self._restarts
        outermost = Kind.PART if whole else Kind.ARTICLE
        above = [level for level in self.open if outermost <= level.kind < kind]
        digits = sum(level.kind in DIGIT_KINDS for level in above)
        own = ref_part(marker, digits)
        return own if not above else above[-1].ref + own

    def enter(self, marker: Marker) -> tuple[Level, list[str]]:
        """Open the clause of a marker.

        Returns:
            The new level and the references of the numbers left out before it.
        """
        level = Level(marker.kind, marker.value, self.ref_of(marker))
        missing: list[str] = []
        if marker.kind >= Kind.ARTICLE:
            first = self.expected(marker)
            missing = [
                self.ref_of(replace(marker, value=n))
                for n in range(first, marker.value)
            ]
            self.open = [*self.parents(marker), level]
        else:  # articles run on through the chapters, unless they restart
            runs_on = () if self._restarts else (Kind.ARTICLE,)
            articles = [lv for lv in self.open if lv.kind in runs_on]
            self.open = [*self.parents(marker), level, *articles]
        self.used.add(level.ref)
        return level, missing


def restarts_by_chapter(markers: Sequence[Marker]) -> bool:
    """Tell whether a later chapter (or part) begins with 第一条 again.

    Args:
        markers: those at the start of a line that are no references, in order.
    """
    last: dict[Kind, int] = {}
    seen = fresh = False
    for marker in markers:
        if marker.kind < Kind.ARTICLE:
            fresh = fresh or marker.value == last.get(marker.kind, 0) + 1 > 1
            last[marker.kind] = marker.value
        elif marker.kind is Kind.ARTICLE:
            if fresh and seen and marker.value == 1:
                return True
            seen, fresh = True, False
    return False
