"""What the edge and a worker have in common: the core's rooms, built and joined.

In: settings. Out: rooms that work in this process (one machine, any database), or that
wake workers elsewhere (PostgreSQL and Redis).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import httpx
import structlog

from bot.background import Background
from bot.brain import RasaBrain
from bot.clock import SystemClock
from bot.desk import Desk
from bot.desk_settings import SETTINGS_FILE, DeskSettings
from bot.dispatch import LocalDispatcher
from bot.dispatch_queue import SENDS, TURNS, Queue, QueueDispatcher
from bot.feed import Feed
from bot.feed_redis import RedisFeed
from bot.inbox import worker
from bot.ledger.database import is_postgresql, sync_url
from bot.ledger.repository import Ledger
from bot.notices import Notices
from bot.outbox import Outbox
from bot.pace import Pace
from bot.ports import Brain, Clock, Dispatcher, Platform, Work, WorkHours
from bot.sending import Counter, sender
from bot.settings import Settings
from bot.sweep import Cursor, Sweeper
from bot.triggers import TRIGGERS_FILE, Triggers
from bot.turn import Rooms
from channels.case_news import CaseNews
from channels.console.backroom import Backroom
from channels.file_store import open_files
from channels.metrics import Metrics
from channels.telegram.setup import telegram_platform
from channels.wechat.setup import wechat_platform
from worktime.calendar import WorkCalendar

CALENDAR_DIR = "data/calendar"
SENDS_AT_ONCE = 16
OLD_WORK_PER_SLOT = 2

log = structlog.get_logger()


@dataclass
class Backstage:
    """The core's rooms.

    Attributes:
        platforms: platforms[channel]; filled before `start`.
        turns: Works on turns, here or elsewhere.
        sends: Pushes messages, here or elsewhere.
    """

    settings: Settings
    clock: Clock
    hours: WorkHours
    notices: Notices
    metrics: Metrics
    client: httpx.AsyncClient
    ledger: Ledger
    feed: Feed
    platforms: dict[str, Platform]
    outbox: Outbox
    desk: Desk
    turns: Dispatcher
    sends: Dispatcher
    queue: Queue | None
    news: CaseNews
    works: dict[str, Work] = field(default_factory=dict)
    sweepers: tuple[Background, ...] = ()
    _workers: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Begin to work, first of all on what was left unanswered."""
        if self.queue is not None:
            await self.queue.open()
        await self.feed.start()
        self.outbox.start()
        for kind, dispatcher in ((TURNS, self.turns), (SENDS, self.sends)):
            if not isinstance(dispatcher, QueueDispatcher):
                continue
            dispatcher.start()
            if work := self.works.get(kind):
                count = self.settings.turn_concurrency
                slots = count if kind == TURNS else SENDS_AT_ONCE
                serving = asyncio.create_task(dispatcher.serve(work, slots))
                self._workers.append(serving)
        for sweeper in self.sweepers:
            await sweeper.start()

    async def stop(self) -> None:
        """End turns that can end, write receipts, give everything back."""
        for sweeper in self.sweepers:
            await sweeper.stop()
        for serving in self._workers:
            serving.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self.turns.stop()
        await self.sends.stop()
        for platform in self.platforms.values():
            await platform.stop()
        await self.outbox.stop()
        await self.feed.stop()
        if self.queue is not None:
            await self.queue.close()
        await self.client.aclose()
        await self.ledger.close()


def build_backstage(
    settings: Settings,
    *,
    works: bool,
    brain: Brain | None = None,
    clock: Clock | None = None,
    hours: WorkHours | None = None,
    notices: Notices | None = None,
) -> Backstage:
    """Build the core's rooms.

    Args:
        settings: Read once, see bot/settings.py.
        works: Whether this process answers, when others could.
        brain: Instead of Rasa over HTTP.
        clock: Instead of the machine's clock.
        hours: Instead of the calendar under data/calendar.
        notices: Instead of bot/notices.zh.yml.

    Raises:
        ValueError: A setting or a data file cannot be used.
    """
    clock = clock or SystemClock(settings.clock)
    notices = notices or Notices.load()
    if hours is None:
        hours = calendar = WorkCalendar.load(settings.root / CALENDAR_DIR)
        calendar.warn_of_missing(clock.now())
    open_files(settings)  # here, or the first customer's file would find it missing
    metrics = Metrics()
    client = httpx.AsyncClient(
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=20)
    )
    ledger = Ledger.at(settings.database_url, settings.root)
    brain = brain or RasaBrain(
        client, settings.rasa_urls, settings.brain_timeout, settings.brain_retry_budget
    )
    platforms: dict[str, Platform] = {}
    if telegram := telegram_platform(settings, notices):
        platforms[telegram.name] = telegram
    if wechat := wechat_platform(settings, client, ledger, clock, notices):
        platforms[wechat.name] = wechat
    counter = Counter(ledger.parcels, platforms, clock, Pace())
    send = sender(counter)
    queue: Queue | None = None
    feed: Feed
    sends: Dispatcher
    turns: Dispatcher
    if settings.redis_url:
        if not is_postgresql(settings.database_url):
            raise ValueError(
                "BAOKE_REDIS_URL is for many processes, which need PostgreSQL: "
                "set BAOKE_DATABASE_URL too, or leave both out"
            )
        queue = Queue(sync_url(settings.database_url, settings.root))
        feed = RedisFeed(settings.redis_url, hears=not works)
        sends, turns = QueueDispatcher(queue, SENDS), QueueDispatcher(queue, TURNS)
    else:
        works = True
        feed = Feed()
        sends = LocalDispatcher(send, SENDS_AT_ONCE)
    outbox = Outbox(ledger.deliveries, platforms, feed, clock, sends)
    triggers = Triggers.load(settings.root / TRIGGERS_FILE)
    told = DeskSettings.load(settings.root / SETTINGS_FILE)
    desk = Desk(ledger.moves, notices, hours, clock, settings, outbox, triggers, told)
    rooms = Rooms(ledger.turns, desk, brain, outbox, clock, settings, metrics.turn)
    answer = worker(rooms)
    if queue is None:
        turns = LocalDispatcher(answer, settings.turn_concurrency)
    news = CaseNews(
        Backroom(client, settings.actions_urls),
        ledger,
        outbox,
        notices,
        clock,
        settings.news_every.total_seconds(),
    )
    return Backstage(
        settings,
        clock,
        hours,
        notices,
        metrics,
        client,
        ledger,
        feed,
        platforms,
        outbox,
        desk,
        turns,
        sends,
        queue,
        news,
        {TURNS: answer, SENDS: send} if works else {},
        (*_sweepers(settings, ledger, clock, turns, sends), news) if works else (),
    )


def _sweepers(
    settings: Settings,
    ledger: Ledger,
    clock: Clock,
    turns: Dispatcher,
    sends: Dispatcher,
) -> tuple[Background, ...]:
    async def waiting(
        after: Cursor, limit: int, first: bool
    ) -> Sequence[tuple[datetime, str]]:
        before = None if first else clock.now() - settings.sweep_every
        return await ledger.turns.waiting(after, limit, before)

    async def due(
        after: Cursor, limit: int, first: bool
    ) -> Sequence[tuple[datetime, str]]:
        return await ledger.parcels.due(after, limit, clock.now())

    # Who writes now waits behind what was woken before: so never much at once.
    room = OLD_WORK_PER_SLOT * settings.turn_concurrency
    every = settings.sweep_every.total_seconds()
    return (
        Sweeper("turns", waiting, turns, room, every),
        Sweeper("sends", due, sends, room, every),
    )
