"""``python -m channels.serve``: settings, build, run the edge on its host and port."""

import asyncio
import os
import socket
import sys
from contextlib import AbstractContextManager, nullcontext, suppress

import structlog
import uvicorn
from pydantic import ValidationError

from bot.errors import BaokeError
from bot.settings import Settings, problems_of, read_settings
from channels.app import Edge, build_app
from channels.children import MARK
from channels.instance import only_user
from channels.ports import claim, handed_sockets

STARTUP_FAILED = 3
GRACE_SECONDS = 5  # for open requests; running turns get their own time after that


def configure_log() -> None:
    """Write one line of key=value for each event to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


class Server(uvicorn.Server):
    """Serves the edge; when it is told to stop, whoever waits for news is answered."""

    def __init__(self, config: uvicorn.Config, edge: Edge) -> None:
        super().__init__(config)
        self._edge = edge

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new, end what is open, then stop the edge."""
        answering = asyncio.create_task(self._edge.backstage.feed.resync())
        await super().shutdown(sockets)
        await asyncio.gather(answering, return_exceptions=True)


def main() -> int:
    """Serve until told to stop; 2 when the settings cannot be used, 1 when not now."""
    try:
        settings = read_settings()
        with _alone(settings):
            return _serve(settings)
    except ValidationError as err:
        sys.stderr.write(f"baoke: settings: {problems_of(err)}\n")
        return 2
    except (ValueError, OSError) as err:
        sys.stderr.write(f"baoke: {err}\n")
        return 2
    except BaokeError as err:
        sys.stderr.write(f"baoke: {err}\n")
        return 1


def _alone(settings: Settings) -> AbstractContextManager[None]:
    """Be the only instance; below a supervisor that is the supervisor's business."""
    if MARK in os.environ:
        return nullcontext()
    return only_user(settings.root, settings.database_url)


def _serve(settings: Settings) -> int:
    sockets = handed_sockets() or claim(settings.host, settings.port).sockets
    edge = build_app(settings)
    configure_log()
    config = uvicorn.Config(
        edge,
        ws="websockets-sansio",
        ws_max_size=settings.max_body_bytes,
        ws_per_message_deflate=False,  # twice the memory of a socket, for short lines
        ws_ping_interval=None,  # Socket.IO has pings of its own
        access_log=False,
        log_level="info",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = Server(config, edge)
    with suppress(KeyboardInterrupt):  # raised again after an orderly end
        server.run(list(sockets))
    return 0 if server.started else STARTUP_FAILED


if __name__ == "__main__":
    raise SystemExit(main())
