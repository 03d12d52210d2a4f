"""Tells another desk what happens, in order, until it has heard it.

In: the ledger. Out: calls, one conversation at a time in its own order, conversations
beside each other; what fails is tried again, what is refused is noted and left out.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

import structlog

from bot.background import Background
from bot.desk_rules import Status
from bot.errors import BaokeError
from bot.ledger.links import Item, Linked, Links
from bot.ports import Clock

_EVERY = 0.5  # seconds
_AT_ONCE = 8
_LEASE = timedelta(seconds=120)
_SPARE = timedelta(seconds=45)  # for one item; a lease is not used to its end
_LONGEST = 300.0  # seconds between two tries

log = structlog.get_logger()

External = Mapping[str, Any]


class Later(BaokeError):
    """The other desk could not be told now."""


class Refused(BaokeError):
    """The other desk will never take this."""


class Link(Protocol):
    """Another desk."""

    name: str

    async def open(
        self, linked: Linked, items: Sequence[Item]
    ) -> tuple[External, str | None, int]:
        """Begin with a conversation that it has not been told of.

        Returns:
            What it calls the conversation, that as a key, and how many of the items it
            knows by now.

        Raises:
            Later, Refused: It was not told.
        """

    async def tell(self, linked: Linked, item: Item) -> None:
        """Tell one thing.

        Raises:
            Later, Refused: It was not told.
        """

    async def look(self) -> None:
        """See now and then what it forgot to tell us."""


class LinkLoop(Background):
    """Runs one link; what was not told before a stop is told after the next start."""

    def __init__(self, link: Link, links: Links, clock: Clock) -> None:
        super().__init__("link", _EVERY, link=link.name)
        self._link = link
        self._links = links
        self._clock = clock

    async def run_once(self) -> None:
        """Tell what is due, and see what is new over there."""
        await self._tell_due()
        await self._link.look()

    async def _tell_due(self) -> None:
        name, now = self._link.name, self._clock.now()
        if await self._links.news(name):
            await self._links.register(name)
        found = await self._links.due(name, now, now + _LEASE, _AT_ONCE)
        await asyncio.gather(*(self._tell_one(linked) for linked in found))

    async def _tell_one(self, linked: Linked) -> None:
        name = self._link.name
        try:
            await self._tell_all(linked)
        except Later as err:
            pause = min(2.0 ** min(linked.tries, 10), _LONGEST)
            later = timedelta(seconds=pause * random.uniform(0.5, 1.0))
            await self._links.let_go(
                name,
                linked,
                next_at=self._clock.now() + later,
                error=str(err)[:200] or "later",
            )
        except asyncio.CancelledError:  # the edge stops; the next one need not wait
            await self._links.let_go(name, linked)
            raise
        else:
            await self._links.let_go(name, linked)

    async def _tell_all(self, linked: Linked) -> None:
        pending = await self._links.pending(linked)
        items = list(pending.items)
        human = linked.status in (Status.QUEUED, Status.AGENT)
        if not human and not pending.moved:
            # The bot has it again: what is said with it stays here.
            await self._told(linked, True)
            return
        if not human and pending.complete:
            items = _until_moved(items)
        if not linked.external:
            external, external_id, count = await self._open(linked, items)
            linked = replace(linked, external=external, external_id=external_id)
            for item in items[:count]:
                linked = _past(linked, item)
            items = items[count:]
            if not await self._told(linked, False):
                return
        for number, item in enumerate(items, 1):
            if linked.leased_until - self._clock.now() < _SPARE:
                return  # whoever takes it next goes on
            await self._tell(linked, item)
            linked = _past(linked, item)
            ended = number == len(items) and pending.complete and not human
            if not await self._told(linked, ended):
                return

    async def _tell(self, linked: Linked, item: Item) -> None:
        try:
            async with asyncio.timeout(_SPARE.total_seconds()):
                await self._link.tell(linked, item)
        except TimeoutError as err:
            raise Later("too slow") from err
        except Refused as err:
            log.error("link.refused", link=self._link.name,
                      sender_id=linked.sender_id, error=str(err))  # fmt: skip

    async def _told(self, linked: Linked, ended: bool) -> bool:
        return await self._links.told(
            self._link.name, linked, linked.external_id, ended
        )

    async def _open(
        self, linked: Linked, items: Sequence[Item]
    ) -> tuple[External, str | None, int]:
        try:
            async with asyncio.timeout(_SPARE.total_seconds()):
                return await self._link.open(linked, items)
        except TimeoutError as err:
            raise Later("too slow") from err
        except Refused as err:
            # Settings are wrong, or it is: somebody has to look, nothing is skipped.
            log.error("link.not_opened", link=self._link.name,
                      sender_id=linked.sender_id, error=str(err))  # fmt: skip
            raise Later(str(err)) from err


def _until_moved(items: list[Item]) -> list[Item]:
    """Leave out what was said after the last move, and not by it."""
    last = max((item.at for item in items if item.move), default=None)
    return [item for item in items if last is None or item.at <= last]


def _past(linked: Linked, item: Item) -> Linked:
    """Return the position behind an item."""
    if item.message is not None:
        return replace(linked, seq=item.message.seq)
    assert item.move is not None
    return replace(linked, move_id=item.move["id"])
