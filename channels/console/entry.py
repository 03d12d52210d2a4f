"""Who may do what at the desk's API, and what its routes have in common."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import Request
from sqlalchemy.exc import IntegrityError

from bot.desk import Desk
from bot.desk_rules import Status
from bot.errors import BadInput, IllegalMove
from bot.ledger.agents import Agent, DeskSession, Role
from bot.ledger.desk_view import Listed
from bot.message import Author, Outbound, Part
from channels.console.accounts import Accounts, may_write
from channels.console.backroom import Backroom
from channels.console.bodies import is_storable
from channels.console.changes import Changes
from channels.console.shapes import Json
from channels.visitors import WebRooms

SEEN_EVERY = timedelta(seconds=15)
COOKIE = "baoke_desk"
DEVICE_COOKIE = "baoke_desk_device"  # a browser that was logged in before
CSRF_HEADER = "X-CSRF-Token"
ONE = "/conversations/{sender_id}"  # below the router's prefix


@dataclass(frozen=True)
class Entry:
    """The rooms behind the desk's API, and its door."""

    rooms: WebRooms
    desk: Desk
    accounts: Accounts
    backroom: Backroom
    changes: Changes

    async def reader(self, request: Request) -> DeskSession:
        """Return the session of a request.

        Raises:
            Unauthorized: There is none.
        """
        cookie = request.cookies.get(COOKIE)
        return await self.accounts.enter(cookie, self.rooms.clock.now())

    async def writer(self, request: Request) -> DeskSession:
        """Return the session of a request that changes something.

        Raises:
            Unauthorized: There is none.
            BadInput: Our own page did not send it.
        """
        session = await self.reader(request)
        if not may_write(session, request.headers.get(CSRF_HEADER)):
            raise BadInput("csrf", 403)
        await self.note_seen(session.agent)
        return session

    async def note_seen(self, agent: Agent) -> None:
        """Note that an agent is there: who works or listens need not say so too."""
        now = self.rooms.clock.now()
        if agent.seen_at is None or now - agent.seen_at > SEEN_EVERY:
            await self.rooms.ledger.agents.touch(agent.name, now)

    async def leader(self, request: Request) -> DeskSession:
        """Return a leader's session; for others there is nothing here.

        Raises:
            Unauthorized: There is none.
            BadInput: It is not a leader's.
        """
        session = await self.reader(request)
        if session.agent.role is not Role.LEADER:
            raise BadInput("not_found", 404)
        return session

    async def visible(self, sender_id: str, session: DeskSession) -> Listed:
        """Return a conversation that this agent may look into.

        Raises:
            BadInput: It is another agent's, or there is none.
        """
        known = is_storable(sender_id)
        row = await self.rooms.ledger.desk.one(sender_id) if known else None
        mine = row is not None and row.agent == session.agent.name
        waits = row is not None and row.status is Status.QUEUED
        if row is None or not (mine or waits or session.agent.role is Role.LEADER):
            raise BadInput("not_found", 404)
        return row

    async def receiver(self, name: str | None) -> Agent | None:
        """Return the account that something is passed to; None for anybody.

        Raises:
            BadInput: There is no such account.
        """
        if name is None:
            return None
        found = await self.rooms.ledger.agents.get(name)
        if found is None or not found.active:
            raise BadInput("not_found", 404)
        return found


async def step(act: Callable[[], Awaitable[Any]]) -> Json:
    """Make a step; one that was made already, or by somebody else, is told.

    Raises:
        BadInput: The conversation is elsewhere by now.
    """
    try:
        await act()
    except (IllegalMove, IntegrityError) as err:
        raise BadInput("not_yours", 409) from err
    return {}


async def say(
    rooms: WebRooms, sender_id: str, who: str, parts: tuple[Part, ...], key: str
) -> Json:
    """Send what a human says who holds the conversation, and say where it stands.

    Args:
        rooms: The web's rooms.
        sender_id: The conversation.
        who: The account that must hold it.
        parts: Words, clauses, files.
        key: Makes a repeat a repeat, which does nothing.

    Raises:
        BadInput: They do not hold it.
    """
    said = Outbound(sender_id, Author.AGENT, parts, key)
    now = rooms.clock.now()
    try:
        written = await rooms.ledger.messages.post((said,), now, held_by=who)
    except IntegrityError:
        return {"repeat": True}
    except IllegalMove as err:
        raise BadInput("not_yours", 409) from err
    await rooms.outbox.publish(sender_id, written)
    return {"seq": written.last_seq, "repeat": False}
