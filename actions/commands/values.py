"""``python -m actions values [--at ISO]``: what messages' data is read as.

In: JSON lines ``{"text", "entities"}`` on standard input, entities as Rasa gives them.
Out: one JSON line ``{"values": […]}`` each, as the forms would read them at that moment.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Any

from actions.clock import SystemClock
from actions.commands import add_json
from actions.moments import BEIJING
from actions.settings import read_settings
from actions.turn import Entity, Turn
from actions.values import values_of


def register(subparsers: Any) -> None:
    """Add ``values`` to the commands of ``python -m actions``."""
    parser = subparsers.add_parser("values", help="read dates, sums and numbers")
    parser.add_argument("--at", type=moment, help="when it is said; now when absent")
    add_json(parser)


def moment(text: str) -> datetime:
    """An ISO moment; without a zone it is Beijing's."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(
            f"{text}: no moment like 2026-12-01T10:00"
        ) from err
    return at if at.tzinfo else at.replace(tzinfo=BEIJING)


def run(args: argparse.Namespace) -> int:
    """Answer line by line; 0, or 1 when a line is no message."""
    now = args.at or SystemClock(read_settings().clock).now()
    try:
        for line in sys.stdin:
            turn = _turn(json.loads(line))
            values = [asdict(value) for value in values_of(turn, now)]
            sys.stdout.write(json.dumps({"values": values}) + "\n")
    except (ValueError, KeyError, TypeError) as err:
        sys.stderr.write(f"values: no message: {err}\n")
        return 1
    return 0


def _turn(said: dict[str, Any]) -> Turn:
    return Turn(
        sender_id="",
        turn_id="",
        text=str(said["text"]),
        intent="inform",
        confidence=1.0,
        entities=tuple(
            Entity(str(e["entity"]), str(e["value"]), int(e["start"]), int(e["end"]))
            for e in said.get("entities") or ()
        ),
        slots={},
    )
