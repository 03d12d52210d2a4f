"""Open chat windows (sockets) of web visitors: what each one has been shown.

Every window is fed in the order of sequence numbers from where it stands; whatever
news it missed is read from the ledger. The web's side of the outbox.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from bot.ledger.messages import PAGE, Messages
from bot.ledger.values import Written
from bot.message import Author, StoredMessage
from bot.notices import Notices
from bot.outbox import Outbox
from channels.tokens import Session
from channels.wire import echo, uttered, uttered_plain

MAX_WINDOWS_PER_VISITOR = 20

# emit(event, data, sid, acknowledged)
Emit = Callable[[str, Any, str, Callable[..., None] | None], Awaitable[None]]


@dataclass(slots=True, weakref_slot=True, eq=False)
class Window:
    """One connected socket.

    Attributes:
        plain: A ready-made Rasa widget: Rasa's keys only, never acknowledges.
        shown: Highest sequence number sent to it.
        on_the_way: (when in seconds that never go back, number) of what a plain
            window was sent and is not yet known to have.
        own_keys: Message keys it sent itself and need not be shown again.
        ready: It has been shown its past; news may follow.
        junk: Events that mean nothing.
    """

    sid: str
    address: str
    entered: Session | None = None  # by the token given when connecting
    session: Session | None = None
    plain: bool = True
    shown: int = 0
    on_the_way: deque[tuple[float, int]] = field(default_factory=deque)
    own_keys: set[str] = field(default_factory=set)
    ready: bool = False
    junk: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def arrived(self, age: float) -> int:
        """Take what was sent at least ``age`` seconds ago as arrived.

        Returns:
            Its highest sequence number, 0 when there is nothing.
        """
        sent_by, highest = monotonic() - age, 0
        while self.on_the_way and self.on_the_way[0][0] <= sent_by:
            highest = max(highest, self.on_the_way.popleft()[1])
        return highest


class Windows:
    """All windows of this process; hears the feed."""

    def __init__(self, messages: Messages, outbox: Outbox, notices: Notices) -> None:
        self._messages = messages
        self._outbox = outbox
        self._notices = notices
        self._emit: Emit | None = None
        self._by_sender: dict[str, dict[str, Window]] = {}  # [sender_id][sid]
        self.count = 0

    def connect_to(self, emit: Emit) -> None:
        """Say how events are sent; done once, before the first window."""
        self._emit = emit

    async def join(self, window: Window, session: Session) -> Window | None:
        """Put a window into a session.

        Returns:
            The oldest window of the visitor when there are too many, to be closed.
        """
        self.leave(window)
        window.session, window.shown, window.ready = session, 0, False
        window.on_the_way.clear()
        mates = self._by_sender.setdefault(session.sender_id, {})
        mates[window.sid] = window
        if len(mates) <= MAX_WINDOWS_PER_VISITOR:
            return None
        return next(iter(mates.values()))

    def leave(self, window: Window) -> None:
        """Take a window out of its session."""
        if window.session is None:
            return
        mates = self._by_sender.get(window.session.sender_id, {})
        mates.pop(window.sid, None)
        if not mates:
            self._by_sender.pop(window.session.sender_id, None)
        window.session = None

    def mates(self, sender_id: str) -> tuple[Window, ...]:
        """Return a visitor's windows."""
        return tuple(self._by_sender.get(sender_id, {}).values())

    def everybody(self) -> Iterable[Window]:
        """Return all windows that are in a session."""
        return [w for mates in self._by_sender.values() for w in mates.values()]

    async def replay(self, window: Window, first: int, skip_to: int) -> None:
        """Show what a window has missed and let news follow.

        Args:
            window: Has joined already, so news waits until this is done.
            first: Everything numbered above is shown.
            skip_to: Everything up to here counts as shown when nothing is above.
        """
        async with window.turn:
            window.shown = max(first, window.shown)
            await self._catch_up(window)
            window.shown = max(window.shown, skip_to)
            window.ready = True

    async def replay_these(
        self, window: Window, missed: Iterable[StoredMessage], skip_to: int
    ) -> None:
        """Show chosen messages to a plain window, then only news."""
        async with window.turn:
            for message in missed:
                await self._show(window, message)
            window.shown = max(window.shown, skip_to)
            window.ready = True
            await self._catch_up(window)

    async def on_written(self, sender_id: str, written: Written) -> None:
        """Show news to every window of the conversation."""
        for window in self.mates(sender_id):
            async with window.turn:
                if window.ready:
                    await self._follow(window, written)
            if written.moved and not window.plain:
                state = {"status": written.status.value, "last_seq": written.last_seq}
                await self._send(window, "session_state", state)

    async def on_typing(self, sender_id: str, on: bool) -> None:
        """Show or hide the typing sign; plain widgets have their own."""
        for window in self.mates(sender_id):
            if not window.plain:
                await self._send(window, "typing", {"on": on})

    async def on_resync(self) -> None:
        """Show every window what it may have missed."""
        for window in list(self.everybody()):
            async with window.turn:
                if window.ready:
                    await self._catch_up(window)

    async def _follow(self, window: Window, written: Written) -> None:
        fresh = [m for m in written.messages if m.seq > window.shown]
        if written.last_seq <= window.shown or not (fresh or not written.messages):
            return
        if not fresh or fresh[0].seq > window.shown + 1:
            # Written elsewhere, or an earlier one is committed and not told yet.
            await self._catch_up(window)
            return
        for message in fresh:
            await self._show(window, message)

    async def _catch_up(self, window: Window) -> None:
        while window.session is not None:
            sender_id = window.session.sender_id
            found = await self._messages.after(sender_id, window.shown)
            for message in found:
                await self._show(window, message)
            if len(found) < PAGE:
                return

    async def _show(self, window: Window, message: StoredMessage) -> None:
        window.shown = max(window.shown, message.seq)
        if message.author is Author.CUSTOMER:
            if message.message_key in window.own_keys:
                window.own_keys.discard(message.message_key)
            elif not window.plain:
                await self._send(window, "user_echoed", echo(message))
            return
        if window.plain:
            window.on_the_way.append((monotonic(), message.seq))
            for data in uttered_plain(message, self._notices):
                await self._send(window, "bot_uttered", data)
            return

        def acknowledged(*_: object) -> None:
            self._outbox.confirm(message.sender_id, message.seq)

        await self._send(window, "bot_uttered", uttered(message), acknowledged)

    async def _send(
        self,
        window: Window,
        event: str,
        data: Any,
        acknowledged: Callable[..., None] | None = None,
    ) -> None:
        assert self._emit is not None
        await self._emit(event, data, window.sid, acknowledged)
