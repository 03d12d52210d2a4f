"""Computes the numbers Word shows but does not write: numbering.xml and styles.

In: the numbering and styles parts and each paragraph in order. Out: its label,
such as 第三条 or (二), as Word would print it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from actions.agreement.number_formats import format_number
from actions.agreement.word_styles import W, WordStyles, child_value, switch

MAX_LEVEL = 8
MAX_LINKS = 5  # from one list definition to the next


@dataclass(frozen=True)
class _Level:
    """One level of a Word list: start, number format, pattern, restart rule."""

    start: int = 1
    number_format: str = "decimal"
    pattern: str = "%1."
    restart: int | None = None  # None: after any higher level; 0: never
    style: str | None = None
    legal: bool = False
    hidden: bool = False  # counts, but its number is not shown


class WordNumbering:
    """Labels of the numbered paragraphs; feed the paragraphs in order.

    Args:
        numbering: root of word/numbering.xml, None when absent.
        styles: the document's styles, or the root of word/styles.xml.
    """

    def __init__(
        self, numbering: Element | None, styles: WordStyles | Element | None
    ) -> None:
        self.last_was_bullet = False
        self._styles = styles if isinstance(styles, WordStyles) else WordStyles(styles)
        root = numbering if numbering is not None else Element("none")
        self._abstract: dict[str, dict[int, _Level]] = {}
        self._links: dict[str, str] = {}  # abstract id → id of a numbering style
        self._style_abstract: dict[str, str] = {}  # numbering style → abstract id
        for node in root.iterfind(W + "abstractNum"):
            key = node.get(W + "abstractNumId", "")
            self._abstract[key] = _levels(node)
            if (link := child_value(node, "numStyleLink")) is not None:
                self._links[key] = link
            if (link := child_value(node, "styleLink")) is not None:
                self._style_abstract[link] = key
        self._nums = {
            node.get(W + "numId", ""): node for node in root.iterfind(W + "num")
        }
        self._counters: dict[str, dict[int, int]] = {}  # abstract id → level → value
        self._started: set[tuple[str, int]] = set()  # (num id, level) overrides used

    def is_toc(self, paragraph: Element) -> bool:
        """Tell whether a paragraph belongs to Word's own table of contents."""
        name = self._styles.name(self._styles.of(paragraph) or "")
        return bool(re.match(r"toc\s*\d|TOC", name))

    def is_numbered(self, paragraph: Element) -> bool:
        """Tell whether a paragraph takes a number, without counting it."""
        return self._number_of(paragraph) is not None

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
        if levels[level].number_format == "bullet" or levels[level].hidden:
            return ""
        return _render(levels, level, counters)

    def _number_of(self, paragraph: Element) -> tuple[str, int] | None:
        """List and level: set directly, else inherited, each one for itself."""
        direct = paragraph.find(f"{W}pPr/{W}numPr")
        style = self._styles.of(paragraph)
        num_id = child_value(direct, "numId")
        if num_id is None:
            num_id = self._inherited_list(style)
        if num_id is None or num_id == "0":
            return None
        level = child_value(direct, "ilvl")
        if level is None:
            level = self._inherited_level(num_id, style)
        return num_id, max(0, min(_number(level, 0), MAX_LEVEL))

    def _inherited_list(self, style: str | None) -> str | None:
        """The nearest list in the chain, else the one bound to a style with a level."""
        leveled: list[str] = []
        for name, node in self._styles.chain(style):
            numbers = node.find(f"{W}pPr/{W}numPr")
            if numbers is None:
                continue
            num_id = child_value(numbers, "numId")
            if num_id is not None:
                return num_id
            leveled.append(name)
        return next(filter(None, map(self._list_bound_to, leveled)), None)

    def _own_list(self, style: str) -> str:
        """The list a numbering style defines, "" when it names none."""
        for _, node in self._styles.chain(style):
            num_id = child_value(node.find(f"{W}pPr/{W}numPr"), "numId")
            if num_id is not None:
                return num_id
        return ""

    def _list_bound_to(self, style: str) -> str | None:
        """The first list with a level that names this style."""
        for num_id in self._nums:
            levels = self._abstract.get(self._abstract_of(num_id) or "", {})
            if any(rule.style == style for rule in levels.values()):
                return num_id
        return None

    def _inherited_level(self, num_id: str, style: str | None) -> str | None:
        """The nearest style that the list binds to a level, or that names one."""
        bound = {
            rule.style: level
            for level, rule in self._abstract.get(
                self._abstract_of(num_id) or "", {}
            ).items()
            if rule.style is not None
        }
        for name, node in self._styles.chain(style):
            if name in bound:
                return str(bound[name])
            level = child_value(node.find(f"{W}pPr/{W}numPr"), "ilvl")
            if level is not None:
                return level
        return None

    def _abstract_of(self, num_id: str) -> str | None:
        key = child_value(self._nums.get(num_id), "abstractNumId")
        for _ in range(MAX_LINKS):
            link = self._links.get(key or "")
            if link is None:
                break  # the levels live here, else where the numbering style is
            target = self._style_abstract.get(link)
            if target is None:
                target = child_value(
                    self._nums.get(self._own_list(link)), "abstractNumId"
                )
            if target is None or target == key:
                break
            key = target
        return key

    def _overrides(self, num_id: str, levels: dict[int, _Level]) -> dict[int, _Level]:
        found: dict[int, _Level] = {}
        for node in self._nums[num_id].iterfind(W + "lvlOverride"):
            level = _number(node.get(W + "ilvl"), 0)
            whole = node.find(W + "lvl")
            rule = levels.get(level, _Level()) if whole is None else _level(whole)
            start = child_value(node, "startOverride")
            if start is not None:
                rule = replace(rule, start=_number(start, 1))
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
    restart = child_value(node, "lvlRestart")
    return _Level(
        start=_number(
            child_value(node, "start"), 0 if child_value(node, "start") == "0" else 1
        ),
        number_format=_number_format(node),
        pattern=child_value(node, "lvlText") or "",
        restart=None if restart is None else _number(restart, 0),
        style=child_value(node, "pStyle"),
        legal=bool(switch(node, "isLgl")),
        hidden=bool(switch(node.find(W + "rPr"), "vanish")),
    )


def _number_format(node: Element) -> str:
    direct = child_value(node, "numFmt")
    if direct is None:  # newer Word wraps formats it may not know
        nested = next(node.iter(W + "numFmt"), None)
        direct = nested.get(W + "val") if nested is not None else None
    return direct or "decimal"


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
