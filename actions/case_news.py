"""What a customer is told at once when a step was taken in their case.

In: a case as JSON after the step. Out: which notice of the edge, its values, and the
conversations it goes to; None when the step is the insurer's own business.
"""

from __future__ import annotations

from typing import Any

from actions.services import Services
from actions.words import words

Json = dict[str, Any]


def news_of(services: Services, kind: str, step: str, case: Json) -> Json | None:
    """Return what is to be told, under a key that makes a repeat a repeat."""
    make = {"complaints": _complaint, "claims": _claim, "requests": _request}[kind]
    found = make(step, case)
    if found is None:
        return None
    notice, values, number, count = found
    return {
        "notice": notice,
        "values": values,
        "senders": _senders(services, kind, case),
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
    status = words()["claim_status"].get(case["status"], case["status"])
    return "claim_moved", {"number": number, "status": status}, number, count


def _request(step: str, case: Json) -> _News:
    number, count = case["request_no"], len(case["history"])
    status = words()["request_status"].get(case["status"], case["status"])
    values = {"number": number, "status": status, "words": case["result"] or ""}
    return "request_moved", values, number, count


def _senders(services: Services, kind: str, case: Json) -> list[str]:
    if kind == "complaints":
        return [str(case["sender_id"])]
    with services.unit_of_work() as uow:
        if kind == "claims":
            owner = uow.claim_cases.owner(case["claim_no"])
        else:
            owner = uow.requests.owner(case["request_no"])
        if owner is None:
            return []
        return list(uow.identity.senders_of(owner, services.now()))


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")  # as `handling` gives it: in Beijing time
