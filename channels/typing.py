"""The typing sign on platforms: shown when an answer takes a while, never waited for."""

import asyncio
from collections.abc import Awaitable, Callable

_AFTER_SECONDS = 1.0  # most answers are there before


class TypingSigns:
    """Shows a sign for each conversation that waits.

    Args:
        show: Tells the platform; handles its own errors.
        lasts: Seconds after which the platform takes the sign away; a message does too.
    """

    def __init__(self, show: Callable[[str], Awaitable[None]], lasts: float) -> None:
        self._show = show
        self._lasts = lasts
        self._waiting: dict[str, asyncio.Task[None]] = {}

    def turn(self, sender_id: str, on: bool) -> None:
        """Begin to wait for an answer, or end."""
        if task := self._waiting.pop(sender_id, None):
            task.cancel()
        if on:
            self._waiting[sender_id] = asyncio.create_task(self._keep_on(sender_id))

    def stop(self) -> None:
        """Wait for nobody any more."""
        for task in self._waiting.values():
            task.cancel()
        self._waiting.clear()

    async def _keep_on(self, sender_id: str) -> None:
        await asyncio.sleep(_AFTER_SECONDS)
        while True:
            await self._show(sender_id)
            await asyncio.sleep(self._lasts)
