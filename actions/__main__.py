"""``python -m actions COMMAND``: the action server's own commands."""

import argparse
import sys
from importlib import import_module

from pydantic import ValidationError

from actions.settings import Settings, problems_of

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
    try:
        return int(modules[args.command.replace("-", "_")].run(args))
    except ValidationError as err:
        if err.title != Settings.__name__:
            raise
        sys.stderr.write(f"{parser.prog}: settings: {problems_of(err)}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
