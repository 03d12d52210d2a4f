"""What people of the insurer do with complaints, claims and service requests.

In: a step by name, the words told with it, who takes it. Out: the case as JSON. One table
of steps serves the command line and the desk; step and news are one transaction.
"""

from __future__ import annotations

from typing import Any

from actions.case_call import Call, Step, Told
from actions.case_json import Json, claim_json, complaint_json, request_json
from actions.case_news import news_of
from actions.case_steps import STEPS
from actions.errors import IllegalStep, UnknownCase
from actions.people import Desk, Person
from actions.policystore.complaint_steps import is_accused
from actions.services import Services

__all__ = ["STEPS", "Json", "Step", "Told", "open_cases", "show_case", "take_step"]


def take_step(
    services: Services,
    kind: str,
    number: str,
    step: str,
    told: Json,
    actor: Person | str,
    desk: Desk | None = None,
) -> tuple[Json, Json | None]:
    """Take a step; return the case as it is then, and the news of it.

    What the customer is told of it is kept in the same transaction; the edge tells it.

    Args:
        services: Store, agreement, calendar, clock.
        kind: complaints, claims or requests.
        number: Of the case.
        step: One of `STEPS`.
        told: Texts by name; lists of texts where a step takes many.
        actor: Who takes it. A bare login, from somebody at the machine who knows no
            accounts, is believed to be a leader's.
        desk: All accounts, by which names are told apart.

    Raises:
        UnknownCase: No such case.
        IllegalStep: Not now or not by this person; ``no_such_step`` and
            ``missing_<name>`` when the call itself is wrong.
        StoreError: The database failed.
    """
    found = STEPS.get(kind, {}).get(step)
    if found is None:
        raise IllegalStep("no_such_step")
    who = Person(actor, leader=True) if isinstance(actor, str) else actor
    if found.leaders_only and not who.leader:
        raise IllegalStep("leaders_only")
    for one in found.told:
        value = told.get(one.name)
        if one.needed and not value:
            raise IllegalStep(f"missing_{one.name}")
        if value is not None and not _is_told(value, many=one.many):
            raise IllegalStep(f"unreadable_{one.name}")
    now = services.now()
    with services.unit_of_work() as uow:
        case = found.run(Call(services, uow, number, told, who, now, desk))
        news = news_of(uow, kind, step, case, now)
        if news is not None:
            uow.news.add(kind, number, news, now)
    return case, news


def show_case(
    services: Services, kind: str, number: str, reader: Person | None = None
) -> Json:
    """Return a case with all that happened to it.

    Args:
        services: Store, agreement, calendar, clock.
        kind: complaints, claims or requests.
        number: Of the case.
        reader: Who looks; None for who may see everything.

    Raises:
        UnknownCase: No such case.
        IllegalStep: ``is_accused``.
        StoreError: The database failed.
    """
    with services.unit_of_work() as uow:
        if kind == "complaints":
            if reader is not None:
                uow.recusal.check_reader(number, reader)
            case = uow.cases.get(number)
            if case is not None:
                return complaint_json(case)
        elif kind == "claims":
            claim = uow.claim_cases.get(number)
            if claim is not None:
                return claim_json(claim, uow.claim_authority.of(number))
        else:
            request = uow.requests.find(number)
            if request is not None:
                return request_json(request)
    raise UnknownCase(number)


def open_cases(
    services: Services, kind: str, reader: Person | None = None
) -> list[Json]:
    """Return what waits for somebody of the insurer, the first due first.

    Args:
        services: Store, agreement, calendar, clock.
        kind: complaints or requests.
        reader: Who looks; complaints about them are left out.
    """
    with services.unit_of_work() as uow:
        if kind == "complaints":
            return [
                complaint_json(case)
                for case in uow.cases.open_ones()
                if reader is None or not is_accused(case, reader)
            ]
        return [request_json(one) for one in uow.requests.open_ones()]


def _is_told(value: Any, *, many: bool) -> bool:
    if many:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(value, str)
