"""``python -m channels.serve``: settings, build, run the edge on its host and port."""

import asyncio
import socket
import sys
from contextlib import suppress

import structlog
import uvicorn
from pydantic import ValidationError

from bot.settings import read_settings
from channels.app import Edge, build_app

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
    """Serve until told to stop; 2 when the settings cannot be used."""
    try:
        settings = read_settings()
        edge = build_app(settings)
    except (ValidationError, ValueError, OSError) as err:
        sys.stderr.write(f"baoke: {err}\n")
        return 2
    configure_log()
    config = uvicorn.Config(
        edge,
        host=settings.host,
        port=settings.port,
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
        server.run()
    return 0 if server.started else STARTUP_FAILED


if __name__ == "__main__":
    raise SystemExit(main())
