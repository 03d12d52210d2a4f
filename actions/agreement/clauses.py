"""Values of the agreement room (条款): plain, frozen, without any library.

`ParsedDocument` is what the importer reads from a file; `Clause` is what the
rest of the product quotes: its blanks are filled and it knows its version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from actions.agreement.words import normalise

PREAMBLE_REF = "首部"  # where blanks of the title and party block are listed


@dataclass(frozen=True)
class SourceLine:
    """One non-empty line of the imported file.

    Args:
        number: position among the non-empty lines, from 0.
        text: the line as read, a generated Word number in front.
        origin: "text", "heading" (of Markdown), "row" (a table row), "toc" (Word's own
            contents), "note" (a footnote) or "hidden" (what Word does not show).
        page: form feeds before it.
    """

    number: int
    text: str
    origin: str = "text"
    page: int = 0


@dataclass(frozen=True)
class Blank:
    """A place the insurer has to fill, as written: `[具体小时数]`, `____`."""

    ref: str
    text: str


@dataclass(frozen=True)
class Note:
    """A line, or part of one, that is not in a clause, and why.

    `line` is None when a number is missing and there is no line to show.
    """

    text: str
    reason: str
    line: int | None = None
    ref: str | None = None


@dataclass(frozen=True)
class ParsedClause:
    """A clause as imported: original wording, blanks open."""

    ref: str
    text: str
    title: str
    path: tuple[str, ...]  # titles of the levels above, outermost first
    parent: str | None
    level: int  # 0 = 第X条, 1 = (一), 2 = 1. …; -1 = chapter heading
    lines: tuple[int, ...]
    has_children: bool = False
    number: str = ""  # as written, such as 【第一条】 or （一）


@dataclass(frozen=True)
class ParsedDocument:
    """Everything the importer found in one file; no line is lost."""

    title: str
    parties: tuple[Note, ...]
    clauses: tuple[ParsedClause, ...]
    blanks: tuple[Blank, ...]
    skipped: tuple[Note, ...]
    unplaced: tuple[Note, ...]
    truncated: bool
    front_matter: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DocumentVersion:
    """Which text is quoted: document key, title, version, first day in force."""

    document: str
    title: str
    version: str
    effective_from: date


@dataclass(frozen=True)
class Clause:
    """A clause of the version in force.

    `text` is what may be quoted (blanks filled as far as the settings go);
    `open_blanks` are the blanks still visible in it: never promise those; `plain` is
    the approved sentence that says it in everyday words, if there is one.
    """

    source: DocumentVersion
    ref: str
    text: str
    original: str
    title: str = ""
    path: tuple[str, ...] = ()
    parent: str | None = None
    level: int = 0
    has_children: bool = False
    open_blanks: tuple[str, ...] = ()
    plain: str = ""

    @property
    def document(self) -> str:
        """Key of the document: "service" or a product code."""
        return self.source.document


@dataclass(frozen=True)
class Hit:
    """A clause found for a question.

    Args:
        clause: the clause.
        score: calibrated, 0–1; only comparable within one document.
        passage: the part of `clause.text` that answers best, verbatim.
    """

    clause: Clause
    score: float
    passage: str


@dataclass(frozen=True)
class Product:
    """A product sheet: code (file stem), full name, short word, other names."""

    code: str
    name: str
    label: str
    aliases: tuple[str, ...]
    source: DocumentVersion


def fold_ref(ref: str) -> str:
    """Bring a reference to one form: no spaces, half-width brackets and digits."""
    return re.sub(r"[\s.、．]", "", normalise(ref))
