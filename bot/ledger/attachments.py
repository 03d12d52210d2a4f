"""Attachment rows of the ledger; the files themselves lie in a folder."""

from sqlalchemy import Connection, insert, select

from bot.ledger.database import Database
from bot.ledger.rows import open_conversation
from bot.ledger.tables import attachments, conversations
from bot.ledger.values import StoredAttachment


class Attachments:
    """Remembers customers' files by random id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, file: StoredAttachment) -> None:
        """Note a file that has been written to its folder."""
        await self._database.write(lambda connection: _add(connection, file))

    async def get(self, sender_id: str, attachment_id: str) -> StoredAttachment | None:
        """Return a conversation's own file; a foreign id and an unknown one: None."""
        query = select(attachments).where(
            attachments.c.sender_id == sender_id,
            attachments.c.attachment_id == attachment_id,
        )
        row = await self._database.read(lambda c: c.execute(query).one_or_none())
        return StoredAttachment(**row._mapping) if row else None


def _add(connection: Connection, file: StoredAttachment) -> None:
    known = select(conversations.c.sender_id).where(
        conversations.c.sender_id == file.sender_id
    )
    if connection.execute(known).first() is None:
        open_conversation(connection, file.sender_id, file.created_at)
    connection.execute(insert(attachments).values(**vars(file)))
