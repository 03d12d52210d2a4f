"""``python -m actions core``: whether the insurer's core system answers."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from actions.commands import add_json
from actions.errors import CoreAway
from actions.policystore.unit_of_work import open_store
from actions.settings import read_settings

NOBODY = "baoke-doctor"  # no customer's id: an empty list, or 404


def register(subparsers: Any) -> None:
    """Add ``core`` to the commands of ``python -m actions``."""
    parser = subparsers.add_parser("core", help="ask the core system over HTTP")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Ask once; 0 when it answers or there is none, else 1."""
    settings = read_settings()
    store = open_store(settings)
    try:
        if store.core is not None:
            store.core.policies(NOBODY)
    except CoreAway as err:
        sys.stderr.write(f"core: {settings.policy_store_url}: {err}\n")
        return 1
    finally:
        store.close()
    found = {"url": settings.policy_store_url}
    as_json = getattr(args, "json", False)
    text = json.dumps(found) if as_json else settings.policy_store_url or ""
    sys.stdout.write(text + "\n")
    return 0
