"""``baoke agreement import | use | list | show``: the agreement is data."""

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
  baoke agreement import 协议.docx --effective-from 2027-01-01 --json
  baoke agreement import 条款.docx --kind product --product 意外险"""
_USE_EXAMPLES = """  baoke agreement use 2026.1
  baoke agreement use bundled
  baoke agreement use 2026.1 --document 意外险 --effective-from 2027-01-01"""
_LIST_EXAMPLES = """  baoke agreement list
  baoke agreement list --document service --json"""
_SHOW_EXAMPLES = """  baoke agreement show
  baoke agreement show '第三条(四)2' --json
  baoke agreement show '第三条(四)2' --version 2026.1"""
_DOCUMENT = "service, or a product's code or short word"


def register(subparsers: Subparsers) -> None:
    """Add the group ``agreement``."""
    group = add_group(subparsers, "agreement", "texts that are quoted")
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
    parser.add_argument(
        "--kind",
        choices=("service", "product"),
        help="what it is, when title and contents do not tell clearly",
    )
    parser.add_argument("--product", metavar="NAME", help="which product's sheet it is")
    parser.add_argument("--dry-run", action="store_true", help="store nothing")
    parser = add_command(
        group, "use", run_use, "take a version into force again", _USE_EXAMPLES
    )
    parser.add_argument(
        "version", metavar="VERSION", help="its label; bundled for the bundled text"
    )
    parser.add_argument("--document", metavar="D", help=_DOCUMENT)
    parser.add_argument(
        "--effective-from", type=_day, metavar="D", help="ISO date; today when absent"
    )
    parser = add_command(
        group, "list", run_list, "all versions, and which is in force", _LIST_EXAMPLES
    )
    parser.add_argument("--document", metavar="D", help=_DOCUMENT)
    add_command(
        group,
        "check",
        run_check,
        "what the agreement in force lacks of what is promised by",
        "  baoke agreement check --json",
    )
    parser = add_command(
        group, "show", run_show, "clauses of the version in force", _SHOW_EXAMPLES
    )
    parser.add_argument("ref", nargs="?", metavar="REF", help="such as 第三条(四)2")
    parser.add_argument("--document", metavar="D", help=_DOCUMENT)
    parser.add_argument(
        "--version", metavar="V", help="a version that need not be in force"
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{text}: no date like 2027-01-01") from err


def run_import(args: argparse.Namespace, context: Context) -> int:
    """Import a file."""
    command = ["agreement", "import", str(args.file)]
    command += _options(args, "effective_from", "kind", "product")
    if args.dry_run:
        command.append("--dry-run")
    return run_actions(context, command, args.json)


def run_use(args: argparse.Namespace, context: Context) -> int:
    """Take a version into force."""
    command = ["agreement", "use", *_options(args, "document", "effective_from")]
    return run_actions(context, [*command, "--", args.version], args.json)


def run_list(args: argparse.Namespace, context: Context) -> int:
    """List the versions."""
    command = ["agreement", "list", *_options(args, "document")]
    return run_actions(context, command, args.json)


def run_check(args: argparse.Namespace, context: Context) -> int:
    """Say what the agreement in force lacks."""
    return run_actions(context, ["agreement", "check"], args.json)


def run_show(args: argparse.Namespace, context: Context) -> int:
    """Show clauses."""
    command = ["agreement", "show", *([args.ref] if args.ref else [])]
    command += _options(args, "document", "version")
    return run_actions(context, command, args.json)


def _options(args: argparse.Namespace, *names: str) -> list[str]:
    """The options that were given, for the action server's own command line."""
    given = {name: getattr(args, name) for name in names}
    return [
        f"--{name.replace('_', '-')}={value}"
        for name, value in given.items()
        if value is not None
    ]
