"""``python -m actions requests list | show | move``."""

from __future__ import annotations

import argparse
from typing import Any

from actions.commands.cases import add_steps, run_case


def register(subparsers: Any) -> None:
    """Add ``requests`` to the commands of ``python -m actions``."""
    parser = subparsers.add_parser("requests", help="service requests")
    add_steps(parser.add_subparsers(dest="step", required=True), "requests")


def run(args: argparse.Namespace) -> int:
    """Do the step."""
    return run_case(args)
