"""News of conversations: what was written, who types, and who waits to hear of it.

Readers (sockets, long polls, later the console) hear of new messages here instead of
asking the database again and again. News may be lost (a process dies, a line is cut):
the ledger is the truth, and `resync` makes every reader look again.
"""

import asyncio
from typing import Protocol

from bot.ledger.values import Written


class Listener(Protocol):
    """Wants to hear of everything."""

    async def on_written(self, sender_id: str, written: Written) -> None:
        """Hear what was added; without messages, read the ledger up to last_seq."""

    async def on_typing(self, sender_id: str, on: bool) -> None:
        """Hear that an answer is being worked on, or no longer."""

    async def on_resync(self) -> None:
        """Hear that news may have been lost."""


class Feed:
    """Passes news on inside this process; keeps nothing."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        # _waiters[sender_id] = events of readers that wait for any news
        self._waiters: dict[str, set[asyncio.Event]] = {}

    def listen(self, listener: Listener) -> None:
        """Tell ``listener`` everything from now on."""
        self._listeners.append(listener)

    async def start(self) -> None:
        """Begin to hear of other processes, where there are any."""

    async def stop(self) -> None:
        """Hear no more."""

    async def publish(self, sender_id: str, written: Written) -> None:
        """Tell everybody; called after the transaction has been committed."""
        await self._tell(sender_id, written)

    async def typing(self, sender_id: str, on: bool) -> None:
        """Tell everybody that an answer is being worked on, or no longer."""
        await self._tell_typing(sender_id, on)

    def watch(self, sender_id: str) -> "Watch":
        """Return a watch on one conversation; enter it before reading the ledger."""
        return Watch(self._waiters, sender_id)

    async def resync(self) -> None:
        """Make every reader look into the ledger."""
        for events in list(self._waiters.values()):
            for event in events:
                event.set()
        for listener in self._listeners:
            await listener.on_resync()

    async def _tell(self, sender_id: str, written: Written) -> None:
        for event in self._waiters.get(sender_id, ()):
            event.set()
        for listener in self._listeners:
            await listener.on_written(sender_id, written)

    async def _tell_typing(self, sender_id: str, on: bool) -> None:
        for listener in self._listeners:
            await listener.on_typing(sender_id, on)


class Watch:
    """Hears of news from the moment it is entered, so none falls between."""

    def __init__(self, waiters: dict[str, set[asyncio.Event]], sender_id: str) -> None:
        self._waiters = waiters
        self._sender_id = sender_id
        self._event = asyncio.Event()

    def __enter__(self) -> "Watch":
        self._waiters.setdefault(self._sender_id, set()).add(self._event)
        return self

    def __exit__(self, *_: object) -> None:
        waiting = self._waiters[self._sender_id]
        waiting.discard(self._event)
        if not waiting:
            del self._waiters[self._sender_id]

    async def news(self, timeout_seconds: float) -> bool:
        """Wait for news; False when the time is over."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True
