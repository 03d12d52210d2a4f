"""A clause while it is read: its pieces of lines, and how they become its text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from actions.agreement.doubts import WRAPPED_AT
from actions.agreement.furniture import TERMINAL
from actions.agreement.pages import is_quantity

_ASCII_EDGE = re.compile(r"[A-Za-z0-9]$")


@dataclass
class Node:
    """A clause being put together from pieces of lines."""

    ref: str
    level: int
    parent: Node | None
    parts: list[tuple[int, str]] = field(default_factory=list)
    number: str = ""  # as written, its brackets and signs included
    lead: tuple[int, str] | None = None  # a heading above without a number

    @property
    def text(self) -> str:
        """The pieces joined: broken lines without, paragraphs with a newline."""
        text = "" if self.lead is None else self.lead[1] + "\n"
        pieces = [piece for _, piece in self.parts if piece]
        for index, piece in enumerate(pieces):
            ahead = pieces[index + 1] if index + 1 < len(pieces) else ""
            if not text or text[-1] == "\n":
                text += piece
            elif "|" in (text[-1], piece[0]):
                text += "\n" + piece  # rows of a table
            elif is_quantity(text, piece, ahead) or (
                index > 1 and is_quantity(pieces[index - 2], pieces[index - 1], piece)
            ):
                text += piece  # 15⏎个工作日
            elif (
                len(text) - text.rfind("\n") > WRAPPED_AT
                and text[-1] not in TERMINAL + "：:"
            ):
                glue = " " if _ASCII_EDGE.search(text) and piece[0].isascii() else ""
                text += glue + piece
            else:
                text += "\n" + piece
        return text.rstrip("\n")
