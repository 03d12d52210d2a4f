"""The importer's working state: lines in, clause nodes and left-overs out.

One pass over the lines. Each line is skipped, or cut at the markers that number a
clause; what stands before the first marker continues the clause that is open.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from actions.agreement.clauses import Note, SourceLine
from actions.agreement.furniture import TERMINAL, is_heading, matches
from actions.agreement.markers import (
    Kind,
    Marker,
    Strength,
    find_markers,
    is_reference,
)
from actions.agreement.structure import Numbering, Verdict, strongest_later

NUMBERED = ("text", "heading")  # origins of lines that may carry a number
WRAPPED_AT = 24  # characters; an unfinished line this long was cut by its width
_POINTS_ON = re.compile(
    r"(?:第|本条|本款|前款|上述|依照|依据|按照|根据|参照|详见|符合|违反|条|款|项)\s*$"
)
_ASCII_EDGE = re.compile(r"[A-Za-z0-9]$")


@dataclass
class Node:
    """A clause being put together from pieces of lines."""

    ref: str
    level: int
    parent: Node | None
    parts: list[tuple[int, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The pieces joined: broken lines without, paragraphs with a newline."""
        text = ""
        for _, piece in self.parts:
            if not text or not piece:
                text += piece
            elif "|" in (text[-1], piece[0]):
                text += "\n" + piece  # rows of a table
            elif (
                len(text) - text.rfind("\n") > WRAPPED_AT
                and text[-1] not in TERMINAL + "：:"
            ):
                glue = " " if _ASCII_EDGE.search(text) and piece[0].isascii() else ""
                text += glue + piece
            else:
                text += "\n" + piece
        return text


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
        self._numbering = Numbering()
        self._dead: Kind | None = None  # below a duplicate: nothing is placed
        self._headings: set[str] = set()
        self._markers = [
            (line.number, marker)
            for line in lines
            if line.origin in NUMBERED and self.reasons[line.number] is None
            for marker in find_markers(line.text)
            if not is_reference(marker, line.text)
        ]

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
            if reason is None and line.text.strip() in self._headings:
                reason = "repeated_header"
            if reason is not None:
                self.skipped.append(Note(line.text, reason, line.number))
            elif ended:
                self.tail.append(Note(line.text, line.origin, line.number))
            elif not self._read_line(line, range(start, cursor)):
                self.skipped.append(Note(line.text, "furniture", line.number))
                ended = matches("end", line.text) and self._is_over(cursor)

    def _read_line(self, line: SourceLine, own: range) -> bool:
        """Cut a line at its markers; False when it is furniture."""
        position, cuts = 0, 0
        refused: Verdict | None = None
        for index in own:
            marker = self._markers[index][1]
            verdict = self._verdict(index, line)
            if verdict is Verdict.TEXT:
                continue
            self._place(line, line.text[position : marker.start], refused, cuts > 0)
            refused = self._open(marker, verdict)
            position = marker.start if refused else marker.end
            cuts += 1
        if cuts == 0 and self._is_furniture(line):
            return False
        self._place(line, line.text[position:], refused, cuts > 0)
        begins = cuts == 1 and self._markers[own[0]][1].kind <= Kind.ARTICLE
        if begins and not refused and is_heading(line.text):
            self._headings.add(line.text.strip())
        return True

    def _verdict(self, index: int, line: SourceLine) -> Verdict:
        marker = self._markers[index][1]
        if self._dead is not None and marker.kind > self._dead:
            return Verdict.TEXT
        verdict = self._numbering.judge(marker)
        if marker.strength is Strength.LINE:
            return Verdict.TEXT if self._continues(line, marker) else verdict
        if verdict is not Verdict.CLAUSE:
            return Verdict.TEXT
        if marker.kind is Kind.ARTICLE and marker.strength is Strength.RUN:
            return Verdict.TEXT
        rival = strongest_later(self._markers, index, marker.value)
        if rival is not None and rival > marker.strength:
            return Verdict.TEXT
        first = marker.value == 1 and marker.strength < Strength.SENTENCE
        if first and strongest_later(self._markers, index, 2) is None:
            return Verdict.TEXT
        return verdict

    def _last_piece(self, line: SourceLine) -> str:
        """The open clause's text on the line before, "" when it is finished."""
        parts = self.held or [Note(t, "", n) for n, t in self._parts()]
        if not parts or not parts[-1].text or parts[-1].line != line.number - 1:
            return ""
        text = parts[-1].text
        return "" if text[-1] in TERMINAL + "：:" else text

    def _parts(self) -> list[tuple[int, str]]:
        return self.current.parts if self.current else []

    def _continues(self, line: SourceLine, marker: Marker) -> bool:
        """A line that a narrow page cut off: 依照第三条⏎(二)… or 共计⏎12、…."""
        piece = self._last_piece(line)
        if _POINTS_ON.search(piece):
            return True
        wanted = self._numbering.expected(marker)
        return len(piece) >= WRAPPED_AT + 6 and marker.value != wanted

    def _is_furniture(self, line: SourceLine) -> bool:
        if line.origin == "row" or len(self._last_piece(line)) >= WRAPPED_AT:
            return False
        return matches("site", line.text) or matches("end", line.text)

    def _is_over(self, cursor: int) -> bool:
        """No number that goes on where the open levels stand comes later."""
        restarted: set[Kind] = set()
        for _, marker in self._markers[cursor:]:
            if marker.strength is not Strength.LINE or marker.kind in restarted:
                continue
            if marker.value == 1:
                restarted.add(marker.kind)
            elif self._numbering.judge(marker) is Verdict.CLAUSE:
                return False
        return True

    def _open(self, marker: Marker, verdict: Verdict) -> Verdict | None:
        """Start a clause; returns the verdict when its text has no place."""
        self.flush()
        if verdict in (Verdict.DUPLICATE, Verdict.OUT_OF_SEQUENCE):
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
            next((n for n in reversed(self.nodes) if n.ref == parent), None),
        )
        self.nodes.append(self.current)
        self.unplaced += [Note("", "missing_number", None, ref) for ref in missing]
        return None

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
