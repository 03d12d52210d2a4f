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
from actions.agreement.markers import Kind, Strength, find_markers

PATTERN_FILE = Path(__file__).with_name("furniture.yml")
MAX_HEADING = 40  # characters; a longer line is never a heading
_LEADER = re.compile(r"(?:[.．…·﹒‥_\-]{3,}|[.…·]{2,}\s|\s{3,}|\t)\s*\d{1,4}\s*$")
_DOTS = re.compile(r"[.．…·﹒‥_\-]{3,}|[.…·]{2,}\s")
_CONTENTS = re.compile(r"^\s*[【\[]?\s*目\s*[录錄次]\s*[】\]]?\s*[:：]?\s*$")
_CONTENTS_IN_LINE = re.compile(r"^\s*目\s*[录錄次]\s*[:：]?\s*第")
_FIRST = (Kind.ARTICLE, 1, Strength.LINE)
TERMINAL = "。！？!?；;…"


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    lists = yaml.safe_load(PATTERN_FILE.read_text(encoding="utf-8"))
    whole = set(lists) - {"loose", "party", "signature", "date"}
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
        One reason or None a line: "page_number", "ruled_line", "contents",
        "repeated_header", "hidden_text".
    """
    from actions.agreement.pages import mark_headers, mark_page_numbers

    reasons: list[str | None] = [None] * len(lines)
    for index, line in enumerate(lines):
        if line.origin == "toc":
            reasons[index] = "contents"
        elif line.origin == "hidden":
            reasons[index] = "hidden_text"
        elif line.origin == "text" and matches("rule", line.text):
            reasons[index] = "ruled_line"
    mark_page_numbers(lines, reasons)
    _mark_contents(lines, reasons)
    firsts = starts_first_article(lines, reasons)
    mark_headers(lines, reasons, min(firsts, default=len(lines)))
    return reasons


def _heading_key(text: str) -> str:
    return re.sub(r"[\s.．…·_\-]+|\d{1,4}\s*$", "", _LEADER.sub("", text))


def _mark_contents(lines: Sequence[SourceLine], reasons: list[str | None]) -> None:
    """Mark tables of contents: leaders, a title, or headings that come again."""
    later = Counter(_heading_key(line.text) for line in lines)
    starts = [_line_number(line) for line in lines]
    numbers = Counter(number for number in starts if number is not None)
    in_contents = False
    for index, line in enumerate(lines):
        text = line.text
        key, number = _heading_key(text), starts[index]
        again = later[key] > 1 or (number is not None and numbers[number] > 1)
        if number is not None:
            numbers[number] -= 1
        entry = number is not None and bool(_LEADER.search(text)) and again
        if line.origin in ("row", "hidden") or reasons[index] == "hidden_text":
            continue
        if _is_contents_title(lines, reasons, index, later):
            reasons[index], in_contents = "contents", True
        elif entry and (_DOTS.search(text) or in_contents or later[key] > 1):
            reasons[index] = "contents"
        elif in_contents and (
            _LEADER.search(text)
            or (is_heading(text) and later[key] > 1)
            or reasons[index]
        ):
            reasons[index] = reasons[index] or "contents"
        else:
            in_contents = False
        later[key] -= 1
    _mark_untitled_contents(lines, reasons, starts_first_article(lines, reasons))


def _line_number(line: SourceLine) -> tuple[Kind, int] | None:
    """Family and number of a chapter or article that begins a line."""
    markers = find_markers(line.text) if line.origin in ("text", "heading") else []
    first = markers[0] if markers else None
    if first is None or first.strength is not Strength.LINE:
        return None
    return (first.kind, first.value) if first.kind <= Kind.ARTICLE else None


def _is_contents_title(
    lines: Sequence[SourceLine],
    reasons: Sequence[str | None],
    index: int,
    later: Counter[str],
) -> bool:
    """目录, and entries below it; the word alone may be part of a sentence."""
    text = lines[index].text
    if _CONTENTS_IN_LINE.match(text):
        return index + 1 < len(lines) and len(find_markers(text)) > 1
    below = index + 1
    while below < len(lines) and reasons[below] is not None:
        below += 1
    if not _CONTENTS.match(text) or below >= len(lines):
        return False
    entry = lines[below].text
    return bool(_LEADER.search(entry)) or (
        is_heading(entry) and later[_heading_key(entry)] > 1
    )


def starts_first_article(
    lines: Sequence[SourceLine], reasons: Sequence[str | None]
) -> list[int]:
    """Indices of the lines that begin with 第一条 and are not skipped."""
    found = []
    for index, line in enumerate(lines):
        markers = find_markers(line.text) if reasons[index] is None else []
        first = markers[0] if markers else None
        if first and (first.kind, first.value, first.strength) == _FIRST:
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
    keys = [_heading_key(lines[i].text)[:12] for i in headings]
    again = (
        any(key[:end] in rest for end in range(1, len(key) + 1))
        for i, key in zip(headings, keys, strict=True)
        if find_markers(lines[i].text)
    )
    if all(is_heading(lines[i].text) for i in headings) and all(again):
        for i in headings:
            reasons[i] = "contents"
