"""News across processes: every edge and worker hears of what another one wrote.

In: the same calls as bot/feed.py. Out: short JSON on one Redis channel, never a word of
a customer: who hears it reads the ledger. Redis keeps nothing; when the line to it was
cut, readers look into the ledger as soon as it is back, and now and then meanwhile.
"""

import asyncio
import json
import uuid
from contextlib import suppress

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.desk_rules import Status
from bot.feed import Feed
from bot.ledger.values import Written

NEWS = "baoke:news"
_RECONNECT_SECONDS = 1.0  # also how often readers look while Redis is away
_SOCKET_SECONDS = 5.0

log = structlog.get_logger()


class RedisFeed(Feed):
    """Passes news on inside this process and to all others.

    Args:
        url: As in ``BAOKE_REDIS_URL``.
        hears: Whether this process has readers; a worker has none.
    """

    def __init__(self, url: str, hears: bool = True) -> None:
        super().__init__()
        self._redis = Redis.from_url(
            url, socket_timeout=_SOCKET_SECONDS, socket_connect_timeout=_SOCKET_SECONDS
        )
        self._hears = hears
        self._me = uuid.uuid4().hex
        self._ear: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to hear of the other processes."""
        if self._hears:
            self._ear = asyncio.create_task(self._hear_forever())

    async def stop(self) -> None:
        """Hear no more."""
        if self._ear is not None:
            self._ear.cancel()
            await asyncio.gather(self._ear, return_exceptions=True)
        with suppress(RedisError, OSError):
            await self._redis.aclose()

    async def publish(self, sender_id: str, written: Written) -> None:
        """Tell this process and all others."""
        await self._tell(sender_id, written)
        news = {
            "sender_id": sender_id,
            "last_seq": written.last_seq,
            "status": written.status.value,
            "moved": written.moved,
        }
        await self._send(news)

    async def typing(self, sender_id: str, on: bool) -> None:
        """Tell this process and all others."""
        await self._tell_typing(sender_id, on)
        await self._send({"sender_id": sender_id, "typing": on})

    async def check(self) -> None:
        """Make sure Redis answers.

        Raises:
            OSError: It does not.
        """
        try:
            await self._redis.ping()
        except RedisError as err:
            raise OSError(f"redis: {err}") from err

    async def _send(self, news: dict[str, object]) -> None:
        """Readers elsewhere find it in the ledger when this fails."""
        try:
            await self._redis.publish(NEWS, json.dumps({"from": self._me, **news}))
        except (RedisError, OSError) as err:
            log.warning("feed.not_told", error=type(err).__name__)

    async def _hear_forever(self) -> None:
        while True:
            try:
                await self._hear()
            except (RedisError, OSError, TimeoutError) as err:
                log.warning("feed.deaf", error=type(err).__name__)
            await asyncio.sleep(_RECONNECT_SECONDS)
            await self.resync()

    async def _hear(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(NEWS)
            await self.resync()  # whatever was said before this moment
            while True:
                # A silent line may be a dead one: ask for a sign of life.
                heard = await pubsub.get_message(timeout=_SOCKET_SECONDS / 2)
                if heard is None:
                    await pubsub.ping()
                elif heard["type"] == "message":
                    await self._pass_on(heard["data"])

    async def _pass_on(self, data: bytes) -> None:
        try:
            news = json.loads(data)
            sender_id, origin = str(news["sender_id"]), news["from"]
            if origin == self._me:
                return
            if "typing" in news:
                await self._tell_typing(sender_id, bool(news["typing"]))
                return
            status, last = Status(news["status"]), int(news["last_seq"])
            await self._tell(sender_id, Written((), status, last, bool(news["moved"])))
        except (ValueError, KeyError, TypeError) as err:
            log.warning("feed.nonsense", error=repr(err)[:200])
