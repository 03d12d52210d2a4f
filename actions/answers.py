"""Picks the clauses an answer rests on.

In: the agreement in force, an intent's section words, the customer's question. Out:
clauses and the passages to quote; empty when nothing can honestly be quoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from actions.agreement.cite import Citation, cite, sentences
from actions.agreement.clauses import Clause
from actions.agreement.commitments import commitments_of
from actions.agreement.events import Named, Place, Strength
from actions.agreement.library import Library
from actions.agreement.trail import note_search
from actions.agreement.words import bigrams, normalise

# Characters of one quotation in a chat bubble; longer clauses are quoted in part.
MAX_QUOTE = 400
# Clauses of a section that are quoted when the question names none of them.
SECTION_SIZE = 3
NAME_RUN = 3  # characters in a row that make a name recognisable
MAX_NAME = 16  # a clause's name before the colon is no longer
TABLE_ROW = "\n|"  # rows of a table stand in a clause's text as | cell | cell |


# What a sheet says of an event: under the exclusions only, the benefits only, with an
# exception or on both sides, in passing, or nothing.
Verdict = Literal["excluded", "covered", "both", "mentioned", "unnamed"]


@dataclass(frozen=True)
class EventAnswer:
    """Where a sheet speaks of what was asked; no judgement of a case."""

    verdict: Verdict
    citations: tuple[Citation, ...] = ()


def quote_event(library: Library, code: str, question: str) -> EventAnswer | None:
    """Clauses of a product sheet that name the event of a question.

    However it is asked (赔吗, 赔不赔, 算不算): only where the sheet names the event
    decides what is quoted and under which words.

    Args:
        library: the sheets in force.
        code: product code.
        question: the customer's words; empty when a button asked.

    Returns:
        None when the question names no event (哪些不赔) or does not ask for one.
    """
    if not question:
        return None
    finder = library.events(code)
    asked = finder.asked(question)
    if not asked.event:
        return None
    named = finder.find(question)
    verdict = _verdict(named)
    if verdict in ("mentioned", "unnamed") and (asked.open or not asked.verdict):
        return None
    if verdict == "unnamed" and finder.is_general(asked.event):
        return None
    found = [(p.clause.ref, p.strength / Strength.NAMED) for p in named.places]
    note_search(code, found, refused=not found)
    return EventAnswer(
        verdict, tuple(_cite_event(place, asked.event) for place in named.places)
    )


def _verdict(named: Named) -> Verdict:
    sided = (*named.excluded, *named.covered)
    if not any(place.strength is Strength.NAMED for place in sided):
        return "mentioned" if named.places else "unnamed"
    sides = {against for place in sided for against in place.against}
    if named.excluded and (named.covered or False in sides):
        return "both"
    if len(sides) > 1:
        return "both"
    return "excluded" if True in sides else "covered"


def _cite_event(place: Place, event: str) -> Citation:
    """Quote a clause whole, or of a long one what lies around the event."""
    clause = place.clause
    if len(clause.text) <= MAX_QUOTE:
        return cite(clause)
    wanted = set(bigrams(event))
    pieces = sentences(clause.text)
    counts = [len(wanted & set(bigrams(normalise(piece)))) for piece in pieces]
    best = max(range(len(pieces)), key=lambda i: (counts[i], -i))
    # Exceptions stand behind what they except.
    return cite(clause, "".join(pieces[best:]).strip("\n"), max_chars=MAX_QUOTE)


def quote_refs(library: Library, *refs: str) -> list[Citation]:
    """Citations of these clauses of the service agreement; unknown ones left out."""
    clauses = (library.clause(ref) for ref in refs)
    return [cite(clause, max_chars=MAX_QUOTE) for clause in clauses if clause]


def clause_with_limit(library: Library, question: str, usual: str) -> Clause | None:
    """The clause whose own time limit a question is about, when it is not the usual one.

    Args:
        library: the agreement in force.
        question: the customer's words; it asks how long something takes.
        usual: reference of the clause on answers to questions and requests.

    Returns:
        None when the question names nothing that another clause promises a time for.
    """
    first = library.clause(usual)
    common = set(library.terms(_all_of(first))) if first else set()
    asked = set(library.terms(question)) - common
    best: tuple[int, Clause] | None = None
    for clause in library.clauses():
        found = commitments_of(clause)
        if clause.ref == usual or not found:
            continue
        subject = " ".join((*clause.path[1:], clause.title, found[0].trigger))
        shared = len(asked & set(library.terms(subject)))
        if shared and (best is None or shared > best[0]):
            best = (shared, clause)
    return best[1] if best else None


def _all_of(clause: Clause) -> str:
    return " ".join((*clause.path, clause.title, clause.text))


def search_service(library: Library, question: str, within: str = "") -> list[Citation]:
    """Best clauses of the service agreement for a question.

    Args:
        library: the agreement in force.
        question: the customer's words.
        within: only clauses whose reference starts so, e.g. ``第一条``.
    """
    hits = library.search(question, document="service")
    return [
        cite(hit.clause, hit.passage, max_chars=MAX_QUOTE)
        for hit in hits
        if hit.clause.ref.startswith(within)
    ][:1]


def quote_product(
    library: Library,
    code: str,
    section: Sequence[str],
    question: str,
    beside: Sequence[str] = (),
) -> list[Citation]:
    """Clauses of one section of a product sheet that answer a question.

    Args:
        library: the sheets in force.
        code: product code, e.g. ``critical_illness``.
        section: words one of which stands in the section's heading.
        question: the customer's words; empty when a button asked.
        beside: words of a section that may answer the question as well: whether a drunk
            driver is paid stands under the exclusions, however it is asked.

    Returns:
        The clauses of the section the search finds, else the section's first ones.
    """
    clauses = [c for c in library.clauses(code) if in_section(c, section)]
    if not clauses:
        return []
    if question:
        wide = (*section, *beside)
        refs = {c.ref for c in library.clauses(code) if in_section(c, wide)}
        hits = library.search(question, code, limit=2, within=refs)
        if hits:
            found = [(h.clause, h.passage) for h in hits]
            pool = [c for c in library.clauses(code) if c.ref in refs]
            named = _named(pool, question)
            if named and named not in [clause for clause, _ in found[:1]]:
                found = [(named, named.text), found[0]]
            return _with_table(found, clauses)
    leaves = [clause for clause in clauses if not clause.has_children]
    return [cite(c, max_chars=MAX_QUOTE) for c in (leaves or clauses)[:SECTION_SIZE]]


def _named(pool: Sequence[Clause], question: str) -> Clause | None:
    """The one clause whose own name the question says: 免赔额多少 → 免赔额与报销比例."""
    runs = {
        question[i : i + NAME_RUN] for i in range(max(0, len(question) - NAME_RUN + 1))
    }
    named = [
        clause
        for clause in pool
        if not clause.has_children
        and any(run in clause.text.partition("：")[0][:MAX_NAME] for run in runs)
    ]
    return named[0] if len(named) == 1 else None


def _with_table(
    found: list[tuple[Clause, str]], section: list[Clause]
) -> list[Citation]:
    """Cite what was found; a section's rate table is shown whole, never in part."""
    tables = [clause for clause in section if TABLE_ROW in clause.text]
    if tables and not any(clause in tables for clause, _ in found):
        found = [found[0], (tables[0], "")]
    return [
        cite(clause, None if clause in tables else passage, max_chars=MAX_QUOTE)
        for clause, passage in found
    ]


def in_section(clause: Clause, section: Sequence[str]) -> bool:
    """Whether a heading above the clause, or its own, holds one of the words."""
    headings = (*clause.path, clause.title)
    return any(word in heading for word in section for heading in headings)
