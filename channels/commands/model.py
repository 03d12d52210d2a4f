"""``baoke train`` and ``baoke parse``: make the model, ask the model."""

import argparse
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from channels.commands.actions_side import read_actions
from channels.commands.console import (
    Context,
    Subparsers,
    UsageError,
    add_command,
    existing_file,
    show,
    show_json,
    tell,
)
from channels.commands.understood import understand
from channels.evaluate import Understanding
from channels.evaluation_files import read_sentences
from channels.process_settings import rasa_environment
from channels.training import train
from channels.understanding import CannotUnderstand

_TRAIN_EXAMPLES = """  baoke train
  baoke train --force --json"""
_PARSE_EXAMPLES = """  baoke parse 我要报案
  baoke parse --json 犹豫期几天 我的理赔到哪了
  baoke parse --json --file sentences.txt
  baoke parse --json --values --at 2026-12-01T10:00 两三天前被追尾了"""


def register(subparsers: Subparsers) -> None:
    """Add ``train`` and ``parse``."""
    parser = add_command(
        subparsers, "train", run_train, "train if the data changed", _TRAIN_EXAMPLES
    )
    parser.add_argument("--force", action="store_true", help="even if nothing changed")
    parser = add_command(
        subparsers, "parse", run_parse, "show what sentences mean", _PARSE_EXAMPLES
    )
    parser.add_argument("text", nargs="*", metavar="TEXT", help="what a customer says")
    parser.add_argument(
        "--file",
        type=existing_file,
        metavar="F",
        help="one sentence a line, or a TSV file with a column text",
    )
    parser.add_argument(
        "--values",
        action="store_true",
        help="add dates, sums and numbers as the forms read them; needs no server",
    )
    parser.add_argument(
        "--at",
        type=_moment,
        metavar="ISO",
        help="with --values: when it is said (Beijing when no zone is given); else now",
    )


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(
            f"{text}: no moment like 2026-12-01T10:00"
        ) from err


def run_train(args: argparse.Namespace, context: Context) -> int:
    """Train; the model in use changes only if that succeeds."""
    env = rasa_environment(context.places, context.process.encoder_threads)
    model, reused = train(context.places, env, tell, args.force)
    path = context.places.models / model.file
    if args.json:
        seconds = 0.0 if reused else model.seconds
        show_json({"model": str(path), "seconds": seconds, "reused": reused})
    else:
        show(f"{path} ({'up to date' if reused else f'{model.seconds:.0f} s'})")
    return 0


def run_parse(args: argparse.Namespace, context: Context) -> int:
    """Parse the arguments, or the lines of a file."""
    if bool(args.text) == bool(args.file):
        raise UsageError("parse: give either TEXT or --file")
    if args.at and not args.values:
        raise UsageError("parse: --at goes with --values")
    texts = read_sentences(args.file) if args.file else args.text
    answers = understand(context, texts)
    if args.values:
        found = list(answers)
        for one, values in zip(found, _values(args, context, found), strict=True):
            _tell(args, one, values)
        return 0
    for one in answers:
        _tell(args, one)
    return 0


def _tell(
    args: argparse.Namespace,
    found: Understanding,
    values: list[dict[str, Any]] | None = None,
) -> None:
    if args.json:
        show_json(found.to_json() | ({} if values is None else {"values": values}))
        return
    parts = [f"{found.intent or '-'}\t{found.confidence:.2f}\t{found.text}"]
    if found.entities:
        parts.append(" ".join(f"{e['entity']}={e['value']}" for e in found.entities))
    for value in values or ():
        parts.append(f"{value['kind']}: {value['text']} → {value['shown'] or '-'}")
    show("\t".join(parts))


def _values(
    args: argparse.Namespace, context: Context, found: Sequence[Understanding]
) -> Iterator[list[dict[str, Any]]]:
    """What the action server's forms make of each message; one process for all."""
    lines = [{"text": one.text, "entities": list(one.entities)} for one in found]
    command = ["values", *(["--at", args.at.isoformat()] if args.at else [])]
    given = "".join(json.dumps(line) + "\n" for line in lines)
    code, output, errors = read_actions(context, command, given)
    if code:
        raise CannotUnderstand(errors.strip() or "the values could not be read")
    return iter([json.loads(line)["values"] for line in output.split("\n") if line])
