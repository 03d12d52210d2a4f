"""When a claim is decided and paid, by its product's own clauses (agreement 第三条(三)3).

In: a claim. Out: the limits its clauses give, the earliest first, with the clause. The
clock of a decision begins when the papers are complete and stands still while papers are
missing; that of a payment begins with the decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from actions.agreement.cite import Citation, cite
from actions.agreement.clauses import Clause
from actions.agreement.commitments import Commitment, commitments_of
from actions.answers import MAX_QUOTE
from actions.policystore.model import Claim
from actions.services import Services

# Which limits of a sheet are meant: a word of every sentence, a word of one of them.
DECIDING = ("核定", "齐全")
PAYING = ("协议后", "付")
APPROVED = ("approved", "partially_approved")


@dataclass(frozen=True)
class ClaimLimit:
    """By when, and the clause that says so."""

    due_at: datetime
    citation: Citation


def claim_limits(services: Services, claim: Claim) -> list[ClaimLimit]:
    """The limits that run now, the earliest first; none while papers are missing."""
    if claim.status == "under_assessment":
        if any(p.required and p.received_at is None for p in claim.papers):
            return []
        return _limits(services, claim, DECIDING, _complete_since(claim))
    if claim.status in (*APPROVED, "paying"):
        decided = [change.at for change in claim.history if change.status in APPROVED]
        since = decided[-1] if decided else claim.status_since
        return _limits(services, claim, PAYING, since)
    return []


def _complete_since(claim: Claim) -> datetime:
    """When the last required paper was there; the start of assessment without papers."""
    received = [p.received_at for p in claim.papers if p.required and p.received_at]
    assessed = [c.at for c in claim.history if c.status == "under_assessment"]
    begun = assessed[0] if assessed else claim.status_since
    return max(received) if received else begun


def _limits(
    services: Services, claim: Claim, meant: tuple[str, str], since: datetime
) -> list[ClaimLimit]:
    found = []
    for clause, promised in _promised(services, claim, meant):
        due = services.calendar.due_with_pauses(
            since, promised.amount, promised.unit, _pauses(claim)
        )
        if due is not None:
            found.append(ClaimLimit(due, cite(clause, max_chars=MAX_QUOTE)))
    return sorted(found, key=lambda limit: limit.due_at)


def _promised(
    services: Services, claim: Claim, meant: tuple[str, str]
) -> list[tuple[Clause, Commitment]]:
    """The commitments of the first clause of the product's sheet that makes such ones."""
    library = services.library()
    product = library.resolve_product(claim.product)
    every, one_of_them = meant
    for clause in library.clauses(product.code) if product else ():
        promised = [one for one in commitments_of(clause) if every in one.quote]
        if any(one_of_them in one.quote for one in promised):
            return [(clause, one) for one in promised]
    return []


def _pauses(claim: Claim) -> list[tuple[datetime, datetime | None]]:
    """The times in which papers were missing."""
    moments = [change.at for change in claim.history]
    following: list[datetime | None] = [*moments[1:], None]
    return [
        (change.at, until)
        for change, until in zip(claim.history, following, strict=False)
        if change.status == "papers_missing"
    ]
