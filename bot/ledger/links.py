"""What other desks have been told, and what they have yet to be told.

The ledger itself is the source: nothing is written twice, and what was not told yet can
be reckoned at any time from the position kept here.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from bot.desk_rules import Status
from bot.ledger.database import Database
from bot.ledger.desk_tables import desk_hooks, desk_links, notes
from bot.ledger.links_taken import cursor_of, register, strays_of
from bot.ledger.rows import MESSAGE_COLUMNS, read_message
from bot.ledger.tables import conversations, handoffs, messages
from bot.message import StoredMessage

BATCH = 100
HOOKS_KEPT = timedelta(days=30)  # no desk repeats a call for longer


@dataclass(frozen=True)
class Linked:
    """A conversation that another desk has to be told about.

    Attributes:
        seq, move_id: It was told up to here.
        external_id, external: What the other desk calls it.
        tries: In vain, since something was told.
        reason, priority: Of the newest handoff.
        leased_until: Ours to tell until then, see ``Links.due``.
    """

    sender_id: str
    seq: int
    move_id: int
    external_id: str | None
    external: Mapping[str, Any]
    tries: int
    status: Status
    agent: str | None
    skill: str | None
    reason: str | None
    priority: str | None
    leased_until: datetime


@dataclass(frozen=True)
class Item:
    """One thing to tell: a message or a move.

    Attributes:
        key: The message's idempotency key; None for a customer's and for moves.
        move: Columns of the handoffs row.
    """

    at: datetime
    message: StoredMessage | None = None
    key: str | None = None
    move: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Pending:
    """What is to be told of a conversation next.

    Attributes:
        items: Oldest first, messages by number.
        moved: Somebody moved since it was told.
        complete: There is nothing behind them.
    """

    items: Sequence[Item]
    moved: bool
    complete: bool


class Links:
    """Positions of other desks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register(self, link: str) -> None:
        """Take up conversations in which somebody moved since the last look."""
        try:
            await self._database.write(lambda c: register(c, link))
        except IntegrityError:  # another process did
            return

    async def news(self, link: str) -> bool:
        """Say whether there is something to register."""
        newest = select(func.max(handoffs.c.id))
        cursor, strays = cursor_of(link), strays_of(link).limit(1)

        def read(connection: Connection) -> bool:
            seen = connection.execute(cursor).scalar()
            last = connection.execute(newest).scalar() or 0
            if seen is None or last > seen:
                return True
            return connection.execute(strays).first() is not None

        return await self._database.read(read)

    async def due(
        self, link: str, now: datetime, until: datetime, limit: int
    ) -> tuple[Linked, ...]:
        """Take conversations with something to tell, for this process until then."""
        t, c = desk_links.c, conversations.c
        moved = (
            select(handoffs.c.id)
            .where(handoffs.c.sender_id == t.sender_id, handoffs.c.id > t.move_id)
            .correlate(desk_links)
            .exists()
        )
        newest = (
            select(func.max(handoffs.c.id))
            .where(handoffs.c.sender_id == t.sender_id)
            .correlate(desk_links)
            .scalar_subquery()
        )
        query = (
            select(
                t.sender_id, t.seq, t.move_id, t.external_id, t.external, t.tries,
                c.status, c.agent, c.skill,
                handoffs.c.reason, handoffs.c.priority, t.leased_until,
            )
            .join(conversations, c.sender_id == t.sender_id)
            .outerjoin(handoffs, handoffs.c.id == newest)
            .where(
                t.link == link,
                t.active,
                or_(t.next_at.is_(None), t.next_at <= now),
                or_(t.leased_until.is_(None), t.leased_until <= now),
                or_(c.last_seq > t.seq, moved),
            )
            .limit(limit)
        )  # fmt: skip
        rows = await self._database.read(lambda conn: conn.execute(query).all())
        if not rows:
            return ()

        def lease(connection: Connection) -> tuple[Linked, ...]:
            taken = []
            for row in rows:
                same = (
                    t.leased_until.is_(None)
                    if row.leased_until is None
                    else t.leased_until == row.leased_until
                )
                leased = (
                    update(desk_links)
                    .where(t.link == link, t.sender_id == row.sender_id, same)
                    .values(leased_until=until)
                )
                if connection.execute(leased).rowcount == 1:
                    status = Status(row.status)
                    wish = (row.reason, row.priority)
                    taken.append(
                        Linked(*row[:6], status, row.agent, row.skill, *wish, until)
                    )
            return tuple(taken)

        return await self._database.write(lease)

    async def pending(self, linked: Linked) -> Pending:
        """Return what is to be told of a conversation."""
        said = (
            select(*MESSAGE_COLUMNS, messages.c.idempotency_key)
            .where(
                messages.c.sender_id == linked.sender_id, messages.c.seq > linked.seq
            )
            .order_by(messages.c.seq)
            .limit(BATCH)
        )
        moved = (
            select(handoffs)
            .where(
                handoffs.c.sender_id == linked.sender_id,
                handoffs.c.id > linked.move_id,
            )
            .order_by(handoffs.c.id)
            .limit(BATCH)
        )

        def read(connection: Connection) -> Pending:
            found = [
                Item(row.at, read_message(row), row.idempotency_key)
                for row in connection.execute(said)
            ]
            moves = [
                Item(row.at, move=row._asdict()) for row in connection.execute(moved)
            ]
            return _in_order(moves, found)

        return await self._database.read(read)

    async def told(
        self, link: str, linked: Linked, external_id: str | None, ended: bool
    ) -> bool:
        """Move the position; False when it is another process's to tell by now.

        ``ended``: the bot has the conversation and all was told.
        """
        return await self._update(
            link,
            linked,
            seq=linked.seq,
            move_id=linked.move_id,
            external=dict(linked.external),
            external_id=external_id,
            tries=0,
            next_at=None,
            last_error=None,
            **({"active": False} if ended else {}),
        )

    async def let_go(
        self,
        link: str,
        linked: Linked,
        *,
        next_at: datetime | None = None,
        error: str | None = None,
    ) -> None:
        """Give a conversation back; with an error it is tried again later."""
        failed = {"tries": desk_links.c.tries + 1, "last_error": error}
        await self._update(
            link,
            linked,
            leased_until=None,
            **({"next_at": next_at, **failed} if error else {}),
        )

    async def sender_of(self, link: str, external_id: str) -> str | None:
        """Return the conversation that another desk calls so."""
        query = select(desk_links.c.sender_id).where(
            desk_links.c.link == link, desk_links.c.external_id == external_id
        )
        return await self._database.read(lambda c: c.execute(query).scalar())

    async def held(self, link: str, prefix: str) -> tuple[tuple[str, str, str], ...]:
        """Return (sender_id, agent, external_id) of what another desk's people hold."""
        query = (
            select(
                conversations.c.sender_id,
                conversations.c.agent,
                desk_links.c.external_id,
            )
            .join(desk_links, desk_links.c.sender_id == conversations.c.sender_id)
            .where(
                desk_links.c.link == link,
                desk_links.c.external_id.is_not(None),
                conversations.c.status == Status.AGENT,
                conversations.c.agent.startswith(prefix, autoescape=True),
            )
        )
        rows = await self._database.read(lambda c: c.execute(query).all())
        return tuple((row[0], row[1], row[2]) for row in rows)

    async def done_before(self, hook_id: str) -> bool:
        """Say whether a call was done."""
        query = select(desk_hooks.c.hook_id).where(desk_hooks.c.hook_id == hook_id)
        return (
            await self._database.read(lambda c: c.execute(query).first())
        ) is not None

    async def note_done(self, hook_id: str, now: datetime) -> None:
        """Note that a call was done."""
        try:
            await self._database.write(lambda c: _note_hook(c, hook_id, now))
        except IntegrityError:
            return

    async def note_once(
        self, hook_id: str, sender_id: str, agent: str, text: str, now: datetime
    ) -> bool:
        """Keep a note and that its call was done, both or neither; False for a repeat."""
        note = {"sender_id": sender_id, "agent": agent, "text": text, "at": now}

        def write(connection: Connection) -> None:
            _note_hook(connection, hook_id, now)
            connection.execute(insert(notes).values(note))

        try:
            await self._database.write(write)
        except IntegrityError:
            return False
        return True

    async def _update(self, link: str, linked: Linked, **values: Any) -> bool:
        t = desk_links.c
        changed = (
            update(desk_links)
            .where(
                t.link == link,
                t.sender_id == linked.sender_id,
                t.leased_until == linked.leased_until,
            )
            .values(**values)
        )
        return await self._database.write(lambda c: c.execute(changed).rowcount == 1)


def _in_order(moves: Sequence[Item], said: Sequence[Item]) -> Pending:
    """Put a page of moves and one of messages into one order, each keeping its own."""
    # What a move says to the customer has the same moment and comes after it.
    items = list(heapq.merge(moves, said, key=lambda item: item.at))
    # What follows the end of a full page may belong behind what is not on it.
    ends = [page[-1] for page in (moves, said) if len(page) == BATCH]
    cuts = [n for n, item in enumerate(items, 1) if any(item is end for end in ends)]
    return Pending(items[: min(cuts)] if cuts else items, bool(moves), not cuts)


def _note_hook(connection: Connection, hook_id: str, now: datetime) -> None:
    """Note a call, and forget those that nobody repeats any more."""
    over = delete(desk_hooks).where(desk_hooks.c.at < now - HOOKS_KEPT)
    connection.execute(over)
    connection.execute(insert(desk_hooks).values(hook_id=hook_id, at=now))
