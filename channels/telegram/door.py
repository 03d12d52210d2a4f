"""Updates from Telegram, by webhook or by long polling: stored first, then answered.

In: updates in any order, more than once. Out: messages in the inbox. An update counts as
taken when its message is stored, or when nobody can ever read it; never before. Files that
do not come at once come later (files.py), so no file keeps an update from being taken.
"""

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from telegram import Bot
from telegram.error import TelegramError

from bot.background import Background
from bot.errors import BadInput, Overloaded, StoreError
from channels.strict_json import read_answer, read_object
from channels.telegram import CHANNEL
from channels.telegram.files import TelegramFiles
from channels.telegram.intake import Intake
from channels.telegram.reading import Press, read_update, update_number
from channels.visitors import WebRooms

WEBHOOK_PATH = "/webhooks/telegram"
# An update may hold a message, the one it answers, and both with 100 entities, every
# character as \\uXXXX: more than other bodies may have.
UPDATE_BYTES = 1024 * 1024
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
WANTED = (
    "message",
    "callback_query",
    "edited_message",
    "business_message",
    "edited_business_message",
)
POLL_SECONDS = 25
_PAUSE_SECONDS = 3.0  # after Telegram refused or was away
_TRIES = 5  # of an update that cannot be taken although others can
_MOST_TRIED = 1000  # such updates that are remembered

log = structlog.get_logger()


@dataclass
class _Trial:
    """An update that could not be taken: how often, and what was stored before it."""

    stored_before: int
    tries: int = 0


class TelegramDoor:
    """Takes updates in.

    Args:
        rooms: What a channel reaches.
        bot: For answering presses.
        files: For files.
    """

    def __init__(self, rooms: WebRooms, bot: Bot, files: TelegramFiles) -> None:
        self._rooms = rooms
        self._bot = bot
        self._intake = Intake(rooms, files)
        self._answering: set[asyncio.Task[None]] = set()
        self._trials: OrderedDict[int, _Trial] = OrderedDict()
        self._stored = 0  # updates, since the start

    async def take_or_end(self, data: Mapping[str, Any]) -> bool:
        """Take an update, or end it when it alone can never be taken; safe to repeat.

        Returns:
            Whether it is done with; otherwise Telegram has to send it again.
        """
        number = update_number(data)
        assert number is not None
        try:
            await self.take(data)
        except Overloaded as err:  # everybody waits, so it is not the update's fault
            log.warning("telegram.not_taken", error=str(err))
            return False
        except StoreError as err:
            log.warning("telegram.not_taken", error=str(err))
            # While nothing is stored at all, nothing may be given up.
            if not self._is_hopeless(number, alone=True):
                return False
            await self._give_up(data)
        except Exception:  # a fault of ours, which must not stop other customers
            log.exception("telegram.take_crashed")
            if not self._is_hopeless(number, alone=False):
                return False
            await self._give_up(data)
        self._stored += 1
        self._trials.pop(number, None)
        return True

    def _is_hopeless(self, number: int, *, alone: bool) -> bool:
        """Count a try; say whether it was the last one."""
        trial = self._trials.setdefault(number, _Trial(self._stored))
        if len(self._trials) > _MOST_TRIED:
            self._trials.popitem(last=False)
        trial.tries += 1
        others = self._stored > trial.stored_before
        return trial.tries >= _TRIES and (others or not alone)

    async def _give_up(self, data: Mapping[str, Any]) -> None:
        """Say honestly that it was not understood, if even that can be done."""
        log.error("telegram.given_up", keys=_keys(data))
        update = read_update(data)
        if update is None:
            return
        try:
            await self._intake.decline(update, "other", None)
        except Exception:  # it is this update that cannot be kept, whatever it says
            log.exception("telegram.not_declined")

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
            accepted = await self._intake.accept(update)
        except BadInput as err:
            log.info("telegram.refused", code=err.code)
            return
        result = "repeat" if accepted.repeat else accepted.refused or "accepted"
        self._rooms.metrics.messages.labels(CHANNEL, result).inc()

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


def _keys(data: Any) -> list[str]:
    return sorted(map(str, data))[:5] if isinstance(data, Mapping) else []


def build_router(door: TelegramDoor, rooms: WebRooms) -> APIRouter:
    """Return the route Telegram calls.

    What is no update is refused with 400. An update that cannot ever be read is answered
    200: Telegram repeats what is not, and keeps other customers waiting behind it.
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
        data = read_object(await request.body())
        if update_number(data) is None:
            raise BadInput("bad_json", 400)
        taken = await door.take_or_end(data)
        return JSONResponse({}, status_code=200 if taken else 503)

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
        self._taken: set[int] = set()  # and these, which came after it
        self._is_unhooked = False

    async def run_once(self) -> None:
        """Take one batch; rest after whatever went wrong."""
        try:
            if not self._is_unhooked:  # a webhook keeps all updates to itself
                await self._call("deleteWebhook", {"drop_pending_updates": False})
                self._is_unhooked = True
            is_done = await self._poll()
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as err:
            # Without the address: it holds the token.
            log.warning("telegram.poll_failed", error=type(err).__name__)
            is_done = False
        if not is_done:
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _poll(self) -> bool:
        """Take what there is, and note what may be confirmed; False: not everything.

        What cannot be taken is asked for again, and with it what came after it, which
        does not wait for it: only within one chat the order is kept.
        """
        body = {"timeout": POLL_SECONDS, "allowed_updates": list(WANTED)}
        if self._offset is not None:
            body["offset"] = self._offset
        found = await self._call("getUpdates", body)
        if not isinstance(found, list):
            raise ValueError("getUpdates")
        chats: dict[str, list[Mapping[str, Any]]] = {}
        numbers = []
        for data in found:
            if (number := update_number(data)) is None:
                log.warning("telegram.no_update")
                continue
            numbers.append(number)
            if number not in self._taken:
                update = read_update(data)
                chats.setdefault(update.sender_id if update else "", []).append(data)
        if found and not numbers:
            return False
        await asyncio.gather(*(self._take_in_order(each) for each in chats.values()))
        left = [number for number in numbers if number not in self._taken]
        if numbers:
            self._offset = min(left) if left else max(numbers) + 1
            offset = self._offset
            self._taken = {number for number in self._taken if number >= offset}
        return not left

    async def _take_in_order(self, updates: Sequence[Mapping[str, Any]]) -> None:
        """Take the updates of one chat, up to the first that cannot be taken now."""
        for data in updates:
            if not await self._door.take_or_end(data):
                return
            self._taken.add(data["update_id"])

    async def _call(self, method: str, body: Mapping[str, Any]) -> Any:
        answer = await self._client.post(
            f"{self._url}/{method}", json=body, timeout=POLL_SECONDS + 10
        )
        data = read_answer(answer.content)
        if not isinstance(data, dict) or not data.get("ok"):
            said = data if isinstance(data, dict) else {}
            pause = (said.get("parameters") or {}).get("retry_after", 0)
            log.warning("telegram.refused_call", method=method,
                        code=said.get("error_code"))  # fmt: skip
            await asyncio.sleep(min(float(pause), 60.0))
            raise ValueError(method)
        return data["result"]
