"""What agents of the desk are shown: a customer's business, cases, and clauses.

In: a conversation, a number or words. Out: plain values with everything masked that an
agent needs not see at once. Served by scripts/serve_actions.py beside the actions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actions.agreement.cite import Citation, cite
from actions.agreement.library import Library
from actions.errors import IllegalStep
from actions.handling import STEPS, open_cases, show_case, take_step
from actions.people import Desk, Person
from actions.services import Services
from actions.show import BEIJING, day, masked_name, masked_phone, money
from actions.words import words

HITS = 5
MAX_REQUESTS = 10  # of a customer, the newest
MAX_QUESTION_CHARS = 300
_SHOWN = 4  # last characters of a number

LISTED = ("complaints", "requests")
_HIDDEN = ("sender_id", "customer_id", "accused_title")

ANSWER_PROMISE = "第三条(二)2"

Json = dict[str, Any]
Mask = Callable[[str], str]


def customer_of(
    services: Services,
    sender_id: str,
    *,
    reveal: bool = False,
    reader: Person | None = None,
) -> Json:
    """Return who a conversation belongs to and their business, masked or not.

    Args:
        services: Store, agreement, calendar, clock.
        sender_id: The conversation.
        reveal: Whether all is shown in full.
        reader: Which agent looks; complaints about them are left out.

    Returns:
        ``verified`` says whether the customer has proven who they are; without that
        there are only the complaints of the conversation itself.
    """
    now = services.now()
    number: Mask = plain if reveal else masked_number
    name: Mask = plain if reveal else masked_name
    phone: Mask = plain if reveal else masked_phone
    with services.unit_of_work() as unit:
        customer = unit.identity.customer_of(sender_id, now)
        locked = unit.identity.locked_until(sender_id, now)
        customer_id = customer.customer_id if customer is not None else None
        policies = unit.policies.all_of(customer_id) if customer_id else []
        claims = unit.claims.all_of(customer_id) if customer_id else []
        complaints = unit.complaints.all_of(sender_id, customer_id)
        if reader is not None:
            numbers = [one.complaint_no for one in complaints]
            hidden = unit.recusal.accused_among(numbers, reader)
            complaints = [c for c in complaints if c.complaint_no not in hidden]
        requests = unit.requests.all_of(customer_id) if customer_id else []
    return {
        "verified": customer is not None,
        "locked_until": locked.isoformat() if locked is not None else None,
        "name": name(customer.name) if customer is not None else None,
        "phone": phone(customer.phone) if customer is not None else None,
        "policies": [
            {
                "number": number(policy.policy_no),
                "what": policy.name,
                "status": _word("policy_status", policy.status),
                "until": day(policy.end),
            }
            for policy in policies
        ],
        "claims": [
            {
                "number": number(claim.claim_no),
                "what": f"{claim.product} {claim.kind}".strip(),
                "status": _word("claim_status", claim.status),
                "amount": money(claim.amount_fen),
            }
            for claim in claims
        ],
        "complaints": [
            {
                "number": number(complaint.complaint_no),
                "what": complaint.category,
                "status": _word("complaint_status", complaint.status),
                "due": complaint.due_at.astimezone(BEIJING).isoformat(),
                "clause": complaint.due_clause,
            }
            for complaint in complaints
        ],
        "requests": [
            {
                "number": number(request.request_no),
                "what": str(words()["request_kinds"][request.kind]),
                "status": _word("request_status", request.status),
            }
            for request in requests[:MAX_REQUESTS]
        ],
    }


def reader_of(asked: Mapping[str, Any]) -> Person | None:
    """Return which agent looks, from what the edge says; None when it does not say."""
    login = str(asked.get("actor") or "")
    return Person(login, str(asked.get("title") or "")) if login else None


def cases_for(
    services: Services, kind: str, reader: Person | None = None
) -> list[Json] | None:
    """Return what waits of a kind, the first due first; None for no such kind.

    Complaints about the reader are left out.
    """
    if kind not in LISTED:
        return None
    return [_shown_case(kind, case) for case in open_cases(services, kind, reader)]


def case_for(
    services: Services, kind: str, number: str, reader: Person | None = None
) -> Json | None:
    """Return one case with all that happened to it; None for no such kind.

    Raises:
        UnknownCase: No such number.
        IllegalStep: ``is_accused``: it is about the reader.
    """
    if kind not in STEPS:
        return None
    return _shown_case(kind, show_case(services, kind, number, reader))


def file_for(
    services: Services, sender_id: str, file_id: str, reader: Person | None
) -> Json:
    """Return whether a customer's file is evidence against who wants to open it."""
    if reader is None:
        return {"accused": False}
    with services.unit_of_work() as unit:
        return {"accused": unit.recusal.accused_file(sender_id, file_id, reader)}


