"""Updates from Telegram, by webhook or by long polling: stored first, then answered.

In: updates in any order, more than once. Out: messages in the inbox. An update counts as
taken when its message is stored, or when nobody can ever read it; never before.
"""

import asyncio
import hmac
import json
from collections.abc import Mapping
from typing import Any

import httpx
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from telegram import Bot
from telegram.error import TelegramError

from bot.background import Background
from bot.errors import BadInput, Overloaded, StoreError
from bot.ledger.values import Accepted
from bot.message import Inbound, Kind
from channels.attachments import keep_file
from channels.telegram import CHANNEL
from channels.telegram.reading import File, Press, Update, read_update
from channels.visitors import WebRooms, refusal

WEBHOOK_PATH = "/webhooks/telegram"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
WANTED = ("message", "callback_query")
POLL_SECONDS = 25
_PAUSE_SECONDS = 3.0  # after Telegram refused or was away
_STALE = "/stale"  # a payload that no button has, so it is refused politely

log = structlog.get_logger()


class TelegramDoor:
    """Takes updates in.

    Args:
        rooms: What a channel reaches.
        bot: For files and for answering presses.
    """

    def __init__(self, rooms: WebRooms, bot: Bot) -> None:
        self._rooms = rooms
        self._bot = bot
        self._answering: set[asyncio.Task[None]] = set()

    async def take(self, data: Any) -> None:
        """Store what an update says; safe to repeat.

        Raises:
            Overloaded, StoreError: Not now; Telegram has to send it again.
        """
        update = read_update(data)
        if update is None:
            log.info("telegram.ignored", keys=_keys(data))
            return
        if update.press is not None:
            self._calm(update.press)
        try:
            accepted = await self._accept(update)
        except BadInput as err:
            log.info("telegram.refused", code=err.code)
            return
        result = "repeat" if accepted.repeat else accepted.refused or "accepted"
        self._rooms.metrics.messages.labels(CHANNEL, result).inc()

    async def _accept(self, update: Update) -> Accepted:
        inbox, notices = self._rooms.inbox, self._rooms.notices
        if update.unreadable is not None:
            what = notices.kinds[update.unreadable]
            inbound = self._worded(update, what)
            return await inbox.decline(
                inbound, "unreadable", notices.say("unreadable", what=what)
            )
        if update.file is None:
            return await inbox.accept(await self._inbound(update))
        known = await self._rooms.ledger.messages.knows(
            update.sender_id, update.message_key
        )
        if known:  # before its file is fetched once more
            return await inbox.accept(self._worded(update, update.file.name))
        try:
            return await inbox.accept(await self._with_file(update, update.file))
        except BadInput as err:
            said = refusal(err, notices, self._rooms.settings)
            inbound = self._worded(update, update.file.name)
            return await inbox.decline(inbound, err.code, said.message)

    def _worded(self, update: Update, text: str) -> Inbound:
        now = self._rooms.clock.now()
        return Inbound(update.sender_id, update.message_key, now, Kind.TEXT, text=text)

    def _calm(self, press: Press) -> None:
        """End the spinner on a button, beside everything else and before it."""
        task = asyncio.create_task(self._answer(press))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, press: Press) -> None:
        try:
            await self._bot.answer_callback_query(press.callback_id)
        except TelegramError as err:  # too late, usually
            log.debug("telegram.press_unanswered", error=type(err).__name__)

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

    async def _with_file(self, update: Update, file: File) -> Inbound:
        """Fetch a file and keep it.

        Raises:
            BadInput: It is too large, or neither image nor PDF.
            StoreError: Telegram does not give it now.
        """
        settings, now = self._rooms.settings, self._rooms.clock.now()
        largest = settings.max_attachment_bytes
        if file.size_bytes is not None and file.size_bytes > largest:
            raise BadInput("attachment_too_large")
        try:
            remote = await self._bot.get_file(file.file_id)
            content = bytes(await remote.download_as_bytearray())
        except TelegramError as err:
            raise StoreError(f"telegram file: {type(err).__name__}") from err
        attachment = await keep_file(
            self._rooms, update.sender_id, file.name, content, now
        )
        return Inbound(
            update.sender_id, update.message_key, now, Kind.ATTACHMENT,
            text=update.text, attachments=(attachment,),
            metadata={"album": update.album} if update.album else {},
        )  # fmt: skip


