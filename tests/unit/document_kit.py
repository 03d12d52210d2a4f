"""Reading documents in tests, and the rule that no character of them is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from actions.agreement.clauses import ParsedDocument, SourceLine
from actions.agreement.importing import parse_lines

TESTS = Path(__file__).parents[1]
DOCUMENTS = TESTS / "fixtures" / "documents"
AGREEMENT_DATA = TESTS.parent / "data" / "agreement"
PLACES = ("parties", "skipped", "unplaced")


def source_lines(text: str) -> list[SourceLine]:
    """The lines of a text file; a form feed begins another page."""
    found: list[SourceLine] = []
    for page, part in enumerate(text.split("\f")):
        for line in part.splitlines():
            if line.strip():
                found.append(SourceLine(len(found), line.strip(), "text", page))
    return found


def parse(text: str) -> ParsedDocument:
    return parse_lines(source_lines(text))


def refs(document: ParsedDocument) -> list[str]:
    return [clause.ref for clause in document.clauses]


def articles(document: ParsedDocument) -> list[str]:
    return [clause.ref for clause in document.clauses if clause.level == 0]


def text_of(document: ParsedDocument, ref: str) -> str:
    return next(clause.text for clause in document.clauses if clause.ref == ref)


def skipped(document: ParsedDocument) -> list[tuple[str, str]]:
    return [(note.text, note.reason) for note in document.skipped]


def characters(text: str) -> Counter[str]:
    return Counter(char for char in text if not char.isspace())


def placed(document: ParsedDocument) -> Counter[str]:
    """Every character the import shows, the clauses' own numbers as written too."""
    texts = [clause.number + clause.text for clause in document.clauses]
    texts += [note.text for name in PLACES for note in getattr(document, name)]
    return characters("".join(texts))


def assert_lossless(source: str, document: ParsedDocument) -> None:
    """Every character of the source stands in exactly one place."""
    wanted, found = characters(source), placed(document)
    assert (wanted - found, found - wanted) == (Counter(), Counter())


def assert_each_line_has_a_place(
    lines: Sequence[SourceLine], document: ParsedDocument
) -> None:
    """Whole lines are in one list; a line with numbers may be in several clauses."""
    notes = {
        name: [note.line for note in getattr(document, name) if note.line is not None]
        for name in PLACES
    }
    in_clauses = {line for clause in document.clauses for line in clause.lines}
    for line in lines:
        times = sum(notes[name].count(line.number) for name in PLACES)
        assert times or line.number in in_clauses, line
        assert notes["skipped"].count(line.number) <= 1, line
        if line.number in notes["skipped"]:
            assert times == 1 and line.number not in in_clauses, line
