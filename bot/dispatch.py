"""Runs turns inside this process: one at a time per conversation, some in parallel."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.errors import StoreError
from bot.ports import Rest

_FIRST_PAUSE = 0.5  # seconds after a database failure, doubled up to the longest
_LONGEST_PAUSE = 10.0
STOP_SECONDS = 10.0  # running turns may end themselves within this time

log = structlog.get_logger()


class LocalDispatcher:
    """One task per busy conversation; a semaphore bounds turns at work.

    Args:
        run: Takes one turn of a conversation; True when more waits. While it sleeps
            by its second argument, another conversation is at work in its place.
        concurrency: Turns at work at once.
    """

    def __init__(
        self, run: Callable[[str, Rest], Awaitable[bool]], concurrency: int
    ) -> None:
        self._run = run
        self._slots = asyncio.Semaphore(concurrency)
        self._tasks: dict[str, asyncio.Task[None]] = {}  # _tasks[sender_id]
        self._again: set[str] = set()  # woken while at work
        self._stopping = False

    @property
    def load(self) -> int:
        """Count the conversations that are at work or waiting for it."""
        return len(self._tasks)

    def wake(self, sender_id: str) -> None:
        """Say that this conversation may have something to do."""
        if self._stopping:
            return  # it is stored and will be found at the next start
        if sender_id in self._tasks:
            self._again.add(sender_id)
        else:
            self._tasks[sender_id] = asyncio.create_task(self._work(sender_id))

    async def stop(self) -> None:
        """Start nothing more; unfinished turns are resumed at the next start."""
        self._stopping = True
        tasks = list(self._tasks.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def idle(self) -> None:
        """Wait until nothing is at work."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def _rest(self, seconds: float) -> None:
        self._slots.release()
        try:
            await asyncio.sleep(seconds)
        finally:
            await self._slots.acquire()

    async def _work(self, sender_id: str) -> None:
        pause = _FIRST_PAUSE
        try:
            more = True
            while more and not self._stopping:
                self._again.discard(sender_id)
                try:
                    async with self._slots:
                        more = await self._run(sender_id, self._rest)
                except StoreError as err:
                    log.error("turn.store_failed", sender_id=sender_id, error=str(err))
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
                    continue
                pause = _FIRST_PAUSE
                more = more or sender_id in self._again
        finally:
            del self._tasks[sender_id]
            self._again.discard(sender_id)
