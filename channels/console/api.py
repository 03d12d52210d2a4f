"""The desk's API: what agents do, as HTTP; the console uses nothing else.

In: a session cookie, and for whatever changes something the session's CSRF word in
``X-CSRF-Token``. Out: JSON, documented by OpenAPI, so another desk can be attached.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from bot.desk import Desk
from bot.errors import BadInput, Unauthorized
from bot.ledger.agents import DeskSession, Role
from bot.ports import WorkHours
from channels.case_news import CaseNews
from channels.console import cases, conversation, files
from channels.console.accounts import DEVICE_TTL, Accounts, Visitor
from channels.console.backroom import Backroom
from channels.console.bodies import Login, Presence
from channels.console.changes import MAX_WAIT_SECONDS, Changes
from channels.console.due import Due
from channels.console.entry import COOKIE, DEVICE_COOKIE, Entry
from channels.console.shapes import Json, agent_json, row_json, session_json
from channels.console.templates import (
    CATEGORIES_FILE,
    TEMPLATES_FILE,
    load_categories,
    load_templates,
    shown,
)
from channels.limits import network_of
from channels.visitors import WebRooms
from channels.web import address_of

SCORES_OF = timedelta(days=30)


def build_router(
    rooms: WebRooms,
    desk: Desk,
    hours: WorkHours,
    client: httpx.AsyncClient,
    news: CaseNews,
) -> APIRouter:
    """Return the routes under /api/desk.

    Raises:
        ValueError: The file of templates cannot be used.
    """
    router = APIRouter(prefix="/api/desk", tags=["desk"])
    backroom = Backroom(client, rooms.settings.actions_urls)
    changes = Changes()
    rooms.feed.listen(changes)
    ledger = rooms.ledger
    accounts = Accounts(ledger.agents, ledger.login_tries, rooms.doorkeeper)
    entry = Entry(rooms, desk, accounts, backroom, changes, news)
    ready = load_templates(rooms.settings.root / TEMPLATES_FILE)
    categories = load_categories(rooms.settings.root / CATEGORIES_FILE)
    due = Due(backroom, hours, rooms.clock)
    _add_accounts(router, entry)
    _add_lists(router, entry, due)

    Reader = Annotated[DeskSession, Depends(entry.reader)]

    @router.get("/templates", summary="What agents write often")
    async def templates(session: Reader) -> Json:
        """Answer the templates, filled in for this agent, and the categories."""
        return {
            "templates": shown(ready, session.agent.title),
            "categories": list(categories),
        }

    @router.get("/clauses", summary="Clauses for words")
    async def clauses(
        session: Reader, q: Annotated[str, Query(max_length=300)] = ""
    ) -> Json:
        """Answer clauses that can be quoted, the best first."""
        return {"clauses": await backroom.clauses(q) or []}

    conversation.add_routes(router, entry)
    files.add_routes(router, entry)
    cases.add_routes(router, entry)
    return router


def _add_accounts(router: APIRouter, entry: Entry) -> None:
    rooms, agents = entry.rooms, entry.rooms.ledger.agents
    Reader = Annotated[DeskSession, Depends(entry.reader)]
    Writer = Annotated[DeskSession, Depends(entry.writer)]

    @router.post("/login", summary="Open a session")
    async def login(request: Request, body: Login) -> JSONResponse:
        """Set the session cookie; answer who you are and the CSRF word."""
        address = address_of(request)
        rooms.limits.address.take(address)
        now = rooms.clock.now()
        visitor = Visitor(network_of(address), request.cookies.get(DEVICE_COOKIE))
        found = await entry.accounts.login(body.name, body.password, visitor, now)
        await _end_session_before(request, entry, found.session.agent.name)
        await agents.show_up(found.session.agent.name, False, now)  # not asked yet
        answer = JSONResponse({**session_json(found.session), "ready": False})
        public = rooms.settings.public_url or ""
        is_safe = public.startswith("https://")
        answer.set_cookie(
            COOKIE,
            found.token,
            httponly=True,
            samesite="strict",
            secure=is_safe,
            path="/api/desk",
        )
        answer.set_cookie(
            DEVICE_COOKIE,
            found.device,
            max_age=int(DEVICE_TTL.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=is_safe,
            path="/api/desk/login",
        )
        return answer

    @router.post("/logout", summary="End the session")
    async def logout(request: Request, session: Writer) -> JSONResponse:
        """Forget the session; the agent is no longer ready."""
        await agents.leave(session.agent.name, rooms.clock.now())
        await entry.accounts.leave(request.cookies.get(COOKIE, ""))
        answer = JSONResponse({})
        answer.delete_cookie(COOKIE, path="/api/desk")
        return answer

    @router.get("/me", summary="Who am I")
    async def me(session: Reader) -> Json:
        """Answer the account behind the session."""
        return session_json(session)

    @router.post("/presence", summary="I am here")
    async def presence(body: Presence, session: Writer) -> Json:
        """Note the heartbeat; without one for a minute an agent counts as away.

        Whether they want conversations is only changed when it is said: pages open in
        several browsers would change it back and forth with their heartbeats.
        """
        agent, now = session.agent, rooms.clock.now()
        if body.ready is None:
            await agents.touch(agent.name, now)
            return {"ready": agent.ready}
        await agents.show_up(agent.name, body.ready, now)
        return {"ready": body.ready}

    @router.get("/agents", summary="Who is there")
    async def everybody(session: Reader) -> Json:
        """Answer the open accounts; leaders also see what customers thought."""
        now = rooms.clock.now()
        loads = await agents.loads()
        rows = [a for a in await agents.listed() if a.active]
        scores = {}
        if session.agent.role is Role.LEADER:
            found = await rooms.ledger.ratings.scores(now - SCORES_OF)
            scores = {row.about: row for row in found}
        return {
            "agents": [
                agent_json(a, loads.get(a.name, 0), now, scores.get(f"agent:{a.name}"))
                for a in rows
            ]
        }


async def _end_session_before(request: Request, entry: Entry, name: str) -> None:
    """End the session whose cookie a login replaces; another agent's leaves with it."""
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        return
    now = entry.rooms.clock.now()
    with suppress(BadInput, Unauthorized):
        before = await entry.accounts.enter(cookie, now)
        if before.agent.name != name:
            await entry.rooms.ledger.agents.leave(before.agent.name, now)
        await entry.accounts.leave(cookie)


