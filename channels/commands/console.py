"""What the commands share: where they print, and what they know of the checkout.

Standard output gets the answer and nothing else; everything said on the way goes to
standard error.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot.errors import BaokeError
from bot.settings import Settings, problems_of, read_settings
from channels.places import Places, find_root
from channels.process_settings import ProcessSettings, read_process_settings

# argparse's "subparsers" have no public type
Subparsers = Any
Run = Callable[[argparse.Namespace, "Context"], int]


class UsageError(BaokeError):
    """The command was called in a way that makes no sense; exit code 2."""


@dataclass(frozen=True)
class Context:
    """What every command is given."""

    places: Places
    settings: Settings
    process: ProcessSettings


def open_context() -> Context:
    """Read the settings of the checkout.

    Raises:
        BaokeError: A setting cannot be used.
    """
    root = find_root()
    try:
        settings = read_settings(root=root)
        process = read_process_settings(root)
    except ValidationError as err:
        raise BaokeError(f"settings: {problems_of(err)}") from err
    return Context(Places(root, settings.var), settings, process)


def tell(text: str) -> None:
    """Say what is going on, on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def show(text: str) -> None:
    """Print a line of the answer."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def show_json(document: Any) -> None:
    """Print one document on one line."""
    show(json.dumps(document, ensure_ascii=False))


def add_command(
    subparsers: Subparsers, name: str, run: Run, summary: str, examples: str
) -> argparse.ArgumentParser:
    """Add a command with ``--json``, its summary and examples."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "--json",
        action="store_true",
        help="print JSON on standard output and nothing else there",
    )
    return parser


def add_group(subparsers: Subparsers, name: str, summary: str) -> Subparsers:
    """Add a word that needs a second one, such as ``db upgrade``."""
    parser = subparsers.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + "."
    )
    return parser.add_subparsers(dest="step", required=True, metavar="COMMAND")


def existing_file(text: str) -> Path:
    """Turn an argument into the full path of a file that is there.

    Raises:
        argparse.ArgumentTypeError: It is not there.
    """
    path = Path(text).resolve()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text}: no such file")
    return path
