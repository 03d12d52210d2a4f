"""What an update becomes in the inbox: a question, a file, or a word on what it is.

In: updates that were read. Out: stored messages. What cannot be read is kept for the agents
with its kind; a file that does not come at once is kept with its message and comes later.
"""

import asyncio
from datetime import timedelta
from time import monotonic

import structlog
from sqlalchemy.exc import IntegrityError

from bot.errors import BadInput, Retryable, StoreError
from bot.ledger.contacts import Fetch
from bot.ledger.values import Accepted
from bot.message import Attachment, Inbound, Kind
from channels.attachments import safe_name
from channels.fetching import FileDoubtful, FileGone, file_id_of, keep_once
from channels.telegram.files import TelegramFiles, media_ref
from channels.telegram.reading import File, Press, Update
from channels.visitors import WebRooms, refusal

_STALE = "/stale"  # a payload that no button has, so it is refused politely
_FILE_SECONDS = 4.0  # for a file while its update waits
_SLOW_SECONDS = 30.0  # after a file that did not come, none is waited for
_FETCH_DELAY = timedelta(seconds=1)  # the message is stored by then

log = structlog.get_logger()


class Intake:
    """Puts updates into the inbox.

    Args:
        rooms: What a channel reaches.
        files: For files.
    """

    def __init__(self, rooms: WebRooms, files: TelegramFiles) -> None:
        self._rooms = rooms
        self._files = files
        self._slow_until = 0.0

    async def accept(self, update: Update) -> Accepted:
        """Store what an update says; safe to repeat.

        Raises:
            BadInput: There is nothing in it.
            Overloaded, StoreError: Nothing is stored.
        """
        inbox = self._rooms.inbox
        if update.edits is not None:
            return await self._note_edit(update, update.edits)
        if update.unreadable is not None:
            return await self.decline(update, update.unreadable, update.text)
        if update.file is None:
            return await inbox.accept(await self._inbound(update))
        known = await self._rooms.ledger.messages.knows(
            update.sender_id, update.message_key
        )
        if known:  # before its file is fetched once more
            return await inbox.accept(self._worded(update, update.file.name))
        return await self._accept_file(update, update.file)

    async def decline(self, update: Update, kind: str, words: str | None) -> Accepted:
        """Keep what cannot be read for the agents, and say so.

        Args:
            update: What was sent.
            kind: Key of its name in the notices.
            words: A title or the customer's own words, for the agents.

        Raises:
            StoreError: Nothing is stored.
        """
        notices = self._rooms.notices
        what = notices.kinds[kind]
        sent = notices.say("sent_kind", what=what)
        inbound = self._worded(update, f"{sent}\n{words}" if words else sent)
        said = notices.say("unreadable", what=what)
        return await self._rooms.inbox.decline(inbound, "unreadable", said)

    async def _note_edit(self, update: Update, number: int) -> Accepted:
        """Keep the new form of a message for the agents; it never does anything."""
        notices = self._rooms.notices
        lines = [notices.say("edited")]
        if update.unreadable is not None:
            what = notices.kinds[update.unreadable]
            lines.append(notices.say("sent_kind", what=what))
        if update.text is not None:
            lines.append(update.text)
        inbound, said = (
            self._worded(update, "\n".join(lines)),
            notices.say("edit_noted"),
        )
        # Somebody who corrects one message three times is told once.
        return await self._rooms.inbox.decline(
            inbound, "edited", said, once=f"edit-{number}"
        )

    def _worded(self, update: Update, text: str) -> Inbound:
        now = self._rooms.clock.now()
        return Inbound(update.sender_id, update.message_key, now, Kind.TEXT, text=text)

    async def _inbound(self, update: Update) -> Inbound:
        base = (update.sender_id, update.message_key, self._rooms.clock.now())
        notices = self._rooms.notices
        if update.press is not None:
            payload = await self._pressed(update.sender_id, update.press)
            return Inbound(*base, Kind.PAYLOAD, payload=payload)
        if update.payload is not None:
            payload = update.payload
            return Inbound(*base, Kind.PAYLOAD, text=update.text, payload=payload)
        if update.place is not None:
            words = notices.place(*update.place)
            return Inbound(*base, Kind.TEXT, text=words)
        return Inbound(*base, Kind.TEXT, text=update.text)

    async def _pressed(self, sender_id: str, press: Press) -> str:
        """Return what a button means; it may stand far above, or be none of ours."""
        messages = self._rooms.ledger.messages
        button = await messages.button(sender_id, press.seq, press.index)
        return button.payload if button is not None else _STALE

    async def _accept_file(self, update: Update, file: File) -> Accepted:
        """Fetch a file and keep it with its message; later when it does not come."""
        rooms, inbox = self._rooms, self._rooms.inbox
        file_id = file_id_of(update.sender_id, update.message_key)
        try:
            attachment = await self._fetch(update, file, file_id)
        except (FileGone, BadInput) as err:
            code, words = "file_lost", rooms.notices.say("file_lost")
            if isinstance(err, BadInput):
                said = refusal(err, rooms.notices, rooms.settings)
                code, words = err.code, said.message
            inbound = self._worded(update, _named(file, update.text))
            return await inbox.decline(inbound, code, words)
        except (FileDoubtful, Retryable, TimeoutError, StoreError) as err:
            log.info("telegram.file_later", error=type(err).__name__)
            return await self._expect(update, file, file_id)
        return await inbox.accept(self._with_file(update, attachment))

    async def _fetch(self, update: Update, file: File, file_id: str) -> Attachment:
        """Fetch a file while its update waits.

        Raises:
            BadInput: It is too large, or neither image nor PDF.
            FileGone: It will never come.
            FileDoubtful, Retryable, TimeoutError, StoreError: It does not come at once.
        """
        settings, now = self._rooms.settings, self._rooms.clock.now()
        largest = settings.max_attachment_bytes
        if file.size_bytes is not None and file.size_bytes > largest:
            raise BadInput("attachment_too_large")
        if monotonic() < self._slow_until:
            raise TimeoutError
        try:
            async with asyncio.timeout(_FILE_SECONDS):
                content = await self._files.fetch(file.file_id)
                return await keep_once(
                    self._rooms, update.sender_id, file.name, content, now, file_id
                )
        except TimeoutError:  # the next customers do not wait as well
            self._slow_until = monotonic() + _SLOW_SECONDS
            raise

    async def _expect(self, update: Update, file: File, file_id: str) -> Accepted:
        """Keep a message whose file comes later; first what has to be fetched."""
        ledger, now = self._rooms.ledger, self._rooms.clock.now()
        reference = media_ref(file.file_id, update.album)
        row = Fetch(file_id, update.sender_id, reference, file.name[-250:], 0)
        try:
            await ledger.fetches.add(row, now + _FETCH_DELAY)
        except IntegrityError:
            log.info("telegram.file_awaited")  # the update comes again
        attachment = Attachment(file_id, safe_name(file.name), "image/jpeg", 0)
        return await self._rooms.inbox.expect_file(self._with_file(update, attachment))

    def _with_file(self, update: Update, attachment: Attachment) -> Inbound:
        return Inbound(
            update.sender_id, update.message_key, self._rooms.clock.now(),
            Kind.ATTACHMENT, text=update.text, attachments=(attachment,),
            metadata={"album": update.album} if update.album else {},
        )  # fmt: skip


def _named(file: File, caption: str | None) -> str:
    return f"{file.name}\n{caption}" if caption else file.name
