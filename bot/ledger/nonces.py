"""Signatures that were used: each stands for one body, on any process."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from bot.ledger.database import Database
from bot.ledger.tables import callback_nonces

_CLEAN_EVERY = timedelta(minutes=1)


class Nonces:
    """Remembers which body came under a signature, as long as it would be accepted."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cleaned_at: datetime | None = None

    async def use(
        self, signature: str, digest: str, now: datetime, keep: timedelta
    ) -> bool:
        """Note that a body came under a signature; safe to repeat.

        Args:
            signature: Of the call, at most 64 characters.
            digest: Of what it carries, at most 64 characters.
            now: The moment.
            keep: How long it is remembered.

        Returns:
            False when another body came under it before.

        Raises:
            StoreError: It could not be noted.
        """
        query = select(callback_nonces.c.digest).where(
            callback_nonces.c.signature == signature
        )
        known = await self._database.read(lambda c: c.execute(query).scalar())
        if known is not None:
            return bool(known == digest)
        row = {"signature": signature, "digest": digest, "at": now}
        over = self._over(now, keep)

        def note(connection: Connection) -> None:
            if over is not None:
                old = delete(callback_nonces).where(callback_nonces.c.at < over)
                connection.execute(old)
            connection.execute(insert(callback_nonces).values(row))

        try:
            await self._database.write(note)
        except IntegrityError:  # two came at once
            known = await self._database.read(lambda c: c.execute(query).scalar())
            return bool(known == digest)
        return True

    def _over(self, now: datetime, keep: timedelta) -> datetime | None:
        """Return before when rows may go; None when that was looked at just now."""
        if self._cleaned_at is not None and now - self._cleaned_at < _CLEAN_EVERY:
            return None
        self._cleaned_at = now
        return now - keep
