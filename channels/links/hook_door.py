"""Hears another desk: signed calls that take, answer, pass on and end conversations.

In: ``POST /api/desk/hooks``. Out: the same steps as an agent of our own makes, under an
account name that none of ours can have.
"""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from bot.desk import Desk
from bot.errors import BadInput, Unauthorized
from bot.message import TextPart
from channels.console.bodies import KEY, MAX_TEXT_CHARS, Storable, Text
from channels.console.entry import say, step
from channels.links.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, is_signed
from channels.visitors import WebRooms

PATH = "/api/desk/hooks"
PREFIX = "hook:"
Json = dict[str, object]

Name = Annotated[str, StringConstraints(pattern=r"^[^\s\x00-\x1f]{1,40}$")]
Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=30),
    Storable,
]


class Who(BaseModel):
    """A person at the other desk."""

    name: Name
    title: Title


class Call(BaseModel):
    """What the other desk does; ``id`` makes a repeat a repeat."""

    id: str = Field(pattern=KEY, max_length=80)
    action: Literal["accept", "message", "note", "release", "close", "transfer"]
    sender_id: Text = Field(min_length=1, max_length=200)
    agent: Who
    text: Text = Field("", max_length=MAX_TEXT_CHARS)
    summary: Text = Field("", max_length=1000)
    category: Text = Field("", max_length=50)
    skill: Text | None = Field(None, max_length=50)


def build_router(rooms: WebRooms, desk: Desk, secret: str) -> APIRouter:
    """Return the route of the other desk's calls."""
    router = APIRouter(tags=["desk"])

    @router.post(PATH, summary="Another desk acts")
    async def hook(request: Request) -> Json:
        """Do what a signed call says, once; a repeat is answered as one."""
        raw = await request.body()
        head, now = request.headers, rooms.clock.now()
        timestamp, given = head.get(TIMESTAMP_HEADER), head.get(SIGNATURE_HEADER)
        if not is_signed(secret, timestamp, given, raw, now):
            raise Unauthorized
        try:
            call = Call.model_validate_json(raw)
        except ValidationError as err:
            raise BadInput("bad_request") from err
        if await rooms.ledger.links.done_before(call.id):
            return {"repeat": True}
        await _do(rooms, desk, call, now)
        return {"repeat": False}

    return router


async def _do(rooms: WebRooms, desk: Desk, call: Call, now: datetime) -> None:
    """Do what a call says, and note that it was done."""
    who, sender_id = PREFIX + call.agent.name, call.sender_id
    key, title, links = f"hook:{call.id}", call.agent.title, rooms.ledger.links
    match call.action:
        case "message":
            if not call.text.strip():
                raise BadInput("bad_request")
            await say(rooms, sender_id, who, (TextPart(call.text),), key)
        case "note":
            if not call.text or await rooms.ledger.desk.one(sender_id) is None:
                raise BadInput("bad_request" if not call.text else "not_found")
            await links.note_once(call.id, sender_id, who, call.text, now)
            return  # that it was done is written with the note
        case "accept":
            await step(
                rooms, sender_id, lambda: desk.accept(sender_id, who, key, title)
            )
        case "release":
            await step(
                rooms, sender_id, lambda: desk.release(sender_id, who, key, title)
            )
        case "transfer":
            await step(
                rooms,
                sender_id,
                lambda: desk.requeue(sender_id, who, key, call.skill, call.summary),
            )
        case "close":
            summary, category = call.summary or None, call.category or None
            await step(
                rooms,
                sender_id,
                lambda: desk.close(sender_id, who, key, summary, category, title),
            )
    await links.note_done(call.id, now)
