"""Works on conversations over many processes: a job queue in PostgreSQL (procrastinate).

In: wakes from any process. Out: jobs, of which one at a time runs in each conversation.
The ledger stays the truth: a job says only that there may be something to do, so a lost
one (bot/sweep.py finds it) or one too many does no harm.
"""

import asyncio
from typing import Any

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import (
    AlreadyEnqueued,
    ConnectorException,
    UniqueViolation,
)
from procrastinate.jobs import DeleteJobCondition, Job, Status
from procrastinate.manager import JobManager
from psycopg import InterfaceError, OperationalError
from psycopg_pool import PoolTimeout
from sqlalchemy import URL, Engine, text

from bot.dispatch import STOP_SECONDS, Slots
from bot.errors import StoreError
from bot.ports import Work

TURNS, SENDS = "turns", "sends"
HEARTBEAT_SECONDS = 2.0
# A worker without a heartbeat for so long is taken for dead and its jobs given on.
# Should it live after all, the ledger refuses what it still wants to write.
DEAD_AFTER_SECONDS = 10.0
_POLL_SECONDS = 1.0  # for jobs of a later time; new ones are heard of at once
_LOAD_SECONDS = 1.0
_RESCUE_SECONDS = 3.0
_RESTART_SECONDS = 1.0
_AGAIN_SECONDS = 0.5  # until the end of a job is tried to be written again
# Jobs a worker takes beyond those at work; they wait while others rest in a burst.
_JOBS_PER_SLOT = 3
_GONE = (ConnectorException, PoolTimeout, OSError)

WORKERS_ALIVE = """
    SELECT count(*) AS workers FROM procrastinate_workers
    WHERE last_heartbeat > now() - %(seconds)s * interval '1 second'
"""
_TELL = """
    SELECT pg_notify(%(queue)s,
                     json_build_object('type', 'job_inserted', 'job_id', id)::text)
    FROM procrastinate_jobs WHERE lock = %(lock)s AND status = 'todo' LIMIT 1
"""

log = structlog.get_logger()


