"""One turn per conversation at a time, also over several Rasa processes.

In: conversation ids. Out: a lock. With ``BAOKE_REDIS_URL`` it is a key in Redis that its
holder keeps alive; a holder that dies gives it up within seconds (Rasa's own ticket lock
keeps a conversation closed for a minute then, and asks only once a second). Without, it
is a lock in this process.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from contextlib import asynccontextmanager, suppress
from typing import Any, AsyncGenerator, Dict, Optional

import structlog
from rasa.core.lock_store import LockError, LockStore
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger()

LIFETIME_MS = 8000  # without a sign of life from the holder
_ALIVE_SECONDS = 2.0
_TRY_SECONDS = 0.05
WAIT_SECONDS = 20.0  # below the edge's time-out for a turn
_KEY = "baoke:rasa-lock:"
# Only the holder's own key is touched.
_KEEP = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) else return 0 end"  # noqa: E501
_FREE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"  # noqa: E501


class BaokeLockStore(LockStore):
    """Locks by a key in Redis, or in this process when there is no Redis."""

    def __init__(self, endpoint_config: Any = None) -> None:
        url = os.environ.get("BAOKE_REDIS_URL")
        self._redis: Optional[Redis] = (
            Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
            if url
            else None
        )
        self._local: Dict[str, asyncio.Lock] = {}
        self._waiting: Dict[str, int] = {}
        super().__init__()

    @asynccontextmanager
    async def lock(
        self, conversation_id: str, *_: Any, **__: Any
    ) -> AsyncGenerator[None, None]:
        """Hold the conversation.

        Raises:
            LockError: Somebody else does not let it go, or Redis does not answer.
        """
        async with self._in_this_process(conversation_id):
            if self._redis is None:
                yield
                return
            async with self._in_redis(self._redis, _KEY + conversation_id):
                yield

    @asynccontextmanager
    async def _in_this_process(self, key: str) -> AsyncGenerator[None, None]:
        held = self._local.setdefault(key, asyncio.Lock())
        self._waiting[key] = self._waiting.get(key, 0) + 1
        try:
            async with held:
                yield
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key], self._local[key]

    @asynccontextmanager
    async def _in_redis(self, redis: Redis, key: str) -> AsyncGenerator[None, None]:
        mine = uuid.uuid4().hex
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WAIT_SECONDS
        try:
            while not await redis.set(key, mine, nx=True, px=LIFETIME_MS):
                if loop.time() > deadline:
                    raise LockError("the conversation is held elsewhere")
                await asyncio.sleep(_TRY_SECONDS)
        except (RedisError, OSError) as error:
            raise LockError(f"redis: {type(error).__name__}") from error
        alive = asyncio.create_task(_keep(redis, key, mine))
        try:
            yield
        finally:
            alive.cancel()
            # Else it frees itself.
            with suppress(RedisError, OSError):
                await redis.eval(_FREE, 1, key, mine)


async def _keep(redis: Redis, key: str, mine: str) -> None:
    while True:
        await asyncio.sleep(_ALIVE_SECONDS)
        try:
            await redis.eval(_KEEP, 1, key, mine, LIFETIME_MS)
        except (RedisError, OSError) as error:
            log.warning("lock.not_kept", error=type(error).__name__)
