"""Tells customers what became of their cases, whoever took the step and however.

In: news that the action server keeps since the step itself (actions/policystore/news.py).
Out: one message in every conversation of the customer, then a word back. Told at least
once: who dies in between tells it again, and the key makes that a repeat.
"""

from typing import Any

import structlog

from bot.background import Background
from bot.errors import StoreError
from bot.ledger.repository import Ledger
from bot.message import Author, Outbound, TextPart
from bot.notices import Notices
from bot.outbox import Outbox
from bot.ports import Clock
from channels.console.backroom import Backroom

MAX_NEWS_CHARS = 1500  # of a customer's message; a long decision is cut, with a mark
CUT = "…"
_MOST_RESTS = 15  # rounds that are left out while the action server is away

log = structlog.get_logger()


class CaseNews(Background):
    """Fetches, tells and acknowledges, now and then and when asked to.

    Args:
        backroom: The action servers.
        ledger: Where messages are written.
        outbox: Sends what was written.
        notices: The sentences.
        clock: Tells the time.
        every: Seconds between two rounds.
    """

    def __init__(
        self,
        backroom: Backroom,
        ledger: Ledger,
        outbox: Outbox,
        notices: Notices,
        clock: Clock,
        every: float,
    ) -> None:
        super().__init__("case_news", every)
        self._backroom = backroom
        self._ledger = ledger
        self._outbox = outbox
        self._notices = notices
        self._clock = clock
        self._rests = self._resting = 0

    async def run_once(self) -> None:
        """Tell what waits; an action server that is away is asked less often."""
        if self._resting > 0:
            self._resting -= 1
            return
        if await self.deliver():
            self._rests = 0
        else:
            self._rests = self._resting = min(2 * self._rests + 1, _MOST_RESTS)

    async def deliver(self, number: str | None = None) -> bool:
        """Tell what waits, of one case or of all, the older first.

        Returns:
            Whether an action server answered.

        Raises:
            StoreError: The ledger did not answer; what was not told still waits.
        """
        answer = await self._backroom.news(number)
        if not isinstance(answer, dict):
            return False
        told: list[int] = []
        failed: list[dict[str, Any]] = []
        stuck: set[str] = set()  # cases of which the older news could not be told
        try:
            for news in answer["news"]:
                if news["number"] in stuck:
                    continue
                why, final = await self._tell(news)
                if why is None:
                    told.append(news["id"])
                    continue
                log.warning("case_news.not_told", number=news["number"], why=why)
                failed.append({"id": news["id"], "why": why, "final": final})
                if not final:
                    stuck.add(news["number"])
        finally:
            if told or failed:
                await self._backroom.note_news({"told": told, "failed": failed})
        return True

    async def told_in(self, news: dict[str, Any]) -> int:
        """Count the conversations in which news was told, by whichever process."""
        said = [
            await self._ledger.messages.said(sender_id, news["key"])
            for sender_id in news["senders"]
        ]
        return sum(said)

    async def _tell(self, news: dict[str, Any]) -> tuple[str | None, bool]:
        """Tell one; return why not, if not, and whether it never can be."""
        try:
            values = {name: _short(str(v)) for name, v in news["values"].items()}
            words = self._notices.say(news["notice"], **values).strip()
        except (LookupError, ValueError, AttributeError) as err:
            return f"no words: {type(err).__name__}", True
        why = None
        for sender_id in news["senders"]:
            try:
                _, last = await self._ledger.messages.holder(sender_id)
                if last == 0:
                    why = "no conversation"
                    continue
                await self._say(sender_id, words, news["key"])
            except StoreError:
                raise
            except Exception as err:
                log.exception("case_news.crashed", number=news["number"])
                why = type(err).__name__
        return why, False

    async def _say(self, sender_id: str, words: str, key: str) -> None:
        said = Outbound(sender_id, Author.SYSTEM, (TextPart(words),), key)
        now = self._clock.now()
        written = await self._ledger.messages.post_once((said,), now)
        if written is not None:  # not told before
            await self._outbox.publish(sender_id, written)


def _short(value: str) -> str:
    return value if len(value) <= MAX_NEWS_CHARS else value[:MAX_NEWS_CHARS] + CUT