def _conninfo(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def install_queue(engine: Engine) -> None:
    """Make the queue's tables; nothing happens when they are there."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(720264)"))
        known = connection.execute(text("SELECT to_regclass('procrastinate_jobs')"))
        if known.scalar_one() is None:
            schema = App(connector=PsycopgConnector()).schema_manager.get_schema()
            connection.exec_driver_sql(schema.replace("%", "%%"))


def _is_cut(err: Exception) -> bool:
    """Whether the database was not there, in contrast to having refused."""
    cause = err.__cause__ if isinstance(err, ConnectorException) else err
    return isinstance(cause, (OperationalError, InterfaceError, PoolTimeout, OSError))


class _JobManager(JobManager):
    """Procrastinate's, which tells workers of what waited for the job that ended.

    A customer who answers at once is woken for while the job of the answer is still
    being put away. Its lock hides the new job from workers, and nothing would make
    them look again before the next poll.
    """

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Put a job away and tell of the next one of its conversation.

        It is tried until the database has heard it: a job that a living worker never
        puts away would hold its conversation up for ever.
        """
        while True:
            try:
                await super().finish_job(job, status, delete_job)
                break
            except _GONE as err:
                if not _is_cut(err):
                    raise
                log.warning("queue.not_finished", job=job.id, error=str(err)[:100])
                await asyncio.sleep(_AGAIN_SECONDS)
        if job.lock is None:
            return
        try:
            await self.connector.execute_query_async(
                _TELL, queue=f"procrastinate_queue_v1#{job.queue}", lock=job.lock
            )
        except _GONE as err:  # the next poll finds it
            log.info("queue.not_told", job=job.id, error=type(err).__name__)


class Queue:
    """The jobs of all kinds; opened once in a process.

    Args:
        url: Of the PostgreSQL database.
    """

    def __init__(self, url: URL) -> None:
        self.app = App(
            connector=PsycopgConnector(
                conninfo=_conninfo(url), min_size=1, max_size=8, timeout=5.0
            )
        )
        self.app.job_manager = _JobManager(self.app.connector)

    async def open(self) -> None:
        """Connect.

        Raises:
            StoreError: The database does not answer.
        """
        try:
            await self.app.open_async()
        except _GONE as err:
            raise StoreError(f"queue: {type(err).__name__}") from err

    async def close(self) -> None:
        """Give all connections back."""
        await self.app.close_async()

    async def workers(self) -> int:
        """Count the workers that showed a sign of life lately.

        Raises:
            StoreError: The database does not answer.
        """
        try:
            row = await self.app.connector.execute_query_one_async(
                WORKERS_ALIVE, seconds=DEAD_AFTER_SECONDS
            )
        except _GONE as err:
            raise StoreError(f"queue: {type(err).__name__}") from err
        return int(row["workers"])


class QueueDispatcher:
    """Wakes by jobs; workers of any process do them.

    Args:
        queue: Open before the first wake.
        kind: TURNS or SENDS; also the name of the queue.
    """

    def __init__(self, queue: Queue, kind: str) -> None:
        self._queue = queue
        self._kind = kind
        self._load = 0
        self._counter: asyncio.Task[None] | None = None
        self._run = queue.app.task(name=kind)(self._do)
        self._later = queue.app.task(name=f"{kind}-later")(self.wake)
        self._work: Work | None = None
        self._slots = Slots(1)

    @property
    def load(self) -> int:
        """Count the jobs that wait: about a second ago, and woken here since then."""
        return self._load

    def start(self) -> None:
        """Begin to count what waits."""
        self._counter = asyncio.create_task(self._count_forever())

    async def stop(self) -> None:
        """Count no more; jobs stay where they are."""
        if self._counter is not None:
            self._counter.cancel()
            await asyncio.gather(self._counter, return_exceptions=True)

    async def wake(self, sender_id: str) -> None:
        """Say that this conversation may have something to do."""
        self._load += 1  # until it is counted again
        key = f"{self._kind}:{sender_id}"
        await self._defer(self._run, sender_id, lock=key, queueing_lock=key)

    async def _wake_later(self, sender_id: str, seconds: float) -> None:
        key = f"{self._kind}-later:{sender_id}"
        when = {"milliseconds": int(seconds * 1000)}
        await self._defer(self._later, sender_id, queueing_lock=key, schedule_in=when)

    async def _defer(self, task: Any, sender_id: str, **options: Any) -> None:
        try:
            job = task.configure(queue=self._kind, **options)
            await job.defer_async(sender_id=sender_id)
        except AlreadyEnqueued:
            pass  # a job that waits will see what is there when it starts
        except _GONE as err:
            log.warning("queue.not_woken", kind=self._kind, error=type(err).__name__)

    async def _count_forever(self) -> None:
        query = (
            "SELECT count(*) AS waiting FROM procrastinate_jobs"
            " WHERE status = 'todo' AND queue_name = %(queue)s AND scheduled_at IS NULL"
        )
        while True:
            try:
                row = await self._queue.app.connector.execute_query_one_async(
                    query, queue=self._kind
                )
                self._load = int(row["waiting"])
            except _GONE as err:
                log.warning("queue.not_counted", error=type(err).__name__)
            await asyncio.sleep(_LOAD_SECONDS)

    # In a worker.

    async def serve(self, work: Work, concurrency: int) -> None:
        """Do jobs until cancelled.

        Args:
            work: Does the next piece of work of a conversation.
            concurrency: Pieces of work at once.
        """
        self._work, self._slots = work, Slots(concurrency)
        rescuer = asyncio.create_task(self._rescue_forever())
        try:
            while True:
                await self._serve_once(concurrency)
                await asyncio.sleep(_RESTART_SECONDS)
        finally:
            rescuer.cancel()
            await asyncio.gather(rescuer, return_exceptions=True)

    async def _serve_once(self, concurrency: int) -> None:
        """Run procrastinate's worker until it breaks, which a lost database does."""
        try:
            await self._queue.app.run_worker_async(
                queues=[self._kind],
                name=self._kind,
                concurrency=concurrency * _JOBS_PER_SLOT,
                fetch_job_polling_interval=_POLL_SECONDS,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=DEAD_AFTER_SECONDS * 3,
                shutdown_graceful_timeout=STOP_SECONDS,
                delete_jobs=DeleteJobCondition.ALWAYS,
                install_signal_handlers=False,
            )
        except Exception as err:  # whatever it was: begin again
            log.warning("queue.worker_restarts", kind=self._kind, error=repr(err)[:200])

    async def _do(self, sender_id: str) -> None:
        assert self._work is not None
        try:
            again = await self._slots.work(self._work, sender_id)
            while again == 0:
                again = await self._slots.work(self._work, sender_id)
        except StoreError as err:
            log.error("work.store_failed", sender_id=sender_id, error=str(err))
            again = 2.0  # when this is lost too, the sweeper finds it
        if again is not None:
            await self._wake_later(sender_id, again)

    async def _rescue_forever(self) -> None:
        """Give on the jobs of dead workers."""
        while True:
            await asyncio.sleep(_RESCUE_SECONDS)
            try:
                await self._rescue()
            except _GONE as err:
                log.warning("queue.not_rescued", error=type(err).__name__)

    async def _rescue(self) -> None:
        manager = self._queue.app.job_manager
        stalled = await manager.get_stalled_jobs(
            queue=self._kind, seconds_since_heartbeat=DEAD_AFTER_SECONDS
        )
        for job in stalled:
            log.warning("queue.rescued", kind=self._kind, job=job.id)
            try:
                await manager.retry_job(job)
            except UniqueViolation:  # one that waits already will do it
                await manager.finish_job(job, Status.FAILED, delete_job=True)
            except ConnectorException as err:
                log.info("queue.rescued_elsewhere", job=job.id, error=str(err)[:200])
