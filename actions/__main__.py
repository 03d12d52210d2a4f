"""``python -m actions COMMAND``: the action server's own commands."""

import argparse
import sys
from importlib import import_module

COMMANDS = (
    "agreement",
    "claims",
    "complaints",
    "core",
    "db",
    "eval_clauses",
    "requests",
    "values",
)


def main() -> int:
    """Hand the command line to its module in `actions.commands`."""
    parser = argparse.ArgumentParser(prog="python -m actions", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    subparsers = parser.add_subparsers(dest="command", required=True)
    modules = {n: import_module(f"actions.commands.{n}") for n in COMMANDS}
    for module in modules.values():
        module.register(subparsers)
    args = parser.parse_args()
    return int(modules[args.command.replace("-", "_")].run(args))


if __name__ == "__main__":
    sys.exit(main())
