"""What runs beside the conversations: one round after the other while a process lives.

In: a round of work. Out: the same again after a pause. A fault ends the round and is
logged; it never ends the work, or nobody would notice until a customer does.
"""

import asyncio
from abc import ABC, abstractmethod

import structlog

from bot.errors import StoreError

log = structlog.get_logger()


class Background(ABC):
    """Work in rounds.

    Args:
        name: Of events in the log: ``<name>.failed`` when the store did not answer,
            ``<name>.crashed`` for faults of our own.
        every: Seconds between two rounds.
        about: Told with each event, such as which link it was.
    """

    def __init__(self, name: str, every: float, **about: str) -> None:
        self._name = name
        self._every = every
        self._about = about
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def run_once(self) -> None:
        """Work one round; what is not done is left to the next one."""

    async def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run_forever())

    async def stop(self) -> None:
        """End, in the middle of a round if need be."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run_forever(self) -> None:
        while True:
            try:
                await self.run_once()
            except StoreError as err:
                log.warning(f"{self._name}.failed", error=str(err), **self._about)
            except Exception:
                log.exception(f"{self._name}.crashed", **self._about)
            await asyncio.sleep(self._every)
