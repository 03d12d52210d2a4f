"""Capability: complaints after filing: status, withdrawal, and how it all works.

Part of `file_complaint`. A complaint is visible to the conversation that filed it and to
the verified customer it belongs to, to nobody else.
"""

from __future__ import annotations

from typing import Any

from actions import normalise
from actions.answers import quote_refs
from actions.base import BaokeAction, Events
from actions.file_complaint import PROMISE, customer_of
from actions.policystore.model import Complaint
from actions.say import Say, button
from actions.services import Services
from actions.show import minute
from actions.turn import Turn
from actions.words import words

CHANNEL = "第三条(四)1"
FAIRNESS = "第三条(四)3"
CLOSED = ("withdrawn", "decided", "closed")


class ActionTrackComplaint(BaokeAction):
    """Where is my complaint."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_track_complaint"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Status and due date of the complaints this customer may see."""
        complaints = _visible(self.services, turn)
        if not complaints:
            named = turn.first("complaint_no")
            say("utter_complaint_unknown" if named else "utter_no_complaints")
            return []
        for complaint in complaints[:5]:
            self._say_status(complaint, say)
        return []

    def _say_status(self, complaint: Complaint, say: Say) -> None:
        values: dict[str, Any] = {
            "complaint_no": complaint.complaint_no,
            "category": complaint.category,
            "due": minute(complaint.due_at),
        }
        if complaint.status == "withdrawn":
            say("utter_complaint_withdrawn_status", **values)
            return
        overdue = complaint.due_at < self.services.now()
        if overdue and complaint.status not in CLOSED:
            say.hand_off(
                "utter_complaint_overdue",
                "complaint_overdue",
                priority="high",
                summary=complaint.complaint_no,
                **values,
            )
            return
        status = words()["complaint_status"].get(complaint.status, complaint.status)
        say(
            "utter_complaint_status",
            quote_refs(self.services.library(), PROMISE),
            filed=minute(complaint.filed_at),
            status=status,
            **values,
        )


def _visible(services: Services, turn: Turn) -> list[Complaint]:
    customer = customer_of(services, turn)
    customer_id = customer.customer_id if customer else None
    number = normalise.complaint_no(turn.first("complaint_no") or "")
    with services.unit_of_work() as uow:
        if number:
            one = uow.complaints.get(turn.sender_id, customer_id, number)
            return [one] if one else []
        return list(uow.complaints.all_of(turn.sender_id, customer_id))


class ActionWithdrawComplaint(BaokeAction):
    """Takes a complaint back after one explicit confirmation."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_withdraw_complaint"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Confirm, then withdraw; choose first when there are several."""
        running = [c for c in _visible(self.services, turn) if c.status not in CLOSED]
        if not running:
            named = turn.first("complaint_no")
            say("utter_complaint_unknown" if named else "utter_withdraw_none")
            return []
        if len(running) > 1:
            say(
                "utter_which_withdraw",
                buttons=[
                    button(
                        f"{c.complaint_no} {c.category}",
                        "withdraw_complaint",
                        complaint_no=c.complaint_no,
                    )
                    for c in running
                ],
            )
            return []
        complaint = running[0]
        if turn.first("choice") != "yes":
            say("utter_withdraw_confirm", complaint_no=complaint.complaint_no)
            return []
        customer = customer_of(self.services, turn)
        with self.services.unit_of_work() as uow:
            uow.complaints.withdraw(
                turn.sender_id,
                customer.customer_id if customer else None,
                complaint.complaint_no,
                turn.turn_id,
                self.services.now(),
            )
        say("utter_complaint_withdrawn", complaint_no=complaint.complaint_no)
        return []


class ActionAskComplaintProcess(BaokeAction):
    """Where and how to complain, how long it takes, the regulator's hotline."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_ask_complaint_process"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Ways to complain and the three clauses."""
        library = self.services.library()
        facts = library.facts
        limit = library.commitment(PROMISE)
        if limit:
            say(
                "utter_complaint_limit",
                quote_refs(library, PROMISE),
                amount=limit.amount,
                unit=limit.unit,
            )
        say(
            "utter_complaint_process",
            quote_refs(library, CHANNEL, FAIRNESS),
            hotline=facts["hotline"],
            complaint_email=facts["complaint_email"],
            regulator_hotline=facts["regulator_hotline"],
        )
        return []
