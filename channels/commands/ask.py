"""``baoke ask``: one question to a running instance."""

import argparse
from pathlib import Path

import httpx
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from bot.ledger.database import sync_url
from bot.ledger.why import read_why
from bot.settings import Settings
from channels.asking import Asked, AskFailed, Explain, ask, keep_file
from channels.commands.console import (
    Context,
    Subparsers,
    UsageError,
    add_command,
    show,
    show_json,
)
from channels.instance import running_instance
from channels.tokens import Doorkeeper, open_secret

_EXAMPLES = """  baoke ask 犹豫期有几天
  baoke ask --sender me 我要报案 && baoke ask --sender me 昨天下午追尾了
  baoke ask --json --url http://127.0.0.1:9000 你们几点上班"""


def register(subparsers: Subparsers) -> None:
    """Add ``ask``."""
    parser = add_command(
        subparsers, "ask", run, "say something to a running instance", _EXAMPLES
    )
    parser.add_argument("text", metavar="TEXT")
    parser.add_argument(
        "--sender", metavar="S", help="go on with the conversation of this name"
    )
    parser.add_argument("--url", metavar="U", help="address; the running instance's")
    parser.add_argument(
        "--payload", action="store_true", help="TEXT is a button's payload"
    )
    parser.add_argument(
        "--timeout", type=float, default=60.0, metavar="SECONDS", help="default 60"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Ask, wait, print the answer."""
    url = (args.url or _own_url(context)).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"ask: {url} is no address like http://127.0.0.1:8080")
    keep = None
    if args.sender is not None:
        keep = keep_file(context.places.var / "ask", args.sender, url)
    said = {"payload" if args.payload else "text": args.text}
    with httpx.Client(base_url=url, timeout=30.0) as client:
        door = Asked(client, keep, args.timeout)
        answer = ask(door, said, explain_from(context.settings))
    if args.json:
        show_json(answer)
        return 0
    for reply in answer["replies"]:
        show(reply["text"])
        for citation in reply["citations"]:
            show(f"  {citation['ref']}: {citation['quote']}")
        for button in reply["buttons"]:
            show(f"  [{button['title']}]  {button['payload']}")
    return 0


def _own_url(context: Context) -> str:
    instance = running_instance(context.places)
    if instance is not None:
        return instance.url
    given = context.settings.model_fields_set
    if "var_dir" in given and not given & {"host", "port"}:
        # At the usual port another instance may sit, with another database.
        raise AskFailed(
            f"no instance runs from {context.places.var}; start it, or name one: --url"
        )
    host = context.settings.host
    return f"http://{f'[{host}]' if ':' in host else host}:{context.settings.port}"


def explain_from(settings: Settings) -> Explain:
    """Look up turns in the ledger; an instance with another one stays unexplained.

    The wire does not carry what was understood: customers have no use for it.
    """

    def explain(session_id: str, seq: int) -> tuple[str | None, float | None]:
        secret = settings.var / "secret_key"
        if settings.secret_key is None and not secret.is_file():
            return None, None
        doorkeeper = Doorkeeper(open_secret(settings), settings.session_ttl)
        session = doorkeeper.read_session_id(session_id)
        url = sync_url(settings.database_url, settings.root)
        local = url.get_backend_name() != "sqlite" or Path(url.database or "").is_file()
        if session is None or not local:
            return None, None
        engine = create_engine(url)
        try:
            with engine.connect() as connection:
                why = read_why(connection, session.sender_id, seq)
        except SQLAlchemyError:
            return None, None
        finally:
            engine.dispose()
        return (why.intent, why.confidence) if why else (None, None)

    return explain
