"""Who is asked to take a waiting conversation: skills, presence, load, who knew it before.

In: what waits and who is there. Out: offers in the ledger, one agent at a time for each
conversation; who does not answer is passed over. An offer only draws an eye to it:
anybody may still take what waits, and exactly one gets it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.background import Background
from bot.desk import Desk
from bot.errors import IllegalMove
from bot.ledger.offers import Offers, Offline, Present, Waiting
from bot.ports import Clock

_EVERY = 1.0  # seconds between two looks

log = structlog.get_logger()


@dataclass(frozen=True)
class OfferTimes:
    """How long agents get.

    Attributes:
        answer: To take what is offered, before somebody else is asked.
        gone: Without a heartbeat, before their waiting customers are queued again.
    """

    answer: timedelta
    gone: timedelta


def deal(
    waiting: Sequence[Waiting],
    present: Sequence[Present],
    now: datetime,
    patience: timedelta,
) -> tuple[Waiting, ...]:
    """Return the conversations whose offer changes, as they are to be.

    Args:
        waiting: In the order in which they are to be served.
        present: Agents who want conversations, with what they hold.
        now: The moment.
        patience: How long one agent is asked.
    """
    here = {agent.name for agent in present}
    load = {agent.name: agent.held for agent in present}
    for row in waiting:
        if row.offered_to in here and _fresh(row, now, patience):
            load[row.offered_to] += 1
    changed = []
    for row in waiting:
        if row.offered_to in here and _fresh(row, now, patience):
            continue
        passed = row.passed_by
        if row.offered_to is not None and row.offered_to not in passed:
            passed = (*passed, row.offered_to)
        free = [a for a in _able(row, present) if load[a.name] < a.capacity]
        fresh = [agent for agent in free if agent.name not in passed]
        if free and not fresh:  # everybody let it pass: ask them all again
            fresh, passed = free, ()
        chosen = min(fresh, key=lambda a: _rank(a, row, load), default=None)
        to = None if chosen is None else chosen.name
        if to is not None:
            load[to] += 1
        if to is not None or row.offered_to is not None:
            at = None if to is None else now
            changed.append(replace(row, offered_to=to, offered_at=at, passed_by=passed))
    return tuple(changed)


def _fresh(row: Waiting, now: datetime, patience: timedelta) -> bool:
    return row.offered_at is not None and now - row.offered_at < patience


def _able(row: Waiting, present: Sequence[Present]) -> Sequence[Present]:
    """Return who knows the matter; when nobody who is there does, everybody."""
    skilled = [a for a in present if row.skill is None or row.skill in a.skills]
    return skilled or present


def _rank(
    agent: Present, row: Waiting, load: dict[str, int]
) -> tuple[bool, float, str]:
    """Order agents: who served this customer last, then who has most room."""
    return agent.name != row.last_agent, load[agent.name] / agent.capacity, agent.name


class Dealer(Background):
    """Looks again and again what waits, and asks agents."""

    def __init__(
        self, offers: Offers, desk: Desk, clock: Clock, times: OfferTimes
    ) -> None:
        super().__init__("offers", _EVERY)
        self._offers = offers
        self._desk = desk
        self._clock = clock
        self._times = times

    async def run_once(self) -> None:
        """Ask agents, and fetch back what agents left behind."""
        now = self._clock.now()
        waiting = await self._offers.waiting()
        if waiting:
            present = await self._offers.present(now)
            for row in deal(waiting, present, now, self._times.answer):
                await self._offers.offer(row)
        for left in await self._offers.offline(now - self._times.gone):
            await self._rescue(left)

    async def _rescue(self, row: Offline) -> None:
        key = f"gone:{row.sender_id}:{row.last_seq}"[:150]
        try:
            await self._desk.rescue(row.sender_id, row.agent, row.title, key)
        except IllegalMove:
            return  # somebody else did
        log.info("offers.agent_gone", sender_id=row.sender_id, agent=row.agent)