def _add_lists(router: APIRouter, entry: Entry, due: Due) -> None:
    ledger = entry.rooms.ledger
    Reader = Annotated[DeskSession, Depends(entry.reader)]
    Leader = Annotated[DeskSession, Depends(entry.leader)]

    @router.get("/queue", summary="What waits")
    async def queue(session: Reader) -> Json:
        """Answer conversations in the order in which they will be served."""
        rows = await ledger.desk.queue()
        return {"conversations": [row_json(r, await due.of(r)) for r in rows]}

    @router.get("/conversations", summary="What is held")
    async def held(session: Reader, everybody: bool = False) -> Json:
        """Answer what I hold; a leader may ask for everybody's."""
        leads = session.agent.role is Role.LEADER
        whose = None if everybody and leads else session.agent.name
        rows = await ledger.desk.held(whose)
        return {"conversations": [row_json(r, await due.of(r)) for r in rows]}

    @router.get("/live", summary="What the bot talks about")
    async def live(session: Leader) -> Json:
        """Answer the conversations the bot holds, the newest message first."""
        return {"conversations": [row_json(r) for r in await ledger.desk.live()]}

    @router.get("/changes", summary="Wait for something to change")
    async def changed(
        request: Request,
        session: Reader,
        since: Annotated[int, Query(ge=0, le=2**62)] = 0,
        wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0,
    ) -> Json:
        """Answer a number that grows whenever a list may look different.

        Who waits here is there: browsers slow the heartbeats of hidden pages down.
        """
        await entry.note_seen(session.agent)
        number = await entry.changes.after(since, wait)
        await entry.reader(request)  # the account may have been closed meanwhile
        return {"number": number}
