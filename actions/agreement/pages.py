"""Page numbers and page headers: told by evidence of pages, never by shortness.

In: the lines of a file. Out: reasons to skip some of them. A bare number may be the
15 of "15⏎个工作日", a line that comes back three times the exclusion of three
benefits. So a number counts as a page number only when it says so, stands at a form
feed, or is one of a row that counts up at regular places; a line counts as a header
when it stands beside page numbers, names the document or is worded as headers are.
In doubt a line stays in its clause.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from actions.agreement.clauses import SourceLine
from actions.agreement.furniture import TERMINAL, is_heading, matches
from actions.agreement.markers import Strength, find_markers

MIN_PAGE = 5  # lines; numbers that follow each other more closely count items
MIN_REPEAT = 3  # lines between two headers
MIN_ROW = 3  # page numbers, or headers
UNEVEN = 3  # how much longer the longest page may be than the shortest
LONG = 24  # characters; an unfinished line this long was cut by its width
_ROMAN = {"i": 1, "v": 5, "x": 10}
_UNIT = re.compile(
    r"^\s*(?:个|日|天|年|月|周|元|万|亿|千|百|角|分|倍|次|人|件|份|笔|项|条|款|页|期|级|档|种|类|名|家|处|户|台|辆"
    r"|小时|秒|岁|周岁|工作|自然|公里|千米|米|克|平方|号|时|点|至|到|以|之|内|的|起|后|前|或|和|与|及"
    r"|[-–—~～%％‰×*/／+＋=、，。；：:;,.)）】」』”])"
)
_WANTS_NUMBER = re.compile(
    r"(?:为|是|共|计|约|达|过|于|高|低|多|少|至|到|从|自|第|起|满|按|付|币|每.{1,3}|[¥￥$（(【\[“、，：:])\s*$"
)
_NAMES_PAGE = re.compile(
    r"第\s{0,8}\d{1,6}\s{0,8}页|page\s{0,8}\d|\d\s{0,8}页\s{0,8}[/／]", re.IGNORECASE
)
_NAMES_DOCUMENT = re.compile(r"协议|合同|条款")


def mark_page_numbers(lines: Sequence[SourceLine], reasons: list[str | None]) -> None:
    """Mark the lines that are page numbers.

    Args:
        lines: all lines.
        reasons: one a line; "page_number" is entered where nothing is.
    """
    rows: dict[object, list[tuple[int, int]]] = defaultdict(list)
    for index, line in enumerate(lines):
        if line.origin != "text" or reasons[index] is not None:
            continue
        if matches("page", line.text):
            reasons[index] = "page_number"
        elif matches("number", line.text) and not _belongs_to_words(lines, index):
            kind, value = _value(line.text)
            rows[kind].append((index, value))
    pages = _printed_pages(lines)
    for kind, row in rows.items():
        for index in [*_counting(lines, row, kind), *_at_breaks(lines, row, pages)]:
            reasons[index] = "page_number"


def mark_headers(
    lines: Sequence[SourceLine], reasons: list[str | None], body: int
) -> None:
    """Mark unnumbered lines that come back on every page.

    Args:
        lines: all lines.
        reasons: one a line; "repeated_header" is entered where nothing is.
        body: index of the first article; the title above it stays.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for index, line in enumerate(lines):
        if reasons[index] is None and _may_be_header(line):
            found = places[_key(line.text)]
            if not found or index - found[-1] >= MIN_REPEAT or index < body:
                found.append(index)
    titles = {_key(line.text) for line in lines[:body]}
    pages = _printed_pages(lines)
    for key, found in places.items():
        if len(found) < MIN_ROW:
            continue
        text = lines[found[0]].text
        beside = [i for i in found if _is_beside_page(lines, reasons, i, pages)]
        if len(beside) * 3 >= len(found) * 2:
            marked = beside
        elif (
            matches("header", text)
            or _counts_pages([lines[i].text for i in found])
            or (key in titles and _NAMES_DOCUMENT.search(text))
        ):
            marked = found
        else:
            continue
        titled = found[0] < body and _NAMES_DOCUMENT.search(text)
        for index in marked:
            if not (titled and index == found[0]):
                reasons[index] = "repeated_header"


def _counts_pages(texts: Sequence[str]) -> bool:
    """Lines that name their page, and the pages go up."""
    numbers = [
        int("".join(re.findall(r"\d+", match.group()))[:9])
        for text in texts
        if (match := _NAMES_PAGE.search(text))
    ]
    rising = all(one < two for one, two in pairwise(numbers))
    return len(numbers) == len(texts) and rising


