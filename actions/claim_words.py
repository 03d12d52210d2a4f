"""Claims in a customer's words: the status, and the buttons that name one of several."""

from __future__ import annotations

from collections.abc import Iterable

from actions.policystore.model import Claim
from actions.say import Button, button
from actions.words import words


def claim_buttons(claims: Iterable[Claim], intent: str, **more: str) -> list[Button]:
    """One button a claim: number, product and status; ``more`` goes into its payload."""
    return [
        button(
            f"{claim.claim_no} {claim.product} {status_word(claim)}",
            intent,
            claim_no=claim.claim_no,
            **more,
        )
        for claim in claims
    ]


def status_word(claim: Claim) -> str:
    """The claim's status in Chinese."""
    return str(words()["claim_status"].get(claim.status, claim.status))
