"""What the clause searches of one action found, for "why this answer".

In: notes of a search. Out: plain values for the ledger and for ``baoke why``; nothing is
noted outside `recording`. The customer's words are not part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

MAX_SEARCHES = 5  # of one action; further ones are not noted
Trail = list[dict[str, Any]]

_running: ContextVar[Trail | None] = ContextVar("trail", default=None)


@contextmanager
def recording() -> Iterator[Trail]:
    """Note the searches made inside, in this task or thread only."""
    trail: Trail = []
    token = _running.set(trail)
    try:
        yield trail
    finally:
        _running.reset(token)


def note_search(
    document: str, found: Sequence[tuple[str, float]], *, refused: bool
) -> None:
    """Note one search.

    Args:
        document: "service" or a product code.
        found: references and confidences (0-1), best first.
        refused: the best was not good enough, so nothing was quoted.
    """
    trail = _running.get()
    if trail is None or len(trail) >= MAX_SEARCHES:
        return
    clauses = [{"ref": ref, "score": round(score, 4)} for ref, score in found]
    trail.append({"document": document, "clauses": clauses, "refused": refused})
