"""Capability: what became of a service request; asked by its number (R and 13 digits)."""

from __future__ import annotations

import re
import unicodedata

from rasa_sdk.events import FollowupAction, SlotSet

from actions.answers import quote_refs
from actions.base import CustomerAction, Events
from actions.policystore.model import ServiceRequest
from actions.policystore.service_requests import OPEN
from actions.say import Say
from actions.services import Services
from actions.show import day, minute
from actions.turn import Turn
from actions.words import words

SLOT = "request_no"
_NUMBER = re.compile(r"(?<![A-Z0-9])R\d{13}(?!\d)")


def request_no(text: str) -> str | None:
    """The number of a request in a text, None without one."""
    folded = unicodedata.normalize("NFKC", text).upper()
    found = _NUMBER.search(folded)
    return found.group() if found else None


def asks_for_request(turn: Turn) -> Events:
    """Events that answer a message with a request's number; none without one."""
    number = None if turn.is_payload else request_no(turn.text)
    if number is None:
        return []
    return [SlotSet(SLOT, number), FollowupAction("action_track_request")]


def say_request(services: Services, request: ServiceRequest, say: Say) -> None:
    """Tell where a request stands, by when it is answered, and what came of it."""
    kind = words()["request_kinds"][request.kind]
    values = {
        "request_no": request.request_no,
        "kind": kind,
        "status": words()["request_status"][request.status],
        "requested": day(request.requested_at),
    }
    overdue = request.due_at is not None and request.due_at < services.now()
    if request.status in OPEN and overdue:
        say.hand_off(
            "utter_request_overdue",
            "request_overdue",
            priority="high",
            summary=f"{kind} {request.request_no}",
            **values,
        )
        return
    if request.status in OPEN and request.due_at and request.due_clause:
        say(
            "utter_request_status_due",
            quote_refs(services.library(), request.due_clause),
            due=minute(request.due_at),
            **values,
        )
    elif request.result:
        say("utter_request_result", result=request.result, **values)
    else:
        say("utter_request_status", **values)


class ActionTrackRequest(CustomerAction):
    """Where is my request."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_track_request"

    def answer_customer(self, customer_id: str, turn: Turn, say: Say) -> Events:
        """Status of the request meant; foreign and invented numbers look the same."""
        number = str(turn.slot(SLOT) or "")
        with self.services.unit_of_work() as uow:
            request = uow.requests.get(customer_id, number)
        if request is None:
            say("utter_request_unknown")
        else:
            say_request(self.services, request, say)
        return [SlotSet(SLOT, None)]
