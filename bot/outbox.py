"""The outbox's room: stored messages go to the customer, and receipts come back.

In: what a transaction has written. Out: news for readers, wakes for the sender of
channels that are pushed to (bot/sending.py), and receipts of those that fetch.
"""

import asyncio
from collections.abc import Mapping

import structlog

from bot.errors import StoreError
from bot.feed import Feed
from bot.ledger.deliveries import Deliveries
from bot.ledger.values import Written
from bot.message import Author
from bot.ports import Clock, Dispatcher, Platform

FLUSH_SECONDS = 0.25  # receipts are gathered this long and written together

log = structlog.get_logger()


class Outbox:
    """Tells of news and keeps account.

    Args:
        platforms: platforms[channel] = where messages are pushed to.
        senders: Woken when there is something to push.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        platforms: Mapping[str, Platform],
        feed: Feed,
        clock: Clock,
        senders: Dispatcher,
    ) -> None:
        self._deliveries = deliveries
        self._platforms = platforms
        self._feed = feed
        self._clock = clock
        self._senders = senders
        self._reached: dict[str, int] = {}  # _reached[sender_id] = seq, unwritten
        self._dirty = asyncio.Event()
        self._flusher: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write receipts down."""
        self._flusher = asyncio.create_task(self._flush_forever())

    async def stop(self) -> None:
        """Write the last receipts and end."""
        if self._flusher is not None:
            self._flusher.cancel()
            await asyncio.gather(self._flusher, return_exceptions=True)
        await self.flush()

    async def publish(self, sender_id: str, written: Written) -> None:
        """Show what was written to everybody who looks, and have it sent."""
        await self._feed.publish(sender_id, written)
        pushed = sender_id.partition(":")[0] in self._platforms
        if pushed and any(m.author is not Author.CUSTOMER for m in written.messages):
            await self._senders.wake(sender_id)

    async def show_typing(self, sender_id: str, on: bool) -> None:
        """Pass the typing sign on."""
        if platform := self._platforms.get(sender_id.partition(":")[0]):
            await platform.show_typing(sender_id, on)
        else:
            await self._feed.typing(sender_id, on)

    def confirm(self, sender_id: str, seq: int) -> None:
        """Note that the customer's side has everything up to this number."""
        if seq > self._reached.get(sender_id, 0):
            self._reached[sender_id] = seq
            self._dirty.set()

    async def flush(self) -> None:
        """Write the gathered receipts in one transaction."""
        reached, self._reached = self._reached, {}
        self._dirty.clear()
        if not reached:
            return
        try:
            await self._deliveries.confirm(reached, self._clock.now())
        except StoreError as err:
            log.warning("delivery.receipts_kept", error=str(err))
            for sender_id, seq in reached.items():
                self.confirm(sender_id, seq)

    async def _flush_forever(self) -> None:
        while True:
            await self._dirty.wait()
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()
