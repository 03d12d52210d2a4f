"""Pushes messages to platforms: in order, within their rules, never twice unknowingly.

In: a conversation with messages on their way. Out: pieces at the platform, and a final
state with a reason for every message. A piece is noted as being sent before it is; when
a process dies in between, nobody knows whether it arrived, so it is not sent again but
marked ``unknown``: no platform we know lets a repeat be recognised.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from bot.channel_rules import ChannelRules
from bot.errors import Retryable, StoreError
from bot.ledger.parcels import Parcel, Parcels, Progress
from bot.message import Author
from bot.pace import Pace
from bot.persist import persist
from bot.ports import Again, Clock, DeliveryState, Platform, Receipt, Rest, Work

_FIRST_PAUSE = timedelta(seconds=1)  # doubled for each further try of a piece
_LONGEST_PAUSE = timedelta(minutes=2)

log = structlog.get_logger()


@dataclass(frozen=True)
class Counter:
    """What sending passes through."""

    parcels: Parcels
    platforms: Mapping[str, Platform]
    clock: Clock
    pace: Pace


def sender(counter: Counter) -> Work:
    """Return what a dispatcher runs: one piece of one conversation."""

    async def work(sender_id: str, rest: Rest) -> Again:
        try:
            return await send_next(counter, sender_id, rest)
        except StoreError:
            raise
        except Exception:
            # A platform's code broke in a way nobody foresaw. The piece stands as
            # being sent, so the next round ends it as unknown: never an endless loop.
            log.exception("sending.crashed", sender_id=sender_id)
            return 0

    return work


async def send_next(counter: Counter, sender_id: str, rest: Rest) -> Again:
    """Send the next piece of what waits in a conversation.

    Raises:
        StoreError: Nothing was lost; sending goes on later.
    """
    platform = counter.platforms.get(sender_id.partition(":")[0])
    if platform is None:
        return None  # this process does not serve the channel
    rules, now = platform.rules, counter.clock.now()
    parcel = await counter.parcels.next(sender_id, rules.merge, now)
    if parcel is None:
        return None
    if parcel.push_after is not None and parcel.push_after > now:
        return (parcel.push_after - now).total_seconds()
    if parcel.interrupted:
        return await _after_interruption(counter, platform, parcel)
    if parcel.not_before is not None and parcel.not_before > now:
        return (parcel.not_before - now).total_seconds()
    if parcel.held and parcel.author is Author.BOT:
        state = DeliveryState.UNDELIVERABLE
        return await _end(counter, parcel, state, "agent_took_over")
    if rules.allowances and parcel.left.refused:
        return await _keep(counter, platform, parcel, parcel.left.refused)
    pause = counter.pace.reserve(platform.name, sender_id, rules)
    if pause > 0:
        await rest(pause)
        return 0  # a human may have taken over meanwhile: look again
    return await _send(counter, platform, parcel)


async def _send(counter: Counter, platform: Platform, parcel: Parcel) -> Again:
    pieces = platform.render(parcel.messages)
    if parcel.progress >= len(pieces):
        return await _end(counter, parcel, DeliveryState.DELIVERED, None)
    trying = Progress(
        DeliveryState.SENDING, parcel.progress, parcel.attempts + 1, parcel.unsure
    )
    if not await counter.parcels.note(parcel, trying, counter.clock.now()):
        return 0  # somebody else is at it
    parcel = replace(parcel, attempts=parcel.attempts + 1)
    piece = pieces[parcel.progress]
    if _is_last_allowed(platform.rules, parcel, len(pieces)):
        piece = platform.close(piece)
    try:
        receipt = await platform.send(parcel.sender_id, piece)
    except Retryable as err:
        return await _again_later(counter, platform, parcel, err)
    return await _after(counter, platform, parcel, receipt, len(pieces))


def _is_last_allowed(rules: ChannelRules, parcel: Parcel, pieces: int) -> bool:
    """Whether more has to be said than the platform allows after this piece.

    A human may always have more to say.
    """
    if not rules.allowances or parcel.left.pushes != 1:
        return False
    waits = parcel.more or parcel.progress + 1 < pieces
    return waits or parcel.author is Author.AGENT


async def _after(
    counter: Counter, platform: Platform, parcel: Parcel, receipt: Receipt, pieces: int
) -> Again:
    """Go on with the next piece, or end the parcel."""
    match receipt.state:
        case DeliveryState.DELIVERED | DeliveryState.UNKNOWN:
            unsure = parcel.unsure + (receipt.state is DeliveryState.UNKNOWN)
            sent = parcel.progress + 1
            state, reason = DeliveryState.PENDING, None
            if sent >= pieces:
                state = DeliveryState.UNKNOWN if unsure else DeliveryState.DELIVERED
                reason = receipt.reason or (f"{unsure} of {pieces}" if unsure else None)
            after = Progress(state, sent, 0, unsure, reason, pushed=True,
                             numbered=receipt.numbered)  # fmt: skip
            await _note(counter, parcel, after)
            return 0
        case DeliveryState.KEPT:
            reason = receipt.reason or "refused"
            return await _keep(counter, platform, parcel, reason)
        case _:
            reason = receipt.reason or "refused"
            return await _end(counter, parcel, DeliveryState.UNDELIVERABLE, reason)


async def _after_interruption(
    counter: Counter, platform: Platform, parcel: Parcel
) -> Again:
    unknown = Receipt(DeliveryState.UNKNOWN, "interrupted while sending")
    pieces = len(platform.render(parcel.messages))
    return await _after(counter, platform, parcel, unknown, pieces)


async def _keep(
    counter: Counter, platform: Platform, parcel: Parcel, reason: str
) -> Again:
    """Keep a parcel until the customer writes again."""
    log.info("delivery.kept", channel=platform.name, reason=reason)
    kept = Progress(DeliveryState.KEPT, parcel.progress, parcel.attempts,
                    parcel.unsure, reason, refused=True)  # fmt: skip
    await _note(counter, parcel, kept)
    await platform.remind(parcel.sender_id)
    return 0


async def _again_later(
    counter: Counter, platform: Platform, parcel: Parcel, err: Retryable
) -> Again:
    if parcel.attempts >= platform.rules.tries:
        # Where the customer's next message opens the door again, it is not too late.
        waits = bool(platform.rules.allowances)
        state = DeliveryState.KEPT if waits else DeliveryState.UNDELIVERABLE
        return await _end(counter, parcel, state, "tries_used_up")
    pause = min(_FIRST_PAUSE * 2 ** (parcel.attempts - 1), _LONGEST_PAUSE)
    pause = max(pause, err.retry_after)
    until = counter.clock.now() + pause
    later = Progress(
        DeliveryState.PENDING,
        parcel.progress,
        parcel.attempts,
        parcel.unsure,
        str(err),
        until,
    )
    await _note(counter, parcel, later)
    seconds: float = pause.total_seconds()
    return seconds


async def _end(
    counter: Counter, parcel: Parcel, state: DeliveryState, reason: str | None
) -> Again:
    if state is not DeliveryState.DELIVERED:
        log.warning("delivery.failed", channel=parcel.sender_id.partition(":")[0],
                    state=state.value, reason=reason)  # fmt: skip
    end = Progress(state, parcel.progress, parcel.attempts, parcel.unsure, reason)
    await _note(counter, parcel, end)
    return 0


async def _note(counter: Counter, parcel: Parcel, progress: Progress) -> None:
    """Write down how far a parcel has come; only that lets the next piece leave."""
    await persist(
        lambda: counter.parcels.note(parcel, progress, counter.clock.now()),
        "delivery.not_noted",
    )
