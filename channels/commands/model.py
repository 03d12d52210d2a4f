"""``baoke train`` and ``baoke parse``: make the model, ask the model."""

import argparse

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
from channels.evaluation_files import read_sentences
from channels.process_settings import rasa_environment
from channels.training import train

_TRAIN_EXAMPLES = """  baoke train
  baoke train --force --json"""
_PARSE_EXAMPLES = """  baoke parse 我要报案
  baoke parse --json 犹豫期几天 我的理赔到哪了
  baoke parse --json --file sentences.txt"""


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
    texts = read_sentences(args.file) if args.file else args.text
    for found in understand(context, texts):
        if args.json:
            show_json(found.to_json())
            continue
        entities = " ".join(f"{e['entity']}={e['value']}" for e in found.entities)
        line = f"{found.intent or '-'}\t{found.confidence:.2f}\t{found.text}"
        show(f"{line}\t{entities}" if entities else line)
    return 0