def _keys(data: Any) -> list[str]:
    return sorted(map(str, data))[:5] if isinstance(data, Mapping) else []


def build_router(door: TelegramDoor, rooms: WebRooms) -> APIRouter:
    """Return the route Telegram calls.

    Anything that cannot ever be read is answered 200: Telegram repeats what is not.
    """
    router = APIRouter(tags=["platforms"])
    secret = rooms.settings.telegram_secret
    assert secret is not None
    wanted = secret.get_secret_value().encode()

    @router.post(WEBHOOK_PATH, include_in_schema=False)
    async def receive(request: Request) -> JSONResponse:
        given = request.headers.get(SECRET_HEADER, "").encode()
        if not hmac.compare_digest(given, wanted):
            return JSONResponse({"error": {"code": "unauthorized"}}, status_code=403)
        try:
            data = json.loads(await request.body())
        except (ValueError, RecursionError):
            log.warning("telegram.no_json")
            return JSONResponse({})
        try:
            await door.take(data)
        except (Overloaded, StoreError) as err:
            log.warning("telegram.not_taken", error=str(err))
            return JSONResponse({}, status_code=503)
        return JSONResponse({})

    return router


class Poller(Background):
    """Asks Telegram for updates, for machines that nobody can call.

    What was not confirmed when it ends comes again at the next start.

    Args:
        door: Takes the updates.
        client: For HTTP.
        url: ``…/bot<token>``.
    """

    def __init__(self, door: TelegramDoor, client: httpx.AsyncClient, url: str) -> None:
        super().__init__("telegram.poll", 0.0)
        self._door = door
        self._client = client
        self._url = url
        self._offset: int | None = None  # confirms what came before it
        self._is_unhooked = False

    async def run_once(self) -> None:
        """Take one batch; rest after whatever went wrong."""
        try:
            if not self._is_unhooked:  # a webhook keeps all updates to itself
                await self._call("deleteWebhook", {"drop_pending_updates": False})
                self._is_unhooked = True
            await self._poll()
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as err:
            # Without the address: it holds the token.
            log.warning("telegram.poll_failed", error=type(err).__name__)
            await asyncio.sleep(_PAUSE_SECONDS)
        except (Overloaded, StoreError) as err:
            log.warning("telegram.not_taken", error=str(err))
            await asyncio.sleep(_PAUSE_SECONDS)
        except Exception:  # a fault of ours: told by the loop, asked again after a rest
            await asyncio.sleep(_PAUSE_SECONDS)
            raise

    async def _poll(self) -> None:
        """Take what there is, and note what may be confirmed."""
        body = {"timeout": POLL_SECONDS, "allowed_updates": list(WANTED)}
        if self._offset is not None:
            body["offset"] = self._offset
        for data in await self._call("getUpdates", body):
            await self._door.take(data)
            # Only now: what was not stored is asked for again.
            self._offset = int(data["update_id"]) + 1

    async def _call(self, method: str, body: Mapping[str, Any]) -> Any:
        answer = await self._client.post(
            f"{self._url}/{method}", json=body, timeout=POLL_SECONDS + 10
        )
        data = answer.json()
        if not data.get("ok"):
            pause = (data.get("parameters") or {}).get("retry_after", 0)
            log.warning("telegram.refused_call", method=method,
                        code=data.get("error_code"))  # fmt: skip
            await asyncio.sleep(min(float(pause), 60.0))
            raise ValueError(method)
        return data["result"]
