"""Computes the numbers Word shows but does not write: numbering.xml and styles.

In: the numbering and styles parts and each paragraph in order. Out: its label,
such as 第三条 or (二), as Word would print it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from actions.agreement.number_formats import format_number

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
MAX_LEVEL = 8
MAX_STYLE_DEPTH = 20


@dataclass(frozen=True)
class _Level:
    """One level of a Word list: start, number format, pattern, restart rule."""

    start: int = 1
    number_format: str = "decimal"
    pattern: str = "%1."
    restart: int | None = None  # None: after any higher level; 0: never
    style: str | None = None
    legal: bool = False


class WordNumbering:
    """Labels of the numbered paragraphs; feed the paragraphs in order.

    Args:
        numbering: root of word/numbering.xml, None when absent.
        styles: root of word/styles.xml, None when absent.
    """

    def __init__(self, numbering: Element | None, styles: Element | None) -> None:
        self.last_was_bullet = False
        self._styles = {
            style.get(W + "styleId", ""): style
            for style in (styles if styles is not None else ())
            if style.tag == W + "style"
        }
        self._default_style = next(
            (
                key
                for key, style in self._styles.items()
                if style.get(W + "default") == "1"
                and style.get(W + "type") == "paragraph"
            ),
            None,
        )
        root = numbering if numbering is not None else Element("none")
        self._abstract: dict[str, dict[int, _Level]] = {}
        self._links: dict[str, str] = {}  # abstract id → id of a numbering style
        self._style_abstract: dict[str, str] = {}  # numbering style → abstract id
        for node in root.iterfind(W + "abstractNum"):
            key = node.get(W + "abstractNumId", "")
            self._abstract[key] = _levels(node)
            if (link := _val(node, "numStyleLink")) is not None:
                self._links[key] = link
            if (link := _val(node, "styleLink")) is not None:
                self._style_abstract[link] = key
        self._nums = {
            node.get(W + "numId", ""): node for node in root.iterfind(W + "num")
        }
        self._counters: dict[str, dict[int, int]] = {}  # abstract id → level → value
        self._started: set[tuple[str, int]] = set()  # (num id, level) overrides used

    def is_toc(self, paragraph: Element) -> bool:
        """Tell whether a paragraph belongs to Word's own table of contents."""
        style = _style_id(paragraph) or ""
        node = self._styles.get(style)
        name = (_val(node, "name") if node is not None else style) or style
        return bool(re.match(r"toc\s*\d|TOC", name))

    def label(self, paragraph: Element) -> str:
        """Count a paragraph and return its label, "" when it has none."""
        self.last_was_bullet = False
        found = self._number_of(paragraph)
        if found is None:
            return ""
        num_id, level = found
        abstract = self._abstract_of(num_id)
        if abstract is None:
            return ""
        levels = dict(self._abstract.get(abstract, {}))
        levels.update(self._overrides(num_id, levels))
        if level not in levels:
            return ""
        counters = self._count(num_id, abstract, level, levels)
        self.last_was_bullet = levels[level].number_format in ("bullet", "none")
        if levels[level].number_format == "bullet":
            return ""
        return _render(levels, level, counters)

    def _number_of(self, paragraph: Element) -> tuple[str, int] | None:
        direct = paragraph.find(f"{W}pPr/{W}numPr")
        num_id = _val(direct, "numId") if direct is not None else None
        level = _val(direct, "ilvl") if direct is not None else None
        style = _style_id(paragraph) or self._default_style
        if num_id is None:
            num_id, style_level = self._from_style(style)
            level = level if level is not None else style_level
        if num_id is None or num_id == "0":
            return None
        if level is None:
            level = self._level_of_style(num_id, style)
        return num_id, min(_number(level, 0), MAX_LEVEL)

    def _from_style(self, style: str | None) -> tuple[str | None, str | None]:
        for _ in range(MAX_STYLE_DEPTH):
            node = self._styles.get(style or "")
            if node is None:
                break
            numbers = node.find(f"{W}pPr/{W}numPr")
            if numbers is not None and (num_id := _val(numbers, "numId")) is not None:
                level = _val(numbers, "ilvl")
                return num_id, level or self._level_of_style(num_id, style)
            style = _val(node, "basedOn")
        return None, None

    def _level_of_style(self, num_id: str, style: str | None) -> str | None:
        abstract = self._abstract_of(num_id)
        for level, rule in self._abstract.get(abstract or "", {}).items():
            if style is not None and rule.style == style:
                return str(level)
        return None

    def _abstract_of(self, num_id: str) -> str | None:
        node = self._nums.get(num_id)
        key = _val(node, "abstractNumId") if node is not None else None
        if key in self._links:  # the levels live where the numbering style is defined
            return self._style_abstract.get(self._links[key], key)
        return key

    def _overrides(self, num_id: str, levels: dict[int, _Level]) -> dict[int, _Level]:
        found: dict[int, _Level] = {}
        for node in self._nums[num_id].iterfind(W + "lvlOverride"):
            level = _number(node.get(W + "ilvl"), 0)
            whole = node.find(W + "lvl")
            rule = levels.get(level, _Level()) if whole is None else _level(whole)
            start = _val(node, "startOverride")
            if start is not None:
                rule = _Level(
                    _number(start, 1),
                    rule.number_format,
                    rule.pattern,
                    rule.restart,
                    rule.style,
                    rule.legal,
                )
            found[level] = rule
        return found

    def _count(
        self, num_id: str, abstract: str, level: int, levels: dict[int, _Level]
    ) -> dict[int, int]:
        counters = self._counters.setdefault(abstract, {})
        override = any(
            _number(node.get(W + "ilvl"), 0) == level
            and node.find(W + "startOverride") is not None
            for node in self._nums[num_id].iterfind(W + "lvlOverride")
        )
        if override and (num_id, level) not in self._started:
            counters.pop(level, None)
        self._started.add((num_id, level))
        value = counters.get(level)
        counters[level] = levels[level].start if value is None else value + 1
        for upper in range(level):
            counters.setdefault(upper, levels.get(upper, _Level()).start)
        for lower in list(counters):
            rule = levels.get(lower, _Level())
            restarts = rule.restart is None or level < rule.restart
            if lower > level and restarts and rule.restart != 0:
                del counters[lower]
        return counters


