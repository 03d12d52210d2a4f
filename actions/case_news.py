"""What a customer is told at once when a step was taken in their case.

In: a case as JSON after the step. Out: which notice of the edge, its values, and the
conversations it goes to; None when the step is the insurer's own business.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from actions.policystore.claim_cases import DECISIONS
from actions.policystore.unit_of_work import UnitOfWork
from actions.words import words

Json = dict[str, Any]


def news_of(
    uow: UnitOfWork, kind: str, step: str, case: Json, now: datetime
) -> Json | None:
    """Return what is to be told, under a key that makes a repeat a repeat.

    Every sentence says that somebody of the insurer wrote or noted it: this system
    itself has done nothing of it.
    """
    make = {"complaints": _complaint, "claims": _claim, "requests": _request}[kind]
    found = make(step, case)
    if found is None:
        return None
    notice, values, number, count = found
    senders = _senders(uow, kind, case, now)
    if not senders:
        return None
    return {
        "notice": notice,
        "values": values,
        "senders": senders,
        "key": f"case:{number}:{count}",
    }


_News = tuple[str, Json, str, int] | None


def _complaint(step: str, case: Json) -> _News:
    number, count = case["complaint_no"], len(case["entries"])
    values = {"number": number, "due": _minute(case["due_at"])}
    if step == "progress":
        text = case["progress"][-1]["text"]
        return "case_progress", {**values, "words": text}, number, count
    if step == "extend":
        return "case_extended", values, number, count
    if step == "decide":
        text = case["decision"]["text"]
        return "case_decided", {**values, "words": text}, number, count
    return None


def _claim(step: str, case: Json) -> _News:
    number, count = case["claim_no"], len(case["history"])
    moved = case["history"][-1]["status"] == case["status"]
    if step == "assign" or not moved or _waits(step, case):
        return None
    status = words()["claim_status"].get(case["status"], case["status"])
    return "claim_moved", {"number": number, "status": status}, number, count


def _waits(step: str, case: Json) -> bool:
    """Whether a decision waits for a second person, or an old one got its second."""
    if step == "decide":
        return str(case["status"]) not in DECISIONS
    if step == "approve":
        agreed = case["approval"]["wish"]
        return "lines" not in agreed  # written before two were asked for
    return False


def _request(step: str, case: Json) -> _News:
    number, count = case["request_no"], len(case["history"])
    status = words()["request_status"].get(case["status"], case["status"])
    said = case["history"][-1]["reason"] or ""
    values = {"number": number, "status": status, "words": said}
    if case["status"] == "done" and case["evidence"]:
        values["what"] = case["evidence"]
        return "request_done", values, number, count
    notice = "request_answered" if said else "request_moved"
    return notice, values, number, count


def _senders(uow: UnitOfWork, kind: str, case: Json, now: datetime) -> list[str]:
    if kind == "complaints":
        return [str(case["sender_id"])]
    if kind == "claims":
        owner = uow.claim_cases.owner(case["claim_no"])
    else:
        owner = uow.requests.owner(case["request_no"])
    return list(uow.identity.senders_of(owner, now)) if owner is not None else []


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")  # as `case_json` gives it: in Beijing time
