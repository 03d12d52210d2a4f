"""Capability: filing a complaint (投诉).

Anybody may complain; what the policy store knows is not asked. The due date comes from
the agreement's own commitment, in Chinese working days.
"""

from __future__ import annotations

from typing import Any

from rasa_sdk.events import FollowupAction, SlotSet

from actions.base import BaokeAction, Events
from actions.fields import (
    asks_anew,
    confirmed_field,
    open_text,
    phone_field,
    reset,
    substance_of,
)
from actions.forms import (
    FORM_EXIT,
    Field,
    Filled,
    FormAction,
    Unusable,
)
from actions.policystore.model import ComplaintIntake, Customer
from actions.promises import promise_for
from actions.say import Say
from actions.services import Services
from actions.show import masked_phone, minute
from actions.turn import Turn
from actions.words import words

FORM = "file_complaint_form"
SLOTS = (
    "complaint_category",
    "complaint_what",
    "complaint_wanted",
    "complaint_phone",
    "complaint_confirmed",
)


def customer_of(services: Services, turn: Turn) -> Customer | None:
    """The verified customer of this conversation, if any."""
    with services.unit_of_work() as uow:
        customer: Customer | None = uow.identity.customer_of(
            turn.sender_id, services.now()
        )
    return customer


def customer_id_of(services: Services, turn: Turn) -> str | None:
    """The number of the verified customer of this conversation, if any."""
    customer = customer_of(services, turn)
    return customer.customer_id if customer else None


def category_of(text: str) -> str | None:
    """The category a text tells by its words."""
    for category, cues in words()["complaint_category_cues"].items():
        if any(cue in text for cue in cues):
            return str(category)
    return None


class ActionFileComplaint(BaokeAction):
    """Starts or resumes the complaint: at most one turn after the wish."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_file_complaint"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Keep what was told already; take the phone on file."""
        begun = any(turn.slot(slot) for slot in SLOTS)
        say("utter_file_complaint_resume" if begun else "utter_file_complaint_begin")
        events: Events = [SlotSet("complaint_confirmed", None)]
        told = substance_of(turn) if turn.intent == "file_complaint" else None
        if told and turn.slot("complaint_what") is None:
            events.append(SlotSet("complaint_what", told))
            category = category_of(told)
            if category and turn.slot("complaint_category") is None:
                events.append(SlotSet("complaint_category", category))
        customer = customer_of(self.services, turn)
        if customer and customer.phone and turn.slot("complaint_phone") is None:
            events.append(SlotSet("complaint_phone", customer.phone))
        return [*events, FollowupAction(FORM)]


class ValidateFileComplaintForm(FormAction):
    """The five questions, fewer when the answers are known."""

    form = FORM
    own_intent = "file_complaint"

    def fields(self, turn: Turn) -> list[Field]:
        """Questions in order."""
        customer = customer_of(self.services, turn)
        return [
            Field("complaint_category", _category, cues=("类别", "类型")),
            _account("complaint_what", "经过", "内容"),
            _account("complaint_wanted", "诉求", "要求"),
            phone_field("complaint_phone", customer.phone if customer else None),
            confirmed_field("complaint_confirmed", adds_to="complaint_what"),
        ]


def _account(slot: str, *cues: str) -> Field:
    return Field(slot, open_text, cues=cues, is_open=True, takes_refusals=True)


def _category(turn: Turn) -> Filled | Unusable | None:
    choice = turn.first("choice")
    known = words()["complaint_categories"]
    if choice in known:
        return Filled(choice)
    named = next((name for name in known if name in turn.text), None)
    found = named or category_of(turn.text)
    return Filled(found) if found else Unusable("utter_complaint_category_unusable")


class ActionAskComplaintPhone(BaokeAction):
    """Asks for a phone; only when none is on file."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_complaint_phone"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Ask."""
        say("utter_ask_complaint_phone")
        return []


class ActionAskComplaintConfirmed(BaokeAction):
    """Reads the complaint back."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_complaint_confirmed"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Read back, or ask what is to be corrected."""
        if asks_anew(turn, say):
            return []
        say(
            "utter_complaint_read_back",
            category=turn.slot("complaint_category"),
            what=turn.slot("complaint_what"),
            wanted=turn.slot("complaint_wanted"),
            phone=masked_phone(str(turn.slot("complaint_phone"))),
        )
        return []


class ActionFileComplaintSubmit(BaokeAction):
    """Runs when the form is done: number and due date, with the clause."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_file_complaint_submit"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Store once, tell number and due date."""
        leave = turn.slot(FORM_EXIT)
        if leave == "cancel":
            say("utter_file_complaint_cancelled")
            return reset(*SLOTS, FORM_EXIT)
        if leave:
            return [*reset(FORM_EXIT), FollowupAction(f"action_{leave}")]
        now = self.services.now()
        promise = promise_for(self.services, now)
        customer_id = customer_id_of(self.services, turn)
        intake = ComplaintIntake(
            sender_id=turn.sender_id,
            customer_id=customer_id,
            category=str(turn.slot("complaint_category")),
            what=str(turn.slot("complaint_what")),
            wanted=str(turn.slot("complaint_wanted")),
            contact_phone=str(turn.slot("complaint_phone")),
            channel=turn.sender_id.partition(":")[0],
        )
        with self.services.unit_of_work() as uow:
            complaint = uow.complaints.file(
                intake, promise.due_at, promise.rule, turn.turn_id, now
            )
        told: dict[str, Any] = {
            "complaint_no": complaint.complaint_no,
            "due": minute(complaint.due_at),
            "ref": promise.rule,
        }
        if promise.citation is None or promise.clause_due_at is None:
            say("utter_complaint_submitted_law_only", **told)
        elif promise.due_at < promise.clause_due_at:
            clause_due = minute(promise.clause_due_at)
            citations = [promise.citation]
            say(
                "utter_complaint_submitted_law",
                citations,
                clause_due=clause_due,
                **told,
            )
        else:
            say("utter_complaint_submitted", [promise.citation], **told)
        say("utter_complaint_escalate")
        return reset(*SLOTS, FORM_EXIT)
