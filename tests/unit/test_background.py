"""Work in rounds: a fault ends the round, never the work."""

import asyncio
from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

import bot.offers
from bot.background import Background
from bot.errors import StoreError
from bot.offers import Dealer, OfferTimes
from bot.sweep import Sweeper


class Rounds(Background):
    """Does what the script says, then nothing any more."""

    def __init__(self, *script):
        super().__init__("rounds", 0, link="a")
        self.script = list(script)
        self.done, self.ended = asyncio.Event(), None

    async def run_once(self):
        if self.script:
            raise self.script.pop(0)
        self.done.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as err:
            self.ended = err
            raise


async def test_that_a_fault_is_logged_and_the_work_goes_on():
    work = Rounds(StoreError("away"), RuntimeError("ours"), StoreError("again"))
    with capture_logs() as logged:
        await work.start()
        await asyncio.wait_for(work.done.wait(), 10)
        await work.stop()
    assert [(row["event"], row["log_level"], row["link"]) for row in logged] == [
        ("rounds.failed", "warning", "a"),
        ("rounds.crashed", "error", "a"),
        ("rounds.failed", "warning", "a"),
    ]
    assert logged[0]["error"] == "away"
    assert logged[1]["exc_info"]


async def test_that_a_stop_ends_it_in_the_middle_of_a_round():
    work = Rounds()
    await work.start()
    await asyncio.wait_for(work.done.wait(), 10)
    await asyncio.wait_for(work.stop(), 10)
    assert isinstance(work.ended, asyncio.CancelledError)
    assert work._task.cancelled()


async def test_that_what_was_never_started_can_be_stopped():
    await Rounds().stop()


class FaultyOffers:
    """Has a fault the first time."""

    def __init__(self):
        self.asked, self.again = 0, asyncio.Event()

    async def waiting(self):
        self.asked += 1
        if self.asked == 1:
            raise RuntimeError("ours")
        self.again.set()
        return ()

    async def offline(self, since):
        return ()


class NoClock:
    def now(self):
        return datetime(2026, 11, 23, tzinfo=UTC)


async def test_that_agents_are_asked_again_after_a_fault(monkeypatch):
    monkeypatch.setattr(bot.offers, "_EVERY", 0.0)
    offers, times = FaultyOffers(), OfferTimes(timedelta(), timedelta())
    dealer = Dealer(offers, None, NoClock(), times)
    with capture_logs() as logged:
        await dealer.start()
        await asyncio.wait_for(offers.again.wait(), 10)
        await dealer.stop()
    assert "offers.crashed" in [row["event"] for row in logged]


async def test_that_a_sweep_that_failed_is_still_the_first():
    firsts, swept = [], asyncio.Event()

    async def find(after, limit, first):
        firsts.append(first)
        if len(firsts) == 1:
            raise StoreError("away")
        if len(firsts) == 3:
            swept.set()
        return ()

    sweeper = Sweeper("turns", find, None, 1, 0.0)
    with capture_logs():
        await sweeper.start()
        await asyncio.wait_for(swept.wait(), 10)
        await sweeper.stop()
    assert firsts[:3] == [True, True, False]
