"""``baoke agreement import | show``: the agreement is data."""

import argparse
from datetime import date

from channels.commands.actions_side import run_actions
from channels.commands.console import (
    Context,
    Subparsers,
    add_command,
    add_group,
    existing_file,
)

_IMPORT_EXAMPLES = """  baoke agreement import 协议.docx --dry-run
  baoke agreement import 协议.docx --effective-from 2027-01-01 --json"""
_SHOW_EXAMPLES = """  baoke agreement show
  baoke agreement show '第三条(四)2' --json"""


def register(subparsers: Subparsers) -> None:
    """Add the group ``agreement``."""
    group = add_group(subparsers, "agreement", "import and show the service agreement")
    parser = add_command(
        group,
        "import",
        run_import,
        "read docx, txt or md into clauses",
        _IMPORT_EXAMPLES,
    )
    parser.add_argument("file", type=existing_file, metavar="FILE")
    parser.add_argument(
        "--effective-from", type=_day, metavar="D", help="ISO date; today when absent"
    )
    parser.add_argument("--dry-run", action="store_true", help="store nothing")
    parser = add_command(
        group, "show", run_show, "clauses of the version in force", _SHOW_EXAMPLES
    )
    parser.add_argument("ref", nargs="?", metavar="REF", help="such as 第三条(四)2")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{text}: no date like 2027-01-01") from err


def run_import(args: argparse.Namespace, context: Context) -> int:
    """Import a file."""
    command = ["agreement", "import", str(args.file)]
    if args.effective_from:
        command += ["--effective-from", args.effective_from.isoformat()]
    if args.dry_run:
        command.append("--dry-run")
    return run_actions(context, command, args.json)


def run_show(args: argparse.Namespace, context: Context) -> int:
    """Show clauses."""
    command = ["agreement", "show", *([args.ref] if args.ref else [])]
    return run_actions(context, command, args.json)
