"""Capability: wishes recorded as a service request with a number.

In: a wish begun by `request_wishes`. Out: the request, stored once, with the moment it is
answered by; a human takes over where a human must act.
"""

from __future__ import annotations

from typing import cast

from rasa_sdk.events import FollowupAction

from actions.answers import quote_product, quote_refs
from actions.base import BaokeAction, Events
from actions.fields import asks_anew, confirmed_field, open_text, reset
from actions.file_complaint import customer_of
from actions.forms import (
    FORM_EXIT,
    Field,
    Filled,
    FormAction,
    Unusable,
)
from actions.policystore.model import Policy, RequestKind, ServiceRequest
from actions.policystore.service_requests import OPEN
from actions.promises import request_due
from actions.query_policy import named_policies
from actions.request_wishes import CLAUSES, FORM, SLOTS, is_weighty_wish
from actions.say import Say, button
from actions.show import minute
from actions.turn import Turn
from actions.verify_identity import is_checked_lately
from actions.words import words


class ValidateRequestServiceForm(FormAction):
    """Which policy, what exactly, confirmed."""

    form = FORM
    own_intent = "request_service"

    def fields(self, turn: Turn) -> list[Field]:
        """Questions in order."""
        return [
            Field("request_policy_no", self._policy, cues=("保单",)),
            Field("request_detail", _detail, cues=("内容", "改成"), is_open=True),
            confirmed_field("request_confirmed", adds_to="request_detail"),
        ]

    def wish(self, turn: Turn) -> str:
        """The wish whose details are asked for."""
        return _INTENT_OF.get(str(turn.slot("request_kind")), self.own_intent)

    def _policy(self, turn: Turn) -> Filled | Unusable | None:
        policies = _policies(self, turn)
        named = named_policies(policies, turn)
        if len(named) == len(policies) > 1:
            named = [p for p in policies if p.product.removesuffix("险") in turn.text]
        if len(named) == 1:
            return Filled(named[0].policy_no)
        return Unusable("utter_claim_policy_unusable")


def _detail(turn: Turn) -> Filled | Unusable | None:
    choice = turn.first("choice")
    if choice:
        return Filled(words()["privacy_choices"].get(choice, choice))
    return open_text(turn)


def _policies(action: BaokeAction, turn: Turn) -> list[Policy]:
    customer = customer_of(action.services, turn)
    if customer is None:
        return []
    with action.services.unit_of_work() as uow:
        policies: list[Policy] = uow.policies.all_of(customer.customer_id)
    return policies


class ActionAskRequestPolicyNo(BaokeAction):
    """Asks for the policy with the customer's own as buttons."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_request_policy_no"

    def answer(self, turn: Turn, say: Say) -> Events:
        """One button a policy."""
        say(
            "utter_ask_request_policy_no",
            buttons=[
                button(f"{p.product} {p.policy_no}", "inform", policy_no=p.policy_no)
                for p in _policies(self, turn)
            ],
        )
        return []


class ActionAskRequestDetail(BaokeAction):
    """Asks for what this kind of request needs."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_request_detail"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Ask."""
        say(f"utter_ask_request_detail_{turn.slot('request_kind')}")
        return []


class ActionAskRequestConfirmed(BaokeAction):
    """Reads the request back."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_request_confirmed"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Read back, or ask what is to be corrected."""
        if asks_anew(turn, say):
            return []
        self._say_surrender_terms(turn, say)
        say(
            "utter_request_read_back",
            kind=words()["request_kinds"][str(turn.slot("request_kind"))],
            policy=turn.slot("request_policy_no"),
            detail=turn.slot("request_detail"),
        )
        return []

    def _say_surrender_terms(self, turn: Turn, say: Say) -> None:
        """The product's own terms, before the customer confirms."""
        number = turn.slot("request_policy_no")
        policy = next((p for p in _policies(self, turn) if p.policy_no == number), None)
        if turn.slot("request_kind") != "surrender" or policy is None:
            return
        library = self.services.library()
        product = library.resolve_product(policy.product)
        section = words()["product_sections"]["surrender_policy"]
        found = quote_product(library, product.code, section, "") if product else []
        if found:
            say("utter_surrender_terms", found)


class ActionRequestServiceSubmit(BaokeAction):
    """Runs when the form is done: number, clause, and a human where one must act."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_request_service_submit"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Store once and say what happens next."""
        leave = turn.slot(FORM_EXIT)
        if leave == "cancel":
            say("utter_request_cancelled")
            return reset(*SLOTS, FORM_EXIT)
        if leave:
            return [*reset(FORM_EXIT), FollowupAction(f"action_{leave}")]
        kind = str(turn.slot("request_kind"))
        customer = customer_of(self.services, turn)
        detail = str(turn.slot("request_detail"))
        # The check may have ended, or grown old, while the form was being filled.
        if customer is None or (
            is_weighty_wish(kind, detail) and not is_checked_lately(self.services, turn)
        ):
            return [FollowupAction(f"action_{_INTENT_OF[kind]}")]
        policy_no = str(turn.slot("request_policy_no"))
        now = self.services.now()
        with self.services.unit_of_work() as uow:
            request = uow.requests.record(
                turn.sender_id,
                customer.customer_id,
                kind,
                {"policy_no": policy_no, "detail": detail},
                turn.turn_id,
                now,
                request_due(self.services, cast(RequestKind, kind), now),
            )
            unbind = detail == words()["privacy_choices"]["unbind"]
            if kind == "privacy" and unbind:
                uow.identity.unbind(turn.sender_id)
        if unbind and kind == "privacy":
            request = self._finish(request)
        self._say_number(request, say)
        if kind == "privacy" and unbind:
            say("utter_unbound")
        elif request.needs_human:
            say.hand_off(
                "utter_request_human",
                "service_request",
                skill=str(words()["skills"]["policy"]),
                summary=f"{words()['request_kinds'][kind]} {request.request_no}",
            )
        return reset(*SLOTS, FORM_EXIT)

    def _say_number(self, request: ServiceRequest, say: Say) -> None:
        """The number, and the promise where the agreement makes one."""
        library = self.services.library()
        if request.due_at and request.due_clause and request.status in OPEN:
            say(
                "utter_request_submitted_due",
                quote_refs(library, request.due_clause),
                request_no=request.request_no,
                due=minute(request.due_at),
            )
            return
        cited = quote_refs(library, *CLAUSES[request.kind])
        name = "utter_request_submitted_clause" if cited else "utter_request_submitted"
        say(name, cited, request_no=request.request_no)

    def _finish(self, request: ServiceRequest) -> ServiceRequest:
        """Nobody has to do what was done at once; a repeated turn finds it done."""
        if request.status not in OPEN:
            return request
        with self.services.unit_of_work() as uow:
            done: ServiceRequest = uow.requests.move(
                request.request_no, "done", "system", self.services.now()
            )
        return done


_INTENT_OF = {
    "change": "change_policy",
    "surrender": "surrender_policy",
    "document": "request_document",
    "notice": "manage_notice",
    "privacy": "manage_privacy",
}
