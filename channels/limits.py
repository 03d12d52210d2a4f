"""How much one visitor or address may send, and how large a request may be."""

import asyncio
import contextlib
import ipaddress
import json
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Self

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.errors import BadInput, Overloaded
from bot.settings import Settings

DRAIN_BYTES = 32 * 1024 * 1024  # of a refused body, then the line is cut
DRAIN_SECONDS = 5.0
MAX_KEYS = 50_000  # remembered visitors; the longest silent is forgotten first


def network_of(address: str) -> str:
    """Return what one visitor holds of a peer's address: it, or its IPv6 /64."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


class RateLimit:
    """A token bucket per key.

    Args:
        rate: Allowed per second in the long run.
        burst: Allowed at once.
        clock: Seconds that never go back.
    """

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        # _levels[key] = (tokens left, at what second)
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Count one use.

        Raises:
            Overloaded: The key is at its limit; nothing is counted.
        """
        now = self._clock()
        level, at = self._levels.pop(key, (float(self._burst), now))
        level = min(float(self._burst), level + (now - at) * self._rate)
        allowed = level >= 1
        self._levels[key] = (level - 1 if allowed else level, now)
        if len(self._levels) > MAX_KEYS:
            self._levels.popitem(last=False)
        if not allowed:
            seconds = math.ceil((1 - level) / self._rate)
            raise Overloaded("rate_limited", timedelta(seconds=seconds))


@dataclass(frozen=True)
class Limits:
    """What is counted: messages per visitor, requests per address, files."""

    visitor: RateLimit
    address: RateLimit
    attachment: RateLimit

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the limits that the settings ask for."""
        return cls(
            RateLimit(settings.visitor_rate, settings.visitor_burst),
            RateLimit(settings.address_rate, settings.address_burst),
            RateLimit(settings.attachment_rate, settings.attachment_burst),
        )


class BodyLimit:
    """Refuses request bodies over a size before anything reads them.

    Args:
        app: What is protected.
        limit_for: Largest body in bytes for a path.
        refusal: JSON body of the 413 answer.
    """

    def __init__(
        self, app: ASGIApp, limit_for: Callable[[str], int], refusal: dict[str, object]
    ) -> None:
        self._app = app
        self._limit_for = limit_for
        self._refusal = json.dumps(refusal, ensure_ascii=False).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass small requests on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit_for(scope["path"])
        if _declared_length(scope) > limit:
            await _drain(receive)
            await self._refuse(send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:  # a body without a declared length
                if message.get("more_body"):
                    await _drain(receive)
                raise BadInput("body_too_large", status=413)
            return message

        await self._app(scope, counted, send)

    async def _refuse(self, send: Send) -> None:
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(self._refusal)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": self._refusal})


async def _drain(receive: Receive) -> None:
    """Read a refused body and forget it: who is still sending hears no answer."""
    read = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while read < DRAIN_BYTES:
                message = await receive()
                read += len(message.get("body", b""))
                if not message.get("more_body"):
                    return


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
