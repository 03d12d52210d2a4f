"""Blanks of an agreement: `[具体小时数]`, `【…】`, `____`; finding and filling.

In: the original wording and the insurer's values. Out: the filled wording and
the blanks that are still open and must stay visible when quoted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_BLANK = re.compile(
    r"\[(?:[^\[\]\n]|\[[^\[\]\n]*\]){1,120}\](?!\()"
    r"|\uff3b[^\uff3b\uff3d\n]{1,120}\uff3d|【[^【】\n]{1,120}】|\u3014[^\u3014\u3015\n]{2,120}\u3015"
    r"|[_\uff3f]{2,}|[(（][\s　]{2,}[)）]"
)
_ORDINAL = re.compile(
    r"[\u3014\[\uff3b]\s*\d{4}\s*[\]\uff3d\u3015]"
)  # a file number such as [2026]15


def find_blanks(text: str) -> list[str]:
    """List the blanks of a text, in order, as written."""
    return [text[start:end] for start, end in blank_spans(text)]


def blank_spans(text: str) -> list[tuple[int, int]]:
    """Positions of the blanks of a text."""
    return [
        match.span()
        for match in _BLANK.finditer(text)
        if not _ORDINAL.fullmatch(match.group()) and not _is_title(match, text)
    ]


def _is_title(match: re.Match[str], text: str) -> bool:
    """【服务内容】 right after 第三条 is a title, unless it asks for something."""
    if match.start() != 0 or not match.group().startswith("【"):
        return False
    asks = re.search(r"例如|具体|填|全称|名称|号码|编号|日期|金额|待|请", match.group())
    return asks is None and bool(text[match.end() :].strip())


def fill_blanks(
    text: str, values: Sequence[tuple[str, str]]
) -> tuple[str, tuple[str, ...]]:
    """Put the insurer's values into the blanks.

    Args:
        text: the original wording.
        values: (blank as written, value), in the order of the text. A value is
            used for every blank written the same way, unless the list holds
            several for it; then they are used in order.

    Returns:
        The filled text and the blanks that are left in it.
    """
    queues: dict[str, list[str]] = {}
    for blank, value in values:
        queues.setdefault(_key(blank), []).append(value)
    pieces: list[str] = []
    left: list[str] = []
    position = 0
    for start, end in blank_spans(text):
        blank = text[start:end]
        queue = queues.get(_key(blank), [])
        value = queue[0] if queue else ""
        if len(queue) > 1:
            queue.pop(0)
        if not value.strip():
            left.append(blank)
            value = blank
        pieces += [text[position:start], value]
        position = end
    return "".join(pieces) + text[position:], tuple(left)


def _key(blank: str) -> str:
    """Compare blanks without regard to width, spaces and kind of bracket."""
    folded = unicodedata.normalize("NFKC", blank)
    inner = re.sub(r"[\s\[\]【】\u3014\u3015]", "", folded)
    return re.sub(r"_+", "_", inner)
