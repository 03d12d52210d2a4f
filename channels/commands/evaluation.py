"""``baoke eval nlu | entities | clauses``: figures from files of right answers."""

import argparse
from typing import Any

from channels.commands.actions_side import run_actions
from channels.commands.console import (
    Context,
    Subparsers,
    add_command,
    add_group,
    existing_file,
    show,
    show_json,
)
from channels.commands.understood import understand
from channels.evaluate import ENTITIES, evaluate_entities, evaluate_intents
from channels.evaluation_files import read_entity_rows, read_intent_rows
from channels.understanding import known_intents

_SHOWN_ERRORS = 20
Json = dict[str, Any]


def register(subparsers: Subparsers) -> None:
    """Add the group ``eval``."""
    group = add_group(subparsers, "eval", "measure against a file of right answers")
    for name, run, columns in (
        ("nlu", run_nlu, "text, intent[, acceptable]"),
        ("entities", run_entities, "text, entities_json"),
        ("clauses", run_clauses, "question, ref"),
    ):
        parser = add_command(
            group,
            name,
            run,
            f"columns {columns}",
            f"  baoke eval {name} tests/nlu/{name}.tsv --json",
        )
        parser.add_argument("file", type=existing_file, metavar="FILE.tsv")
        if name == "clauses":
            parser.add_argument(
                "--agreement",
                type=existing_file,
                metavar="FILE",
                help="search this agreement instead of the one in force",
            )


def run_nlu(args: argparse.Namespace, context: Context) -> int:
    """Measure intents."""
    rows = read_intent_rows(args.file, known_intents(context.places))
    answers = list(understand(context, [row.text for row in rows]))
    found = evaluate_intents(rows, answers)
    if args.json:
        show_json(found)
        return 0
    _show_figures(found)
    for name, scores in found["per_intent"].items():
        figures = " ".join(f"{key} {value}" for key, value in scores.items())
        show(f"  {name:24}{figures}")
    for error in found["errors"][:_SHOWN_ERRORS]:
        ok = " (acceptable)" if error["acceptable"] else ""
        show(f"  {error['text']}: {error['intent']}, not {error['predicted']}{ok}")
    return 0


def run_entities(args: argparse.Namespace, context: Context) -> int:
    """Measure entities."""
    rows = read_entity_rows(args.file, ENTITIES)
    answers = list(understand(context, [row.text for row in rows]))
    found = evaluate_entities(rows, answers)
    if args.json:
        show_json(found)
        return 0
    _show_figures(found)
    for name, scores in found["per_entity"].items():
        figures = " ".join(f"{key} {value}" for key, value in scores.items())
        show(f"  {name:24}{figures}")
    return 0


def _show_figures(found: Json) -> None:
    for name, value in found.items():
        if isinstance(value, int | float):
            show(f"{name:24}{value}")


def run_clauses(args: argparse.Namespace, context: Context) -> int:
    """Measure the clause search."""
    command = ["eval-clauses", str(args.file)]
    if args.agreement:
        command += ["--agreement", str(args.agreement)]
    return run_actions(context, command, args.json)
