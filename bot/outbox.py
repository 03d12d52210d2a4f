"""The outbox's room: stored messages go to the customer, and receipts come back.

In: what a transaction has written. Out: news for readers in this process, sends on
platforms that need them, and a final state for every delivery.
"""

import asyncio
from collections.abc import Mapping

import structlog

from bot.desk_rules import Status
from bot.errors import Retryable, StoreError
from bot.feed import Feed
from bot.ledger.deliveries import Deliveries
from bot.ledger.messages import Messages
from bot.ledger.values import Written
from bot.message import Author, StoredMessage
from bot.ports import Channel, Clock, DeliveryState, Receipt

FLUSH_SECONDS = 0.25  # receipts are gathered this long and written together
MAX_TRIES = 4

log = structlog.get_logger()


class Outbox:
    """Delivers in order and keeps account.

    Args:
        channels: channels[name]; may still grow until the first message is sent.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        messages: Messages,
        channels: Mapping[str, Channel],
        feed: Feed,
        clock: Clock,
    ) -> None:
        self._deliveries = deliveries
        self._messages = messages
        self._channels = channels
        self._feed = feed
        self._clock = clock
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
        """Show what was written to everybody who looks, and send it where needed."""
        await self._feed.publish(sender_id, written)
        channel = self._channel_of(sender_id)
        if channel is None:
            return
        if written.moved:
            await channel.show_status(sender_id, written.status, written.last_seq)
        if channel.pushes:
            for message in written.messages:
                if message.author is not Author.CUSTOMER:
                    await self._send(channel, message)

    async def show_typing(self, sender_id: str, on: bool) -> None:
        """Pass the typing sign on."""
        if channel := self._channel_of(sender_id):
            await channel.show_typing(sender_id, on)

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

    async def _send(self, channel: Channel, message: StoredMessage) -> None:
        receipt = await self._try(channel, message)
        if receipt.state is not DeliveryState.PENDING:
            await self._deliveries.note(message, receipt, self._clock.now())
        if receipt.state is not DeliveryState.DELIVERED:
            log.warning("delivery.failed", channel=channel.name,
                        state=receipt.state.value, reason=receipt.reason)  # fmt: skip

    async def _try(self, channel: Channel, message: StoredMessage) -> Receipt:
        for _ in range(MAX_TRIES):
            if message.author is Author.BOT:
                status, _seq = await self._messages.holder(message.sender_id)
                if status is Status.AGENT:
                    return Receipt(DeliveryState.UNDELIVERABLE, "agent_took_over")
            try:
                return await channel.deliver(message)
            except Retryable as err:
                await asyncio.sleep(err.retry_after.total_seconds())
        return Receipt(DeliveryState.UNDELIVERABLE, "tries_used_up")

    def _channel_of(self, sender_id: str) -> Channel | None:
        return self._channels.get(sender_id.partition(":")[0])
