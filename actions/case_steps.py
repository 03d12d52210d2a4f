"""Every step of complaints, claims and requests: what it needs and how it is taken.

In: a `Call` inside one transaction. Out: the case as JSON. `handling` looks a step up,
checks what was told, and keeps the news of it in the same transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

from actions.case_call import YES, Call, Step, Told
from actions.case_json import Json, claim_json, complaint_json, request_json
from actions.errors import IllegalStep, UnknownCase
from actions.policystore.claim_authority import Wish
from actions.policystore.model import (
    CalculationLine,
    ClaimStatus,
    ClauseRef,
    RequestStatus,
)
from actions.promises import extension_for
from actions.untrue import check_done

FEN = Decimal(100)
_YUAN = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,2})?")


def _complaint(name: str, *fields: str, role: bool = False) -> Callable[[Call], Json]:
    """A step that hands its texts to the repository's method of the same name.

    Args:
        name: Of the method.
        fields: What it is given.
        role: Whether only who is in charge or a leader may take it.
    """

    def run(call: Call) -> Json:
        told = [call.shown(field) for field in fields]
        case = getattr(call.uow.cases, name)(call.number, *told, call.actor, call.now)
        if role:
            call.uow.recusal.check_role(call.number, call.actor)
        return complaint_json(case)

    return run


def _assign(call: Call) -> Json:
    handler, accused = call.handler(), call.maybe("accused")
    outside = call.text("outside") == YES
    account = None
    if accused and call.desk:
        account = call.desk.accused(accused, handler, outside=outside)
    case = call.uow.cases.assign(
        call.number,
        handler,
        call.actor,
        call.now,
        accused,
        account,
        outside=outside,
    )
    return complaint_json(case)


def _accuse(call: Call) -> Json:
    accused, outside = call.text("accused"), call.text("outside") == YES
    account = None
    if call.desk:
        account = call.desk.accused(accused, None, outside=outside)
    case = call.uow.cases.accuse(
        call.number, accused, call.actor, call.now, account, outside=outside
    )
    return complaint_json(case)


def _extend(call: Call) -> Json:
    case = call.uow.cases.get(call.number)
    if case is None:
        raise UnknownCase(call.number)
    filed, level = case.complaint.filed_at, case.extension_level + 1
    due_at, clause = extension_for(call.services, filed, level)
    case = call.uow.cases.extend(call.number, due_at, clause, call.actor, call.now)
    return complaint_json(case)


def _assign_claim(call: Call) -> Json:
    call.uow.claim_authority.assign(call.number, call.handler())
    return _claim(call)


def _want_papers(call: Call) -> Json:
    authority = call.uow.claim_authority
    authority.check_move(call.number, "papers_missing", call.actor, None)
    papers, login = call.many("paper"), call.actor.login
    call.uow.claim_cases.want_papers(call.number, papers, login, call.now)
    return _claim(call)


def _move_claim(call: Call) -> Json:
    to, reason = call.text("to"), call.shown("reason") or None
    call.uow.claim_authority.check_move(call.number, to, call.actor, reason)
    login = call.actor.login
    status = cast(ClaimStatus, to)
    call.uow.claim_cases.move(call.number, status, login, call.now, reason)
    return _claim(call)


def _decide_claim(call: Call) -> Json:
    lines = [_line(line) for line in call.many("line")]
    amount, clause = call.maybe("amount"), _clause(call.maybe("clause"))
    wish: Wish = {
        "outcome": call.text("outcome"),
        "amount_fen": _fen(amount) if amount else None,
        "lines": [[line.label, line.fen] for line in lines],
        "reason": call.shown("reason") or None,
        "clause": [clause.product, clause.ref] if clause else None,
        "papers_reason": call.maybe("papers-reason"),
        "benefit": call.maybe("benefit"),
    }
    told = _decision_of(wish)
    outcome = cast(ClaimStatus, wish["outcome"])
    call.uow.claim_cases.check_decision(call.number, outcome, **told)
    if call.uow.claim_authority.decide(call.number, wish, call.actor, call.now):
        _write_decision(call, wish)
    return _claim(call)


def _approve_claim(call: Call) -> Json:
    amount = _fen(call.text("amount"))
    wish = call.uow.claim_authority.approve(call.number, amount, call.actor, call.now)
    if wish is not None:
        _write_decision(call, wish)
    return _claim(call)


def _write_decision(call: Call, wish: Wish) -> None:
    outcome, login = cast(ClaimStatus, wish["outcome"]), call.actor.login
    told = _decision_of(wish)
    call.uow.claim_cases.decide(call.number, outcome, login, call.now, **told)


def _decision_of(wish: Wish) -> dict[str, Any]:
    clause = wish["clause"]
    return {
        "amount_fen": wish["amount_fen"],
        "lines": [CalculationLine(label, fen) for label, fen in wish["lines"]],
        "reason": wish["reason"],
        "clause": ClauseRef(*clause) if clause else None,
    }


def _claim(call: Call) -> Json:
    claim = call.uow.claim_cases.get(call.number)
    if claim is None:
        raise UnknownCase(call.number)
    return claim_json(claim, call.uow.claim_authority.of(call.number))


def _move_request(call: Call) -> Json:
    to, result = cast(RequestStatus, call.text("to")), call.shown("result") or None
    evidence = call.maybe("evidence")
    found = call.uow.requests.find(call.number)
    if found is None:
        raise UnknownCase(call.number)
    moved = call.uow.requests.move(
        call.number, to, call.actor.login, call.now, result, evidence
    )
    if to == "done":
        check_done(found, result, evidence)
    return request_json(moved)


def _fen(yuan: str) -> int:
    if not _YUAN.fullmatch(yuan.strip()):
        raise IllegalStep("unreadable_amount")
    return int(Decimal(yuan.strip()) * FEN)


def _line(said: str) -> CalculationLine:
    label, found, yuan = said.rpartition("=")
    if not found or not label.strip():
        raise IllegalStep("unreadable_line")
    return CalculationLine(label.strip(), _fen(yuan))


def _clause(said: str | None) -> ClauseRef | None:
    if said is None:
        return None
    product, _, ref = said.replace("：", ":").partition(":")
    if not product.strip() or not ref.strip():
        raise IllegalStep("unreadable_clause")
    return ClauseRef(product.strip(), ref.strip())


_TEXT = Told("text", "words the customer is shown")
_OUTSIDE = Told(
    "outside", "yes: whom it is about is no account here, or not known", needed=False
)
STEPS: Mapping[str, Mapping[str, Step]] = {
    "complaints": {
        "assign": Step(
            "put somebody in charge",
            (
                Told("handler", "who takes it"),
                Told("accused", "whom it is about", needed=False),
                _OUTSIDE,
            ),
            _assign,
            leaders_only=True,
        ),
        "accuse": Step(
            "say whom it is about",
            (Told("accused", "an account, or who it is"), _OUTSIDE),
            _accuse,
            leaders_only=True,
        ),
        "progress": Step(
            "tell the customer how it goes on",
            (_TEXT,),
            _complaint("progress", "text", role=True),
        ),
        "ask-extension": Step(
            "ask for more time",
            (Told("text", "why"),),
            _complaint("ask_extension", "text"),
        ),
        "extend": Step("agree to more time", (), _extend, leaders_only=True),
        "refuse-extension": Step(
            "refuse more time",
            (Told("text", "why"),),
            _complaint("refuse_extension", "text"),
            leaders_only=True,
        ),
        "decide": Step("write the decision", (_TEXT,), _complaint("decide", "text")),
        "close": Step("close a decided complaint", (), _complaint("close", role=True)),
    },
    "claims": {
        "assign": Step(
            "put somebody in charge",
            (Told("handler", "who takes it"),),
            _assign_claim,
            leaders_only=True,
        ),
        "want-papers": Step(
            "ask for all missing papers, once",
            (Told("paper", "name of a paper; may be repeated", many=True),),
            _want_papers,
        ),
        "move": Step(
            "move it on",
            (
                Told("to", "under_survey, under_assessment, paying, paid, closed, …"),
                Told("reason", "in words the customer is shown", needed=False),
            ),
            _move_claim,
        ),
        "decide": Step(
            "decide it",
            (
                Told("outcome", "approved, partially_approved or declined"),
                Told("amount", "yuan, such as 4500.00", needed=False),
                Told(
                    "line",
                    "LABEL=YUAN, how the amount came about; may be repeated",
                    needed=False,
                    many=True,
                ),
                Told("reason", "in words the customer is shown", needed=False),
                Told("clause", "PRODUCT:REF it rests on", needed=False),
                Told(
                    "papers-reason",
                    "why it is paid although required papers are missing",
                    needed=False,
                ),
                Told("benefit", "name of the benefit it is paid from", needed=False),
            ),
            _decide_claim,
        ),
        "approve": Step(
            "agree, as the second person, to a payment above the limit",
            (Told("amount", "yuan agreed to, such as 45000.00"),),
            _approve_claim,
        ),
    },
    "requests": {
        "move": Step(
            "work on it",
            (
                Told("to", "in_progress, done, declined or withdrawn"),
                Told("result", "in words the customer is shown", needed=False),
                Told(
                    "evidence",
                    "how and where it was done, such as a ticket; deletion and export "
                    "are not done without",
                    needed=False,
                ),
            ),
            _move_request,
        ),
    },
}
