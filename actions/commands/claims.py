"""``python -m actions claims show | want-papers | move | decide``."""

from __future__ import annotations

import argparse
from typing import Any

from actions.commands.cases import add_steps, run_case


def register(subparsers: Any) -> None:
    """Add ``claims`` to the commands of ``python -m actions``."""
    parser = subparsers.add_parser("claims", help="claims of our own tables")
    add_steps(parser.add_subparsers(dest="step", required=True), "claims")


def run(args: argparse.Namespace) -> int:
    """Do the step."""
    return run_case(args)
