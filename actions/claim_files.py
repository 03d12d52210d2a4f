"""Files a customer sends for a claim: which paper of which claim each of them is.

In: a file the edge has kept, named by a button. Out: the file tied to a paper, and what
is still missing. The edge lets through only buttons it has offered, word for word, so no
customer can name somebody else's file.
"""

from __future__ import annotations

from rasa_sdk.events import SlotSet

from actions.base import Events
from actions.claim_words import claim_buttons
from actions.errors import IllegalStep
from actions.policystore.claims import TAKES_PAPERS
from actions.policystore.model import Claim, ClaimFile
from actions.say import Say, button
from actions.services import Services
from actions.show import numbered
from actions.turn import Turn

PENDING_FILE = "pending_file"  # slot: {"id", "name"} while the identity is checked
MAX_BUTTONS = 10


def pending_file(turn: Turn) -> dict[str, str] | None:
    """The file this turn is about: of the button pressed, else the one that waits."""
    if file_id := turn.first("file_id"):
        return {"id": file_id, "name": turn.first("file_name") or ""}
    waiting = turn.slot(PENDING_FILE)
    return waiting if isinstance(waiting, dict) and waiting.get("id") else None


def missing_papers(claim: Claim) -> list[str]:
    """Names of required papers not received yet."""
    return [p.name for p in claim.papers if p.required and p.received_at is None]


def take_file(
    services: Services,
    customer_id: str,
    claims: list[Claim],
    file: dict[str, str],
    turn: Turn,
    say: Say,
) -> Events:
    """Tie the file to the paper that was chosen, or ask which one it is."""
    claim_no, paper = turn.first("claim_no"), turn.first("paper")
    if not claim_no or not paper:
        return _ask_which(claims, file, claim_no, say)
    kept = ClaimFile(file["id"], paper, file["name"], services.now())
    try:
        with services.unit_of_work() as uow:
            claim = uow.claims.receive_paper(customer_id, claim_no, paper, kept)
    except IllegalStep:
        claim = None
    done: Events = [SlotSet(PENDING_FILE, None)]
    if claim is None:
        say("utter_file_not_taken")
        return done
    missing = missing_papers(claim)
    name = "utter_file_taken_missing" if missing else "utter_file_taken"
    say(name, claim_no=claim.claim_no, paper=paper, missing=numbered(missing))
    return done


def _ask_which(
    claims: list[Claim], file: dict[str, str], claim_no: str | None, say: Say
) -> Events:
    """Ask which paper it is; with more of them than buttons, which claim first."""
    running = [
        claim
        for claim in claims
        if claim.status in TAKES_PAPERS and claim_no in (None, claim.claim_no)
    ]
    choices = [
        (claim, name) for claim in running for name in missing_papers(claim)
    ] or [(claim, paper.name) for claim in running for paper in claim.papers]
    which = {"file_id": file["id"], "file_name": file["name"]}
    meant = {claim.claim_no: claim for claim, _ in choices}
    if not choices:
        say("utter_file_no_claim")
    elif len(choices) > MAX_BUTTONS and len(meant) > 1:
        newest = list(meant.values())[:MAX_BUTTONS]
        buttons = claim_buttons(newest, "track_claim", **which)
        say("utter_which_claim_file", buttons=buttons)
    else:
        buttons = [
            button(
                f"{name}（{claim.product} {claim.claim_no[-4:]}）",
                "track_claim",
                claim_no=claim.claim_no,
                paper=name,
                **which,
            )
            for claim, name in choices[:MAX_BUTTONS]
        ]
        say("utter_which_paper", buttons=buttons)
    return [SlotSet(PENDING_FILE, None)]  # the buttons name it from now on
