"""The desk's API: what agents do, as HTTP; the console uses nothing else.

In: a session cookie, and for whatever changes something the session's CSRF word in
``X-CSRF-Token``. Out: JSON, documented by OpenAPI, so another desk can be attached.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import IntegrityError

from bot.desk import Desk
from bot.desk_rules import Status
from bot.errors import BadInput, IllegalMove
from bot.ledger.agents import Agent, DeskSession, Role
from bot.ledger.desk_view import Listed
from bot.message import Author, Outbound, Part, TextPart
from channels.console.accounts import Accounts, may_write
from channels.console.backroom import Backroom
from channels.console.bodies import (
    Closing,
    Login,
    NoteWords,
    Presence,
    Step,
    Transfer,
    Words,
)
from channels.console.shapes import Json, message_json, row_json, session_json
from channels.console.templates import TEMPLATES_FILE, load_templates, shown
from channels.explaining import why_json
from channels.visitors import WebRooms
from channels.web import address_of

COOKIE = "baoke_desk"
CSRF_HEADER = "X-CSRF-Token"
PAGE = 200
MAX_WAIT_SECONDS = 25.0


def build_router(rooms: WebRooms, desk: Desk, client: httpx.AsyncClient) -> APIRouter:
    """Return the routes under /api/desk."""
    router = APIRouter(prefix="/api/desk", tags=["desk"])
    ledger = rooms.ledger
    accounts = Accounts(ledger.agents)
    backroom = Backroom(client, rooms.settings.actions_urls)
    ready = load_templates(rooms.settings.root / TEMPLATES_FILE)
    clock = rooms.clock

    async def reader(request: Request) -> DeskSession:
        return await accounts.enter(request.cookies.get(COOKIE), clock.now())

    async def writer(request: Request) -> DeskSession:
        session = await reader(request)
        if not may_write(session, request.headers.get(CSRF_HEADER)):
            raise BadInput("csrf", 403)
        return session

    Reader = Annotated[DeskSession, Depends(reader)]
    Writer = Annotated[DeskSession, Depends(writer)]

    @router.post("/login", summary="Open a session")
    async def login(request: Request, body: Login) -> JSONResponse:
        """Set the session cookie; answer who you are and the CSRF word."""
        rooms.limits.address.take(address_of(request))
        found = await accounts.login(body.name, body.password, clock.now())
        answer = JSONResponse(session_json(found.session))
        public = rooms.settings.public_url or ""
        answer.set_cookie(
            COOKIE,
            found.token,
            httponly=True,
            samesite="strict",
            secure=public.startswith("https://"),
            path="/api/desk",
        )
        return answer

    @router.post("/logout", summary="End the session")
    async def logout(request: Request, session: Writer) -> JSONResponse:
        """Forget the session; the agent is no longer ready."""
        await ledger.agents.show_up(session.agent.name, False, clock.now())
        await accounts.leave(request.cookies.get(COOKIE, ""))
        answer = JSONResponse({})
        answer.delete_cookie(COOKIE, path="/api/desk")
        return answer

    @router.get("/me", summary="Who am I")
    async def me(session: Reader) -> Json:
        """Answer the account behind the session."""
        return session_json(session)

    @router.post("/presence", summary="I am here")
    async def presence(body: Presence, session: Writer) -> Json:
        """Note the heartbeat; without one for a minute an agent counts as away."""
        await ledger.agents.show_up(session.agent.name, body.ready, clock.now())
        return {"ready": body.ready}

    @router.get("/queue", summary="What waits")
    async def queue(session: Reader) -> Json:
        """Answer conversations in the order in which they will be served."""
        return {"conversations": [row_json(row) for row in await ledger.desk.queue()]}

    @router.get("/conversations", summary="What is held")
    async def held(session: Reader, everybody: bool = False) -> Json:
        """Answer what I hold; a leader may ask for everybody's."""
        leads = session.agent.role is Role.LEADER
        whose = None if everybody and leads else session.agent.name
        return {
            "conversations": [row_json(row) for row in await ledger.desk.held(whose)]
        }

    async def visible(sender_id: str, session: DeskSession) -> Listed:
        """Return a conversation that this agent may look into."""
        row = await ledger.desk.one(sender_id)
        mine = row is not None and row.agent == session.agent.name
        waits = row is not None and row.status is Status.QUEUED
        if row is None or not (mine or waits or session.agent.role is Role.LEADER):
            raise BadInput("not_found", 404)
        return row

    @router.get("/conversations/{sender_id}", summary="One conversation")
    async def one(sender_id: str, session: Reader) -> Json:
        """Answer its state, its history of holders, and what may still be pushed."""
        row = await visible(sender_id, session)
        left = await ledger.allowances.left(sender_id, clock.now())
        limited = row.channel == "wechat"
        return {
            **row_json(row),
            "moves": [
                {**move, "at": move["at"].isoformat()}
                for move in await ledger.desk.moves(sender_id)
            ],
            "left": {
                "pushes": left.pushes,
                "until": left.until and left.until.isoformat(),
                "refused": left.refused,
            }
            if limited
            else None,
        }

    @router.get("/conversations/{sender_id}/messages", summary="Its messages")
    async def messages(
        sender_id: str,
        session: Reader,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0,
    ) -> Json:
        """Answer what came after a number, with the state of each delivery."""
        await visible(sender_id, session)
        with rooms.feed.watch(sender_id) as watch:
            found = await ledger.messages.after(sender_id, after, PAGE)
            if not found and wait > 0 and await watch.news(wait):
                found = await ledger.messages.after(sender_id, after, PAGE)
        states = await ledger.desk.states(sender_id, [m.seq for m in found])
        return {"messages": [message_json(m, states.get(m.seq)) for m in found]}

    @router.post("/conversations/{sender_id}/messages", summary="Write to the customer")
    async def write(sender_id: str, body: Words, session: Writer) -> Json:
        """Send words; only whoever holds the conversation may."""
        parts: tuple[Part, ...] = (TextPart(body.text),)
        if body.clause is not None:
            quoted = await backroom.clause(body.clause.document, body.clause.ref)
            if quoted is None:
                raise BadInput("no_clause", 409)
            parts = (*parts, quoted)
        said = Outbound(
            sender_id,
            Author.AGENT,
            parts,
            f"agent:{session.agent.name}:{body.key}",
        )
        try:
            written = await ledger.messages.post(
                (said,), clock.now(), held_by=session.agent.name
            )
        except IntegrityError:
            return {"repeat": True}
        except IllegalMove as err:
            raise BadInput("not_yours", 409) from err
        await rooms.outbox.publish(sender_id, written)
        return {"seq": written.last_seq, "repeat": False}

    async def step(act: Callable[[], Awaitable[Any]]) -> Json:
        """Make a step; one that was made already, or by somebody else, is told."""
        try:
            await act()
        except (IllegalMove, IntegrityError) as err:
            raise BadInput("not_yours", 409) from err
        return {}

    @router.post("/conversations/{sender_id}/accept", summary="Take it")
    async def accept(sender_id: str, body: Step, session: Writer) -> Json:
        """Take a queued conversation; of two agents the first gets it."""
        await visible(sender_id, session)
        agent = session.agent
        if await ledger.agents.held(agent.name) >= agent.capacity:
            raise BadInput("at_capacity", 409)
        return await step(
            lambda: desk.accept(sender_id, agent.name, body.key, agent.title)
        )

    @router.post("/conversations/{sender_id}/release", summary="Hand it back")
    async def release(sender_id: str, body: Step, session: Writer) -> Json:
        """Hand the conversation back to the bot."""
        agent = session.agent
        return await step(
            lambda: desk.release(sender_id, agent.name, body.key, agent.title)
        )

    @router.post("/conversations/{sender_id}/close", summary="End it")
    async def close(sender_id: str, body: Closing, session: Writer) -> Json:
        """End the conversation with a summary."""
        agent = session.agent
        return await step(
            lambda: desk.close(sender_id, agent.name, body.key, body.summary or None)
        )

    @router.post("/conversations/{sender_id}/transfer", summary="Pass it on")
    async def transfer(sender_id: str, body: Transfer, session: Writer) -> Json:
        """Pass the conversation to an agent or back into the queue for a skill."""
        row = await visible(sender_id, session)
        holder, agent = row.agent, session.agent
        if holder is None or (holder != agent.name and agent.role is not Role.LEADER):
            raise BadInput("not_yours", 409)
        to = await _receiver(body.to)
        if body.memo:
            now = clock.now()
            await ledger.agents.add_note(sender_id, agent.name, body.memo, now)
        await ledger.agents.log(
            agent.name, "transfer", clock.now(), sender_id, body.to or ""
        )
        if to is not None:
            return await step(
                lambda: desk.hand_over(sender_id, holder, to.name, body.key, to.title)
            )
        return await step(
            lambda: desk.requeue(sender_id, holder, body.key, body.skill, body.memo)
        )

    async def _receiver(name: str | None) -> Agent | None:
        if name is None:
            return None
        found = await ledger.agents.get(name)
        if found is None or not found.active:
            raise BadInput("not_found", 404)
        return found

    @router.get("/conversations/{sender_id}/customer", summary="Who it is")
    async def customer(sender_id: str, session: Reader) -> Json:
        """Answer the customer's proven identity and business, masked."""
        await visible(sender_id, session)
        found = await backroom.customer(sender_id)
        return {"customer": found}

    @router.get("/conversations/{sender_id}/why/{seq}", summary="Why this answer")
    async def why(sender_id: str, seq: int, session: Reader) -> Json:
        """Answer what was understood, and which rule, data and clauses decided."""
        await visible(sender_id, session)
        found = await ledger.desk.why(sender_id, seq) if 0 < seq < 2**62 else None
        if found is None:
            raise BadInput("not_found", 404)
        return why_json(found)

    @router.get("/templates", summary="What agents write often")
    async def templates(session: Reader) -> Json:
        """Answer the templates, filled in for this agent."""
        return {"templates": shown(ready, session.agent.title)}

    @router.get("/clauses", summary="Clauses for words")
    async def clauses(
        session: Reader, q: Annotated[str, Query(max_length=300)] = ""
    ) -> Json:
        """Answer clauses that can be quoted, the best first."""
        return {"clauses": await backroom.clauses(q) or []}

    @router.get("/conversations/{sender_id}/notes", summary="Notes among agents")
    async def notes(sender_id: str, session: Reader) -> Json:
        """Answer the notes, oldest first; customers and the bot never see them."""
        await visible(sender_id, session)
        found = await ledger.agents.notes_of(sender_id)
        rows = [{**asdict(note), "at": note.at.isoformat()} for note in found]
        return {"notes": rows}

    @router.post("/conversations/{sender_id}/notes", summary="Write a note")
    async def add_note(sender_id: str, body: NoteWords, session: Writer) -> Json:
        """Keep a note for agents."""
        await visible(sender_id, session)
        now = clock.now()
        name = session.agent.name
        return {
            "note_id": await ledger.agents.add_note(sender_id, name, body.text, now)
        }

    return router
