"""``baoke doctor``: what is wrong, and what helps."""

import argparse

from channels.commands.actions_side import read_actions
from channels.commands.console import (
    Context,
    Subparsers,
    add_command,
    show,
    show_json,
)
from channels.doctor import examine


def register(subparsers: Subparsers) -> None:
    """Add ``doctor``."""
    add_command(
        subparsers,
        "doctor",
        run,
        "look whether everything needed is there and works",
        "  baoke doctor\n  baoke doctor --json",
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Look at everything; 1 when something needed is broken."""
    checks = list(
        examine(
            context.places,
            context.settings,
            lambda command: read_actions(context, command),
        )
    )
    if args.json:
        show_json({"checks": [check.to_json() for check in checks]})
    else:
        for check in checks:
            sign = "ok" if check.ok else "BROKEN" if check.needed else "-"
            show(f"{sign:7}{check.name:18}{check.detail}")
            if check.fix:
                show(f"{'':25}fix: {check.fix}")
    return 0 if all(check.ok or not check.needed for check in checks) else 1
