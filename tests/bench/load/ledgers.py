"""Ledgers as they look after years, or after a crash under load, written in one go."""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, insert

from bot.ledger.database import sync_url
from bot.ledger.migrate import upgrade
from bot.ledger.tables import conversations, deliveries, messages, turns

CHUNK = 2000  # conversations
WORDS = "重疾险等待期多久"


def fill(database_url, count, exchanges, *, answered=True):
    """Add ``count`` conversations of ``exchanges`` questions with answers.

    Args:
        answered: False leaves every question without a turn, as a crash would.
    """
    url = sync_url(database_url, Path("/"))
    upgrade(url)
    engine = create_engine(url)
    began = datetime.now(UTC) - timedelta(days=300 if answered else 0, seconds=60)
    for start in range(0, count, CHUNK):
        rows = [[], [], [], []]
        for number in range(start, min(count, start + CHUNK)):
            at = began + timedelta(seconds=number)
            _conversation(rows, f"web:{number:032x}", at, exchanges, answered)
        with engine.begin() as connection:
            for table, found in zip(
                (conversations, turns, messages, deliveries), rows, strict=True
            ):
                if found:
                    connection.execute(insert(table), found)
    engine.dispose()


def _conversation(rows, sender, at, exchanges, answered):
    talk, turned, said, sent = rows
    last = exchanges * 2 if answered else exchanges
    head = {"sender_id": sender, "status": "bot", "last_seq": last}
    talk.append({**head, "created_at": at, "updated_at": at})
    for number in range(exchanges):
        seq = number * 2 + 1 if answered else number + 1
        turn_id = uuid.uuid4().hex if answered else None
        text = [{"type": "text", "text": WORDS}]
        common = {"sender_id": sender, "at": at, "kind": "text", "metadata": {}}
        rest = {"payload": None, "refused": None, "turn_id": turn_id, "parts": text}
        said.append(
            {**common, **rest, "seq": seq, "author": "customer", "text": WORDS,
             "message_key": f"k{seq}", "idempotency_key": None, "in_reply_to": None,
             "awaiting": not answered}
        )  # fmt: skip
        if not answered:
            continue
        said.append(
            {**common, **rest, "seq": seq + 1, "author": "bot", "text": None,
             "message_key": None, "idempotency_key": f"{turn_id}:0",
             "in_reply_to": seq, "awaiting": False}
        )  # fmt: skip
        turned.append(
            {"turn_id": turn_id, "sender_id": sender, "state": "finished",
             "outcome": "answered", "started_at": at, "finished_at": at,
             "intent": "ask_waiting_period", "confidence": 0.9, "trace": {}}
        )  # fmt: skip
        sent.append(
            {"sender_id": sender, "seq": seq + 1, "channel": "web",
             "state": "delivered", "updated_at": at}
        )  # fmt: skip
