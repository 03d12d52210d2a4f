"""``baoke db upgrade | seed`` and ``baoke prepare``: tables and demo data."""

import argparse
import json

from bot.errors import StoreError
from channels.commands.actions_side import read_actions, run_actions
from channels.commands.agents import add_demo_agents
from channels.commands.console import (
    Context,
    Subparsers,
    add_command,
    add_group,
    show,
    show_json,
    tell,
)
from channels.migrating import read_versions, upgrade_ledger
from channels.process_settings import rasa_environment
from channels.training import train


def register(subparsers: Subparsers) -> None:
    """Add the group ``db``, and ``prepare``."""
    group = add_group(subparsers, "db", "tables and demo data; both may be repeated")
    add_command(
        group,
        "upgrade",
        run_upgrade,
        "bring the tables to the newest version",
        "  baoke db upgrade --json",
    )
    add_command(
        group,
        "seed",
        run_seed,
        "add the demo customers and policies",
        "  baoke db seed",
    )
    parser = add_command(
        subparsers,
        "prepare",
        run_prepare,
        "train, upgrade, and seed a new database: whatever is missing",
        "  baoke prepare\n  BAOKE_DEMO=false baoke prepare      no demo data",
    )
    parser.add_argument("--skip-train", action="store_true", help="database only")


def run_upgrade(args: argparse.Namespace, context: Context) -> int:
    """Upgrade both histories."""
    done = _upgrade(context)
    if args.json:
        show_json(done)
    else:
        show(f"ledger {done['ledger']}, store {done['store']}")
    return 0


def _upgrade(context: Context) -> dict[str, str]:
    ledger = upgrade_ledger(context.settings)
    code, said, errors = read_actions(context, ["db", "upgrade"])
    if code:
        raise StoreError(errors.strip() or "the action server's upgrade failed")
    return {"ledger": ledger, "store": json.loads(said)["version"]}


def run_seed(args: argparse.Namespace, context: Context) -> int:
    """Seed the demo data."""
    return run_actions(context, ["db", "seed"], args.json)


def run_prepare(args: argparse.Namespace, context: Context) -> int:
    """Do what is missing and nothing else."""
    done: dict[str, bool] = {}
    if not args.skip_train:
        env = rasa_environment(context.places, context.process.encoder_threads)
        _, reused = train(context.places, env, tell)
        done["trained"] = not reused
    before = read_versions(context.settings)
    done["upgraded"] = not before.is_current
    if not before.is_current:
        tell("bringing the database up to date")
        _upgrade(context)
    if done["upgraded"] and not args.skip_train:
        tell("reading the agreement (a minute, first time)")
        # The action server would do it at its start, with one core.
        run_index = read_actions(context, ["agreement", "index"])
        if run_index[0]:
            raise StoreError(run_index[2].strip() or "the agreement cannot be read")
    done["seeded"] = before.store is None and context.process.demo
    if done["seeded"]:
        tell("adding demo customers and policies (BAOKE_DEMO=false: none)")
        code, _, errors = read_actions(context, ["db", "seed"])
        if code:
            raise StoreError(errors.strip() or "seeding failed")
        tell(add_demo_agents(context))
    if args.json:
        show_json(done)
    return 0
