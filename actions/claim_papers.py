"""Papers a claim needs (理赔材料), by claim type, with the product clause.

In: ``data/agreement/papers.yml`` through the library. Out: names to list at once
(一次性告知) and the clauses they come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actions.agreement.cite import Citation, cite
from actions.agreement.library import Library
from actions.answers import MAX_QUOTE
from actions.words import words


@dataclass(frozen=True)
class Papers:
    """The complete list for one claim type.

    Attributes:
        names: As they are told, with the reason for each.
        always: Plain names of those that every claim of the type needs.
    """

    names: list[str]
    always: list[str]
    citations: list[Citation]


def kinds(library: Library) -> list[str]:
    """Claim types with a list, in the file's order."""
    return list(library.papers)


def kind_for_text(library: Library, text: str) -> str | None:
    """The claim type a customer's words mean, None when they leave it open."""
    for kind, cues in words()["claim_kind_cues"].items():
        if kind in library.papers and any(cue in text for cue in cues):
            return str(kind)
    return next((kind for kind in library.papers if kind in text), None)


def kind_for_product(library: Library, product: str) -> str | None:
    """The usual claim type of a product, e.g. 重疾险 → 重疾."""
    kind = words()["claim_kind_of_product"].get(product)
    return str(kind) if kind in library.papers else None


def papers_for(library: Library, kind: str) -> Papers:
    """The list for a claim type.

    Raises:
        KeyError: no such claim type.
    """
    entries: list[dict[str, Any]] = library.papers[kind]
    names = [
        f"{entry['name']}（{entry['why']}）" if entry.get("why") else str(entry["name"])
        for entry in entries
    ]
    sometimes = words()["papers_sometimes"]
    always = [
        str(entry["name"])
        for entry in entries
        if not str(entry.get("why") or "").startswith(sometimes)
    ]
    refs = dict.fromkeys(
        (entry["clause"]["product"], entry["clause"]["ref"]) for entry in entries
    )
    citations = []
    for product, ref in list(refs)[:3]:
        clause = library.clause(ref, product)
        if clause:
            citations.append(cite(clause, max_chars=MAX_QUOTE))
    return Papers(names, always, citations)
