"""One conversation at the desk's API: its messages, its customer, notes about it."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from bot.errors import BadInput
from bot.ledger.agents import DeskSession
from bot.message import Part, TextPart
from channels.console import steps
from channels.console.bodies import NoteWords, Reveal, Words
from channels.console.changes import MAX_WAIT_SECONDS
from channels.console.entry import ONE, Entry, say
from channels.console.shapes import Json, message_json, row_json
from channels.console.whereabouts import whereabouts
from channels.explaining import why_json

PAGE = 200
EARLIER = 100


def add_routes(router: APIRouter, entry: Entry) -> None:
    """Add the routes of one conversation."""
    _add_messages(router, entry)
    _add_backstory(router, entry)
    steps.add_routes(router, entry)


def _add_messages(router: APIRouter, entry: Entry) -> None:
    rooms, ledger, clock = entry.rooms, entry.rooms.ledger, entry.rooms.clock
    backroom = entry.backroom
    Reader = Annotated[DeskSession, Depends(entry.reader)]
    Writer = Annotated[DeskSession, Depends(entry.writer)]

    @router.get(ONE, summary="One conversation")
    async def one(sender_id: str, session: Reader) -> Json:
        """Answer its state, its history of holders, and what may still be pushed."""
        row = await entry.visible(sender_id, session)
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

    @router.get(f"{ONE}/holder", summary="Who has it now")
    async def holder(sender_id: str, session: Reader) -> Json:
        """Answer who holds it, also to those who no longer may look into it."""
        return await whereabouts(rooms, sender_id)

    @router.get(f"{ONE}/messages", summary="Its messages")
    async def messages(
        request: Request,
        sender_id: str,
        session: Reader,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0,
        before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    ) -> Json:
        """Answer what came after a number, or right before one, with its delivery."""
        await entry.visible(sender_id, session)
        if before is not None:
            found = await ledger.messages.before(sender_id, before, EARLIER)
        else:
            with rooms.feed.watch(sender_id) as watch:
                found = await ledger.messages.after(sender_id, after, PAGE)
                if not found and wait > 0 and await watch.news(wait):
                    # The account may have been closed, the conversation passed on.
                    await entry.visible(sender_id, await entry.reader(request))
                    found = await ledger.messages.after(sender_id, after, PAGE)
        states = await ledger.desk.states(sender_id, [m.seq for m in found])
        return {"messages": [message_json(m, states.get(m.seq)) for m in found]}

    @router.post(f"{ONE}/messages", summary="Write to the customer")
    async def write(sender_id: str, body: Words, session: Writer) -> Json:
        """Send words; only whoever holds the conversation may."""
        parts: tuple[Part, ...] = (TextPart(body.text),)
        if body.clause is not None:
            quoted = await backroom.clause(body.clause.document, body.clause.ref)
            if quoted is None:
                raise BadInput("no_clause", 409)
            parts = (*parts, quoted)
        name = session.agent.name
        return await say(rooms, sender_id, name, parts, f"agent:{name}:{body.key}")


def _add_backstory(router: APIRouter, entry: Entry) -> None:
    ledger, clock = entry.rooms.ledger, entry.rooms.clock
    Reader = Annotated[DeskSession, Depends(entry.reader)]
    Writer = Annotated[DeskSession, Depends(entry.writer)]

    @router.get(f"{ONE}/customer", summary="Who it is")
    async def customer(sender_id: str, session: Reader) -> Json:
        """Answer the customer's proven identity and business, masked."""
        await entry.visible(sender_id, session)
        found = await entry.backroom.customer(sender_id, session.agent)
        return {"customer": found}

    @router.get(f"{ONE}/why/{{seq}}", summary="Why this answer")
    async def why(sender_id: str, seq: int, session: Reader) -> Json:
        """Answer what was understood, and which rule, data and clauses decided."""
        await entry.visible(sender_id, session)
        found = await ledger.desk.why(sender_id, seq) if 0 < seq < 2**62 else None
        if found is None:
            raise BadInput("not_found", 404)
        return why_json(found)

    @router.get(f"{ONE}/notes", summary="Notes among agents")
    async def notes(sender_id: str, session: Reader) -> Json:
        """Answer the notes, oldest first; customers and the bot never see them."""
        await entry.visible(sender_id, session)
        found = await ledger.agents.notes_of(sender_id)
        rows = [{**asdict(note), "at": note.at.isoformat()} for note in found]
        return {"notes": rows}

    @router.post(f"{ONE}/notes", summary="Write a note")
    async def add_note(sender_id: str, body: NoteWords, session: Writer) -> Json:
        """Keep a note for agents; a leader's is a whisper to the one who holds it."""
        await entry.visible(sender_id, session)
        now, name = clock.now(), session.agent.name
        number = await ledger.agents.add_note(sender_id, name, body.text, now)
        entry.changes.note()
        return {"note_id": number}

    @router.post(f"{ONE}/reveal", summary="See what is masked")
    async def reveal(sender_id: str, body: Reveal, session: Writer) -> Json:
        """Answer the customer's business unmasked; who asked and why is written down."""
        await entry.visible(sender_id, session)
        body.check()
        now, name = clock.now(), session.agent.name
        await ledger.agents.log(name, "reveal", now, sender_id, body.reason)
        found = await entry.backroom.customer(sender_id, session.agent, reveal=True)
        return {"customer": found}
