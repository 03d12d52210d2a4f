"""Complaints, requests and claims at the desk's API: what waits, one case, its steps.

In: a kind (complaints, requests, claims), a number, a step. Out: the case as the action
server gives it; what the customer is told goes into their conversations once.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from sqlalchemy.exc import IntegrityError

from bot.errors import BadInput
from bot.ledger.agents import DeskSession, Role
from bot.message import Author, Outbound, TextPart
from channels.console.bodies import CaseStep
from channels.console.entry import Entry
from channels.console.shapes import Json

Kind = Literal["complaints", "requests", "claims"]
MAX_NEWS_CHARS = 1500  # of a customer's message; a long decision is cut, with a mark
CUT = "…"


def add_routes(router: APIRouter, entry: Entry) -> None:
    """Add the routes of cases."""
    backroom = entry.backroom
    Reader = Annotated[DeskSession, Depends(entry.reader)]
    Writer = Annotated[DeskSession, Depends(entry.writer)]

    @router.get("/cases/{kind}", summary="Cases that wait")
    async def cases(kind: Literal["complaints", "requests"], session: Reader) -> Json:
        """Answer the open ones, the first due first; null when nobody knows now."""
        return {"cases": await backroom.cases(kind)}

    @router.get("/cases/{kind}/{number}", summary="One case")
    async def case(kind: Kind, number: str, session: Reader) -> Json:
        """Answer a case with all that happened to it; who looked is written down."""
        found = await backroom.case(kind, number[:40])
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
                "leader": session.agent.role is Role.LEADER,
            }
        )
        if found is None:
            raise BadInput("backroom_away", 503)
        told = await _tell(entry, found["news"]) if found["news"] else 0
        entry.changes.note()
        return {"case": found["case"], "told": told}


async def _tell(entry: Entry, news: dict[str, Any]) -> int:
    """Tell the customer in every conversation of theirs; returns in how many."""
    values = {name: _short(value) for name, value in news["values"].items()}
    words = entry.rooms.notices.say(news["notice"], **values).strip()
    told = 0
    for sender_id in news["senders"]:
        said = Outbound(sender_id, Author.SYSTEM, (TextPart(words),), news["key"])
        try:
            written = await entry.rooms.ledger.messages.post(
                (said,), entry.rooms.clock.now()
            )
        except IntegrityError:  # told before
            continue
        await entry.rooms.outbox.publish(sender_id, written)
        told += 1
    return told


def _short(value: str) -> str:
    return value if len(value) <= MAX_NEWS_CHARS else value[:MAX_NEWS_CHARS] + CUT
