"""``python -m actions complaints``: is the log whole, who sees it, and the cases.

``verify`` and ``export`` end with 1 when the log is not whole; ``export`` has written its
file all the same.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from actions.clock import SystemClock
from actions.commands import add_json
from actions.commands.cases import add_steps, run_case
from actions.database import store_error
from actions.errors import ActionsError
from actions.policystore.complaint_check import check_log
from actions.policystore.complaint_export import export_complaints
from actions.policystore.numbers import BEIJING
from actions.policystore.store_session import StoreSession
from actions.policystore.unit_of_work import Store, open_store
from actions.settings import Settings, read_settings


def register(subparsers: Any) -> None:
    """Add ``complaints`` to the commands of ``python -m actions``."""
    parser = subparsers.add_parser("complaints", help="the complaint ledger")
    steps = parser.add_subparsers(dest="step", required=True)
    verify = steps.add_parser("verify", help="read the whole log and its complaints")
    export = steps.add_parser("export", help="write all complaints to a file")
    export.add_argument("--format", choices=("csv", "xlsx"), default="csv")
    export.add_argument(
        "--output",
        type=Path,
        help="file to write; var/exports/complaints-<time>.<format> when absent",
    )
    for step in (verify, export):
        add_json(step)
    add_steps(steps, "complaints")


def run(args: argparse.Namespace) -> int:
    """Do the step; 1 when the database failed or the log is not whole."""
    if args.step not in ("verify", "export"):
        return run_case(args)
    settings = read_settings()
    try:
        store = open_store(settings)
        try:
            found = _verify_and_export(store, settings, args)
        finally:
            store.close()
    except (ActionsError, OSError, ValueError) as err:
        sys.stderr.write(f"complaints {args.step}: {err}\n")
        return 1
    if getattr(args, "json", False):
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
    else:
        said = ", ".join(f"{name} {value}" for name, value in found.items())
        sys.stdout.write(f"{said}\n")
    if not found["ok"]:
        sys.stderr.write(f"complaint log: bad from entry {found['first_bad']} on\n")
    return 0 if found["ok"] else 1


def _verify_and_export(
    store: Store, settings: Settings, args: argparse.Namespace
) -> dict[str, Any]:
    try:
        with Session(store.engine) as session:
            view = StoreSession(session).snapshot()
            found = asdict(check_log(view))
            if args.step == "export":
                file = args.output or _default_file(settings, args.format)
                rows = export_complaints(view, file, args.format)
                found |= {"file": str(file), "complaints": rows}
            return found
    except SQLAlchemyError as err:
        raise store_error(err) from err


def _default_file(settings: Settings, form: str) -> Path:
    now = SystemClock(settings.clock).now().astimezone(BEIJING)
    return settings.var / "exports" / f"complaints-{now:%Y%m%d-%H%M%S}.{form}"
