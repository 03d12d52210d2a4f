"""Measures clause search on a file of questions with their clauses.

In: rows (question, acceptable references; none = must be refused) and a search. Out:
figures. A refused question that has an answer counts as a miss.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.agreement.clauses import Clause, Hit, fold_ref
from actions.agreement.errors import AgreementError

Search = Callable[[str], Sequence[Hit]]
RANKS = 3  # positions looked at


@dataclass(frozen=True)
class Row:
    """One question; `refs` empty: no clause answers it."""

    question: str
    refs: tuple[str, ...]
    line: int = 0  # of the file


def read_rows(path: Path) -> list[Row]:
    """Read a tab separated file with the columns question and ref.

    Raises:
        AgreementError: when it is missing, empty or lacks a column; names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        raise AgreementError(f"{path}: {err}") from err
    lines = csv.reader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    header = [name.strip().lower() for name in next(lines, [])]
    if "question" not in header or "ref" not in header:
        raise AgreementError(f"{path}:1: expected the columns question and ref")
    asked, wanted = header.index("question"), header.index("ref")
    rows = []
    for number, cells in enumerate(lines, 2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) <= asked or not cells[asked].strip():
            raise AgreementError(f"{path}:{number}: no question")
        refs = cells[wanted] if wanted < len(cells) else ""
        parts = tuple(part.strip() for part in refs.split("|") if part.strip())
        rows.append(Row(cells[asked].strip(), parts, number))
    if not rows:
        raise AgreementError(f"{path}: no rows")
    return rows


def evaluate(rows: Sequence[Row], search: Search) -> dict[str, Any]:
    """Run every question and count.

    Returns:
        n, top1, top3, mrr over the questions with an answer; refusal_recall over those
        without; refusal_precision over all refused; the wrong ones in `errors`.
    """
    ranks: list[int] = []  # 1–3, 0 = not found or refused
    refused_right = refused_wrong = unanswerable = broken_quotes = 0
    errors: list[dict[str, Any]] = []
    for row in rows:
        hits = search(row.question)[:RANKS]
        found = [hit.clause.ref for hit in hits]
        broken_quotes += sum(hit.passage not in hit.clause.text for hit in hits)
        if not row.refs:
            unanswerable += 1
            refused_right += not hits
            wrong = bool(hits)
        else:
            rank = _rank(found, row.refs)
            ranks.append(rank)
            refused_wrong += not hits
            wrong = rank != 1
        if wrong:
            errors.append(
                {"question": row.question, "ref": "|".join(row.refs), "found": found}
            )
    refused = refused_right + refused_wrong
    return {
        "n": len(rows),
        "top1": _share(sum(rank == 1 for rank in ranks), len(ranks)),
        "top3": _share(sum(rank > 0 for rank in ranks), len(ranks)),
        "mrr": _share(sum(1 / rank for rank in ranks if rank), len(ranks)),
        "refusal_recall": _share(refused_right, unanswerable),
        "refusal_precision": _share(refused_right, refused),
        "answerable": len(ranks),
        "answerable_refused": _share(refused_wrong, len(ranks)),
        "broken_quotes": broken_quotes,
        "errors": errors,
    }


def unknown_refs(rows: Sequence[Row], clauses: Sequence[Clause]) -> Iterator[str]:
    """Yield ``line: what is wrong`` for references that no clause has."""
    known = {fold_ref(clause.ref) for clause in clauses}
    for row in rows:
        for ref in row.refs:
            if fold_ref(ref) not in known:
                yield f"{row.line}: no clause {ref}; this row can only be wrong"


def _rank(found: Sequence[str], wanted: Sequence[str]) -> int:
    folded = {fold_ref(ref) for ref in wanted}
    for position, ref in enumerate(found, 1):
        if fold_ref(ref) in folded:
            return position
    return 0


def _share(part: float, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
