"""``python -m actions db upgrade | seed``: tables and demo customers; idempotent."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

import yaml

from actions import migrate
from actions.clock import SystemClock
from actions.commands import add_json
from actions.errors import ActionsError
from actions.policystore.seed import seed
from actions.policystore.unit_of_work import Store, open_store
from actions.settings import Settings, read_settings

DEMO_FILE = "demo/policies.yml"  # below the data folder


def register(subparsers: Any) -> None:
    """Add ``db`` to the commands of ``python -m actions``."""
    parser = subparsers.add_parser("db", help="tables and demo data of the store")
    steps = parser.add_subparsers(dest="step", required=True)
    for name, said in (
        ("upgrade", "bring the tables to the newest version"),
        ("seed", "add the demo customers that are missing"),
    ):
        step = steps.add_parser(name, help=said)
        add_json(step)


def run(args: argparse.Namespace) -> int:
    """Do the step; 0, or 1 when the database failed."""
    settings = read_settings()
    try:
        store = open_store(settings)
        try:
            done = _upgrade(store) if args.step == "upgrade" else _seed(store, settings)
        finally:
            store.close()
    except (ActionsError, OSError, ValueError, KeyError, yaml.YAMLError) as err:
        sys.stderr.write(f"db {args.step}: {err}\n")
        return 1
    if getattr(args, "json", False):
        sys.stdout.write(json.dumps(done, ensure_ascii=False) + "\n")
    else:
        said = ", ".join(f"{name} {value}" for name, value in done.items())
        sys.stdout.write(f"{said}\n")
    return 0


def _upgrade(store: Store) -> dict[str, Any]:
    before = migrate.current(store.engine)
    version = migrate.upgrade(store.engine)
    return {"version": version, "changed": version != before}


def _seed(store: Store, settings: Settings) -> dict[str, Any]:
    now = SystemClock(settings.clock).now()
    return asdict(seed(store.engine, settings.data / DEMO_FILE, now))