def is_quantity(before: str, number: str, after: str) -> bool:
    """Tell whether a bare number on a line of its own counts what comes after it.

    Args:
        before: the words above it.
        number: the line.
        after: the words below it.
    """
    finished = not before.strip() or before.strip()[-1] in TERMINAL
    bare = bool(re.fullmatch(r"[\d.,，/／]{1,12}", number.strip()))
    return bare and not finished and bool(_UNIT.match(after))


def _belongs_to_words(lines: Sequence[SourceLine], index: int) -> bool:
    """The words around a number make it part of their sentence."""
    before = lines[index - 1].text.strip() if index else ""
    after = lines[index + 1].text if index + 1 < len(lines) else ""
    wanted = _WANTS_NUMBER.search(before)
    return bool(wanted) or is_quantity(before, lines[index].text, after)


def _value(text: str) -> tuple[object, int]:
    """A number with its kind: arabic, roman, or the number of pages it counts to."""
    text = text.strip().lower()
    if text[0] in _ROMAN:
        digits = [_ROMAN[char] for char in text]
        pairs = zip(digits, [*digits[1:], 0], strict=True)
        return "roman", sum(-one if one < two else one for one, two in pairs)
    numbers = [int(part) for part in re.split(r"[/／]", text)]
    return ("of", numbers[-1]) if len(numbers) > 1 else "arabic", numbers[0]


def _counting(
    lines: Sequence[SourceLine], row: Sequence[tuple[int, int]], kind: object
) -> list[int]:
    """The longest row that counts up by one at regular distances, if sure enough."""
    best: list[int] = []
    length: dict[int, int] = {}  # place → how many count up to it
    before: dict[int, int] = {}  # place → the place counted from
    last: dict[int, int] = {}  # number → its place in the longest row so far
    for index, number in row:
        prior = last.get(number - 1)
        length[index] = 1
        if prior is not None and index - prior >= MIN_PAGE:
            before[index] = prior
            length[index] += length[prior]
        if number not in last or length[index] >= length[last[number]]:
            last[number] = index
    end = max(length, key=lambda index: length[index], default=None)
    while end is not None:
        best.append(end)
        end = before.get(end)
    best.reverse()
    whole = isinstance(kind, tuple) and len(best) == kind[1] > 1
    if len(best) < MIN_ROW and not whole:
        return []
    steps = [b - a for a, b in pairwise(best)]
    clean = sum(_stands_free(lines, index) for index in best)
    regular = max(steps) <= UNEVEN * min(steps)
    return best if regular and clean >= min(MIN_ROW, len(best)) else []


def _stands_free(lines: Sequence[SourceLine], index: int) -> bool:
    """What stands above a number ends there, or was cut by the width of its page."""
    if index == 0:
        return True
    above = lines[index - 1].text.strip()
    numbered = find_markers(above)[:1]
    return (
        above[-1] in TERMINAL
        or len(above) >= LONG
        or (bool(numbered) and numbered[0].strength is Strength.LINE)
    )


def _printed_pages(lines: Sequence[SourceLine]) -> bool:
    """Form feeds part pages; one after every line is another way to end lines."""
    pages = lines[-1].page + 1 if lines else 1
    return pages > 1 and len(lines) >= pages * MIN_PAGE


def _at_breaks(
    lines: Sequence[SourceLine], row: Sequence[tuple[int, int]], pages: bool
) -> list[int]:
    """Numbers first or last on a page between form feeds, in step with the pages."""
    if not pages:
        return []
    edge = [(i, n) for i, n in row if _is_at_edge(lines, i, 1)]
    shifts = Counter(number - lines[index].page for index, number in edge)
    return [
        i for i, n in edge if shifts[n - lines[i].page] > 1 or n == lines[i].page + 1
    ]


def _is_at_edge(lines: Sequence[SourceLine], index: int, reach: int) -> bool:
    page = lines[index].page
    last = lines[-1].page
    above, below = index - reach, index + reach
    top = above < 0 or lines[above].page != page
    bottom = below >= len(lines) or lines[below].page != page
    return (top and page > 0) or (bottom and page <= last)


def _is_beside_page(
    lines: Sequence[SourceLine],
    reasons: Sequence[str | None],
    index: int,
    pages: bool,
) -> bool:
    """A page number stands right beside a line, or a form feed does."""
    near = (index - 1, index + 1)
    if any(0 <= i < len(lines) and reasons[i] == "page_number" for i in near):
        return True
    return pages and _is_at_edge(lines, index, 1)


def _key(text: str) -> str:
    text = re.sub(r"\s+", "", text)
    return re.sub(r"\d+", "#", text) if _NAMES_PAGE.search(text) else text


def _may_be_header(line: SourceLine) -> bool:
    markers = find_markers(line.text)
    numbered = bool(markers) and markers[0].strength is Strength.LINE
    return line.origin == "text" and is_heading(line.text) and not numbered
