"""One turn from beginning to end: read this first.

In: a conversation in which something waits. Out: its replies, stored and shown.
inbox -> (this) -> desk -> brain -> ledger -> outbox
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from time import monotonic, perf_counter

import structlog

from bot.desk import Desk
from bot.desk_rules import Handoff
from bot.errors import SILENT, BrainError, BrainUnreachable, StaleTurn
from bot.ledger.turns import Turns
from bot.ledger.values import Conclusion, Outcome, Turn
from bot.message import Author, Outbound
from bot.outbox import Outbox
from bot.payloads import defuse
from bot.ports import Again, Answer, Brain, Clock, Question, Rest
from bot.settings import Settings

_ENDS_ITSELF = "。！？；，…!?;,.\n"
_JOINT = "，"
# Times a turn may cut off the brain before it is ended; each time the brain restarts.
MAX_SUSPICIOUS_ATTEMPTS = 5
# Times it may leave the brain silent: each time everybody else waits with it.
MAX_SILENT_ATTEMPTS = 2
MAX_QUESTION_CHARS = 4000  # the brain's door takes no more (connector.py)
_LISTEN_EVERY = 0.2  # seconds between two looks for the next piece of a burst

log = structlog.get_logger()


@dataclass(frozen=True)
class Rooms:
    """What a turn passes through."""

    turns: Turns
    desk: Desk
    brain: Brain
    outbox: Outbox
    clock: Clock
    settings: Settings
    observe: Callable[[Outcome, float], None]  # outcome, seconds


class _Pause(Enum):
    """Why a turn does not end now."""

    UNFINISHED = "the words seem to have a second half to come"
    AWAY = "the brain cannot be asked now; nothing was done"


async def take_turn(rooms: Rooms, sender_id: str, rest: Rest) -> Again:
    """Answer what waits in a conversation, oldest first, as one turn.

    Args:
        rooms: What the turn passes through.
        sender_id: The conversation.
        rest: Sleeps while a burst goes on.

    Returns:
        0 when more waits behind it; a while when the brain is away.

    Raises:
        StoreError: Nothing was lost; the turn is taken up again later.
    """
    started = perf_counter()
    settings, clock = rooms.settings, rooms.clock
    turn = await rooms.turns.begin(sender_id, clock.now(), settings.burst_window)
    if turn is None:
        return None
    await rooms.outbox.show_typing(sender_id, on=True)
    try:
        turn, end = await _think(rooms, turn, rest)
        if end is _Pause.AWAY:
            return await _postpone(rooms, turn)
        assert isinstance(end, Conclusion)
        written = await rooms.turns.finish(turn, end, clock.now())
        await rooms.outbox.publish(sender_id, written)
        outcome = written.outcome or end.outcome
        rooms.observe(outcome, perf_counter() - started)
        log.info("turn.finished", sender_id=sender_id, turn_id=turn.turn_id,
                 outcome=outcome.value, intent=end.intent)  # fmt: skip
    except StaleTurn:
        log.warning("turn.stale", sender_id=sender_id, turn_id=turn.turn_id)
    finally:
        await rooms.outbox.show_typing(sender_id, on=False)
    return 0 if turn.more else None


async def _postpone(rooms: Rooms, turn: Turn) -> Again:
    """Keep the turn for later; tell the customer once."""
    notice = rooms.desk.offer_human(turn, "brain_away")
    written = await rooms.turns.postpone(turn, notice, rooms.clock.now())
    await rooms.outbox.publish(turn.sender_id, written)
    longest = rooms.settings.brain_recheck.total_seconds()
    pause = min(2.0 ** min(turn.attempt, 10), longest)
    log.info("turn.postponed", sender_id=turn.sender_id, turn_id=turn.turn_id,
             attempt=turn.attempt)  # fmt: skip
    return pause * random.uniform(0.5, 1.0)  # not all of them at once


async def give_up(rooms: Rooms, sender_id: str, why: str) -> Again:
    """End a turn that broke in a way nobody foresaw: apologise, keep the messages.

    When the broken turn had been ended already, the next one is left to be taken.
    """
    settings, clock = rooms.settings, rooms.clock
    turn = await rooms.turns.begin(sender_id, clock.now(), settings.burst_window)
    if turn is None or not turn.resumed:
        return None if turn is None else 0
    end = _apology(rooms, turn, why)
    written = await rooms.turns.finish(turn, end, clock.now())
    await rooms.outbox.publish(sender_id, written)
    return 0 if turn.more else None


async def _think(
    rooms: Rooms, turn: Turn, rest: Rest
) -> tuple[Turn, Conclusion | _Pause]:
    """Find the answer; words without a sense of their own get time to go on."""
    waited = False
    while True:
        if command := rooms.desk.command(turn):
            return turn, command
        patience = 0.0 if waited else _patience(rooms, turn)
        end = await _ask(rooms, turn, may_wait=patience > 0)
        if end is not _Pause.UNFINISHED:
            return turn, end
        grown = await _listen(rooms, turn, patience, rest)
        turn, waited = grown, grown is turn


def _patience(rooms: Rooms, turn: Turn) -> float:
    """Seconds in which the next piece of a burst may still come."""
    newest = turn.messages[-1]
    if turn.resumed or turn.more or newest.payload is not None:
        return 0.0
    due = newest.at + rooms.settings.burst_wait - rooms.clock.now()
    return min(due, rooms.settings.burst_wait).total_seconds()


async def _listen(rooms: Rooms, turn: Turn, patience: float, rest: Rest) -> Turn:
    """Wait for more; return the turn with what came, itself when nothing did."""
    until = monotonic() + patience
    while (left := until - monotonic()) > 0:
        await rest(min(left, _LISTEN_EVERY))
        grown = await rooms.turns.join(turn, rooms.settings.burst_window)
        if grown is not turn:
            return grown
    return turn


async def _ask(rooms: Rooms, turn: Turn, *, may_wait: bool) -> Conclusion | _Pause:
    """Ask the brain, and turn what it says into the end of the turn."""
    wants_human = rooms.desk.wants_human(turn)
    question = Question(
        turn.sender_id,
        turn.turn_id,
        question_text(turn),
        {
            "channel": turn.sender_id.partition(":")[0],
            "received_at": turn.messages[0].at.isoformat(),
            "desk_status": turn.status.value,
            "origin": turn.messages[-1].origin,
        },
        urgent=wants_human or turn.postponed_at is not None,
        may_wait=may_wait and not wants_human,
    )
    try:
        answer = await rooms.brain.ask(question)
    except BrainError as err:
        log.warning("turn.brain_failed", sender_id=turn.sender_id,
                    turn_id=turn.turn_id, code=err.code)  # fmt: skip
        if wants_human:
            handoff = Handoff("customer_asked", summary=err.code)
            return rooms.desk.conclude(
                turn, Outcome.COMMANDED, handoff=handoff, note=f"brain: {err}"
            )
        if _will_pass(rooms, turn, err):
            return _Pause.AWAY
        return _apology(rooms, turn, f"brain: {err}")
    if answer.unfinished:
        return _Pause.UNFINISHED
    end = rooms.desk.conclude(
        turn,
        Outcome.ANSWERED,
        _outbounds(turn, answer),
        answer.handoff,
        intent=answer.intent,
    )
    return replace(end, confidence=answer.confidence, trace=answer.trace)


def _will_pass(rooms: Rooms, turn: Turn, err: BrainError) -> bool:
    """Whether waiting may help: nobody is there, and not because of this turn."""
    if not isinstance(err, BrainUnreachable):
        return False
    most = MAX_SILENT_ATTEMPTS if err.code == SILENT else MAX_SUSPICIOUS_ATTEMPTS
    if err.suspicious and turn.attempt >= most:
        return False  # the brain stops or falls silent whenever it is asked this
    since = turn.postponed_at or rooms.clock.now()
    return rooms.clock.now() - since < rooms.settings.brain_patience


def _apology(rooms: Rooms, turn: Turn, why: str) -> Conclusion:
    apology = rooms.desk.offer_human(turn, "brain_failed")
    return rooms.desk.conclude(turn, Outcome.FAILED, (apology,), note=why)


def _outbounds(turn: Turn, answer: Answer) -> tuple[Outbound, ...]:
    return tuple(
        Outbound(
            turn.sender_id, Author.BOT, parts, f"{turn.turn_id}:{i}", turn.last_seq
        )
        for i, parts in enumerate(answer.replies)
    )


def question_text(turn: Turn) -> str:
    """Return what the brain is asked: one payload, or all texts of a burst as one.

    Words that look like a command are made harmless; a real payload was checked
    against the offered buttons when it came in. Of a very long burst the beginning is
    asked; the ledger keeps all of it.
    """
    if turn.messages[0].payload is not None:
        return turn.messages[0].payload
    joined = ""
    for message in turn.messages:
        words = (message.text or "").strip()
        if joined and words and joined[-1] not in _ENDS_ITSELF:
            joined += _JOINT
        joined += words
    return defuse(joined)[:MAX_QUESTION_CHARS]
