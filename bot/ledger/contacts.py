"""What platforms tell of customers beside messages, and tokens that platforms lend."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, and_, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from bot.ledger import allowances
from bot.ledger.database import Database
from bot.ledger.tables import contacts, media_fetches, platform_tokens

T = TypeVar("T")


@dataclass(frozen=True)
class Contact:
    """A customer as the platform knows them."""

    sender_id: str
    following: bool
    scene: str | None
    since: datetime
    reminded_at: datetime | None


class Contacts:
    """Followers of the account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, sender_id: str) -> Contact | None:
        """Return a contact; None when the platform never told of one."""
        query = select(contacts).where(contacts.c.sender_id == sender_id)
        row = await self._database.read(lambda c: c.execute(query).one_or_none())
        return None if row is None else Contact(**row._asdict())

    async def follow(self, sender_id: str, scene: str | None, now: datetime) -> None:
        """Note a follower and the QR code they came by."""
        values: dict[str, object] = {"following": True, "since": now}
        if scene is not None:
            values["scene"] = scene[:100]
        await self._write(lambda c: _write(c, sender_id, values, now))

    async def unfollow(self, sender_id: str, now: datetime, *, forget: bool) -> None:
        """Note that somebody left; with ``forget`` delete what the platform told."""

        def leave(connection: Connection) -> None:
            values: dict[str, object] = {"following": False, "since": now}
            if forget:
                values |= {"scene": None, "reminded_at": None}
                allowances.forget(connection, sender_id)
            _write(connection, sender_id, values, now)

        await self._write(leave)

    async def may_remind(self, sender_id: str, now: datetime, pause: timedelta) -> bool:
        """Take the right to remind a customer, once within ``pause``."""

        def take(connection: Connection) -> bool:
            row = connection.execute(
                select(contacts.c.reminded_at, contacts.c.following).where(
                    contacts.c.sender_id == sender_id
                )
            ).one_or_none()
            if row is not None and not row.following:
                return False
            if row is not None and row.reminded_at and row.reminded_at + pause > now:
                return False
            _write(connection, sender_id, {"reminded_at": now}, now)
            return True

        return await self._write(take)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        """Write; once more when somebody else wrote the contact's first row."""
        try:
            return await self._database.write(work)
        except IntegrityError:
            return await self._database.write(work)


def _write(
    connection: Connection, sender_id: str, values: dict[str, object], now: datetime
) -> None:
    changed = update(contacts).where(contacts.c.sender_id == sender_id).values(values)
    if connection.execute(changed).rowcount == 0:
        new = {"sender_id": sender_id, "following": True, "since": now}
        connection.execute(insert(contacts).values(new | values))


@dataclass(frozen=True)
class Token:
    """A secret lent until a moment."""

    value: str
    expires_at: datetime


class Tokens:
    """Keeps tokens for all processes, and lets one of them fetch a new one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> Token | None:
        """Return the newest token, expired or not."""
        query = select(platform_tokens).where(platform_tokens.c.name == name)
        row = await self._database.read(lambda c: c.execute(query).one_or_none())
        if row is None or row.token is None:
            return None
        return Token(row.token, row.expires_at)

    async def lease(
        self, name: str, bad: str | None, now: datetime, seconds: float
    ) -> bool:
        """Take the right to fetch a new token; False when it is not needed or taken.

        Args:
            name: Of the token.
            bad: The platform refused this one, whatever its age.
            now: The moment.
            seconds: For how long nobody else may fetch.
        """
        return await self._database.write(
            lambda c: _lease(c, name, bad, now, timedelta(seconds=seconds))
        )

    async def put(self, name: str, token: Token) -> None:
        """Keep a fetched token and give the lease back."""
        new = {
            "token": token.value,
            "expires_at": token.expires_at,
            "leased_until": None,
        }
        changed = (
            update(platform_tokens).where(platform_tokens.c.name == name).values(new)
        )
        await self._database.write(lambda c: c.execute(changed))

    async def give_back(self, name: str) -> None:
        """Give the lease back without a token."""
        changed = (
            update(platform_tokens)
            .where(platform_tokens.c.name == name)
            .values(leased_until=None)
        )
        await self._database.write(lambda c: c.execute(changed))


def _lease(
    connection: Connection,
    name: str,
    bad: str | None,
    now: datetime,
    length: timedelta,
) -> bool:
    known = select(platform_tokens.c.name).where(platform_tokens.c.name == name)
    if connection.execute(known).first() is None:
        row = {"name": name, "leased_until": now + length}
        connection.execute(insert(platform_tokens).values(row))
        return True
    table = platform_tokens.c
    stale = [table.token.is_(None), table.expires_at <= now]
    if bad is not None:
        stale.append(table.token == bad)
    free = or_(table.leased_until.is_(None), table.leased_until <= now)
    taken = (
        update(platform_tokens)
        .where(and_(table.name == name, free, or_(*stale)))
        .values(leased_until=now + length)
    )
    return connection.execute(taken).rowcount == 1


@dataclass(frozen=True)
class Fetch:
    """A file that lies at a platform."""

    attachment_id: str
    sender_id: str
    media_ref: str
    name: str
    attempts: int


class Fetches:
    """Remembers which files have to be fetched, until they are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, fetch: Fetch, now: datetime) -> None:
        """Have a file fetched, from ``now`` on."""
        row = {
            "attachment_id": fetch.attachment_id,
            "sender_id": fetch.sender_id,
            "media_ref": fetch.media_ref,
            "name": fetch.name,
            "not_before": now,
            "created_at": now,
        }
        await self._database.write(
            lambda c: c.execute(insert(media_fetches).values(row))
        )

    async def take(
        self, now: datetime, again: datetime, limit: int, channel: str = ""
    ) -> Sequence[Fetch]:
        """Take what is due, of one channel or of all; nobody else gets it so soon.

        Args:
            now: The moment.
            again: When somebody else may take what is neither done nor postponed.
            limit: How many at most.
            channel: Whose files; empty for everybody's.
        """
        return await self._database.write(
            lambda c: _take(c, now, again, limit, f"{channel}:" if channel else "")
        )

    async def postpone(self, attachment_id: str, until: datetime) -> None:
        """Try a file again at ``until``."""
        later = (
            update(media_fetches)
            .where(media_fetches.c.attachment_id == attachment_id)
            .values(not_before=until)
        )
        await self._database.write(lambda c: c.execute(later))

    async def done(self, attachment_id: str) -> None:
        """Forget a file that was fetched or given up."""
        gone = delete(media_fetches).where(
            media_fetches.c.attachment_id == attachment_id
        )
        await self._database.write(lambda c: c.execute(gone))


def _take(
    connection: Connection, now: datetime, again: datetime, limit: int, prefix: str
) -> Sequence[Fetch]:
    table = media_fetches.c
    ours = table.sender_id.startswith(prefix, autoescape=True)
    due = (
        select(media_fetches)
        .where(table.not_before <= now, ours)
        .order_by(table.not_before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = []
    for row in connection.execute(due).all():
        taken = (
            update(media_fetches)
            .where(
                table.attachment_id == row.attachment_id,
                table.not_before == row.not_before,
            )
            .values(not_before=again, attempts=table.attempts + 1)
        )
        if connection.execute(taken).rowcount == 1:
            names = (row.attachment_id, row.sender_id, row.media_ref, row.name)
            found.append(Fetch(*names, row.attempts + 1))
    return found
