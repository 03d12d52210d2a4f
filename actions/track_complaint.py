"""Capability: complaints after filing: status, withdrawal, and how it all works.

Part of `file_complaint`. A complaint is visible to the conversation that filed it and to
the verified customer it belongs to, to nobody else.
"""

from __future__ import annotations

from typing import Any

from actions import normalise
from actions.answers import quote_refs
from actions.base import BaokeAction, Events
from actions.claim_files import pending_file
from actions.errors import IllegalStep
from actions.file_complaint import customer_id_of
from actions.policystore.complaint_steps import OPEN
from actions.policystore.complaints import REVIEW_WITHIN
from actions.policystore.model import Complaint
from actions.promises import COMPLAINT, review_for
from actions.say import Button, Say, button
from actions.services import Services
from actions.show import minute
from actions.track_request import asks_for_request
from actions.turn import Turn
from actions.words import words

CHANNEL = "第三条(四)1"
FAIRNESS = "第三条(四)3"
MAX_PROGRESS = 3  # notes shown of one complaint


class ActionTrackComplaint(BaokeAction):
    """Where is my complaint."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_track_complaint"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Status and due date of the complaints this customer may see."""
        if asked := asks_for_request(turn):
            return asked
        complaints = _visible(self.services, turn)
        if turn.first("file_id"):
            self._take_file(complaints, turn, say)
            return []
        if not complaints:
            named = turn.first("complaint_no")
            say("utter_complaint_unknown" if named else "utter_no_complaints")
            return []
        if turn.first("choice") == "review":
            self._ask_review(complaints[0], turn, say)
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
        if complaint.status in ("decided", "closed") and complaint.decision:
            self._say_decision(complaint, values, say)
            return
        overdue = complaint.due_at < self.services.now()
        if overdue and complaint.status in OPEN:
            say.hand_off(
                "utter_complaint_overdue",
                "complaint_overdue",
                priority="high",
                summary=complaint.complaint_no,
                **values,
            )
            return
        status = words()["complaint_status"].get(complaint.status, complaint.status)
        # After an extension or in a review the limit is the law's, not the clause's.
        by_clause = complaint.due_clause == COMPLAINT
        refs = (COMPLAINT,) if by_clause else ()
        say(
            "utter_complaint_status" if by_clause else "utter_complaint_status_law",
            quote_refs(self.services.library(), *refs),
            filed=minute(complaint.filed_at),
            status=status,
            rule=complaint.due_clause,
            **values,
        )
        if complaint.progress:
            notes = complaint.progress[-MAX_PROGRESS:]
            lines = "\n".join(f"{minute(note.at)} {note.text}" for note in notes)
            say("utter_complaint_progress", progress=lines)

    def _say_decision(
        self, complaint: Complaint, values: dict[str, Any], say: Say
    ) -> None:
        decision = complaint.decision
        assert decision is not None
        until = decision.at + REVIEW_WITHIN
        name = "utter_complaint_decided"
        if self.services.now() > until:
            name = "utter_complaint_decided_final"
        say(
            name,
            quote_refs(self.services.library(), FAIRNESS),
            decided=minute(decision.at),
            decision=decision.text,
            until=minute(until),
            **values,
        )

    def _ask_review(self, complaint: Complaint, turn: Turn, say: Say) -> None:
        customer_id = customer_id_of(self.services, turn)
        due_at, rule = review_for(self.services, self.services.now())
        try:
            with self.services.unit_of_work() as uow:
                taken = uow.complaints.ask_review(
                    turn.sender_id,
                    customer_id,
                    complaint.complaint_no,
                    due_at,
                    rule,
                    self.services.now(),
                )
        except IllegalStep:
            say("utter_review_not_possible", complaint_no=complaint.complaint_no)
            return
        assert taken is not None  # it was visible a moment ago, and none is deleted
        say.hand_off(
            "utter_review_asked",
            "complaint_review",
            summary=taken.complaint_no,
            complaint_no=taken.complaint_no,
            due=minute(taken.due_at),
            rule=taken.due_clause,
        )

    def _take_file(self, complaints: list[Complaint], turn: Turn, say: Say) -> None:
        """Add a file to the complaint that is meant, or ask which one."""
        file = pending_file(turn)
        assert file is not None
        running = [c for c in complaints if c.status in OPEN]
        if not running:
            say("utter_file_no_complaint")
            return
        if len(running) > 1:
            say(
                "utter_which_complaint_file",
                buttons=_buttons(
                    running,
                    "track_complaint",
                    file_id=file["id"],
                    file_name=file["name"],
                ),
            )
            return
        customer_id = customer_id_of(self.services, turn)
        try:
            with self.services.unit_of_work() as uow:
                uow.complaints.add_evidence(
                    turn.sender_id,
                    customer_id,
                    running[0].complaint_no,
                    file["id"],
                    file["name"],
                    self.services.now(),
                )
        except IllegalStep:  # decided or withdrawn in this moment
            say("utter_file_no_complaint")
            return
        say("utter_file_evidence", complaint_no=running[0].complaint_no)


def _visible(services: Services, turn: Turn) -> list[Complaint]:
    customer_id = customer_id_of(services, turn)
    number = normalise.complaint_no(turn.first("complaint_no") or "")
    with services.unit_of_work() as uow:
        if number:
            one = uow.complaints.get(turn.sender_id, customer_id, number)
            return [one] if one else []
        return list(uow.complaints.all_of(turn.sender_id, customer_id))


def _buttons(complaints: list[Complaint], intent: str, **more: str) -> list[Button]:
    """One button a complaint: number and category; ``more`` goes into its payload."""
    return [
        button(
            f"{complaint.complaint_no} {complaint.category}",
            intent,
            complaint_no=complaint.complaint_no,
            **more,
        )
        for complaint in complaints
    ]


class ActionWithdrawComplaint(BaokeAction):
    """Takes a complaint back after one explicit confirmation."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_withdraw_complaint"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Confirm, then withdraw; choose first when there are several."""
        running = [c for c in _visible(self.services, turn) if c.status in OPEN]
        if not running:
            named = turn.first("complaint_no")
            say("utter_complaint_unknown" if named else "utter_withdraw_none")
            return []
        if len(running) > 1:
            buttons = _buttons(running, "withdraw_complaint")
            say("utter_which_withdraw", buttons=buttons)
            return []
        complaint = running[0]
        if turn.first("choice") != "yes":
            say("utter_withdraw_confirm", complaint_no=complaint.complaint_no)
            return []
        customer_id = customer_id_of(self.services, turn)
        with self.services.unit_of_work() as uow:
            uow.complaints.withdraw(
                turn.sender_id,
                customer_id,
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
        limit = library.commitment(COMPLAINT)
        if limit:
            say(
                "utter_complaint_limit",
                quote_refs(library, COMPLAINT),
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
