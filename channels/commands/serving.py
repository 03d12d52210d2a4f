"""``baoke up``: serve from this machine."""

import argparse
from typing import Any

from channels.commands.console import Context, Subparsers, add_command, show, tell
from channels.up import up

_EXAMPLES = """  baoke up
  baoke up --port 9000
  BAOKE_HOST=0.0.0.0 baoke up      reachable from other machines"""


def register(subparsers: Subparsers) -> None:
    """Add ``up``."""
    parser = add_command(
        subparsers,
        "up",
        run,
        "start rasa, the action server and the web server; Ctrl-C stops all",
        _EXAMPLES,
    )
    parser.add_argument("--host", help="address to listen on (BAOKE_HOST)")
    parser.add_argument("--port", type=_port, help="port to listen on (BAOKE_PORT)")


def _port(text: str) -> int:
    port = int(text)  # argparse says so when it is none
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is no port")
    return port


def run(args: argparse.Namespace, context: Context) -> int:
    """Serve until told to stop."""
    given: dict[str, Any] = {
        key: value
        for key, value in (("host", args.host), ("port", args.port))
        if value is not None
    }
    settings = context.settings.model_copy(update=given)
    up(context.places, settings, context.process, tell, show)
    return 0
