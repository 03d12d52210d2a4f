"""Tells consoles that a list may look different, so they need not ask every second."""

import asyncio

from bot.desk_rules import Status
from bot.ledger.values import Written

MAX_WAIT_SECONDS = 25.0


class Changes:
    """Counts what happens at the desk in this process and those it hears of."""

    def __init__(self) -> None:
        self._number = 1
        self._news = asyncio.Event()

    async def on_written(self, sender_id: str, written: Written) -> None:
        """Hear of new messages and moves; those of the bot alone change no list."""
        if written.moved or written.status in (Status.QUEUED, Status.AGENT):
            self._count()

    async def on_typing(self, sender_id: str, on: bool) -> None:
        """Hear that the bot thinks; that changes no list."""

    async def on_resync(self) -> None:
        """Hear that news may have been lost."""
        self._count()

    def note(self) -> None:
        """Hear of a note or an account's state."""
        self._count()

    def _count(self) -> None:
        self._number += 1
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def after(self, since: int, seconds: float) -> int:
        """Return the count as soon as it is not ``since``, or when the time is over."""
        if self._number == since and seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self._news.wait()
            except TimeoutError:
                pass
        return self._number
