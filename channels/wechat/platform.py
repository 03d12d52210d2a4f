"""WeChat's side of the outbox: stored messages become customer-service messages.

In: messages. Out: pieces of at most 2,048 bytes, buttons as a msgmenu or a numbered list,
and an honest word on each. Source of the error codes: developers.weixin.qq.com/doc/
service/api/customer/message/api_sendcustommessage.html (2026-11-22).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog

from bot.channel_rules import ChannelRules
from bot.errors import BaokeError, Retryable
from bot.ledger.contacts import Contacts
from bot.message import Author, FilePart, ImagePart, StoredMessage
from bot.notices import Notices
from bot.ports import Clock, DeliveryState, Receipt
from channels.file_store import FileStore
from channels.typing import TypingSigns
from channels.wechat import CHANNEL
from channels.wechat.api import Uncertain, WeChatApi, WeChatError
from channels.wechat.notice import LateNotice
from channels.wechat.reading import menu_id, openid_of
from channels.wechat.xml_fields import clean_xml_text
from channels.wire import plain_text

_SEND = "/cgi-bin/message/custom/send"
_TYPING = "/cgi-bin/message/custom/typing"
_SOON = timedelta(seconds=5)
_SIGN_SECONDS = 15.0  # the typing sign goes after that
_NO_MENUS = 40200  # this kind of account cannot send a msgmenu
_KEPT = {
    45015: "outside_window",
    45047: "quota_used_up",
    48001: "api_unauthorised",
}
_FINAL = {
    40003: "no such customer",
    43004: "not following",
    43019: "blacklisted by the account",
    45002: "too long",
}

log = structlog.get_logger()


@dataclass(frozen=True)
class Piece:
    """One message of WeChat.

    Attributes:
        buttons: (id, title).
        ai: Written by a machine, which has to be told.
        image: Id of a kept file to show instead of words.
    """

    text: str
    buttons: tuple[tuple[str, str], ...] = ()
    ai: bool = False
    image: str | None = None


class WeChatPlatform:
    """Pushes messages to followers.

    Args:
        api: None when the account may not use it: what no open call carries is kept.
        rules: Of the channel.
        files: Kept files.
        notices: For words of our own.
        menus: Whether buttons become a msgmenu; a numbered list otherwise.
        notice: How to tell that something is kept; None: not at all.
    """

    name = CHANNEL

    def __init__(
        self,
        api: WeChatApi | None,
        rules: ChannelRules,
        files: FileStore,
        notices: Notices,
        contacts: Contacts,
        clock: Clock,
        *,
        menus: bool = True,
        notice: LateNotice | None = None,
    ) -> None:
        self.rules = rules
        self.api = api
        self._files = files
        self._notices = notices
        self._contacts = contacts
        self._clock = clock
        self._menus = menus
        self._notice = notice
        self._typing = TypingSigns(self._show_typing, _SIGN_SECONDS)
        # Every piece leaves room for these words below it.
        self._closing = "\n" + notices.say("more_waits")
        room = (rules.max_length or 0) - rules.length(self._closing)
        self._splitting = replace(rules, max_length=room if rules.max_length else None)

    def render(self, messages: Sequence[StoredMessage]) -> Sequence[Piece]:
        """Return the pieces to send; buttons go below the last words."""
        words = (self._words(message) for message in messages)
        text = "\n\n".join(word for word in words if word)
        buttons = tuple(b for message in messages for b in _buttons(message))
        ai = any(message.author is Author.BOT for message in messages)
        if not text and buttons:
            text = self._notices.titles["choose"]
        texts = self._splitting.split(clean_xml_text(text)) or ()
        images = [Piece("", image=each) for each in _images(messages)]
        if not texts:
            return images
        return (*self._in_words(texts, buttons, ai), *images)

    def _in_words(
        self, texts: Sequence[str], buttons: tuple[tuple[str, str], ...], ai: bool
    ) -> tuple[Piece, ...]:
        pieces = [Piece(each, ai=ai) for each in texts]
        last = replace(pieces[-1], buttons=buttons)
        limit = self._splitting.max_length
        if buttons and limit and self.rules.length(self.flat(last)) > limit:
            choose = self._notices.titles["choose"]
            return (*pieces, Piece(choose, buttons, ai))
        return (*pieces[:-1], last)

    def flat(self, piece: Piece) -> str:
        """Return a piece as words alone, its buttons as a numbered list."""
        if not piece.buttons:
            return piece.text
        lines = [f"{n}. {title}" for n, (_, title) in enumerate(piece.buttons, 1)]
        hint = self._notices.say("reply_number")
        return "\n".join((piece.text, "", *lines, hint))

    def close(self, piece: Piece) -> Piece:
        """Return the piece with a word that more waits, see ``Platform.close``."""
        if piece.image is not None:
            return piece
        return replace(piece, text=piece.text + self._closing)

    async def send(self, sender_id: str, piece: Piece) -> Receipt:
        """Send one piece, see ``Platform.send``."""
        if self.api is None:
            return Receipt(DeliveryState.KEPT, "api_unauthorised")
        menu = bool(piece.buttons) and self._menus
        try:
            if piece.image is not None:
                return await self._send_image(sender_id, piece.image)
            try:
                await self.api.post(_SEND, self._body(sender_id, piece, menu))
            except WeChatError as err:
                if not menu or err.code != _NO_MENUS:
                    raise
                log.warning("wechat.no_menus", code=err.code)
                self._menus = menu = False
                await self.api.post(_SEND, self._body(sender_id, piece, menu))
        except WeChatError as err:
            return _receipt(err)
        except Uncertain as err:
            return Receipt(DeliveryState.UNKNOWN, str(err))
        numbered = bool(piece.buttons) and not menu
        return Receipt(DeliveryState.DELIVERED, numbered=numbered)

    async def _send_image(self, sender_id: str, image: str) -> Receipt:
        """Lend a kept image to WeChat and show it."""
        assert self.api is not None
        content = await self._files.read_to_send(image)
        if content is None:
            return Receipt(DeliveryState.UNDELIVERABLE, "file_missing")
        try:
            media_id = await self.api.upload_image(content)
        except Uncertain as err:  # nothing was shown yet
            raise Retryable(_SOON) from err
        body = {"touser": openid_of(sender_id), "msgtype": "image"}
        await self.api.post(_SEND, {**body, "image": {"media_id": media_id}})
        return Receipt(DeliveryState.DELIVERED)

    async def remind(self, sender_id: str) -> None:
        """Tell by a template message that an answer waits, once in a while."""
        if self._notice is None or self.api is None:
            return
        now, pause = self._clock.now(), self._notice.pause
        try:
            if await self._contacts.may_remind(sender_id, now, pause):
                await self._notice.send(self.api, openid_of(sender_id), now)
        except BaokeError as err:
            log.warning("wechat.not_reminded", error=str(err)[:100])

    async def show_typing(self, sender_id: str, on: bool) -> None:
        """Show the typing sign when the answer takes long; a message ends it."""
        if self.api is not None:
            self._typing.turn(sender_id, on)

    async def stop(self) -> None:
        """End; the HTTP client belongs to the process."""
        self._typing.stop()

    async def _show_typing(self, sender_id: str) -> None:
        assert self.api is not None
        body = {"touser": openid_of(sender_id), "command": "Typing"}
        try:
            await self.api.post(_TYPING, body)
        except BaokeError as err:
            log.debug("wechat.no_typing", error=str(err)[:100])

    def _words(self, message: StoredMessage) -> str:
        images = [p.url for p in message.parts if isinstance(p, ImagePart)]
        return "\n".join(
            filter(None, (plain_text(message, self._notices, files=False), *images))
        )

    def _body(self, sender_id: str, piece: Piece, menu: bool) -> Mapping[str, Any]:
        body: dict[str, Any] = {"touser": openid_of(sender_id)}
        if menu:
            items = [{"id": key, "content": title} for key, title in piece.buttons]
            body["msgtype"] = "msgmenu"
            body["msgmenu"] = {
                "head_content": piece.text,
                "list": items,
                "tail_content": "",
            }
        else:
            body["msgtype"] = "text"
            body["text"] = {"content": self.flat(piece)}
        if piece.ai:
            body["aimsgcontext"] = {"is_ai_msg": 1}
        return body


def _images(messages: Sequence[StoredMessage]) -> list[str]:
    """Return the files that WeChat can show; agents are let send it no others."""
    return [
        part.attachment_id
        for message in messages
        if message.author is Author.AGENT
        for part in message.parts
        if isinstance(part, FilePart)
    ]


def _buttons(message: StoredMessage) -> tuple[tuple[str, str], ...]:
    return tuple(
        (menu_id(message.seq, index), button.title)
        for index, button in enumerate(message.buttons)
    )


def _receipt(err: WeChatError) -> Receipt:
    """Say what an error means for the piece; it was not taken."""
    if reason := _KEPT.get(err.code):
        return Receipt(DeliveryState.KEPT, reason)
    reason = _FINAL.get(err.code, "")
    detail = f"errcode {err.code} {reason}".strip()
    return Receipt(DeliveryState.UNDELIVERABLE, detail)
