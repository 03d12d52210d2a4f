"""What in a file is not the agreement: page numbers, web furniture, contents.

In: the lines of a file. Out: for each line a reason to skip it, or None.
The patterns are data (`furniture.yml`), so that an operator can add one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import yaml

from actions.agreement.clauses import SourceLine
from actions.agreement.markers import Kind, Marker, Strength, find_markers

PATTERN_FILE = Path(__file__).with_name("furniture.yml")
MIN_PAGE = 3  # lines; what repeats more densely is no page header
MAX_HEADING = 40  # characters; a longer line is never a heading
_LEADER = re.compile(r"(?:[.．…·﹒‥_\-]{3,}|[.…·]{2,}\s|\s{3,}|\t)\s*\d{1,4}\s*$")
_CONTENTS = re.compile(r"^\s*[【\[]?\s*目\s*[录錄次]\s*[】\]]?\s*[:：]?\s*$")
_CONTENTS_IN_LINE = re.compile(r"^\s*目\s*[录錄次]\s*[:：]?\s*第")
TERMINAL = "。！？!?；;…"


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    lists = yaml.safe_load(PATTERN_FILE.read_text(encoding="utf-8"))
    whole = ("page", "site", "end")
    return {
        name: re.compile(
            ("^(?:" + "|".join(items) + r")\s*$") if name in whole else "|".join(items),
            re.IGNORECASE,
        )
        for name, items in lists.items()
    }


def matches(name: str, text: str) -> bool:
    """Test a line against one list of `furniture.yml`."""
    return bool(_patterns()[name].search(text.strip()))


def is_heading(text: str) -> bool:
    """Tell whether a line is short and unfinished, as headings are."""
    text = text.strip()
    return 0 < len(text) <= MAX_HEADING and text[-1] not in TERMINAL + "，,、"


def line_reasons(lines: Sequence[SourceLine]) -> list[str | None]:
    """Find the lines that are certainly not text of the agreement.

    Args:
        lines: all non-empty lines, in order.

    Returns:
        One reason ("page_number", "contents", "repeated_header") or None a line.
    """
    reasons: list[str | None] = [None] * len(lines)
    for index, line in enumerate(lines):
        if line.origin == "toc":
            reasons[index] = "contents"
        elif line.origin == "text" and matches("page", line.text):
            reasons[index] = "page_number"
    _mark_contents(lines, reasons)
    _mark_repeated(lines, reasons)
    return reasons


def _heading_key(text: str) -> str:
    return re.sub(r"[\s.．…·_\-]+|\d{1,4}\s*$", "", _LEADER.sub("", text))


def _mark_contents(lines: Sequence[SourceLine], reasons: list[str | None]) -> None:
    """Mark tables of contents: leaders, a title, or headings that come again."""
    later = Counter(_heading_key(line.text) for line in lines)
    starts = [find_markers(line.text) for line in lines]
    in_contents = False
    for index, line in enumerate(lines):
        text = line.text
        numbered = bool(starts[index]) and starts[index][0].strength is Strength.LINE
        if _CONTENTS.match(text) or (_CONTENTS_IN_LINE.match(text)):
            reasons[index], in_contents = "contents", True
        elif numbered and _LEADER.search(text):
            reasons[index] = "contents"
        elif in_contents and (
            _LEADER.search(text)
            or (is_heading(text) and later[_heading_key(text)] > 1)
            or reasons[index]
        ):
            reasons[index] = reasons[index] or "contents"
            later[_heading_key(text)] -= 1
        else:
            in_contents = False
    _mark_untitled_contents(lines, reasons, starts_first_article(lines, reasons))


def starts_first_article(
    lines: Sequence[SourceLine], reasons: Sequence[str | None]
) -> list[int]:
    """Indices of the lines that begin with 第一条 and are not skipped."""
    found = []
    for index, line in enumerate(lines):
        markers = find_markers(line.text) if reasons[index] is None else []
        first = markers[0] if markers else None
        if first and first == Marker(Kind.ARTICLE, 1, 0, first.end, Strength.LINE):
            found.append(index)
    return found


def _mark_untitled_contents(
    lines: Sequence[SourceLine], reasons: list[str | None], firsts: list[int]
) -> None:
    if len(firsts) < 2 or firsts[1] - firsts[0] < 2:
        return
    block = range(firsts[0], firsts[1])
    rest = {_heading_key(line.text)[:12] for line in lines[firsts[1] :]}
    headings = [i for i in block if reasons[i] is None]
    if all(is_heading(lines[i].text) for i in headings) and all(
        any(
            _heading_key(lines[i].text)[:12].startswith(key[:12]) for key in rest if key
        )
        or _heading_key(lines[i].text)[:12] in rest
        for i in headings
        if find_markers(lines[i].text)
    ):
        for i in headings:
            reasons[i] = "contents"


def _mark_repeated(lines: Sequence[SourceLine], reasons: list[str | None]) -> None:
    """Mark short unnumbered lines that come back on every page."""

    def key(line: SourceLine) -> str:
        text = re.sub(r"\s+", "", line.text)
        paged = re.search(r"页|page", text, re.IGNORECASE)
        return re.sub(r"\d+", "#", text) if paged else text

    def eligible(line: SourceLine) -> bool:
        markers = find_markers(line.text)
        numbered = bool(markers) and markers[0].strength is Strength.LINE
        return line.origin == "text" and is_heading(line.text) and not numbered

    counts: Counter[str] = Counter()
    last: dict[str, int] = {}
    for line in lines:
        if eligible(line) and line.number - last.get(key(line), -MIN_PAGE) >= MIN_PAGE:
            counts[key(line)] += 1
            last[key(line)] = line.number
    seen: set[str] = set()
    body = min(starts_first_article(lines, reasons), default=len(lines))
    for index, line in enumerate(lines):
        if reasons[index] is None and eligible(line) and counts[key(line)] >= 3:
            may_be_title = index < body and re.search("协议|合同|条款", line.text)
            if key(line) in seen or not may_be_title:
                reasons[index] = "repeated_header"
            seen.add(key(line))
