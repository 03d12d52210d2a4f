"""Complaints, requests and claims at the desk's API: what waits, one case, its steps.

In: a kind (complaints, requests, claims), a number, a step. Out: the case as the action
server gives it; what the customer is told goes into their conversations once.
"""

from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Depends

from bot.errors import BadInput, StoreError
from bot.ledger.agents import DeskSession, Role
from channels.console.bodies import CaseStep
from channels.console.entry import Entry
from channels.console.shapes import Json

Kind = Literal["complaints", "requests", "claims"]

log = structlog.get_logger()


def add_routes(router: APIRouter, entry: Entry) -> None:
    """Add the routes of cases."""
    backroom = entry.backroom
    Reader = Annotated[DeskSession, Depends(entry.reader)]
    Writer = Annotated[DeskSession, Depends(entry.writer)]

    @router.get("/cases/{kind}", summary="Cases that wait")
    async def cases(kind: Literal["complaints", "requests"], session: Reader) -> Json:
        """Answer the open ones, the first due first; null when nobody knows now."""
        return {"cases": await backroom.cases(kind, session.agent)}

    @router.get("/cases/{kind}/{number}", summary="One case")
    async def case(kind: Kind, number: str, session: Reader) -> Json:
        """Answer a case with all that happened to it; who looked is written down."""
        found = await backroom.case(kind, number[:40], session.agent)
        if found is None:
            raise BadInput("not_found", 404)
        now, name = entry.rooms.clock.now(), session.agent.name
        await entry.rooms.ledger.agents.log(name, "case", now, None, number[:40])
        return {"case": found}

    @router.post("/cases/{kind}/{number}/steps", summary="Take a step")
    async def step(kind: Kind, number: str, body: CaseStep, session: Writer) -> Json:
        """Take a step as this agent; a refused one answers 409 and says why."""
        found = await backroom.take_step(
            {
                "kind": kind,
                "number": number[:40],
                "step": body.step,
                "told": body.told,
                "actor": session.agent.name,
                "title": session.agent.title,
                "desk": await desk_json(entry),
                "leader": session.agent.role is Role.LEADER,
            }
        )
        if found is None:
            raise BadInput("backroom_away", 503)
        told = 0
        if found["news"]:  # kept with the step: what is not told now is told soon
            try:
                await entry.news.deliver(number[:40])
                told = await entry.news.told_in(found["news"])
            except StoreError as err:
                log.warning("desk.news_kept", error=str(err))
        entry.changes.note()
        return {"case": found["case"], "told": told}


async def desk_json(entry: Entry) -> list[Json]:
    """Return all accounts, closed ones too, by which names are told apart."""
    return [
        {
            "login": agent.name,
            "title": agent.title,
            "leader": agent.role is Role.LEADER,
            "active": agent.active,
        }
        for agent in await entry.rooms.ledger.agents.listed()
    ]
