"""Files that lie at Telegram: fetched, refused for good, or fetched later.

In: a file_id. Out: its bytes. Not by python-telegram-bot, which reads a file of any size to
its end and does not say which status an error had. Source: core.telegram.org/bots/api
#getfile (2026-12-01): at most 20 MB, and ``file_path`` may be missing.
"""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from bot.errors import BadInput, Retryable
from bot.ledger.contacts import Fetch
from bot.message import Attachment, Inbound, Kind
from channels.fetching import FileDoubtful, FileFetcher, FileGone, Patience
from channels.strict_json import read_answer
from channels.telegram import CHANNEL
from channels.visitors import WebRooms

_SECONDS = 20.0  # between two pieces of a file
_WHOLE_SECONDS = 45.0  # for a file, below the lease of its row
_SOON = timedelta(seconds=1)
_LONGEST_PAUSE_SECONDS = 60.0  # whatever Telegram asks for
_LATER = frozenset({408, 409, 425, 429})
# A customer waits for a word on the file: half a minute in sum.
_PATIENCE = Patience(timedelta(seconds=1), tries=6)
_BAR = "|"  # no file_id and no album has one


class TelegramFiles:
    """Fetches files of one bot.

    Args:
        client: For HTTP.
        base: ``https://api.telegram.org``, or a server of one's own.
        token: Of the bot.
        largest: Bytes that are wanted at most.
    """

    def __init__(
        self, client: httpx.AsyncClient, base: str, token: str, largest: int
    ) -> None:
        self._client = client
        self._ask = f"{base}/bot{token}/getFile"
        self._give = f"{base}/file/bot{token}/"
        self._largest = largest

    async def fetch(self, file_id: str) -> bytes:
        """Return a file.

        Raises:
            BadInput: It is too large.
            FileGone: Telegram will never give it.
            FileDoubtful: Telegram says so, and that it may be mistaken.
            Retryable: Not now.
        """
        try:
            async with asyncio.timeout(_WHOLE_SECONDS):
                path = await self._path(file_id)
                here = Path(path)
                if path.startswith("/") and await asyncio.to_thread(here.is_file):
                    return await asyncio.to_thread(self._read, here)
                return await self._download(path)
        except (httpx.HTTPError, TimeoutError) as err:
            # Without the address: it holds the token.
            raise Retryable(_SOON) from err

    async def _path(self, file_id: str) -> str:
        answer = await self._client.post(
            self._ask, json={"file_id": file_id}, timeout=_SECONDS
        )
        try:
            data = read_answer(answer.content)
        except ValueError:
            data = None
        data = data if isinstance(data, dict) else {}
        _check(answer.status_code, data)
        result = data.get("result")
        path = result.get("file_path") if isinstance(result, dict) else None
        if data and not (isinstance(path, str) and path):
            raise FileGone("no file_path")
        if not isinstance(path, str):
            raise Retryable(_SOON)
        return path

    async def _download(self, path: str) -> bytes:
        address = self._give + quote(path.lstrip("/"))
        content = bytearray()
        async with self._client.stream("GET", address, timeout=_SECONDS) as answer:
            _check(answer.status_code, {})
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > self._largest:
                    raise BadInput("attachment_too_large")
        return bytes(content)

    def _read(self, path: Path) -> bytes:
        """Read what a Bot API server on this machine (``--local``) has put there."""
        with path.open("rb") as file:
            content = file.read(self._largest + 1)
        if len(content) > self._largest:
            raise BadInput("attachment_too_large")
        return content


def _check(status: int, data: dict[str, Any]) -> None:
    """Raise what an answer says went wrong, see ``TelegramFiles.fetch``."""
    if status == httpx.codes.OK and data.get("ok", True) is not False:
        return
    said = str(data.get("description") or "").lower()
    given = data.get("error_code")
    code = given if isinstance(given, int) and status == httpx.codes.OK else status
    if "too big" in said or code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
        raise BadInput("attachment_too_large")
    if "temporarily" in said:
        raise FileDoubtful(f"status {code}")
    if code in _LATER or not 400 <= code < 500:
        raise Retryable(_pause(data))
    raise FileGone(f"status {code}")


def _pause(data: dict[str, Any]) -> timedelta:
    parameters = data.get("parameters")
    asked = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if not isinstance(asked, int | float):
        return _SOON
    return timedelta(seconds=min(max(float(asked), 0.0), _LONGEST_PAUSE_SECONDS))


def media_ref(file_id: str, album: str | None) -> str:
    """Return what the ledger keeps of a file: where it is and what it belongs to."""
    return f"{album or ''}{_BAR}{file_id}"


class TelegramFetcher(FileFetcher):
    """Fetches what did not come at once."""

    def __init__(self, rooms: WebRooms, files: TelegramFiles) -> None:
        super().__init__(rooms, CHANNEL, _PATIENCE, "file_lost")
        self._files = files

    async def get(self, media_ref: str) -> bytes:
        """Return a file's content, see ``FileFetcher.get``."""
        return await self._files.fetch(media_ref.partition(_BAR)[2])

    async def arrived(self, fetch: Fetch, file: Attachment) -> None:
        """Tell now: it was not told before."""
        album = fetch.media_ref.partition(_BAR)[0]
        inbound = Inbound(
            fetch.sender_id, fetch.attachment_id, self._rooms.clock.now(),
            Kind.ATTACHMENT, attachments=(file,),
            metadata={"album": album} if album else {},
        )  # fmt: skip
        await self._rooms.inbox.confirm_file(inbound)
