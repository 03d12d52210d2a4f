"""Signatures of WeChat's calls, each of which counts once, on any process.

In plain mode, and in the greeting, a signature covers a moment and a nonce but not what
comes with them: whoever has seen one could send words of anybody's under it. The same call
once more is a try of the platform's own and goes on.
"""

import asyncio
from datetime import datetime
from time import monotonic

import structlog

from bot.errors import BadInput, StoreError
from bot.ledger.nonces import Nonces
from channels.wechat.envelope import Use

_LEAST_SECONDS = 1.0
_PAUSE_SECONDS = 0.5

log = structlog.get_logger()


class Uses:
    """Counts uses of signatures.

    Args:
        nonces: Shared by all processes.
        patience: Seconds to wait for a store that does not answer, from a call's begin.
    """

    def __init__(self, nonces: Nonces, patience: float) -> None:
        self._nonces = nonces
        self._patience = max(patience, _LEAST_SECONDS)

    async def count(self, use: Use, now: datetime, began: float) -> bool:
        """Count a use.

        Args:
            use: The signature and what came with it.
            now: The moment.
            began: ``time.monotonic()`` when the call came in.

        Returns:
            False when it cannot be counted now.

        Raises:
            BadInput: Something else came under it before (status 403).
        """
        while True:
            try:
                known = await self._nonces.use(use.signature, use.digest, now, use.keep)
                break
            except StoreError as err:
                log.warning("wechat.not_counted", error=str(err))
            if monotonic() + _PAUSE_SECONDS > began + self._patience:
                return False
            await asyncio.sleep(_PAUSE_SECONDS)
        if not known:
            log.warning("wechat.signature_used_before")
            raise BadInput("unauthorized", 403)
        return True
