"""Read an agreement of this family into clauses with stable references.

In: a docx, txt or md file, or its lines. Out: a `ParsedDocument` in which every
line of the file is in exactly one of clauses, parties, skipped and unplaced.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from actions.agreement.blanks import find_blanks
from actions.agreement.clauses import (
    PREAMBLE_REF,
    Blank,
    Note,
    ParsedClause,
    ParsedDocument,
    SourceLine,
)
from actions.agreement.draft import Draft
from actions.agreement.errors import NoClauseError
from actions.agreement.furniture import TERMINAL, is_heading, line_reasons
from actions.agreement.margins import after_the_end, before_the_start
from actions.agreement.nodes import Node
from actions.agreement.reading import read_file

_BROKEN_OFF = ("，", ",", "、", "：", ":", "；", ";", "…", "...", "（", "(", "——")
_FINISHED = "。！？!?.）)】]」』”\"'"
_TITLE_COLON = re.compile(r"^([^，。；：:]{1,15})[：:]\s*\S")
_BRACKET_TITLE = re.compile(r"^【([^】]{1,20})】")


def import_file(path: Path) -> ParsedDocument:
    """Read and parse a file.

    Raises:
        AgreementError: when it cannot be read or holds no clause.
    """
    lines, front_matter = read_file(path)
    try:
        return parse_lines(lines, front_matter)
    except NoClauseError as err:
        raise NoClauseError(f"{path.name}: {err}") from err


def parse_lines(
    lines: Sequence[SourceLine], front_matter: dict[str, object] | None = None
) -> ParsedDocument:
    """Parse the non-empty lines of an agreement.

    Args:
        lines: as read; `number` counts from 0 without holes.
        front_matter: metadata of a Markdown file, when there is some.

    Raises:
        NoClauseError: when not a single article (第X条) is found.
    """
    draft = Draft(lines, line_reasons(lines))
    draft.read()
    if not any(node.level == 0 for node in draft.nodes):
        raise NoClauseError(
            "no article (第X条) found: "
            f"{len(lines)} lines read, none begins with an article number"
        )
    title, parties = before_the_start(draft)
    after_the_end(draft, parties)
    parents = {id(node.parent) for node in draft.nodes}
    clauses = tuple(_clause(node, parents) for node in draft.nodes)
    blanks = [
        Blank(PREAMBLE_REF, b) for note in parties for b in find_blanks(note.text)
    ]
    blanks += [Blank(c.ref, text) for c in clauses for text in find_blanks(c.text)]
    meta = dict(front_matter or {})
    return ParsedDocument(
        title=str(meta.get("title") or title),
        parties=tuple(sorted(parties, key=lambda n: n.line or 0)),
        clauses=clauses,
        blanks=tuple(blanks),
        skipped=tuple(sorted(draft.skipped, key=lambda n: n.line or 0)),
        unplaced=tuple(sorted(draft.unplaced, key=_place)),
        truncated=_is_truncated(draft, clauses, parties),
        front_matter=meta,
    )


def _place(note: Note) -> tuple[int, str]:
    return (-1 if note.line is None else note.line, note.ref or "")


def _clause(node: Node, parents: set[int]) -> ParsedClause:
    pieces = node.parts if node.lead is None else [node.lead, *node.parts]
    chain: list[Node] = []
    parent = node.parent
    while parent is not None:
        chain.insert(0, parent)
        parent = parent.parent
    return ParsedClause(
        ref=node.ref,
        text=node.text,
        title=_title(node),
        path=tuple(title for n in chain if (title := _title(n))),
        parent=node.parent.ref if node.parent else None,
        level=node.level,
        lines=tuple(dict.fromkeys(number for number, _ in pieces)),
        has_children=id(node) in parents,
        number=node.number,
    )


def _title(node: Node) -> str:
    text = node.text
    if node.lead is not None:
        text = text[len(node.lead[1]) :].lstrip("\n")
    title = _own_title(text)
    return title if title or node.lead is None else node.lead[1]


def _own_title(text: str) -> str:
    first = text.split("\n", 1)[0]
    if match := _BRACKET_TITLE.match(first):
        return match.group(1)
    if is_heading(first) and len(first) <= 25 and first[-1] not in "：:":
        return first
    match = _TITLE_COLON.match(first)
    return match.group(1).strip() if match else ""


def _is_truncated(
    draft: Draft, clauses: Sequence[ParsedClause], parties: Sequence[Note]
) -> bool:
    """Tell whether the last clause stops in the middle of a sentence."""
    last = clauses[-1]
    text = last.text.rstrip()
    signed = any(n.reason == "signature" for n in parties)
    if text.endswith(_BROKEN_OFF):
        return not signed or text[-1] in "，,、（("
    if not text:
        return True
    if text[-1] in _FINISHED or signed:
        return False
    leaves = [c for c in clauses[:-1] if not c.has_children and c.text]
    loose = sum(c.text.rstrip()[-1] not in _FINISHED + TERMINAL for c in leaves)
    return not leaves or loose * 2 <= len(leaves)
