"""Compares what customers saw with what the ledger holds: nothing lost, doubled, moved.

In: logs of `client.Client` and the rows of a ledger. Out: a list of faults, each in words.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import create_engine, select

from bot.ledger.database import sync_url
from bot.ledger.tables import conversations, deliveries, messages, turns

QUIET = timedelta(seconds=1)


@dataclass
class Rows:
    """A ledger, as it lies on the disk."""

    conversations: list = field(default_factory=list)
    messages: list = field(default_factory=list)
    turns: list = field(default_factory=list)
    deliveries: list = field(default_factory=list)


def read_ledger(database_url):
    """Read everything; the service may still run."""
    engine = create_engine(sync_url(database_url, Path("/")))
    with engine.connect() as connection:
        found = Rows(
            *(
                [row._asdict() for row in connection.execute(select(table))]
                for table in (conversations, messages, turns, deliveries)
            )
        )
    engine.dispose()
    return found


def check(logs, rows):
    """Return the faults; an empty list is what everybody wants.

    Args:
        logs: Of all customers, who stayed until everything had been answered.
        rows: Of the ledger, after that.
    """
    faults = []
    by_sender = defaultdict(list)
    for row in sorted(rows.messages, key=lambda row: row["seq"]):
        by_sender[row["sender_id"]].append(row)
    for row in rows.conversations:
        stored = by_sender[row["sender_id"]]
        faults += _check_conversation(row, stored)
    faults += _check_turns(rows)
    for log in logs:
        if sender := sender_of(log, rows):
            faults += _check_log(log, by_sender[sender])
        elif log.sent:
            faults.append(f"lost: conversation {log.session_id}")
    return faults


def sender_of(log, rows):
    """Return the conversation that holds a customer's messages, None without one."""
    keys = {sent.key for sent in log.sent}
    found = (m["sender_id"] for m in rows.messages if m["message_key"] in keys)
    return next(found, None)


def _check_conversation(row, stored):
    """Numbers without gaps; nothing waits; nothing stands twice."""
    name = row["sender_id"]
    faults = []
    numbers = [message["seq"] for message in stored]
    if numbers != list(range(1, row["last_seq"] + 1)):
        faults.append(f"gap: {name} has {numbers}, last_seq {row['last_seq']}")
    for column in ("message_key", "idempotency_key"):
        counts = Counter(m[column] for m in stored if m[column])
        faults += [f"doubled: {name} {key}" for key, n in counts.items() if n > 1]
    for message in stored:
        if message["awaiting"]:
            faults.append(f"lost: {name} #{message['seq']} still waits for its turn")
    return faults


def _check_turns(rows):
    """Each message has one turn; each turn has ended, and with a reply."""
    faults = []
    replies = Counter()
    first_reply = {}
    asked = defaultdict(list)
    for message in rows.messages:
        if message["turn_id"] is None:
            continue
        if message["author"] == "customer":
            asked[message["turn_id"]].append(message["seq"])
        else:
            replies[message["turn_id"]] += 1
            seq = message["seq"]
            first_reply[message["turn_id"]] = min(
                first_reply.get(message["turn_id"], seq), seq
            )
    for turn in rows.turns:
        name = f"{turn['sender_id']} turn {turn['turn_id']}"
        if turn["state"] != "finished":
            faults.append(f"lost: {name} is {turn['state']}")
        elif not replies[turn["turn_id"]] and turn["outcome"] not in (
            "held",
            "dropped",
        ):
            faults.append(f"lost: {name} ended {turn['outcome']} without a reply")
        if not asked[turn["turn_id"]]:
            faults.append(f"doubled: {name} answers no message")
        elif replies[turn["turn_id"]] and first_reply[turn["turn_id"]] < min(
            asked[turn["turn_id"]]
        ):
            faults.append(f"order: {name} was answered before it was asked")
    for message in rows.messages:
        if (
            message["author"] == "customer"
            and message["turn_id"] is None
            and not message["refused"]
            and message["kind"] != "attachment"
        ):
            faults.append(f"lost: {message['sender_id']} #{message['seq']} had no turn")
    return faults


def _check_log(log, stored):
    """What a customer was told is what was kept, once and in order."""
    name = log.session_id
    faults = []
    kept = {message["message_key"]: message["seq"] for message in stored}
    for sent in log.sent:
        if sent.seq is None:
            continue  # never acknowledged, so never promised
        if kept.get(sent.key) != sent.seq:
            told = f"acknowledged as #{sent.seq}, kept as {kept.get(sent.key)}"
            faults.append(f"lost: {name} {sent.key} {told}")
    acknowledged = [sent.seq for sent in log.sent if sent.seq is not None]
    if acknowledged != sorted(acknowledged):
        faults.append(f"order: {name} sent one after the other, kept as {acknowledged}")
    seen = [event["seq"] for event in log.received]
    if seen != sorted(set(seen)):
        faults.append(f"doubled or moved: {name} received {seen}")
    missing = {message["seq"] for message in stored} - set(seen)
    if missing:
        faults.append(f"lost: {name} was never shown {sorted(missing)}")
    words = {message["seq"]: message["parts"] for message in stored}
    for event in log.received:
        if event["parts"] != words.get(event["seq"]):
            faults.append(f"changed: {name} #{event['seq']}")
    answered = {event.get("in_reply_to") for event in log.received}
    top = max((n for n in answered if n), default=0)
    if acknowledged and top < acknowledged[-1]:
        faults.append(f"lost: {name} has no reply to #{acknowledged[-1]}")
    return faults
