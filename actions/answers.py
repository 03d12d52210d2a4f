"""Picks the clauses an answer rests on.

In: the agreement in force, an intent's section words, the customer's question. Out:
clauses and the passages to quote; empty when nothing can honestly be quoted.
"""

from __future__ import annotations

from collections.abc import Sequence

from actions.agreement.cite import Citation, cite
from actions.agreement.clauses import Clause
from actions.agreement.library import Library

# Characters of one quotation in a chat bubble; longer clauses are quoted in part.
MAX_QUOTE = 400
# Clauses of a section that are quoted when the question names none of them.
SECTION_SIZE = 3
NAME_RUN = 3  # characters in a row that make a name recognisable
MAX_NAME = 16  # a clause's name before the colon is no longer
TABLE_ROW = "\n|"  # rows of a table stand in a clause's text as | cell | cell |


def quote_refs(library: Library, *refs: str) -> list[Citation]:
    """Citations of these clauses of the service agreement; unknown ones left out."""
    clauses = (library.clause(ref) for ref in refs)
    return [cite(clause, max_chars=MAX_QUOTE) for clause in clauses if clause]


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
