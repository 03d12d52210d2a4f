"""``baoke why``: what the bot understood, and why it answered so."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import BaokeError
from bot.ledger.database import sync_url
from bot.ledger.why import (
    latest_conversations,
    latest_messages,
    read_why,
    sender_ids,
)
from bot.settings import Settings
from channels.commands.console import (
    Context,
    Subparsers,
    UsageError,
    add_command,
    show,
    show_json,
)
from channels.explaining import why_json, why_lines, words_of

_EXAMPLES = """  baoke why                      latest conversations
  baoke why web:3f2a             messages of one, with their numbers
  baoke why web:3f2a 7           why message 7 was answered as it was
A conversation may be named by the beginning of its id."""


def register(subparsers: Subparsers) -> None:
    """Add ``why``."""
    parser = add_command(
        subparsers, "why", run, "show why the bot answered as it did", _EXAMPLES
    )
    parser.add_argument("sender", metavar="SENDER", nargs="?", help="conversation")
    parser.add_argument(
        "seq",
        metavar="SEQ",
        nargs="?",
        type=int,
        help="number of any message of a turn",
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Print conversations, messages or one turn."""
    with _ledger(context.settings) as connection:
        if args.sender is None:
            _show_conversations(connection, args.json)
            return 0
        sender_id = _conversation(connection, args.sender)
        if args.seq is None:
            _show_messages(connection, sender_id, args.json)
            return 0
        why = read_why(connection, sender_id, args.seq)
    if why is None:
        raise BaokeError(
            f"{sender_id} has no turn with message {args.seq}: there is no such message, "
            "or nobody asked the bot about it"
        )
    if args.json:
        show_json({"sender_id": sender_id, "seq": args.seq, **why_json(why)})
    else:
        for line in why_lines(why):
            show(line)
    return 0


def _show_conversations(connection: Connection, as_json: bool) -> None:
    found = latest_conversations(connection)
    if as_json:
        show_json(
            [
                {"sender_id": sender, "last_seq": last, "updated_at": at.isoformat()}
                for sender, last, at in found
            ]
        )
        return
    for sender, last, at in found:
        show(f"{at:%Y-%m-%d %H:%M:%S}Z  {last:>5} messages  {sender}")


def _show_messages(connection: Connection, sender_id: str, as_json: bool) -> None:
    found = latest_messages(connection, sender_id)
    if as_json:
        show_json(
            [
                {"seq": m.seq, "author": m.author.value, "text": m.text or words_of(m)}
                for m in found
            ]
        )
        return
    for m in found:
        first = (m.text or words_of(m)).split("\n")[0]
        show(f"#{m.seq:<4} {m.author.value:<9} {first}")


def _conversation(connection: Connection, name: str) -> str:
    found = sender_ids(connection, name)
    if not found:
        raise BaokeError(
            f"there is no conversation {name}; `baoke why` shows the latest"
        )
    if len(found) > 1:
        raise UsageError(
            f"why: {name} begins more than one conversation: say more of it"
        )
    return found[0]


@contextmanager
def _ledger(settings: Settings) -> Iterator[Connection]:
    url = sync_url(settings.database_url, settings.root)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise BaokeError("there is no ledger yet; `baoke up` makes one")
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as err:
        raise BaokeError(f"the ledger cannot be read: {type(err).__name__}") from err
    finally:
        engine.dispose()
