"""News of conversations inside this process: what was written, and who waits for it.

Readers (sockets, long polls, later the console) hear of new messages here instead of
asking the database again and again.
"""

import asyncio
from collections.abc import Awaitable, Callable

from bot.ledger.values import Written

Listener = Callable[[str, Written], Awaitable[None]]


class Feed:
    """Passes news on; keeps nothing."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        # _waiters[sender_id] = events of readers that wait for any news
        self._waiters: dict[str, set[asyncio.Event]] = {}

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` with everything that is written from now on."""
        self._listeners.append(listener)

    async def publish(self, sender_id: str, written: Written) -> None:
        """Tell everybody; called after the transaction has been committed."""
        for event in self._waiters.get(sender_id, ()):
            event.set()
        for listener in self._listeners:
            await listener(sender_id, written)

    def watch(self, sender_id: str) -> "Watch":
        """Return a watch on one conversation; enter it before reading the ledger."""
        return Watch(self._waiters, sender_id)


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
