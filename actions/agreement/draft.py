"""The importer's working state: lines in, clause nodes and left-overs out.

One pass over the lines. Each line is skipped, or cut at the markers that number a
clause; what stands before the first marker continues the clause that is open.
"""

from __future__ import annotations

from collections.abc import Sequence

from actions.agreement.clauses import Note, SourceLine
from actions.agreement.doubts import (
    WRAPPED_AT,
    doubts_of,
    is_borne_later,
    is_chapter_line,
    open_text,
    strongest_later,
)
from actions.agreement.furniture import TERMINAL, is_heading, matches
from actions.agreement.markers import (
    CERTAIN,
    Kind,
    Marker,
    Strength,
    find_markers,
    is_reference,
)
from actions.agreement.nodes import Node
from actions.agreement.structure import Numbering, Verdict, restarts_by_chapter

NUMBERED = ("text", "heading")  # origins of lines that may carry a number
MAX_LEAD = 12  # characters of a heading without a number


class Draft:
    """Reads the lines of one document; see the module text.

    Args:
        lines: non-empty lines in order.
        reasons: why a line is to be skipped, None where it is not.
    """

    def __init__(
        self, lines: Sequence[SourceLine], reasons: Sequence[str | None]
    ) -> None:
        self.lines = lines
        self.reasons = list(reasons)
        self.nodes: list[Node] = []
        self.before: list[Note] = []  # lines before the first article
        self.held: list[Note] = []  # unnumbered lines since the last marker
        self.tail: list[Note] = []  # lines after the certain end
        self.skipped: list[Note] = []
        self.unplaced: list[Note] = []
        self.current: Node | None = None
        self._dead: Kind | None = None  # below a duplicate: nothing is placed
        self._by_ref: dict[str, Node] = {}
        self._witness = -1  # a number known to go on after the place where one reads
        self._headings: dict[str, str] = {}  # line → reference it opened
        self._markers = [
            (line.number, marker)
            for line in lines
            if line.origin in NUMBERED and self.reasons[line.number] is None
            for marker in find_markers(line.text)
            if not is_reference(marker, line.text)
        ]

        self._doubts = doubts_of(lines, self.reasons, self._markers)
        self._numbering = Numbering(
            restarts_by_chapter(
                [
                    marker
                    for (number, marker), doubt in zip(
                        self._markers, self._doubts, strict=True
                    )
                    if marker.strength is Strength.LINE
                    and doubt < 2
                    and (marker.kind >= Kind.ARTICLE or is_heading(lines[number].text))
                ]
            )
        )

    def read(self) -> None:
        """Read all lines."""
        cursor, ended = 0, False
        for line in self.lines:
            start = cursor
            while cursor < len(self._markers) and (
                self._markers[cursor][0] == line.number
            ):
                cursor += 1
            reason = self.reasons[line.number]
            if reason is None and self._is_running_header(line):
                reason = "repeated_header"
            if reason is not None:
                self._skip(line, reason)
            elif ended:
                self.tail.append(Note(line.text, line.origin, line.number))
            elif not self._read_line(line, range(start, cursor)):
                self._skip(line, "furniture")
                ended = (
                    self._has_article()
                    and (matches("end", line.text) or matches("end_alone", line.text))
                    and not self._goes_on_with_words(line)
                    and self._is_over(cursor)
                )

    def _skip(self, line: SourceLine, reason: str) -> None:
        self.reasons[line.number] = reason
        self.skipped.append(Note(line.text, reason, line.number))

    def _is_running_header(self, line: SourceLine) -> bool:
        """The heading of a clause that is still open, once more: a new page."""
        ref = self._headings.get(line.text.strip())
        return any(level.ref == ref for level in self._numbering.open)

    def _has_article(self) -> bool:
        return any(node.level == 0 for node in self.nodes)

    def _read_line(self, line: SourceLine, own: range) -> bool:
        """Cut a line at its markers; False when it is furniture."""
        text, position, cuts = line.text, 0, 0
        refused: Verdict | None = None
        for index in own:
            marker = self._markers[index][1]
            verdict = self._verdict(index, line)
            if verdict is Verdict.TEXT:
                continue
            self._place(line, text[position : marker.start], refused, cuts > 0)
            number = text[marker.start : marker.end]
            refused = self._open(marker, verdict)
            position = marker.start if refused else marker.end
            cuts += 1
            if refused or self.current is None:
                continue
            self.current.number = number.replace(marker.keep, "", 1).strip()
            if marker.keep:  # Article 1 第一条: the English number stays in the text
                position = marker.end - len(marker.keep)
                text = text[:position] + marker.keep + text[marker.end :]
            if marker.shut >= 0:  # 【第一条 服务】
                self.current.number += text[marker.shut]
                text = text[: marker.shut] + " " + text[marker.shut + 1 :]
        if cuts == 0 and self._is_furniture(line):
            return False
        self._place(line, text[position:], refused, cuts > 0)
        begins = cuts == 1 and self._markers[own[0]][1].kind <= Kind.ARTICLE
        if begins and not refused and is_heading(line.text) and self.current:
            self._headings[line.text.strip()] = self.current.ref
        return True

    def _verdict(self, index: int, line: SourceLine) -> Verdict:
        marker = self._markers[index][1]
        if self._dead is not None and marker.kind > self._dead:
            return Verdict.TEXT
        verdict = self._numbering.judge(marker)
        if marker.strength is Strength.LINE:
            is_text = self._is_text(index, line, verdict)
            return Verdict.TEXT if is_text else verdict
        if verdict is not Verdict.CLAUSE:
            return Verdict.TEXT
        if marker.kind is Kind.ARTICLE and marker.strength is Strength.RUN:
            return Verdict.TEXT
        rival = strongest_later(self._markers, self._doubts, index, marker.value)
        if rival is not None and rival > marker.strength:
            return Verdict.TEXT
        doubt = self._doubts[index]
        if doubt and is_borne_later(self._markers, self._doubts, index):
            return Verdict.TEXT
        first = marker.value == 1 and marker.strength < Strength.SENTENCE
        if first and strongest_later(self._markers, self._doubts, index, 2) is None:
            return Verdict.TEXT
        return verdict

    def _is_text(self, index: int, line: SourceLine, verdict: Verdict) -> bool:
        """Tell whether a number that begins a line only goes on with a sentence."""
        marker, doubt = self._markers[index][1], self._doubts[index]
        if doubt >= CERTAIN:
            return True
        if marker.kind < Kind.ARTICLE:
            return not is_chapter_line(marker, line.text, doubt)
        cut = open_text(self.lines, self.reasons, line.number)
        wanted = self._numbering.expected(marker)
        if len(cut) >= WRAPPED_AT + 6 and marker.value != wanted:
            return True
        if doubt == 0:
            return False
        if verdict is not Verdict.CLAUSE and (doubt > 1 or verdict is not Verdict.GAP):
            return True
        return is_borne_later(self._markers, self._doubts, index)

    def _is_furniture(self, line: SourceLine) -> bool:
        """Words of a web page; within the text only those that say nothing else."""
        text = line.text
        if line.origin != "text":
            return False
        if not self._has_article():
            return any(matches(n, text) for n in ("site", "margin", "end", "end_alone"))
        cut = open_text(self.lines, self.reasons, line.number)
        if len(cut) >= WRAPPED_AT and text[-1] in TERMINAL:
            return False  # the rest of a sentence
        alone = not cut and matches("end_alone", text)
        return matches("site", text) or matches("end", text) or alone

    def _goes_on_with_words(self, line: SourceLine) -> bool:
        """The open clause is unfinished, and a sentence follows the line."""
        after = line.number + 1
        while after < len(self.lines) and self.reasons[after] is not None:
            after += 1
        if after >= len(self.lines) or self.current is None:
            return False
        so_far = self.held[-1].text if self.held else self.current.text
        text = self.lines[after].text
        furniture = any(matches(n, text) for n in ("site", "margin", "end"))
        return so_far[-1:] not in TERMINAL and text[-1] in TERMINAL and not furniture

    def _is_over(self, cursor: int) -> bool:
        """No number that goes on where the open levels stand comes later."""
        if cursor <= self._witness:
            _, known = self._markers[self._witness]
            if self._numbering.judge(known) is Verdict.CLAUSE:
                return False
        restarted: set[Kind] = set()
        awaits = self.current is not None and (
            not self.current.text or self.current.text[-1] not in TERMINAL
        )
        for index in range(cursor, len(self._markers)):
            marker = self._markers[index][1]
            unsure = self._doubts[index] > 1 or marker.kind in restarted
            if marker.strength is not Strength.LINE or unsure:
                continue
            verdict = self._numbering.judge(marker)
            below = bool(self._numbering.open) and (
                marker.kind > self._numbering.open[-1].kind
            )
            if marker.value == 1 and not (awaits and below):
                restarted.add(marker.kind)
            elif verdict is Verdict.CLAUSE or (
                verdict is Verdict.GAP and marker.kind is Kind.ARTICLE
            ):
                self._witness = index
                return False
        return True

    def _open(self, marker: Marker, verdict: Verdict) -> Verdict | None:
        """Start a clause; returns the verdict when its text has no place."""
        refused = verdict in (Verdict.DUPLICATE, Verdict.OUT_OF_SEQUENCE)
        lead = None
        if marker.kind is Kind.ARTICLE and not refused:
            lead = self._lead()
        self.flush()
        if refused:
            self._dead, self.current = marker.kind, None
            return verdict
        self._dead = None
        above = self._numbering.parents(marker)
        parent = above[-1].ref if above else None
        level, missing = self._numbering.enter(marker)
        depth = sum(lv.kind >= Kind.ARTICLE for lv in above)
        self.current = Node(
            level.ref,
            depth if level.kind >= Kind.ARTICLE else -1,
            self._by_ref.get(parent or ""),
            lead=lead,
        )
        self.nodes.append(self.current)
        self._by_ref[level.ref] = self.current
        self.unplaced += [Note("", "missing_number", None, ref) for ref in missing]
        return None

    def _lead(self) -> tuple[int, str] | None:
        """Take the heading without a number that stands right above an article."""
        first = self.current is None and not self.nodes
        pool = self.before if first else self.held
        if not pool or not (first or self.current):
            return None
        last = pool[-1]
        if first:  # 总则 above 第一条, but not the title
            finished = len(pool) > 1 and not last.text.endswith(
                ("条款", "协议", "合同")
            )
        else:
            above = (
                self.held[-2].text
                if len(pool) > 1
                else (self.current.text if self.current else "")
            )
            finished = above[-1:] in tuple(TERMINAL)
        fits = len(last.text) <= MAX_LEAD and matches("lead", last.text)
        if not fits or last.reason != "text" or not finished:
            return None
        pool.pop()
        return (last.line or 0, last.text)

    def _place(
        self, line: SourceLine, text: str, refused: Verdict | None, numbered: bool
    ) -> None:
        """Hand a piece of a line to where it belongs."""
        piece = text.strip()
        if self._dead is not None:
            reason = refused.value if refused else "below_unplaced"
            if piece:
                self.unplaced.append(Note(piece, reason, line.number))
        elif self.current is None:
            if piece:
                self.before.append(Note(piece, line.origin, line.number))
        elif numbered:
            self.current.parts.append((line.number, piece))
        elif piece:
            self.held.append(Note(piece, line.origin, line.number))

    def flush(self) -> None:
        """Give the held lines to the open clause."""
        if self.current is not None:
            self.current.parts += [(n.line or 0, n.text) for n in self.held]
        self.held = []
