"""Fetches files that lie at a platform, until they are there or can never be.

In: rows of the ledger, written before the message was acknowledged. Out: kept files, or an
honest word to the customer. Any process may do it: a row is taken for a while. What can
never come ends at once, what may come later is tried again with longer and longer pauses,
and nothing is tried for ever.
"""

import asyncio
import hashlib
from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import IntegrityError

from bot.background import Background
from bot.errors import BadInput, BaokeError, Retryable, StoreError
from bot.ledger.contacts import Fetch
from bot.message import Attachment, Author, Outbound, TextPart
from channels.attachments import keep_file
from channels.visitors import WebRooms, refusal

_EVERY_SECONDS = 1.0
_AT_ONCE = 4
_LEASE = timedelta(seconds=60)  # longer than one file can take

log = structlog.get_logger()


class FileGone(BaokeError):
    """The platform will never give the file."""


class FileDoubtful(BaokeError):
    """The platform says that it will not, and that it may be mistaken."""


@dataclass(frozen=True)
class Patience:
    """How long a file is waited for.

    Attributes:
        pause: After the first try; doubled with every further one.
        tries: In sum.
        doubtful_tries: In sum, where the platform says that it has no such file.
    """

    pause: timedelta
    tries: int
    doubtful_tries: int = 3


class FileFetcher(Background):
    """Fetches what is due; what was not there before a stop comes after the next start.

    Args:
        rooms: Where files are kept.
        channel: Whose files.
        patience: How long they are waited for.
        lost: Key of the words for a file that never came.
    """

    def __init__(
        self, rooms: WebRooms, channel: str, patience: Patience, lost: str
    ) -> None:
        super().__init__(f"{channel}.fetch", _EVERY_SECONDS)
        self._rooms = rooms
        self._channel = channel
        self._patience = patience
        self._lost = lost

    @abstractmethod
    async def get(self, media_ref: str) -> bytes:
        """Return a file's content.

        Raises:
            FileGone: It will never come.
            FileDoubtful: It will hardly come.
            BadInput: It is not wanted.
            BaokeError: It does not come now.
        """

    async def arrived(self, fetch: Fetch, file: Attachment) -> None:
        """Tell that a file is there; by default it was told before."""

    async def run_once(self) -> None:
        """Fetch what is due once; no file keeps another one waiting."""
        fetches, now = self._rooms.ledger.fetches, self._rooms.clock.now()
        due = await fetches.take(now, now + _LEASE, _AT_ONCE, self._channel)
        await asyncio.gather(*(self._try(fetch) for fetch in due))

    async def _try(self, fetch: Fetch) -> None:
        try:
            await self._end_or_postpone(fetch)
        except StoreError as err:  # its lease ends by itself
            log.warning(f"{self._channel}.file_not_noted", error=str(err))

    async def _end_or_postpone(self, fetch: Fetch) -> None:
        most, pause = self._patience.tries, timedelta(0)
        try:
            await self._fetch(fetch)
            return
        except BadInput as err:
            said = refusal(err, self._rooms.notices, self._rooms.settings)
            await self._give_up(fetch, said.message)
            return
        except FileGone as err:
            log.warning(f"{self._channel}.file_gone", error=str(err))
            most = 0
        except FileDoubtful:
            most = self._patience.doubtful_tries
        except Retryable as err:
            pause = err.retry_after
        except BaokeError as err:
            log.warning(f"{self._channel}.file_later", error=str(err))
        except Exception:  # a fault of ours: no reason to try for ever
            log.exception(f"{self._channel}.fetch_crashed")
        if fetch.attempts >= most:
            await self._give_up(fetch, self._rooms.notices.say(self._lost))
            return
        log.info(f"{self._channel}.file_later", tries=fetch.attempts)
        pause = max(pause, self._patience.pause * 2 ** min(fetch.attempts - 1, 8))
        until = self._rooms.clock.now() + pause
        await self._rooms.ledger.fetches.postpone(fetch.attachment_id, until)

    async def _fetch(self, fetch: Fetch) -> None:
        content = await self.get(fetch.media_ref)
        now = self._rooms.clock.now()
        file = await keep_once(
            self._rooms, fetch.sender_id, fetch.name, content, now, fetch.attachment_id
        )
        await self.arrived(fetch, file)
        await self._rooms.ledger.fetches.done(fetch.attachment_id)
        log.info(f"{self._channel}.file_kept", size_bytes=len(content))

    async def _give_up(self, fetch: Fetch, words: str) -> None:
        """Tell the customer, once, and forget the file."""
        key = f"{fetch.attachment_id}:lost"
        said = Outbound(fetch.sender_id, Author.SYSTEM, (TextPart(words),), key)
        now = self._rooms.clock.now()
        written = await self._rooms.ledger.messages.post_once((said,), now)
        if written is not None:  # not told before a crash
            await self._rooms.outbox.publish(fetch.sender_id, written)
        await self._rooms.ledger.fetches.done(fetch.attachment_id)


def file_id_of(sender_id: str, message_key: str) -> str:
    """Return the id of a message's file: the same however often the message comes."""
    return hashlib.sha256(f"{sender_id}\n{message_key}".encode()).hexdigest()[:32]


async def keep_once(
    rooms: WebRooms,
    sender_id: str,
    name: str,
    content: bytes,
    now: datetime,
    attachment_id: str,
) -> Attachment:
    """Keep a file under an id chosen before, see ``keep_file``; safe to repeat.

    Raises:
        BadInput: It is not wanted; nothing is kept.
        StoreError: It could not be kept or noted.
    """
    try:
        return await keep_file(
            rooms, sender_id, name, content, now, attachment_id=attachment_id
        )
    except IntegrityError:  # kept before a crash
        row = await rooms.ledger.attachments.get(sender_id, attachment_id)
    if row is None:
        raise StoreError("an attachment of another conversation")
    return Attachment(row.attachment_id, row.name, row.media_type, row.size_bytes)
