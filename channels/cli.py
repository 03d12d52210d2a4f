"""``baoke``: one command for everything an operator does.

In: arguments. Out: exit code 0, 1 (the task failed) or 2 (wrong usage). What goes wrong
is said in one line on standard error, never as a traceback.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from bot.errors import BaokeError
from channels.commands.console import UsageError, open_context, tell

# Command, module below channels/commands, summary. Only the module of the command
# asked for is imported: `baoke up` stays in memory as long as it serves.
_COMMANDS = (
    ("up", "serving", "start everything and serve; Ctrl-C stops all"),
    ("edge", "alone", "run one edge (a larger installation)"),
    ("worker", "alone", "run one worker (PostgreSQL and Redis)"),
    ("rasa", "alone", "run one Rasa server"),
    ("actions", "alone", "run one action server"),
    ("train", "model", "train the model if its data changed"),
    ("parse", "model", "show what the model understands"),
    ("ask", "ask", "say something to a running instance"),
    ("why", "why", "show why the bot answered as it did"),
    ("outbox", "outbox", "messages that did not arrive: list, retry, drop"),
    ("agents", "agents", "who may sit at the desk: list, add, disable"),
    ("wechat", "wechat", "the official account's menu: push, show"),
    ("eval", "evaluation", "measure against a file of right answers"),
    ("agreement", "agreement", "import and show the service agreement"),
    ("complaints", "complaints", "the complaint ledger, and complaints step by step"),
    ("claims", "complaints", "claims step by step"),
    ("requests", "complaints", "service requests step by step"),
    ("db", "database", "tables and demo data; may be repeated"),
    ("prepare", "database", "train, upgrade and seed whatever is missing"),
    ("doctor", "doctor", "look whether everything needed is there and works"),
)


def build_parser(command: str | None = None) -> argparse.ArgumentParser:
    """Return the parser that knows every command's name and all about one.

    Args:
        command: The one that is going to run.
    """
    parser = argparse.ArgumentParser(
        prog="baoke",
        description="baoke (保客), an insurer's customer-service bot.",
        epilog="`baoke COMMAND --help` shows arguments and examples. Settings come from "
        "BAOKE_... variables or from .env in the project root.",
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module, _ in _COMMANDS:
        if name == command:
            import_module(f"channels.commands.{module}").register(subparsers)
    for name, _, summary in _COMMANDS:
        if name not in subparsers.choices:
            subparsers.add_parser(name, help=summary)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    os.umask(0o077)  # databases, logs and exports hold personal data
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--json"]:  # accepted in front as well
        words = [*words[1:], "--json"]
    try:
        args = build_parser(words[0] if words else None).parse_args(words)
    except SystemExit as stop:  # argparse has said why
        return int(stop.code or 0)
    try:
        code: int = args.run(args, open_context())
        sys.stdout.flush()
    except UsageError as err:
        tell(f"baoke: {err}")
        return 2
    except (BaokeError, OSError, ValueError) as err:
        if isinstance(err, BrokenPipeError):
            # Whoever read our output has gone (`| head`); nothing more to say.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        tell(f"baoke: {err}")
        return 1
    except KeyboardInterrupt:
        tell("baoke: interrupted")
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main())