def _levels(node: Element) -> dict[int, _Level]:
    return {
        _number(child.get(W + "ilvl"), 0): _level(child)
        for child in node.iterfind(W + "lvl")
    }


def _level(node: Element) -> _Level:
    restart = _val(node, "lvlRestart")
    legal = node.find(W + "isLgl")
    return _Level(
        start=_number(_val(node, "start"), 0 if _val(node, "start") == "0" else 1),
        number_format=_number_format(node),
        pattern=_val(node, "lvlText") or "",
        restart=None if restart is None else _number(restart, 0),
        style=_val(node, "pStyle"),
        legal=legal is not None and legal.get(W + "val") not in ("0", "false"),
    )


def _number_format(node: Element) -> str:
    direct = _val(node, "numFmt")
    if direct is None:  # newer Word wraps formats it may not know
        nested = next(node.iter(W + "numFmt"), None)
        direct = nested.get(W + "val") if nested is not None else None
    return direct or "decimal"


def _val(node: Element, name: str) -> str | None:
    child = node.find(W + name)
    return None if child is None else child.get(W + "val")


def _style_id(paragraph: Element) -> str | None:
    properties = paragraph.find(W + "pPr")
    return None if properties is None else _val(properties, "pStyle")


def _number(text: str | None, default: int) -> int:
    try:
        return int(text) if text is not None else default
    except ValueError:
        return default


def _render(levels: dict[int, _Level], level: int, counters: dict[int, int]) -> str:
    legal = levels[level].legal

    def number(match: re.Match[str]) -> str:
        index = int(match.group(1)) - 1
        rule = levels.get(index, _Level())
        value = counters.get(index, rule.start)
        return format_number(value, "decimal" if legal else rule.number_format)

    return re.sub(r"%(\d)", number, levels[level].pattern).strip()