def step_for(services: Services, asked: Json) -> Json:
    """Take a step an agent asks for.

    Args:
        services: Store, agreement, calendar, clock.
        asked: kind, number, step, told, actor (login), whether that is a leader, and
            ``desk``: all accounts with login, title, leader, active.

    Returns:
        ``case`` as it is then, and ``news`` that is kept for the customer, or None.

    Raises:
        IllegalStep: It cannot be taken, see `handling.take_step`; ``leaders_only``.
        UnknownCase: No such number.
    """
    kind, step = str(asked.get("kind")), str(asked.get("step"))
    number, login = str(asked.get("number")), str(asked.get("actor") or "")
    told = asked.get("told")
    if not login:
        raise IllegalStep("unknown_actor")
    desk = None
    known: Person | None = None
    if asked.get("desk") is not None:
        try:
            desk = Desk.read(asked["desk"])
        except ValueError as err:
            raise IllegalStep("unreadable_desk") from err
        known = desk.account(login)
    actor = Person(
        login,
        known.title if known else str(asked.get("title") or ""),
        asked.get("leader") is True,
        also=known.also if known else frozenset(),
    )
    case, news = take_step(
        services,
        kind,
        number,
        step,
        told if isinstance(told, dict) else {},
        actor,
        desk,
    )
    return {"case": _shown_case(kind, case), "news": news}


def _shown_case(kind: str, case: Json) -> Json:
    """A case with words for its state, and without what identifies the customer."""
    shown = {name: value for name, value in case.items() if name not in _HIDDEN}
    if phone := shown.get("contact_phone"):
        shown["contact_phone"] = masked_phone(phone)
    singular = {"complaints": "complaint", "claims": "claim", "requests": "request"}
    shown["status_word"] = _word(f"{singular[kind]}_status", case["status"])
    if kind == "requests":
        shown["kind_word"] = str(words()["request_kinds"][case["kind"]])
    return shown


def clauses_for(library: Library, question: str) -> list[Json]:
    """Return clauses that answer a question: of the product it names, and the service's."""
    asked = question.strip()[:MAX_QUESTION_CHARS]
    if not asked:
        return []
    hits = library.search(asked, limit=HITS)
    return [_shown(cite(hit.clause, hit.passage)) for hit in hits]


def clause_at(library: Library, document: str, ref: str) -> Json | None:
    """Return one clause as it may be quoted; None when there is none."""
    clause = library.clause(ref, document)
    return None if clause is None else _shown(cite(clause))


def plain(value: str) -> str:
    """Return a value as it is."""
    return value


def answer_promise(library: Library) -> Json | None:
    """Return how soon questions are answered by the agreement in force."""
    promised = library.commitment(ANSWER_PROMISE)
    if promised is None:
        return None
    return {"ref": promised.ref, "amount": promised.amount, "unit": promised.unit}


def masked_number(number: str) -> str:
    """Return a number of which only the ends are shown."""
    return f"{number[:1]}…{number[-_SHOWN:]}"


def _shown(citation: Citation) -> Json:
    return {
        "document": citation.document,
        "ref": citation.ref,
        "title": citation.title,
        "quote": citation.quote,
        "version": citation.version,
        "effective_from": citation.effective_from,
        "plain": citation.plain,
        "open_blanks": list(citation.open_blanks),
    }


def _word(kind: str, status: str) -> str:
    names: Mapping[str, str] = words()[kind]
    return str(names.get(status, status))
