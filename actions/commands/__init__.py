"""Commands of `python -m actions`; each module registers itself and runs."""

import argparse


def add_json(parser: argparse.ArgumentParser) -> None:
    """Let ``--json`` stand behind a command as well as before it."""
    parser.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON document",
    )
