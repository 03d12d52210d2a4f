"""``baoke outbox``: messages that did not arrive, and what to do about them."""

import argparse
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from bot.clock import SystemClock
from bot.errors import BaokeError
from bot.ledger.database import sync_url
from bot.ledger.deliveries import Deliveries, Delivery
from channels.commands.console import (
    Context,
    Subparsers,
    add_command,
    add_group,
    show,
)
from channels.commands.console import show_json as print_json
from channels.commands.ledger_side import with_ledger

STUCK_AFTER = timedelta(minutes=2)
T = TypeVar("T")


def register(subparsers: Subparsers) -> None:
    """Add ``outbox list``, ``retry`` and ``drop``."""
    group = add_group(
        subparsers, "outbox", "messages that did not arrive: list, send again, give up"
    )
    parser = add_command(
        group,
        "list",
        run_list,
        "show what did not arrive, newest first",
        "  baoke outbox list\n  baoke outbox list telegram:4711      all messages to one",
    )
    parser.add_argument("sender", metavar="SENDER", nargs="?", help="conversation")
    parser.add_argument("--limit", type=int, default=50, help="at most so many (50)")
    for name, run, summary in (
        ("retry", run_retry, "send a message again, from the piece where it stopped"),
        ("drop", run_drop, "give a message up"),
    ):
        example = f"  baoke outbox {name} telegram:4711 12"
        parser = add_command(group, name, run, summary, example)
        parser.add_argument("sender", metavar="SENDER", help="conversation")
        parser.add_argument(
            "seq", metavar="SEQ", type=int, help="number of the message"
        )


def run_list(args: argparse.Namespace, context: Context) -> int:
    """Print deliveries."""
    now = SystemClock(context.settings.clock).now()
    limit = max(1, min(args.limit, 1000))

    async def ask(deliveries: Deliveries) -> tuple[Delivery, ...]:
        if args.sender:
            return await deliveries.listed(args.sender, limit=limit)
        return await deliveries.listed(stuck_before=now - STUCK_AFTER, limit=limit)

    found = _with_deliveries(context, ask)
    if args.json:
        print_json([_json(delivery) for delivery in found])
        return 0
    for delivery in found:
        why = f" ({delivery.reason})" if delivery.reason else ""
        show(
            f"{delivery.updated_at:%Y-%m-%d %H:%M:%S}Z  {delivery.state:<13} "
            f"{delivery.sender_id} #{delivery.seq}{why}"
        )
    if not found:
        show("nothing is stuck" if not args.sender else "no such messages")
    return 0


def run_retry(args: argparse.Namespace, context: Context) -> int:
    """Put one delivery back; edges and workers find it within seconds."""
    return _change(args, context, "retry", "will be sent again")


def run_drop(args: argparse.Namespace, context: Context) -> int:
    """Give one delivery up."""
    return _change(args, context, "drop", "is given up")


def _change(args: argparse.Namespace, context: Context, what: str, told: str) -> int:
    now = SystemClock(context.settings.clock).now()
    done = _with_deliveries(
        context,
        lambda deliveries: getattr(deliveries, what)(args.sender, args.seq, now),
    )
    if not done:
        raise BaokeError(
            f"{args.sender} has no message {args.seq} on its way to a platform "
            "or stopped; `baoke outbox list` shows them"
        )
    if args.json:
        print_json({"sender_id": args.sender, "seq": args.seq, "done": what})
    else:
        show(f"{args.sender} #{args.seq} {told}")
    return 0


def _with_deliveries(context: Context, ask: Callable[[Deliveries], Awaitable[T]]) -> T:
    settings = context.settings
    url = sync_url(settings.database_url, settings.root)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise BaokeError("there is no ledger yet; `baoke up` makes one")

    return with_ledger(context, lambda ledger: ask(ledger.deliveries))


def _json(delivery: Delivery) -> dict[str, object]:
    later = delivery.not_before
    return {
        "sender_id": delivery.sender_id,
        "seq": delivery.seq,
        "state": delivery.state.value,
        "reason": delivery.reason,
        "attempts": delivery.attempts,
        "pieces_sent": delivery.progress,
        "not_before": later.isoformat() if later else None,
        "updated_at": delivery.updated_at.isoformat(),
    }
