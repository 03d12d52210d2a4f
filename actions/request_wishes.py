"""Capability: what a customer may wish of us: change, surrender, documents, notices, data.

In: a wish in the customer's words. Out: the request form, begun with what was told; the
identity is checked first, for weighty wishes anew. The form is `request_service`.
"""

from __future__ import annotations

import abc

from rasa_sdk.events import FollowupAction, SlotSet

from actions import normalise
from actions.answers import quote_product, quote_refs
from actions.base import CustomerAction, Events
from actions.fields import reset, substance_of
from actions.negation import read_negation
from actions.policystore.model import Policy, RequestKind
from actions.policystore.service_requests import OPEN
from actions.query_policy import is_product_word, named_policies
from actions.say import Say
from actions.track_request import asks_for_request, say_request
from actions.turn import Turn
from actions.words import words

FORM = "request_service_form"
SLOTS = ("request_kind", "request_policy_no", "request_detail", "request_confirmed")
# What the wish is about stands in these clauses of the agreement.
CLAUSES = {
    "document": ("第三条(一)3", "第三条(一)5"),
    "change": ("第三条(一)3",),
    "surrender": ("第三条(一)3",),
    "notice": ("第三条(一)4",),
    "privacy": ("第六条(三)1",),
}
# These concern the person, not one policy.
WITHOUT_POLICY = ("notice", "privacy")
NO_POLICY = "-"
# The identity must have been checked lately; for privacy it depends on what is wished.
WEIGHTY = ("change", "surrender", "document")
LIGHT_CHOICES = ("access", "unbind")


class ServiceWish(CustomerAction):
    """Starts the request form for one kind of wish."""

    @property
    @abc.abstractmethod
    def intent(self) -> str:
        """The intent this action answers."""

    @property
    @abc.abstractmethod
    def kind(self) -> RequestKind:
        """What the store calls it."""

    def name(self) -> str:
        """``action_`` and the intent."""
        return f"action_{self.intent}"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Keep what the first message told, then check the identity."""
        if asked := asks_for_request(turn):
            return asked
        told = substance_of(turn) if turn.intent == self.intent else None
        other = turn.slot("request_kind") != self.kind
        kept: Events = reset(*SLOTS) if other else []
        kept.append(SlotSet("request_kind", self.kind))
        if told and self._tells_detail(turn):
            kept.append(SlotSet("request_detail", told))
        if turn.intent == self.intent and (name := _name_of_policy(turn)):
            kept.append(SlotSet("request_policy_no", name))
        return [*kept, *super().answer(turn, say)]

    def answer_customer(self, customer_id: str, turn: Turn, say: Say) -> Events:
        """Start the form; the policy is known when there is only one."""
        with self.services.unit_of_work() as uow:
            policies = uow.policies.all_of(customer_id)
            requests = uow.requests.all_of(customer_id)
        same = [r for r in requests if r.kind == self.kind and r.status in OPEN]
        for request in same[:3]:
            say_request(self.services, request, say)
        if same and any(cue in turn.text for cue in words()["request_progress_cues"]):
            return reset(*SLOTS)  # asks how it goes on, wants nothing new
        say(
            f"utter_request_begin_{self.kind}",
            quote_refs(self.services.library(), *CLAUSES[self.kind]),
        )
        return [
            SlotSet("request_kind", self.kind),
            SlotSet("request_policy_no", self._chosen(policies, turn)),
            SlotSet("request_confirmed", None),
            FollowupAction(FORM),
        ]

    def is_weighty(self, turn: Turn) -> bool:
        """Whether the wish needs a check of lately."""
        same = turn.slot("request_kind") == self.kind
        return is_weighty_wish(self.kind, turn.slot("request_detail") if same else None)

    def _chosen(self, policies: list[Policy], turn: Turn) -> str | None:
        """The policy that is meant; what was said before the check goes first."""
        if self.kind in WITHOUT_POLICY or not policies:
            return NO_POLICY
        before = turn.slot("request_policy_no") if turn.intent != self.intent else None
        kept = [p for p in policies if before and _is_called(p, str(before))]
        meant = kept or named_policies(policies, turn)
        return meant[0].policy_no if len(meant) == 1 else None

    def _tells_detail(self, turn: Turn) -> bool:
        cues = words()["request_detail_cues"].get(self.kind, [])
        return any(cue in turn.text for cue in cues)


def is_weighty_wish(kind: str, detail: str | None) -> bool:
    """Whether the check of long ago does not do; a detail not told yet weighs nothing."""
    if kind != "privacy":
        return kind in WEIGHTY
    light = [words()["privacy_choices"][choice] for choice in LIGHT_CHOICES]
    return detail is not None and detail not in light


def _name_of_policy(turn: Turn) -> str | None:
    """What a message calls a policy: its number, its plate or its product."""
    return (
        normalise.policy_no(turn.first("policy_no") or "")
        or normalise.plate_no(turn.first("plate_no") or "")
        or turn.first("product")
    )


def _is_called(policy: Policy, name: str) -> bool:
    by_number = name in (policy.policy_no, policy.plate_no)
    return by_number or is_product_word(policy.product, name)


class ActionChangePolicy(ServiceWish):
    """Phone, address, bank card, beneficiary, holder."""

    intent = "change_policy"
    kind = "change"


class ActionSurrenderPolicy(ServiceWish):
    """Surrender (退保): no obstacle, the clause and a human."""

    intent = "surrender_policy"
    kind = "surrender"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Begin it; 我不想退保，想问下现金价值 is told what holds and begins nothing."""
        if turn.intent != self.intent or turn.is_payload:
            return super().answer(turn, say)
        if self.intent not in read_negation(turn.text).wishes:
            return super().answer(turn, say)
        library = self.services.library()
        product = library.resolve_product(turn.first("product") or "")
        section = words()["product_sections"]["surrender_policy"]
        terms = quote_product(library, product.code, section, "") if product else []
        cited = terms or quote_refs(library, *CLAUSES[self.kind])
        say("utter_surrender_not_begun", cited)
        return reset(*SLOTS)


class ActionRequestDocument(ServiceWish):
    """E-policy, invoice, calculation, proof of payment."""

    intent = "request_document"
    kind = "document"


class ActionManageNotice(ServiceWish):
    """Notices on or off."""

    intent = "manage_notice"
    kind = "notice"


class ActionManagePrivacy(ServiceWish):
    """What is stored, export, deletion, unbinding."""

    intent = "manage_privacy"
    kind = "privacy"
