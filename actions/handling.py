"""What people of the insurer do with complaints, claims and service requests.

In: a step by name, the words told with it, who takes it. Out: the case as JSON. One table
of steps serves the command line and the desk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from actions.errors import IllegalStep, UnknownCase
from actions.policystore.case_model import ComplaintCase
from actions.policystore.model import (
    CalculationLine,
    Claim,
    ClaimStatus,
    ClauseRef,
    RequestStatus,
    ServiceRequest,
)
from actions.promises import extension_for
from actions.services import Services
from actions.show import BEIJING

Json = dict[str, Any]
FEN = Decimal(100)
_YUAN = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,2})?")


@dataclass(frozen=True)
class Told:
    """One thing that is told with a step."""

    name: str
    help: str
    needed: bool = True
    many: bool = False


@dataclass(frozen=True)
class Call:
    """A step about to be taken: its number, what was told, by whom, when."""

    services: Services
    number: str
    told: Mapping[str, Any]
    actor: str
    now: datetime

    def text(self, name: str) -> str:
        """Return what was told under a name, "" when nothing was."""
        return str(self.told.get(name) or "")

    def maybe(self, name: str) -> str | None:
        """Return what was told under a name, None when nothing was."""
        return self.text(name) or None


@dataclass(frozen=True)
class Step:
    """A step: what it needs, who may take it, how it is taken."""

    summary: str
    told: tuple[Told, ...]
    run: Callable[[Call], Json]
    leaders_only: bool = False


def take_step(
    services: Services, kind: str, number: str, step: str, told: Json, actor: str
) -> Json:
    """Take a step and return the case as it is then.

    Args:
        services: Store, agreement, calendar, clock.
        kind: complaints, claims or requests.
        number: Of the case.
        step: One of `STEPS`.
        told: Texts by name; lists of texts where a step takes many.
        actor: Login of who takes it.

    Raises:
        UnknownCase: No such case.
        IllegalStep: Not now or not by this person; ``no_such_step`` and
            ``missing_<name>`` when the call itself is wrong.
        StoreError: The database failed.
    """
    found = STEPS.get(kind, {}).get(step)
    if found is None:
        raise IllegalStep("no_such_step")
    for one in found.told:
        value = told.get(one.name)
        if one.needed and not value:
            raise IllegalStep(f"missing_{one.name}")
        if value is not None and not _is_told(value, many=one.many):
            raise IllegalStep(f"unreadable_{one.name}")
    return found.run(Call(services, number, told, actor, services.now()))


def show_case(services: Services, kind: str, number: str) -> Json:
    """Return a case with all that happened to it.

    Raises:
        UnknownCase: No such case.
        StoreError: The database failed.
    """
    with services.unit_of_work() as uow:
        if kind == "complaints":
            case = uow.cases.get(number)
            if case is not None:
                return _complaint_json(case)
        elif kind == "claims":
            claim = uow.claim_cases.get(number)
            if claim is not None:
                return _claim_json(claim)
        else:
            request = uow.requests.find(number)
            if request is not None:
                return _request_json(request)
    raise UnknownCase(number)


def open_cases(services: Services, kind: str) -> list[Json]:
    """Return what waits for somebody of the insurer, the first due first."""
    with services.unit_of_work() as uow:
        if kind == "complaints":
            return [_complaint_json(case) for case in uow.cases.open_ones()]
        return [_request_json(one) for one in uow.requests.open_ones()]


def _complaint(name: str, *fields: str) -> Callable[[Call], Json]:
    """A step that hands its texts to the repository's method of the same name."""

    def run(call: Call) -> Json:
        told = [call.text(field) for field in fields]
        with call.services.unit_of_work() as uow:
            step = getattr(uow.cases, name)
            return _complaint_json(step(call.number, *told, call.actor, call.now))

    return run


def _assign(call: Call) -> Json:
    with call.services.unit_of_work() as uow:
        case = uow.cases.assign(
            call.number,
            call.text("handler"),
            call.actor,
            call.now,
            accused=call.maybe("accused"),
        )
        return _complaint_json(case)


def _extend(call: Call) -> Json:
    with call.services.unit_of_work() as uow:
        case = uow.cases.get(call.number)
        if case is None:
            raise UnknownCase(call.number)
        filed, level = case.complaint.filed_at, case.extension_level + 1
        due_at, clause = extension_for(call.services, filed, level)
        case = uow.cases.extend(call.number, due_at, clause, call.actor, call.now)
        return _complaint_json(case)


def _want_papers(call: Call) -> Json:
    with call.services.unit_of_work() as uow:
        papers = cast("Sequence[str]", call.told.get("paper") or ())
        claim = uow.claim_cases.want_papers(
            call.number, list(papers), call.actor, call.now
        )
        return _claim_json(claim)


def _move_claim(call: Call) -> Json:
    with call.services.unit_of_work() as uow:
        to = cast(ClaimStatus, call.text("to"))
        reason = call.maybe("reason")
        claim = uow.claim_cases.move(call.number, to, call.actor, call.now, reason)
        return _claim_json(claim)


def _decide_claim(call: Call) -> Json:
    lines = cast("Sequence[str]", call.told.get("line") or ())
    amount = call.maybe("amount")
    with call.services.unit_of_work() as uow:
        claim = uow.claim_cases.decide(
            call.number,
            cast(ClaimStatus, call.text("outcome")),
            call.actor,
            call.now,
            amount_fen=_fen(amount) if amount else None,
            lines=[_line(line) for line in lines],
            reason=call.maybe("reason"),
            clause=_clause(call.maybe("clause")),
        )
        return _claim_json(claim)


def _move_request(call: Call) -> Json:
    with call.services.unit_of_work() as uow:
        to = cast(RequestStatus, call.text("to"))
        request = uow.requests.move(
            call.number, to, call.actor, call.now, call.maybe("result")
        )
        return _request_json(request)


_TEXT = Told("text", "words the customer is shown")
STEPS: Mapping[str, Mapping[str, Step]] = {
    "complaints": {
        "assign": Step(
            "put somebody in charge",
            (
                Told("handler", "who takes it"),
                Told("accused", "whom it is about", needed=False),
            ),
            _assign,
            leaders_only=True,
        ),
        "progress": Step(
            "tell the customer how it goes on", (_TEXT,), _complaint("progress", "text")
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
        "close": Step("close a decided complaint", (), _complaint("close")),
    },
    "claims": {
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
            ),
            _decide_claim,
        ),
    },
    "requests": {
        "move": Step(
            "work on it",
            (
                Told("to", "in_progress, done, declined or withdrawn"),
                Told("result", "in words the customer is shown", needed=False),
            ),
            _move_request,
        ),
    },
}


def _is_told(value: Any, *, many: bool) -> bool:
    if many:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(value, str)


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


def _complaint_json(case: ComplaintCase) -> Json:
    shown = _plain(asdict(case.complaint))
    shown |= {
        "sender_id": case.sender_id,
        "customer_id": case.customer_id,
        "handler": case.handler,
        "accused": case.accused,
        "extension_level": case.extension_level,
        "extension_asked_by": case.extension_asked_by,
        "decided_by": case.decided_by,
        "entries": _plain([asdict(entry) for entry in case.entries]),
    }
    return cast(Json, shown)


def _claim_json(claim: Claim) -> Json:
    return cast(Json, _plain(asdict(claim)))


def _request_json(request: ServiceRequest) -> Json:
    return cast(Json, _plain(asdict(request)))


def _plain(value: Any) -> Any:
    """Turn moments and days into text, in Beijing time, however deep."""
    if isinstance(value, datetime):
        return value.astimezone(BEIJING).isoformat()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value
