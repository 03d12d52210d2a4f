"""``complaints``, ``claims`` and ``requests``: cases handled from the command line.

Steps and what they need are those of `actions.handling`; ``--as`` says who takes them and
stands in the log.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from actions.commands import add_json
from actions.errors import ActionsError, IllegalStep, UnknownCase
from actions.handling import STEPS, Json, Told, open_cases, show_case, take_step
from actions.people import Desk, Person
from actions.services import open_services
from worktime.reading import CalendarError

LISTED = ("complaints", "requests")


def add_steps(steps: Any, kind: str) -> None:
    """Add ``show``, ``list`` and every step of a kind to its group."""
    show = steps.add_parser("show", help="one case with all that happened to it")
    show.add_argument("number")
    parsers = [show]
    if kind in LISTED:
        parsers.append(steps.add_parser("list", help="what waits, the first due first"))
    for parser in parsers:
        parser.add_argument(
            "--as",
            dest="actor",
            metavar="LOGIN",
            help="who looks: nobody sees complaints about themselves",
        )
    for name, step in STEPS[kind].items():
        parser = steps.add_parser(name, help=step.summary)
        parser.add_argument("number")
        parser.add_argument(
            "--as", dest="actor", required=True, metavar="LOGIN", help="who takes it"
        )
        for told in step.told:
            _add_told(parser, told)
        parsers.append(parser)
    for parser in parsers:
        parser.set_defaults(kind=kind)
        parser.add_argument(
            "--desk",
            metavar="FILE",
            help="accounts of the desk as JSON, - for standard input (baoke gives them); "
            "without them --as is believed to be a leader's login",
        )
        add_json(parser)


def run_case(args: argparse.Namespace) -> int:
    """Do the step; 1 when it is refused or the database failed."""
    try:
        found = _found(args)
    except UnknownCase:
        sys.stderr.write(f"{args.kind} {args.step}: no such number\n")
        return 1
    except IllegalStep as err:
        who = f" ({', '.join(err.who)})" if err.who else ""
        sys.stderr.write(f"{args.kind} {args.step}: refused: {err.why}{who}\n")
        return 1
    except (ActionsError, CalendarError, OSError, ValueError) as err:
        sys.stderr.write(f"{args.kind} {args.step}: {err}\n")
        return 1
    if getattr(args, "json", False):
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
    else:
        rows = found if isinstance(found, list) else [found]
        sys.stdout.write("\n".join(_lines(row) for row in rows) + "\n" * bool(rows))
    return 0


def _found(args: argparse.Namespace) -> Json | list[Json]:
    services = open_services()
    desk = _desk(args.desk)
    actor: Person | str | None = args.actor
    if args.actor and desk is not None:
        actor = desk.actor(args.actor)
    if args.step in ("list", "show"):
        reader = Person(actor) if isinstance(actor, str) else actor
        if args.step == "list":
            return open_cases(services, args.kind, reader)
        return show_case(services, args.kind, args.number, reader)
    step = STEPS[args.kind][args.step]
    told = {one.name: getattr(args, one.name.replace("-", "_")) for one in step.told}
    assert actor is not None  # argparse wants it for every step
    case, _ = take_step(services, args.kind, args.number, args.step, told, actor, desk)
    return case


def _desk(file: str | None) -> Desk | None:
    if file is None:
        return None
    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    return Desk.read(json.loads(text))


def _add_told(parser: argparse.ArgumentParser, told: Told) -> None:
    parser.add_argument(
        f"--{told.name}",
        required=told.needed,
        action="append" if told.many else "store",
        help=told.help,
    )


def _lines(case: Json) -> str:
    """A case for a person: its fields, then what happened, oldest first."""
    lists = {name: rows for name, rows in case.items() if isinstance(rows, list)}
    lines = [
        f"{name}: {value}"
        for name, value in case.items()
        if name not in lists and value not in (None, "")
    ]
    for name, rows in lists.items():
        for row in rows:
            shown = "  ".join(str(v) for v in row.values() if v not in (None, "", {}))
            lines.append(f"{name}: {shown}")
    return "\n".join(lines)
