"""Finds work that nobody was woken for: after a crash, a lost wake, an operator's hand.

In: a question to the ledger. Out: wakes, a few at a time, so that a mountain of old work
never stands before a new customer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import structlog

from bot.background import Background
from bot.ports import Dispatcher

# (moment, sender_id) of the last conversation found; None for the first page
Cursor = tuple[datetime, str] | None
# find(after, limit, first) = conversations with something to do, oldest first; all of
# them at the first sweep, later only those that somebody should have taken up by now
Find = Callable[[Cursor, int, bool], Awaitable[Sequence[tuple[datetime, str]]]]

PAGE = 100
_BUSY_PAUSE = 0.05  # seconds until looking whether there is room again

log = structlog.get_logger()


class Sweeper(Background):
    """Wakes what waits, at the start and every now and then.

    Args:
        name: For the log.
        find: Asks the ledger.
        dispatcher: Is woken, while its load is below ``room``.
        room: Conversations at work or waiting beyond which nothing is added.
        every: Seconds between two sweeps.
    """

    def __init__(
        self, name: str, find: Find, dispatcher: Dispatcher, room: int, every: float
    ) -> None:
        super().__init__("sweep", every, work=name)
        self._work = name
        self._find = find
        self._dispatcher = dispatcher
        self._room = room
        self._first = True

    async def run_once(self) -> None:
        """Sweep; what is found at the start was left by somebody."""
        found = await self._sweep(self._first)
        if found and self._first:
            log.info("sweep.resumed", work=self._work, conversations=found)
        self._first = False

    async def _sweep(self, first: bool) -> int:
        """Wake everything that waits once; return how much was found."""
        cursor: Cursor = None
        found = 0
        while page := await self._find(cursor, PAGE, first):
            for _, sender_id in page:
                while self._dispatcher.load >= self._room:  # noqa: ASYNC110
                    await asyncio.sleep(_BUSY_PAUSE)
                await self._dispatcher.wake(sender_id)
            found += len(page)
            cursor = page[-1]
        return found
