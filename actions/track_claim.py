"""Capability: status of the customer's claims, and doubts about a decision."""

from __future__ import annotations

from rasa_sdk.events import SlotSet

from actions import normalise
from actions.agreement.cite import Citation, cite
from actions.answers import MAX_QUOTE, quote_refs
from actions.base import CustomerAction, Events
from actions.claim_files import PENDING_FILE, missing_papers, pending_file, take_file
from actions.claim_promises import claim_limits
from actions.claim_words import claim_buttons
from actions.policystore.model import Claim
from actions.query_policy import is_product_word
from actions.say import Say
from actions.show import day, minute, money, numbered
from actions.track_request import asks_for_request
from actions.turn import Turn

DECIDED = ("declined", "paid", "approved", "partially_approved", "paying", "closed")
DONE = ("paid", "declined", "withdrawn", "closed")
REASONS_CLAUSE = "第三条(三)5"
PAYING_CLAUSE = "第三条(三)3"
RESULT_CLAUSE = "第三条(一)5"


def named_claims(claims: list[Claim], turn: Turn) -> list[Claim]:
    """Claims the message names by number or product; all when it names none."""
    number = normalise.claim_no(turn.first("claim_no") or "")
    if number:
        return [claim for claim in claims if claim.claim_no == number]
    spoken = turn.values("product")
    by_product = [
        c for c in claims if any(is_product_word(c.product, word) for word in spoken)
    ]
    return by_product or claims


def is_declined(claim: Claim) -> bool:
    """Whether nothing is paid on a decided claim."""
    return claim.status == "declined" or (
        claim.status == "closed" and claim.amount_fen is None
    )


class ActionTrackClaim(CustomerAction):
    """Where is my claim, when is the money coming."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_track_claim"

    def answer(self, turn: Turn, say: Say) -> Events:
        """A request's number asks for that; a file waits for the identity check."""
        if asked := asks_for_request(turn):
            return asked
        file = pending_file(turn)
        kept = [SlotSet(PENDING_FILE, file)] if file else []
        return [*kept, *super().answer(turn, say)]

    def answer_customer(self, customer_id: str, turn: Turn, say: Say) -> Events:
        """One wording and one next action for the status of the claim meant."""
        with self.services.unit_of_work() as uow:
            claims = uow.claims.all_of(customer_id)
        if file := pending_file(turn):
            return take_file(self.services, customer_id, claims, file, turn, say)
        shown = named_claims(claims, turn)
        if not shown:
            # The same words for a foreign number and for one that does not exist.
            named = turn.first("claim_no")
            say("utter_claim_unknown" if named else "utter_no_claims")
            return []
        running = [c for c in shown if c.status not in DONE]
        if len(shown) > 1 and len(running) != 1:
            buttons = claim_buttons(shown, "track_claim")
            say("utter_which_claim", buttons=buttons, count=len(shown))
            return []
        one = shown[0] if len(shown) == 1 else running[0]
        others = [claim for claim in shown if claim is not one]
        self._say_status(one, others, say)
        return []

    def _say_status(self, claim: Claim, others: list[Claim], say: Say) -> None:
        missing = missing_papers(claim)
        response = f"utter_claim_{claim.status}"
        if claim.status in ("reported", "under_survey", "under_assessment") and missing:
            response += "_missing"
        if claim.status == "closed" and is_declined(claim):
            response = "utter_claim_closed_unpaid"
        refs = {
            "approved": (PAYING_CLAUSE,),
            "partially_approved": (PAYING_CLAUSE,),
            "paying": (PAYING_CLAUSE,),
            "paid": (RESULT_CLAUSE,),
        }
        say(
            response,
            quote_refs(self.services.library(), *refs.get(claim.status, ())),
            claim_buttons(others, "track_claim"),
            claim_no=claim.claim_no,
            product=claim.product,
            since=day(claim.status_since),
            missing=numbered(missing),
            amount=money(claim.amount_fen),
            reason=claim.decision_reason,
        )
        self._say_limit(claim, say)

    def _say_limit(self, claim: Claim, say: Say) -> None:
        """By when it goes on, by the product's clause; a human when that is past."""
        limits = claim_limits(self.services, claim)
        if not limits:
            return
        now = self.services.now()
        limit = next((each for each in limits if each.due_at > now), None)
        if limit is None:
            say.hand_off(
                "utter_claim_overdue",
                "claim_overdue",
                priority="high",
                skill="理赔",
                summary=claim.claim_no,
                claim_no=claim.claim_no,
                due=minute(limits[-1].due_at),
            )
            return
        name = "decision" if claim.status == "under_assessment" else "payment"
        due = minute(limit.due_at)
        say(f"utter_claim_{name}_due", [limit.citation], due=due)


class ActionDisputeClaim(CustomerAction):
    """Why refused, why so little: the reasons first, then complaint or human."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_dispute_claim"

    def answer_customer(self, customer_id: str, turn: Turn, say: Say) -> Events:
        """Reasons from the store, the clause they rest on, what can be done."""
        with self.services.unit_of_work() as uow:
            claims = uow.claims.all_of(customer_id)
        decided = [c for c in named_claims(claims, turn) if c.status in DECIDED]
        if not decided:
            say("utter_dispute_none")
            return []
        declined = [c for c in decided if is_declined(c)]
        if len(decided) > 1 and len(declined) != 1:
            buttons = claim_buttons(decided, "dispute_claim")
            say("utter_which_dispute", buttons=buttons)
            return []
        claim = declined[0] if declined else decided[0]
        name = "declined" if is_declined(claim) else "paid"
        say(
            f"utter_dispute_{name}",
            self._decision_clause(claim),
            claim_no=claim.claim_no,
            product=claim.product,
            amount=money(claim.amount_fen),
            reason=claim.decision_reason,
        )
        library = self.services.library()
        if claim.calculation:
            lines = [f"{o.label} {money(o.fen)}" for o in claim.calculation]
            say(
                "utter_claim_calculation",
                quote_refs(library, RESULT_CLAUSE),
                lines=numbered(lines),
                amount=money(claim.amount_fen),
            )
        say("utter_dispute_rights", quote_refs(library, REASONS_CLAUSE))
        return []

    def _decision_clause(self, claim: Claim) -> list[Citation]:
        if claim.decision_clause is None:
            return []
        library = self.services.library()
        product = library.resolve_product(claim.decision_clause.product)
        if product is None:
            return []
        clause = library.clause(claim.decision_clause.ref, product.code)
        return [cite(clause, max_chars=MAX_QUOTE)] if clause else []
