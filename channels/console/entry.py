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
from bot.ledger.waiting import is_here
from bot.message import Author, Outbound, Part
from channels.case_news import CaseNews
from channels.console.accounts import Accounts, may_write
from channels.console.backroom import Backroom
from channels.console.bodies import is_storable
from channels.console.changes import Changes
from channels.console.shapes import Json
from channels.console.whereabouts import gone_from
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
    news: CaseNews

    async def reader(self, request: Request) -> DeskSession:
        """Return the session of a request.

        A page that sends the session's word also when it only reads is never shown
        what belongs to a later login in the same browser.

        Raises:
            Unauthorized: There is none.
            BadInput: It has ended, or is not the one whose word was sent.
        """
        session = await self._session(request)
        word = request.headers.get(CSRF_HEADER)
        if word is not None and not may_write(session, word):
            raise BadInput("other_session", 409)
        return session

    async def _session(self, request: Request) -> DeskSession:
        cookie = request.cookies.get(COOKIE)
        return await self.accounts.enter(cookie, self.rooms.clock.now())

    async def writer(self, request: Request) -> DeskSession:
        """Return the session of a request that changes something.

        Raises:
            Unauthorized: There is none.
            BadInput: It has ended, or our own page did not send it.
        """
        session = await self._session(request)
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

    async def receiver(self, name: str | None, holder: str) -> Agent | None:
        """Return the account that something is passed to; None for anybody.

        Customers are told that the receiver has joined, so the receiver must be there
        and have room.

        Args:
            name: The receiver's account.
            holder: The account that has it now.

        Raises:
            BadInput: There is no such account, it is closed, away, full, or the
                holder's own.
        """
        if name is None:
            return None
        agents = self.rooms.ledger.agents
        found = await agents.get(name) if is_storable(name) else None
        if found is None:
            raise BadInput("not_found", 404)
        title = found.title
        if not found.active:
            raise BadInput("colleague_closed", 404, agent=title)
        if found.name == holder:
            raise BadInput("colleague_has_it", 409, agent=title)
        if not is_here(found.seen_at, self.rooms.clock.now()):
            raise BadInput("colleague_away", 409, agent=title)
        if await agents.held(found.name) >= found.capacity:
            raise BadInput("colleague_full", 409, agent=title)
        return found


async def step(
    rooms: WebRooms,
    sender_id: str,
    act: Callable[[], Awaitable[Any]],
    code: str = "not_yours",
) -> Json:
    """Make a step; one that was made already, or by somebody else, is told.

    Args:
        rooms: The web's rooms.
        sender_id: The conversation.
        act: Makes it.
        code: Of the refusal.

    Raises:
        BadInput: The conversation is elsewhere by now.
    """
    try:
        await act()
    except (IllegalMove, IntegrityError) as err:
        row = await rooms.ledger.desk.one(sender_id)
        raise await gone_from(rooms, row, code) from err
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
        raise await gone_from(rooms, await rooms.ledger.desk.one(sender_id)) from err
    await rooms.outbox.publish(sender_id, written)
    return {"seq": written.last_seq, "repeat": False}
