"""Capability: identity check, the door to everything personal.

In: a policy number and the last four characters of the holder's ID number. Out: a
binding of this conversation to the customer, kept in the policy store.
"""

from __future__ import annotations

from rasa_sdk.events import FollowupAction, SlotSet

from actions import normalise
from actions.base import BaokeAction, Events
from actions.claim_files import PENDING_FILE
from actions.forms import FORM_EXIT, Field, Filled, FormAction, Unusable
from actions.policystore.model import Locked, Mismatch, Verified
from actions.say import Say
from actions.services import Services
from actions.show import masked_name, minute
from actions.turn import Turn

FORM = "verify_identity_form"
# Another wish that needs the check too takes the place of the first one.
WISHES = (
    "query_policy",
    "ask_renewal",
    "track_claim",
    "dispute_claim",
    "report_claim",
    "change_policy",
    "surrender_policy",
    "request_document",
    "manage_notice",
    "manage_privacy",
)


def begin_identity_check(
    services: Services, turn: Turn, say: Say, after: str
) -> Events:
    """Start the check; ``after`` is the action that runs when it succeeds."""
    with services.unit_of_work() as uow:
        locked = uow.identity.locked_until(turn.sender_id, services.now())
    if locked:
        say("utter_identity_locked", until=minute(locked))
        return []
    say("utter_identity_needed")
    given = normalise.policy_no(turn.first("policy_no") or "")
    tail = normalise.id_tail(turn.first("id_tail") or "")
    return [
        SlotSet("after_identity", after),
        SlotSet("identity_policy_no", given),
        SlotSet("identity_id_tail", tail),
        FollowupAction(FORM),
    ]


def _policy_no(turn: Turn) -> Filled | Unusable | None:
    found = normalise.policy_no(turn.first("policy_no") or turn.text)
    return Filled(found) if found else Unusable("utter_policy_no_unusable")


def _spot_policy_no(turn: Turn) -> Filled | None:
    found = normalise.policy_no(turn.first("policy_no") or "")
    return Filled(found) if found else None


def _id_tail(turn: Turn) -> Filled | Unusable | None:
    if turn.first("id_number"):
        return Unusable("utter_identity_full_number")
    found = normalise.id_tail(turn.first("id_tail") or turn.text)
    return Filled(found) if found else Unusable("utter_id_tail_unusable")


def _spot_id_tail(turn: Turn) -> Filled | None:
    found = normalise.id_tail(turn.first("id_tail") or "")
    return Filled(found) if found else None


class ValidateVerifyIdentityForm(FormAction):
    """Two questions."""

    form = FORM
    own_intent = "verify_identity"
    other_wishes = WISHES

    def fields(self, turn: Turn) -> list[Field]:
        """Policy number, then ID tail."""
        return [
            Field("identity_policy_no", _policy_no, _spot_policy_no, ("保单",)),
            Field("identity_id_tail", _id_tail, _spot_id_tail, ("后四位", "身份证")),
        ]


class ActionVerifyIdentity(BaokeAction):
    """Runs when the form is done: checks, then goes on with what was asked."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_verify_identity"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Bind, count the failure, or step aside for another wish."""
        leave = turn.slot(FORM_EXIT)
        if leave:
            return self._leave(str(leave), say)
        with self.services.unit_of_work() as uow:
            outcome = uow.identity.verify(
                turn.sender_id,
                str(turn.slot("identity_policy_no")),
                str(turn.slot("identity_id_tail")),
                self.services.now(),
            )
        if isinstance(outcome, Verified):
            say("utter_identity_verified", name=masked_name(outcome.customer.name))
            after = turn.slot("after_identity")
            return [*_CLEARED, *([FollowupAction(after)] if after else [])]
        if isinstance(outcome, Mismatch):
            say("utter_identity_mismatch", attempts_left=outcome.attempts_left)
            kept = SlotSet("after_identity", turn.slot("after_identity"))
            return [*_CLEARED, kept, FollowupAction(FORM)]
        assert isinstance(outcome, Locked)
        say("utter_identity_locked", until=minute(outcome.until))
        return _CLEARED

    def _leave(self, leave: str, say: Say) -> Events:
        if leave == "cancel":
            say("utter_identity_cancelled")
            return [*_CLEARED, SlotSet(PENDING_FILE, None)]
        return [*_CLEARED, FollowupAction(f"action_{leave}")]


_CLEARED: Events = [
    SlotSet("identity_policy_no", None),
    SlotSet("identity_id_tail", None),
    SlotSet("after_identity", None),
    SlotSet(FORM_EXIT, None),
]
