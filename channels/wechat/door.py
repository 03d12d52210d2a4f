"""Callbacks from WeChat: stored first, then answered on the open call or afterwards.

In: opened callbacks, each up to three times, on any process. Out: messages in the inbox,
and for each call a reply within the time WeChat waits: words, a transfer, or nothing.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic

import structlog

from bot.desk import Desk
from bot.desk_rules import Status
from bot.errors import BadInput, Overloaded, StoreError
from bot.ledger.contacts import Fetch
from bot.ledger.parcels import Parcel
from bot.ledger.values import Accepted
from bot.message import (
    Attachment,
    Author,
    Inbound,
    Kind,
    Terms,
)
from bot.persist import persist
from bot.ports import Dispatcher
from channels.visitors import WebRooms
from channels.wechat import CHANNEL
from channels.wechat.platform import WeChatPlatform
from channels.wechat.reading import FOLLOW, Callback, Does
from channels.wechat.sessions import Sessions

_GRACE = timedelta(seconds=1)  # a dead process holds pushes back no longer
_LOOK_SECONDS = 1.0  # news may be lost between processes
_STORE_PAUSE_SECONDS = 0.5
_FETCH_DELAY = timedelta(seconds=1)  # the message is stored by then
_STALE = "/stale"  # a payload that no button has, so it is refused politely

log = structlog.get_logger()


@dataclass(frozen=True)
class Reply:
    """What goes back on the open call.

    Attributes:
        text: Words; None with ``transfer``.
        transfer: Hand the customer to WeChat's own customer-service tool.
        settle: To be done when it has been handed over.
    """

    text: str | None = None
    transfer: bool = False
    settle: Callable[[], Awaitable[None]] | None = None


class WeChatDoor:
    """Takes callbacks in.

    Args:
        rooms: What a channel reaches.
        platform: Renders what an open call carries.
        sends: Pushes what no open call carries.
        desk: Hears of sessions in WeChat's own tool.
        fetches_files: Whether files can be fetched from WeChat.
        names: names[payload] = what the menu calls it.
    """

    def __init__(
        self,
        rooms: WebRooms,
        platform: WeChatPlatform,
        sends: Dispatcher,
        desk: Desk,
        *,
        fetches_files: bool,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self._rooms = rooms
        self._platform = platform
        self._sends = sends
        self._fetches_files = fetches_files
        self._names = names or {}
        self._wait = rooms.settings.wechat_passive_wait.total_seconds()
        self._transfers = rooms.settings.wechat_agents == "wechat"
        self._sessions = Sessions(rooms, desk)

    def sorry(self, callback: Callback) -> Reply | None:
        """Say honestly that nothing can be taken, to somebody who said something."""
        if callback.does is not Does.SAY:
            return None
        return Reply(self._rooms.notices.refusal("unavailable"))

    async def take(self, callback: Callback, began: float) -> Reply | None:
        """Store what a callback says and find its reply; safe to repeat.

        Args:
            callback: What somebody did.
            began: ``time.monotonic()`` when the call came in.

        Returns:
            None for ``success``: nothing is to be said on this call.
        """
        match callback.does:
            case Does.NOTHING:
                return None
            case Does.NOTICE:
                log.info("wechat.notice_result", result=(callback.text or "")[:50])
                return None
        until = began + max(self._wait, 1.0)
        while True:
            try:
                return await self._take(callback, began)
            except Overloaded:
                return Reply(self._rooms.notices.refusal("overloaded"))
            except BadInput as err:
                log.info("wechat.refused", code=err.code)
                return None
            except StoreError as err:
                log.warning("wechat.not_stored", error=str(err))
                if monotonic() + _STORE_PAUSE_SECONDS > until:
                    # Honest: it was not taken, so nobody will answer it later.
                    return Reply(self._rooms.notices.refusal("unavailable"))
                await asyncio.sleep(_STORE_PAUSE_SECONDS)

    async def _take(self, callback: Callback, began: float) -> Reply | None:
        contacts, now = self._rooms.ledger.contacts, self._rooms.clock.now()
        if callback.does is Does.LEAVE:
            forget = self._rooms.settings.wechat_forget == "profile"
            await contacts.unfollow(callback.sender_id, now, forget=forget)
            return None
        if callback.session is not None:
            await self._sessions.step(callback, callback.session)
            return None
        if callback.follows:
            await contacts.follow(callback.sender_id, callback.scene, now)
        if self._transfers and callback.is_message:
            await self._sessions.end_forgotten(callback)
        left = began + self._wait - monotonic()
        push_after = now + timedelta(seconds=left) + _GRACE if left > 0 else None
        terms = self._terms(callback, now, push_after)
        with self._rooms.feed.watch(callback.sender_id) as watch:
            accepted = await self._accept(callback, terms)
            result = "repeat" if accepted.repeat else accepted.refused or "accepted"
            self._rooms.metrics.messages.labels(CHANNEL, result).inc()
            while True:
                try:
                    found, reply = await self._look(callback, accepted, push_after)
                except StoreError as err:  # it is stored: it will be answered
                    log.warning("wechat.not_looked", error=str(err))
                    found, reply = False, None
                if found:
                    return reply
                left = began + self._wait - monotonic()
                if left <= 0:
                    break
                await watch.news(min(left, _LOOK_SECONDS))
        await self._let_go(callback.sender_id, accepted, push_after)
        return None

    def _terms(
        self, callback: Callback, now: datetime, push_after: datetime | None
    ) -> Terms | None:
        allowance = self._platform.rules.allowances.get(callback.trigger or "")
        if allowance is None:
            return None
        until = now + allowance.valid
        return Terms(callback.trigger or "", allowance.pushes, until, push_after)

    # Finding the reply.

    async def _look(
        self, callback: Callback, accepted: Accepted, push_after: datetime | None
    ) -> tuple[bool, Reply | None]:
        """Look once; (False, …) means that it is worth waiting."""
        ledger, sender_id = self._rooms.ledger, callback.sender_id
        merge, now = self._platform.rules.merge, self._rooms.clock.now()
        waits, parcel = await ledger.parcels.look(sender_id, accepted.seq, merge, now)
        if accepted.repeat or push_after is None:
            # The first copy's call may have been cut off with the reply on it.
            given = await ledger.passive.given(sender_id, accepted.seq)
            if given is not None:
                return True, Reply(given)
            held = parcel is not None and parcel.push_after is not None
            return not (waits or held), None
        if self._transfers and callback.is_message and not waits:
            status, _ = await ledger.messages.holder(sender_id)
            if status is Status.QUEUED:
                await self._let_go(sender_id, accepted, push_after)
                return True, Reply(transfer=True)
        if parcel is None:
            if waits:
                return False, None
            # Answered with other words, or a human has to answer.
            await self._let_go(sender_id, accepted, push_after)
            return True, None
        if parcel.interrupted or (parcel.held and parcel.author is Author.BOT):
            return False, None
        reply = await self._claim(parcel, accepted.seq, push_after)
        return reply is not None, reply

    async def _claim(
        self, parcel: Parcel, seq: int, push_after: datetime
    ) -> Reply | None:
        """Take the next piece for this call; None when somebody else has it."""
        pieces = self._platform.render(parcel.messages)
        if parcel.progress >= len(pieces):
            return None  # nothing in it that WeChat can show: the sender ends it
        piece = pieces[parcel.progress]
        if piece.image is not None:
            return None  # an open call carries words alone
        text, now = self._platform.flat(piece), self._rooms.clock.now()
        passive = self._rooms.ledger.passive
        if not await passive.claim(parcel, seq, text, bool(piece.buttons), now):
            return None
        claimed = replace(parcel, attempts=parcel.attempts + 1)

        async def settle() -> None:
            clock = self._rooms.clock
            await persist(
                lambda: passive.settle(claimed, len(pieces), push_after, clock.now()),
                "wechat.not_settled",
            )
            await self._sends.wake(parcel.sender_id)

        return Reply(text, settle=settle)

    async def _let_go(
        self, sender_id: str, accepted: Accepted, push_after: datetime | None
    ) -> None:
        """Let the sender push what this call does not carry."""
        if push_after is None or accepted.repeat:
            return
        try:
            await self._rooms.ledger.passive.let_go(sender_id, push_after)
        except StoreError as err:  # it ends by itself a moment later
            log.warning("wechat.not_let_go", error=str(err))
        await self._sends.wake(sender_id)

    # Storing.

    async def _accept(self, callback: Callback, terms: Terms | None) -> Accepted:
        inbox, notices = self._rooms.inbox, self._rooms.notices
        text = callback.text or ""
        unreadable = callback.unreadable
        if callback.media is not None and not self._fetches_files:
            unreadable = "image"
        elif callback.is_message and notices.means("unsupported", text):
            unreadable = "sticker"
        if unreadable is not None:
            what = notices.kinds[unreadable]
            sent = notices.say("sent_kind", what=what)
            inbound = self._worded(callback, f"{sent}\n{text}".strip(), terms)
            words = notices.say("unreadable", what=what)
            return await inbox.decline(inbound, "unreadable", words)
        if callback.media is not None:
            return await self._accept_file(callback, terms)
        if callback.place is not None:
            text = notices.place(*callback.place)
        elif payload := await self._payload(callback):
            words = text or self._event_words(callback)
            inbound = replace(
                self._worded(callback, words, terms), kind=Kind.PAYLOAD, payload=payload
            )
            return await inbox.accept(inbound)
        return await inbox.accept(self._worded(callback, text, terms))

    def _event_words(self, callback: Callback) -> str:
        """Return what the conversation shows for an event."""
        if callback.follows:
            key = "followed" if callback.trigger == FOLLOW else "scanned"
            return self._rooms.notices.say(key)
        return self._names.get(callback.payload or "", "")

    def _worded(self, callback: Callback, text: str, terms: Terms | None) -> Inbound:
        return Inbound(
            callback.sender_id, callback.message_key, self._rooms.clock.now(),
            Kind.TEXT, text=text, terms=terms,
        )  # fmt: skip

    async def _payload(self, callback: Callback) -> str | None:
        """Return what a button means; None for words."""
        messages, sender_id = self._rooms.ledger.messages, callback.sender_id
        if callback.payload is not None:
            return callback.payload or _STALE
        if callback.number is not None:
            if await messages.knows(sender_id, callback.message_key):
                return None  # a repeat: only its number is wanted
            buttons = await messages.numbered(sender_id)
            chosen = callback.number - 1
            return buttons[chosen].payload if 0 <= chosen < len(buttons) else None
        if callback.press is None:
            return None
        button = await messages.button(sender_id, *callback.press)
        return button.payload if button is not None else _STALE

    async def _accept_file(self, callback: Callback, terms: Terms | None) -> Accepted:
        """Note the file first: nobody else knows where it lies."""
        assert callback.media is not None
        ledger, now = self._rooms.ledger, self._rooms.clock.now()
        name, sender_id = callback.media.name, callback.sender_id
        attachment = Attachment(secrets.token_hex(16), name, "image/jpeg", 0)
        if not await ledger.messages.knows(sender_id, callback.message_key):
            names = (attachment.attachment_id, sender_id, callback.media.media_id, name)
            await ledger.fetches.add(Fetch(*names, 0), now + _FETCH_DELAY)
        inbound = replace(
            self._worded(callback, "", terms), kind=Kind.ATTACHMENT, text=None,
            attachments=(attachment,),
        )  # fmt: skip
        return await self._rooms.inbox.accept(inbound)
