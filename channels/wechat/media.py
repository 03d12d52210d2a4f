"""Fetches files that customers sent from WeChat's servers, until they are there.

In: rows of the ledger, written before the message was acknowledged. Out: kept files, or
an honest word to the customer. Any process may do it: a row is taken for a while.
"""

from datetime import timedelta

import structlog
from sqlalchemy.exc import IntegrityError

from bot.background import Background
from bot.errors import BadInput, BaokeError
from bot.ledger.contacts import Fetch
from bot.message import Author, Outbound, TextPart
from channels.attachments import keep_file
from channels.visitors import WebRooms, refusal
from channels.wechat.api import WeChatApi, WeChatError

_EVERY_SECONDS = 1.0
_AT_ONCE = 4
_LEASE = timedelta(seconds=60)  # doubled with every try; three days in sum
_TRIES = 12

log = structlog.get_logger()


class MediaFetcher(Background):
    """Fetches what is due; what was not there before a stop comes after the next start."""

    def __init__(self, rooms: WebRooms, api: WeChatApi) -> None:
        super().__init__("wechat.fetch", _EVERY_SECONDS)
        self._rooms = rooms
        self._api = api

    async def run_once(self) -> None:
        """Fetch what is due once."""
        ledger, now = self._rooms.ledger, self._rooms.clock.now()
        for fetch in await ledger.fetches.take(now, now + _LEASE, _AT_ONCE):
            try:
                await self._fetch(fetch)
            except BadInput as err:
                said = refusal(err, self._rooms.notices, self._rooms.settings)
                await self._give_up(fetch, said.message)
            except WeChatError as err:
                log.warning("wechat.file_gone", code=err.code)
                await self._give_up(fetch, self._rooms.notices.say("media_lost"))
            except BaokeError as err:
                log.warning("wechat.file_later", tries=fetch.attempts, error=str(err))
                if fetch.attempts >= _TRIES:
                    await self._give_up(fetch, self._rooms.notices.say("media_lost"))
                else:
                    await self._later(fetch)

    async def _fetch(self, fetch: Fetch) -> None:
        rooms = self._rooms
        content = await self._api.media(fetch.media_ref)
        now = rooms.clock.now()
        try:
            await keep_file(
                rooms, fetch.sender_id, fetch.name, content, now,
                attachment_id=fetch.attachment_id,
            )  # fmt: skip
        except IntegrityError:
            log.warning("wechat.file_known")  # kept before a crash, or of no message
        await rooms.ledger.fetches.done(fetch.attachment_id)
        log.info("wechat.file_kept", size_bytes=len(content))

    async def _later(self, fetch: Fetch) -> None:
        pause = _LEASE * 2 ** min(fetch.attempts - 1, 8)
        until = self._rooms.clock.now() + pause
        await self._rooms.ledger.fetches.postpone(fetch.attachment_id, until)

    async def _give_up(self, fetch: Fetch, words: str) -> None:
        """Tell the customer, once, and forget the file."""
        key = f"{fetch.attachment_id}:lost"
        said = Outbound(fetch.sender_id, Author.SYSTEM, (TextPart(words),), key)
        try:
            now = self._rooms.clock.now()
            written = await self._rooms.ledger.messages.post((said,), now)
            await self._rooms.outbox.publish(fetch.sender_id, written)
        except IntegrityError:
            pass  # told before a crash
        await self._rooms.ledger.fetches.done(fetch.attachment_id)
