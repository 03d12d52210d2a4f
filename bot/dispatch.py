"""Works on conversations inside this process: one at a time in each, some in parallel."""

import asyncio
from dataclasses import dataclass, field

import structlog

from bot.errors import StoreError
from bot.ports import Again, Work

_FIRST_PAUSE = 0.5  # seconds after a database failure, doubled up to the longest
_LONGEST_PAUSE = 10.0
STOP_SECONDS = 10.0  # running work may end itself within this time

log = structlog.get_logger()


class Slots:
    """Bounds the conversations at work; who sleeps gives the place to another.

    Args:
        count: At work at once.
    """

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)

    async def work(self, work: Work, sender_id: str) -> Again:
        """Do one piece of work when there is room."""
        async with self._free:
            return await work(sender_id, self._rest)

    async def _rest(self, seconds: float) -> None:
        self._free.release()
        try:
            await asyncio.sleep(seconds)
        finally:
            await self._free.acquire()


@dataclass
class _Busy:
    """A conversation at work.

    Attributes:
        again: It was woken meanwhile.
    """

    task: asyncio.Task[None] | None = None
    again: bool = field(default=False)


class LocalDispatcher:
    """One task per busy conversation; slots bound the work.

    Args:
        work: Does the next piece of work of a conversation.
        concurrency: Pieces of work at once.
    """

    def __init__(self, work: Work, concurrency: int) -> None:
        self._work = work
        self._slots = Slots(concurrency)
        self._busy: dict[str, _Busy] = {}  # _busy[sender_id]
        # _later[sender_id] = when it is taken up again without being woken
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._stopping = False

    @property
    def load(self) -> int:
        """Count the conversations that are at work or waiting for it."""
        return len(self._busy)

    async def wake(self, sender_id: str) -> None:
        """Say that this conversation may have something to do."""
        self._wake(sender_id)

    def _wake(self, sender_id: str) -> None:
        if self._stopping:
            return  # it is stored and will be found at the next start
        if timer := self._later.pop(sender_id, None):
            timer.cancel()
        if busy := self._busy.get(sender_id):
            busy.again = True
            return
        busy = self._busy[sender_id] = _Busy()
        busy.task = asyncio.create_task(self._serve(sender_id, busy))

    async def stop(self) -> None:
        """Start nothing more; what is unfinished is resumed at the next start."""
        self._stopping = True
        for timer in self._later.values():
            timer.cancel()
        tasks = [busy.task for busy in self._busy.values() if busy.task]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def idle(self) -> None:
        """Wait until nothing is at work."""
        while self._busy:
            await asyncio.wait([busy.task for busy in self._busy.values() if busy.task])

    async def _serve(self, sender_id: str, busy: _Busy) -> None:
        again: Again = None
        try:
            again = await self._until_done(sender_id, busy)
        finally:
            del self._busy[sender_id]
        if again is not None and not self._stopping:
            loop = asyncio.get_running_loop()
            self._later[sender_id] = loop.call_later(again, self._wake, sender_id)

    async def _until_done(self, sender_id: str, busy: _Busy) -> Again:
        """Work until nothing waits, or not for now."""
        pause = _FIRST_PAUSE
        while not self._stopping:
            busy.again = False
            try:
                again = await self._slots.work(self._work, sender_id)
            except StoreError as err:
                log.error("work.store_failed", sender_id=sender_id, error=str(err))
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            if again != 0 and not busy.again:
                return again
        return None
