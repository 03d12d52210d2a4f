"""What every dispatcher promises, on both: in this process, and over PostgreSQL."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager
from psycopg import OperationalError
from sqlalchemy import create_engine, text

from bot.dispatch import LocalDispatcher
from bot.dispatch_queue import TURNS, Queue, QueueDispatcher, install_queue
from bot.errors import StoreError
from bot.ledger.database import sync_url

WAIT_SECONDS = 60


class Local:
    """The dispatcher of one process."""

    def __init__(self, work, concurrency) -> None:
        self.dispatcher = LocalDispatcher(work, concurrency)

    async def idle(self) -> None:
        await asyncio.wait_for(self.dispatcher.idle(), WAIT_SECONDS)


class Queued:
    """The dispatcher of many processes, with workers in this one."""

    def __init__(self, dispatcher, engine) -> None:
        self.dispatcher = dispatcher
        self.engine = engine

    def jobs(self) -> int:
        now = "scheduled_at IS NULL OR scheduled_at <= now() + interval '1 second'"
        query = f"SELECT count(*) FROM procrastinate_jobs WHERE {now}"
        with self.engine.connect() as connection:
            return connection.execute(text(query)).scalar_one()

    async def idle(self) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while await asyncio.to_thread(self.jobs):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def queued(url, work, concurrency, workers=2):
    address = sync_url(url, Path("/"))
    engine = create_engine(address)
    install_queue(engine)
    install_queue(engine)  # again: nothing happens
    waker = Queue(address)
    await waker.open()
    dispatcher = QueueDispatcher(waker, TURNS)
    queues, tasks = [], []
    for _ in range(workers):
        queue = Queue(address)
        await queue.open()
        queues.append(queue)
        serving = QueueDispatcher(queue, TURNS).serve(work, concurrency)
        tasks.append(asyncio.create_task(serving))
    try:
        yield Queued(dispatcher, engine)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for queue in (*queues, waker):
            await queue.close()
        engine.dispose()


@pytest.fixture(params=["local", "queue"])
def dispatching(request):
    """A context manager of (work, concurrency) that yields a running dispatcher."""
    if request.param == "queue":
        url = request.getfixturevalue("postgres_url")
        return lambda work, concurrency, workers=2: queued(
            url, work, concurrency, workers
        )

    @asynccontextmanager
    async def local(work, concurrency, workers=1):
        made = Local(work, concurrency)
        yield made
        await made.dispatcher.stop()

    return local


async def test_that_a_conversation_is_never_worked_on_twice_at_once(dispatching):
    running, done = set(), []

    async def work(sender_id, rest):
        assert sender_id not in running
        running.add(sender_id)
        await asyncio.sleep(0.01)
        running.remove(sender_id)
        done.append(sender_id)

    async with dispatching(work, 4) as made:
        for _ in range(5):
            await asyncio.gather(*(made.dispatcher.wake(s) for s in "abcdef"))
            await asyncio.sleep(0.015)
        await made.idle()
        await asyncio.gather(*(made.dispatcher.wake(s) for s in "abcdef"))
        await made.idle()
    assert {s: done.count(s) >= 2 for s in "abcdef"} == dict.fromkeys("abcdef", True)


async def test_that_conversations_are_worked_on_beside_each_other(dispatching):
    together = asyncio.Barrier(3)

    async def work(sender_id, rest):
        await together.wait()

    async with dispatching(work, 3, workers=1) as made:
        for sender_id in "abc":
            await made.dispatcher.wake(sender_id)
        await made.idle()
    assert together.n_waiting == 0


async def test_that_a_wake_during_the_work_is_not_lost(dispatching):
    turns = []

    async def work(sender_id, rest):
        turns.append(sender_id)
        if len(turns) == 1:
            await made.dispatcher.wake(sender_id)

    async with dispatching(work, 1) as made:
        await made.dispatcher.wake("a")
        await made.idle()
    assert turns == ["a", "a"]


async def test_that_work_goes_on_while_more_waits(dispatching):
    left = [None, 0, 0]

    async def work(sender_id, rest):
        return left.pop()

    async with dispatching(work, 1) as made:
        await made.dispatcher.wake("a")
        await made.idle()
    assert left == []


async def test_that_a_resting_conversation_lets_another_one_work(dispatching):
    log, rested = [], asyncio.Event()

    async def work(sender_id, rest):
        log.append(f"{sender_id} begins")
        if sender_id == "slow":
            rested.set()
            until = asyncio.get_running_loop().time() + WAIT_SECONDS
            while "quick ends" not in log and asyncio.get_running_loop().time() < until:
                await rest(0.05)
        log.append(f"{sender_id} ends")

    async with dispatching(work, 1, workers=1) as made:
        await made.dispatcher.wake("slow")
        await asyncio.wait_for(rested.wait(), WAIT_SECONDS)
        await made.dispatcher.wake("quick")
        await made.idle()
    assert log == ["slow begins", "quick begins", "quick ends", "slow ends"]


async def test_that_work_is_taken_up_again_after_a_while_by_itself(dispatching):
    again, done = [0.1], asyncio.Event()

    async def work(sender_id, rest):
        if again:
            return again.pop()
        done.set()

    async with dispatching(work, 1) as made:
        await made.dispatcher.wake("a")
        await asyncio.wait_for(done.wait(), WAIT_SECONDS)


async def test_that_a_wake_comes_before_a_later_time(dispatching):
    turns, done = [], asyncio.Event()

    async def work(sender_id, rest):
        turns.append(sender_id)
        if len(turns) == 1:
            return 3600
        done.set()

    async with dispatching(work, 1) as made:
        await made.dispatcher.wake("a")
        await made.idle()
        await made.dispatcher.wake("a")
        await asyncio.wait_for(done.wait(), WAIT_SECONDS)


async def test_that_a_store_failure_is_tried_again(dispatching, monkeypatch):
    monkeypatch.setattr("bot.dispatch._FIRST_PAUSE", 0.001)
    left, done = [StoreError("busy")], asyncio.Event()

    async def work(sender_id, rest):
        if left:
            raise left.pop()
        done.set()

    async with dispatching(work, 1) as made:
        await made.dispatcher.wake("a")
        await asyncio.wait_for(done.wait(), WAIT_SECONDS)


async def test_that_a_stopped_dispatcher_starts_nothing():
    started = []

    async def work(sender_id, rest):
        started.append(sender_id)

    dispatcher = LocalDispatcher(work, 1)
    await dispatcher.stop()
    await dispatcher.wake("a")
    await dispatcher.idle()
    assert started == []


async def test_that_the_load_is_what_waits(dispatching):
    go = asyncio.Event()

    async def work(sender_id, rest):
        await go.wait()

    async with dispatching(work, 1, workers=0) as made:
        for number in range(7):
            await made.dispatcher.wake(f"c{number}")
        if hasattr(made.dispatcher, "start"):
            made.dispatcher.start()
        async with asyncio.timeout(WAIT_SECONDS):
            while made.dispatcher.load != 7:
                await asyncio.sleep(0.02)
        await made.dispatcher.wake("c0")  # counted twice at most until the next count
        async with asyncio.timeout(WAIT_SECONDS):
            while made.dispatcher.load != 7:
                await asyncio.sleep(0.02)
        go.set()
        await made.dispatcher.stop()


async def test_that_the_jobs_of_a_dead_worker_are_given_on(postgres_url):
    done = asyncio.Event()

    async def work(sender_id, rest):
        done.set()

    async with queued(postgres_url, work, 1, workers=0) as made:
        await made.dispatcher.wake("a")
        with made.engine.begin() as connection:
            worker = connection.execute(
                text(
                    "INSERT INTO procrastinate_workers (last_heartbeat)"
                    " VALUES (now() - interval '1 hour') RETURNING id"
                )
            ).scalar_one()
            connection.execute(
                text("UPDATE procrastinate_jobs SET status='doing', worker_id=:w"),
                {"w": worker},
            )
        await made.dispatcher.wake("a")  # waits behind the dead one's
        queue = Queue(sync_url(postgres_url, Path("/")))
        await queue.open()
        serving = asyncio.create_task(QueueDispatcher(queue, TURNS).serve(work, 1))
        await asyncio.wait_for(done.wait(), WAIT_SECONDS)
        await made.idle()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await queue.close()


async def test_that_a_job_whose_end_was_not_written_holds_nobody_up(
    postgres_url, monkeypatch
):
    turns, cut = [], [OperationalError("cut"), OperationalError("cut again")]
    finish = JobManager.finish_job

    async def finish_job(self, job, status, delete_job):
        if cut:
            raise ConnectorException from cut.pop()
        await finish(self, job, status, delete_job)

    monkeypatch.setattr(JobManager, "finish_job", finish_job)

    async def work(sender_id, rest):
        turns.append(sender_id)

    async with queued(postgres_url, work, 1) as made:
        await made.dispatcher.wake("a")
        async with asyncio.timeout(WAIT_SECONDS):
            while not turns:
                await asyncio.sleep(0.02)
            await made.dispatcher.wake("a")
            while len(turns) < 2:
                await asyncio.sleep(0.02)
        await made.idle()
    assert cut == []


async def test_that_a_wake_never_fails(postgres_server):
    url = postgres_server.create()
    async with queued(url, None, 1, workers=0) as made:
        with made.engine.begin() as connection:
            connection.execute(text("DROP TABLE procrastinate_jobs CASCADE"))
        await made.dispatcher.wake("a")


async def test_that_living_workers_are_counted(postgres_url):
    async def work(sender_id, rest): ...

    async with queued(postgres_url, work, 1, workers=2) as made:
        queue = made.dispatcher._queue
        async with asyncio.timeout(WAIT_SECONDS):
            while await queue.workers() < 2:
                await asyncio.sleep(0.05)
        with made.engine.begin() as connection:
            connection.execute(
                text(
                    "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 h'"
                )
            )
        assert await queue.workers() < 2
