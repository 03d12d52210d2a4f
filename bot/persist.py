"""Write something down whatever it takes: what was sent cannot be sent back."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.errors import StoreError

_FIRST_PAUSE_SECONDS = 0.1  # doubled for each further try
_LONGEST_PAUSE_SECONDS = 5.0

log = structlog.get_logger()


async def persist(write: Callable[[], Awaitable[object]], event: str) -> None:
    """Run ``write`` until the ledger takes it; each failure is logged as ``event``."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            await write()
            return
        except StoreError as err:
            log.error(event, error=str(err))
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
