"""Agents of the desk (坐席): accounts, their sessions, their presence, and their notes.

Passwords are hashed by argon2 outside of here (channels/console/accounts.py); of session
secrets only a hash is kept. Notes are a table of their own, which nothing that speaks to
customers or to the bot ever reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from bot.desk_rules import Status
from bot.ledger.database import Database
from bot.ledger.desk_tables import agent_sessions, agents, desk_log, notes
from bot.ledger.login_tries import forgive_name
from bot.ledger.tables import conversations
from bot.ledger.waiting import PRESENT


class Role(StrEnum):
    """What an agent may do."""

    AGENT = "agent"
    LEADER = "leader"  # also sees and takes over everybody's conversations


@dataclass(frozen=True)
class Agent:
    """An account.

    Attributes:
        name: For logging in; never shown to customers.
        title: What customers are told, e.g. 小王.
        skills: What the agent knows (理赔, 保全); conversations may ask for one.
        capacity: Conversations held at once.
        ready: Wants conversations; only counts while ``seen_at`` is fresh.
    """

    name: str
    title: str
    password_hash: str
    role: Role
    skills: tuple[str, ...]
    capacity: int
    active: bool
    ready: bool
    seen_at: datetime | None


@dataclass(frozen=True)
class DeskSession:
    """A logged-in browser of an agent."""

    agent: Agent
    csrf: str
    expires_at: datetime


@dataclass(frozen=True)
class Note:
    """Words among agents about a conversation."""

    note_id: int
    sender_id: str
    agent: str
    at: datetime
    text: str


class Agents:
    """Reads and writes accounts, sessions, notes and the desk's log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Accounts.

    async def put(
        self,
        name: str,
        title: str,
        password_hash: str,
        role: Role = Role.AGENT,
        skills: Sequence[str] = (),
        capacity: int = 5,
    ) -> None:
        """Add an account, or write over the one with this name."""
        values: dict[str, Any] = {
            "title": title,
            "password_hash": password_hash,
            "role": role,
            "skills": list(skills),
            "capacity": capacity,
            "active": True,
        }

        def write(connection: Connection) -> None:
            changed = update(agents).where(agents.c.name == name).values(values)
            if connection.execute(changed).rowcount == 0:
                connection.execute(insert(agents).values({"name": name, **values}))
            # Whoever knew the old password is out.
            gone = delete(agent_sessions).where(agent_sessions.c.agent == name)
            connection.execute(gone)
            forgive_name(connection, name)

        await self._database.write(write)

    async def get(self, name: str) -> Agent | None:
        """Return an account, active or not."""
        query = select(agents).where(agents.c.name == name)
        row = await self._database.read(lambda c: c.execute(query).one_or_none())
        return None if row is None else _agent(row)

    async def listed(self) -> tuple[Agent, ...]:
        """Return all accounts by name."""
        query = select(agents).order_by(agents.c.name)
        rows = await self._database.read(lambda c: c.execute(query).all())
        return tuple(_agent(row) for row in rows)

    async def disable(self, name: str) -> bool:
        """Close an account and its sessions; False when there is none."""

        def write(connection: Connection) -> bool:
            changed = update(agents).where(agents.c.name == name).values(active=False)
            gone = delete(agent_sessions).where(agent_sessions.c.agent == name)
            connection.execute(gone)
            return connection.execute(changed).rowcount == 1

        return await self._database.write(write)

    async def show_up(self, name: str, ready: bool, now: datetime) -> None:
        """Note that an agent is there."""
        values = {"ready": ready, "seen_at": now}
        changed = update(agents).where(agents.c.name == name).values(values)
        await self._database.write(lambda c: c.execute(changed))

    async def leave(self, name: str, now: datetime) -> None:
        """Note that an agent has gone: away from now on, not only a minute later."""
        values = {"ready": False, "seen_at": now - PRESENT}
        changed = update(agents).where(agents.c.name == name).values(values)
        await self._database.write(lambda c: c.execute(changed))

    async def touch(self, name: str, now: datetime) -> None:
        """Note that an agent is there, whatever they want."""
        changed = update(agents).where(agents.c.name == name).values(seen_at=now)
        await self._database.write(lambda c: c.execute(changed))

    async def logged(self, limit: int) -> tuple[dict[str, Any], ...]:
        """Return what agents did that somebody may ask about, newest first."""
        query = select(desk_log).order_by(desk_log.c.id.desc()).limit(limit)
        rows = await self._database.read(lambda c: c.execute(query).all())
        return tuple(row._asdict() for row in rows)

    async def loads(self) -> dict[str, int]:
        """Return how many conversations each agent holds, by name."""
        query = (
            select(conversations.c.agent, func.count())
            .where(conversations.c.status == Status.AGENT)
            .group_by(conversations.c.agent)
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return {row[0]: row[1] for row in rows}

    async def held(self, name: str) -> int:
        """Count the conversations an agent holds."""
        query = (
            select(func.count())
            .select_from(conversations)
            .where(
                conversations.c.status == Status.AGENT, conversations.c.agent == name
            )
        )
        return await self._database.read(lambda c: c.execute(query).scalar_one())

    # Sessions.

    async def open_session(
        self, token_hash: str, name: str, csrf: str, now: datetime, until: datetime
    ) -> None:
        """Keep a session."""
        row = {
            "token_hash": token_hash,
            "agent": name,
            "csrf": csrf,
            "created_at": now,
            "expires_at": until,
        }
        await self._database.write(
            lambda c: c.execute(insert(agent_sessions).values(row))
        )

    async def session(self, token_hash: str, now: datetime) -> DeskSession | None:
        """Return a session that is still good, of an account that is."""
        query = (
            select(agents, agent_sessions.c.csrf, agent_sessions.c.expires_at)
            .join(agent_sessions, agent_sessions.c.agent == agents.c.name)
            .where(
                agent_sessions.c.token_hash == token_hash,
                agent_sessions.c.expires_at > now,
                agents.c.active,
            )
        )
        row = await self._database.read(lambda c: c.execute(query).one_or_none())
        return (
            None if row is None else DeskSession(_agent(row), row.csrf, row.expires_at)
        )

    async def has_expired(self, token_hash: str, now: datetime) -> bool:
        """Say whether a session ended because its time was over."""
        query = select(agent_sessions.c.expires_at).where(
            agent_sessions.c.token_hash == token_hash
        )
        until = await self._database.read(lambda c: c.execute(query).scalar())
        return until is not None and until <= now

    async def close_session(self, token_hash: str) -> None:
        """Forget a session."""
        gone = delete(agent_sessions).where(agent_sessions.c.token_hash == token_hash)
        await self._database.write(lambda c: c.execute(gone))

    # Notes and log.

    async def add_note(
        self, sender_id: str, agent: str, text: str, now: datetime
    ) -> int:
        """Keep a note; return its number."""
        row = {"sender_id": sender_id, "agent": agent, "text": text, "at": now}
        added = insert(notes).values(row).returning(notes.c.note_id)
        return await self._database.write(lambda c: c.execute(added).scalar_one())

    async def notes_of(self, sender_id: str) -> tuple[Note, ...]:
        """Return a conversation's notes, oldest first."""
        query = (
            select(notes)
            .where(notes.c.sender_id == sender_id)
            .order_by(notes.c.note_id)
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return tuple(Note(**row._asdict()) for row in rows)

    async def log(
        self, agent: str, what: str, now: datetime, sender_id: str | None = None,
        detail: str = "",
    ) -> None:  # fmt: skip
        """Write down what an agent did that somebody may ask about."""
        row = {
            "agent": agent,
            "what": what,
            "at": now,
            "sender_id": sender_id,
            "detail": detail[:500],
        }
        await self._database.write(lambda c: c.execute(insert(desk_log).values(row)))


def _agent(row: Any) -> Agent:
    return Agent(
        name=row.name,
        title=row.title,
        password_hash=row.password_hash,
        role=Role(row.role),
        skills=tuple(row.skills),
        capacity=row.capacity,
        active=row.active,
        ready=row.ready,
        seen_at=row.seen_at,
    )
