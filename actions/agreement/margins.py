"""Sorts what stands before the first article and after the last clause.

In: the importer's draft after reading. Out: title, party lines, and the rest in
the draft's skipped and unplaced lists.
"""

from __future__ import annotations

import re

from actions.agreement.clauses import Note
from actions.agreement.doubts import WRAPPED_AT
from actions.agreement.draft import Draft
from actions.agreement.furniture import TERMINAL, matches

MAX_TITLE = 40
MAX_LOOSE = 60  # characters; longer lines are not judged by single words
_TITLE = re.compile(
    r"^[^，。：:>|_]{2,40}(?:协议|合同|条款|协议书|合同书)\s*(?:[(（].{1,20}[)）])?$"
)


def before_the_start(draft: Draft) -> tuple[str, list[Note]]:
    """Find the title and the party block.

    Returns:
        The title ("" when there is none) and the lines of the block.
    """
    title = ""
    parties: list[Note] = []
    for note in draft.before:
        text = note.text
        marked = note.reason == "heading" and not title
        is_title = marked or (bool(_TITLE.match(text)) and note.reason == "text")
        if is_title and not title and (marked or not matches("loose", text)):
            title = text
            parties.append(Note(text, "title", note.line))
        elif is_title and title and (text in title or title in text):
            draft.skipped.append(Note(text, "repeated_header", note.line))
        elif matches("party", text) or note.reason == "row":
            parties.append(Note(text, "party", note.line))
        elif _is_loose(text):
            draft.skipped.append(Note(text, "furniture", note.line))
        elif parties and _is_prose(text, parties):
            parties.append(Note(text, "party", note.line))
        else:
            draft.unplaced.append(Note(text, "before_the_start", note.line))
    return title or _first_heading(draft), parties


def _is_prose(text: str, parties: list[Note]) -> bool:
    """Words of the agreement's own introduction, or a wrapped line of it."""
    started = any(note.reason == "party" for note in parties)
    return started and (text[-1] in TERMINAL + "：:，" or len(text) >= WRAPPED_AT)


def _first_heading(draft: Draft) -> str:
    """A marked skipped or unplaced line may still name the document."""
    for note in [*draft.unplaced, *draft.skipped]:
        named = re.search("协议|合同", note.text) and len(note.text) <= MAX_TITLE
        if named and (note.line or 0) < draft.nodes[0].parts[0][0]:
            return note.text
    return ""


def _is_loose(text: str) -> bool:
    return len(text) <= MAX_LOOSE and matches("loose", text)


def after_the_end(draft: Draft, parties: list[Note]) -> None:
    """Sort the lines after the last number: its text, signatures, page furniture."""
    ended = draft.current is None
    prose = [i for i, note in enumerate(draft.held) if note.text[-1] in TERMINAL]
    for index, note in enumerate(draft.held):
        dated = matches("date", note.text) and index >= max(prose, default=0)
        ended = _sort_tail(note, draft, parties, ended, dated)
    draft.held = []
    for note in draft.tail:
        _sort_tail(note, draft, parties, True, matches("date", note.text))


def _sort_tail(
    note: Note, draft: Draft, parties: list[Note], ended: bool, dated: bool
) -> bool:
    """Place one line; returns whether the agreement is over now."""
    text = note.text
    if dated or matches("signature", text):
        parties.append(Note(text, "signature", note.line))
        return True
    if ended and any(matches(name, text) for name in ("site", "margin", "end")):
        draft.skipped.append(Note(text, "furniture", note.line))
        return True
    if ended and _is_loose(text):
        draft.skipped.append(Note(text, "furniture", note.line))
        return True
    if ended and matches("party", text) and len(text) <= MAX_LOOSE:
        parties.append(Note(text, "signature", note.line))
        return True
    current = draft.current
    if not ended and current is not None:
        current.parts.append((note.line or 0, text))
        return False
    draft.unplaced.append(Note(text, "after_the_end", note.line))
    return True
