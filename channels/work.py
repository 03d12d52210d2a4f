"""``python -m channels.work``: a worker, which answers for the edges.

In: settings with PostgreSQL and Redis. Out: turns and pushed messages, until told to
stop. Any number may run; edges and workers know each other by database and Redis only.
"""

import asyncio
import signal
import sys

import structlog
from prometheus_client import start_http_server
from pydantic import ValidationError

from bot.errors import StoreError
from bot.settings import Settings, problems_of, read_settings
from channels.backstage import build_backstage
from channels.serve import configure_log

log = structlog.get_logger()


async def work(settings: Settings) -> None:
    """Work until a signal comes.

    Raises:
        StoreError: The database does not answer.
        ValueError: A setting cannot be used.
    """
    backstage = build_backstage(settings, works=True)
    if settings.worker_metrics_port:
        start_http_server(
            settings.worker_metrics_port,
            settings.host,
            registry=backstage.metrics.registry,
        )
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    await backstage.ledger.check()
    await backstage.start()
    log.info("worker.started", turns_at_once=settings.turn_concurrency)
    await stopping.wait()
    await backstage.stop()
    log.info("worker.stopped")


def main() -> int:
    """Work until told to stop; 2 when the settings cannot be used."""
    try:
        settings = read_settings()
        if not settings.redis_url:
            raise ValueError(
                "a worker needs BAOKE_REDIS_URL and PostgreSQL in BAOKE_DATABASE_URL; "
                "without them the edge answers by itself"
            )
        configure_log()
        asyncio.run(work(settings))
    except ValidationError as err:
        sys.stderr.write(f"baoke: settings: {problems_of(err)}\n")
        return 2
    except ValueError as err:
        sys.stderr.write(f"baoke: {err}\n")
        return 2
    except (StoreError, OSError) as err:
        sys.stderr.write(f"baoke: {err}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
