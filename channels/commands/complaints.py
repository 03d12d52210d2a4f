"""``baoke complaints verify | export``: the complaint ledger."""

import argparse
from pathlib import Path

from channels.commands.actions_side import run_actions
from channels.commands.console import Context, Subparsers, add_command, add_group


def register(subparsers: Subparsers) -> None:
    """Add the group ``complaints``."""
    group = add_group(subparsers, "complaints", "check and export the complaint ledger")
    add_command(
        group,
        "verify",
        run_verify,
        "check that no entry was changed",
        "  baoke complaints verify --json",
    )
    parser = add_command(
        group,
        "export",
        run_export,
        "write all complaints to a file",
        "  baoke complaints export --format xlsx --output complaints.xlsx",
    )
    parser.add_argument("--format", choices=("csv", "xlsx"), default="csv")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="below var/exports when absent"
    )


def run_verify(args: argparse.Namespace, context: Context) -> int:
    """Check the ledger; 1 when it was tampered with."""
    return run_actions(context, ["complaints", "verify"], args.json)


def run_export(args: argparse.Namespace, context: Context) -> int:
    """Export the ledger."""
    command = ["complaints", "export", "--format", args.format]
    if args.output:
        command += ["--output", str(args.output.resolve())]
    return run_actions(context, command, args.json)
