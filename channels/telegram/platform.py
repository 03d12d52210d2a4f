"""Telegram's side of the outbox: stored messages become calls of its Bot API.

In: messages. Out: pieces of at most 4,096 UTF-16 units, buttons below the last one, and
an honest word on each: sent, refused for good, later, or nobody knows.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import httpx
import structlog
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import ChatAction
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from bot.channel_rules import ChannelRules
from bot.errors import Retryable
from bot.message import FilePart, ImagePart, StoredMessage
from bot.notices import Notices
from bot.ports import DeliveryState, Receipt
from bot.settings import Settings
from channels.file_store import FileStore
from channels.telegram import CHANNEL
from channels.telegram.reading import callback_data, chat_of
from channels.typing import TypingSigns
from channels.wire import plain_text

_SECONDS = 20.0  # for one call
_SIGN_SECONDS = 4.5  # the typing sign goes after five
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_SOON = timedelta(seconds=1)
_NO_TOKEN = timedelta(minutes=1)  # somebody has to change the settings

log = structlog.get_logger()


@dataclass(frozen=True)
class Piece:
    """One call.

    Attributes:
        text: At most what Telegram takes; empty for an image.
        buttons: (title, callback data).
        image: Address of an image.
        file: Id of a kept file, and its name.
    """

    text: str = ""
    buttons: tuple[tuple[str, str], ...] = ()
    image: str | None = None
    file: tuple[str, str] | None = None


def build_bot(settings: Settings) -> tuple[Bot, HTTPXRequest]:
    """Return the client of the Bot API and its lines; nothing is sent yet.

    The bot is never initialised (that would call Telegram), so it cannot be shut down:
    whoever builds it shuts its lines down.
    """
    assert settings.telegram_token is not None
    os.environ.setdefault("PTB_TIMEDELTA", "true")  # retry_after as a timedelta
    base = settings.telegram_api_base.rstrip("/")
    request = HTTPXRequest(
        connection_pool_size=32,
        read_timeout=_SECONDS,
        write_timeout=_SECONDS,
        connect_timeout=5.0,
        pool_timeout=5.0,
    )
    bot = Bot(
        settings.telegram_token.get_secret_value(),
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=request,
        get_updates_request=request,
    )
    return bot, request


class TelegramPlatform:
    """Pushes messages to chats."""

    name = CHANNEL

    def __init__(
        self,
        bot: Bot,
        lines: HTTPXRequest,
        rules: ChannelRules,
        files: FileStore,
        notices: Notices,
    ) -> None:
        self.rules = rules
        self.bot = bot
        self._lines = lines
        self._files = files
        self._notices = notices
        self._typing = TypingSigns(self._show_typing, _SIGN_SECONDS)

    def render(self, messages: Sequence[StoredMessage]) -> Sequence[Piece]:
        """Return the pieces to send; buttons go below the last words."""
        pieces: list[Piece] = []
        for message in messages:
            for part in message.parts:
                if isinstance(part, ImagePart):
                    pieces.append(Piece(image=part.url))
                elif isinstance(part, FilePart):
                    pieces.append(Piece(file=(part.attachment_id, part.name)))
            texts = self.rules.split(plain_text(message, self._notices, files=False))
            buttons = _buttons(message)
            if not texts and buttons:
                texts = (self._notices.titles["choose"],)
            pieces += [Piece(text) for text in texts[:-1]]
            pieces += [Piece(texts[-1], buttons)] if texts else []
        return pieces

    async def send(self, sender_id: str, piece: Piece) -> Receipt:
        """Send one piece, see ``Platform.send``."""
        chat_id = chat_of(sender_id)
        try:
            if piece.file:
                file_id, name = piece.file
                content = await self._files.read_to_send(file_id)
                if content is None:
                    return Receipt(DeliveryState.UNDELIVERABLE, "file_missing")
                await self.bot.send_document(chat_id, content, filename=name)
            elif piece.image:
                await self.bot.send_photo(chat_id, piece.image)
            else:
                await self.bot.send_message(
                    chat_id, piece.text, reply_markup=_keyboard(piece)
                )
        except TelegramError as err:
            return _receipt(err)
        return Receipt(DeliveryState.DELIVERED)

    def close(self, piece: Piece) -> Piece:
        """Return the piece as it is: Telegram sets no such limits."""
        return piece

    async def remind(self, sender_id: str) -> None:
        """Do nothing: Telegram keeps nothing back."""

    async def show_typing(self, sender_id: str, on: bool) -> None:
        """Show the typing sign when the answer takes long; a message ends it."""
        self._typing.turn(sender_id, on)

    async def stop(self) -> None:
        """Close the lines to Telegram."""
        self._typing.stop()
        await self._lines.shutdown()

    async def _show_typing(self, sender_id: str) -> None:
        try:
            await self.bot.send_chat_action(chat_of(sender_id), ChatAction.TYPING)
        except TelegramError as err:
            log.debug("telegram.no_typing", error=type(err).__name__)


def _buttons(message: StoredMessage) -> tuple[tuple[str, str], ...]:
    return tuple(
        (button.title, callback_data(message.seq, index))
        for index, button in enumerate(message.buttons)
    )


def _keyboard(piece: Piece) -> InlineKeyboardMarkup | None:
    if not piece.buttons:
        return None
    rows = [
        [InlineKeyboardButton(title, callback_data=data)]
        for title, data in piece.buttons
    ]
    return InlineKeyboardMarkup(rows)


def _receipt(err: TelegramError) -> Receipt:
    """Say what an error means for the piece.

    Raises:
        Retryable: It was not taken and may be sent later.
    """
    if isinstance(err, RetryAfter):
        pause = err.retry_after
        seconds = timedelta(seconds=pause) if isinstance(pause, int) else pause
        raise Retryable(seconds) from err
    if isinstance(err, Forbidden):
        return Receipt(DeliveryState.UNDELIVERABLE, "blocked by the customer")
    if isinstance(err, InvalidToken):
        raise Retryable(_NO_TOKEN) from err
    if isinstance(err, BadRequest | ChatMigrated):
        return Receipt(DeliveryState.UNDELIVERABLE, err.message[:200])
    if isinstance(err.__cause__, _NOT_SENT):
        raise Retryable(_SOON) from err
    if isinstance(err, TimedOut) or isinstance(err.__cause__, httpx.HTTPError):
        return Receipt(DeliveryState.UNKNOWN, type(err.__cause__ or err).__name__)
    if isinstance(err, NetworkError):  # a 5xx of Telegram: it was not taken
        raise Retryable(_SOON) from err
    return Receipt(DeliveryState.UNDELIVERABLE, err.message[:200])
