"""``baoke complaints | claims | requests``: the complaint ledger, and cases by step."""

import argparse
import json
from pathlib import Path

from bot.ledger.agents import Role
from channels.commands.actions_side import run_actions
from channels.commands.console import Context, Subparsers, add_command, add_group
from channels.commands.ledger_side import with_ledger

# What each step needs stands in actions/handling.py and in its own --help.
_CASES = {
    "complaints": {
        "list": "what waits, the first due first",
        "show": "one complaint with all that happened to it",
        "assign": "put somebody in charge",
        "accuse": "say whom it is about",
        "progress": "tell the customer how it goes on",
        "ask-extension": "ask for more time",
        "extend": "agree to more time",
        "refuse-extension": "refuse more time",
        "decide": "write the decision",
        "close": "close a decided complaint",
    },
    "claims": {
        "show": "one claim with all that happened to it",
        "assign": "put somebody in charge",
        "want-papers": "ask for all missing papers, once",
        "move": "move it on",
        "decide": "decide it",
        "approve": "agree, as the second person, to a payment above the limit",
    },
    "requests": {
        "list": "what waits, the first due first",
        "show": "one request with all that happened to it",
        "move": "work on it",
    },
}


def register(subparsers: Subparsers) -> None:
    """Add the groups ``complaints``, ``claims`` and ``requests``."""
    _add_steps(add_group(subparsers, "claims", "claims step by step"), "claims")
    requests = add_group(subparsers, "requests", "service requests step by step")
    _add_steps(requests, "requests")
    group = add_group(subparsers, "complaints", "check and export the complaint ledger")
    add_command(
        group,
        "verify",
        run_verify,
        "check that no entry was changed",
        "  baoke complaints verify --json",
    )
    parser = add_command(
        group,
        "export",
        run_export,
        "write all complaints to a file",
        "  baoke complaints export --format xlsx --output complaints.xlsx",
    )
    parser.add_argument("--format", choices=("csv", "xlsx"), default="csv")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="below var/exports when absent"
    )

    _add_steps(group, "complaints")


def _add_steps(group: Subparsers, kind: str) -> None:
    """Add steps whose arguments the action server's own command reads."""
    for step, summary in _CASES[kind].items():
        # Nothing here begins with the prefix, so that all words are handed on, --help too.
        parser = group.add_parser(step, help=summary, prefix_chars="\0", add_help=False)
        parser.add_argument("words", nargs="*")
        parser.set_defaults(run=run_case, kind=kind)


def run_case(args: argparse.Namespace, context: Context) -> int:
    """Take a step of a case; who acts is an account of the desk."""
    looks = args.step in ("list", "show")
    named = any(word.startswith("--a") for word in args.words)
    command = [args.kind, args.step]
    if {"-h", "--help"} & set(args.words) or (looks and not named):
        return run_actions(context, [*command, *args.words], as_json=False)
    desk = with_ledger(context, lambda ledger: ledger.agents.listed())
    accounts = [
        {
            "login": agent.name,
            "title": agent.title,
            "leader": agent.role is Role.LEADER,
            "active": agent.active,
        }
        for agent in desk
    ]
    command += ["--desk", "-", *args.words]
    return run_actions(context, command, as_json=False, told=json.dumps(accounts))


def run_verify(args: argparse.Namespace, context: Context) -> int:
    """Check the ledger; 1 when it was tampered with."""
    return run_actions(context, ["complaints", "verify"], args.json)


def run_export(args: argparse.Namespace, context: Context) -> int:
    """Export the ledger."""
    command = ["complaints", "export", "--format", args.format]
    if args.output:
        command += ["--output", str(args.output.resolve())]
    return run_actions(context, command, args.json)
