"""The append-only, hash-chained log of complaints (投诉台账).

In: what happened to a complaint. Out: one entry more; `complaint_check` reads them all.
An entry's hash covers its number, its words and the hash before it; the intake's own
words are in the log as a salted digest, so that a complaint changed behind the log's
back shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from actions.database import to_json
from actions.policystore.complaint_tables import ComplaintLogHeadRow, ComplaintLogRow

GENESIS = "0" * 64  # hash before the first entry


class LogReader:
    """Follows the chain entry by entry and remembers the first bad one."""

    def __init__(self) -> None:
        self.entries = 0
        self.last_hash = GENESIS
        self.bad: list[int] = []
        self.intake: dict[str, tuple[int, str]] = {}  # [complaint_no] = entry, digest
        self.state: dict[str, tuple[int, dict[str, Any]]] = {}  # latest of each key
        self.words: dict[int, str] = {}  # [entry_no] = digest of what was said

    def take(self, row: Any) -> None:
        """Read one entry (columns of ``complaint_log``); entries come by number."""
        self.entries += 1
        expected = entry_hash(
            self.entries,
            row.complaint_no,
            row.kind,
            row.at,
            row.actor,
            row.data,
            self.last_hash,
        )
        good = row.prev_hash == self.last_hash and row.hash == expected
        if row.entry_no != self.entries or not good:
            self.bad.append(self.entries)
        self.last_hash = row.hash
        data = _read(row.data)
        if row.kind == "filed":
            self.intake[row.complaint_no] = (self.entries, str(data.get("intake")))
        if "words" in data:
            self.words[self.entries] = str(data["words"])
        state = self.state.get(row.complaint_no, (0, {}))[1] | data
        self.state[row.complaint_no] = (self.entries, state)


def entry_hash(
    entry_no: int,
    complaint_no: str,
    kind: str,
    at: str,
    actor: str,
    data: str,
    prev_hash: str,
) -> str:
    """Return the SHA-256 of an entry, hexadecimal."""
    fields = [entry_no, complaint_no, kind, at, actor, data, prev_hash]
    return hashlib.sha256(to_json(fields).encode()).hexdigest()


def utc_text(moment: datetime) -> str:
    """Return the one spelling of a moment that hashes are made of."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def append(
    session: Session,
    complaint_no: str,
    kind: str,
    at: datetime,
    actor: str,
    data: Mapping[str, Any],
) -> int:
    """Write the next entry; appends of other processes wait for this transaction.

    Args:
        session: In a writing transaction.
        complaint_no: Whose entry.
        kind: What happened: filed, withdrawn, …
        at: When, any zone; kept as UTC.
        actor: Who: ``customer:<channel>``, ``agent:<name>``, ``system``.
        data: What of the complaint has changed to which value.

    Returns:
        The entry's number.
    """
    head = session.scalar(
        select(ComplaintLogHeadRow)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if (
        head is None
    ):  # somebody removed it; `complaint_check` tells, complaints must go on
        head = _restored_head(session)
    moment = utc_text(at)
    entry_no, text = head.entry_no + 1, to_json(dict(data))
    digest = entry_hash(entry_no, complaint_no, kind, moment, actor, text, head.hash)
    session.execute(
        insert(ComplaintLogRow).values(
            entry_no=entry_no,
            complaint_no=complaint_no,
            kind=kind,
            at=moment,
            actor=actor,
            data=text,
            prev_hash=head.hash,
            hash=digest,
        )
    )
    head.entry_no, head.hash = entry_no, digest
    session.flush()
    return entry_no


def _restored_head(session: Session) -> ComplaintLogHeadRow:
    last = session.scalar(
        select(ComplaintLogRow).order_by(ComplaintLogRow.entry_no.desc()).limit(1)
    )
    head = ComplaintLogHeadRow(
        head_id=1,
        entry_no=last.entry_no if last else 0,
        hash=last.hash if last else GENESIS,
    )
    session.add(head)
    return head


def _read(data: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:  # changed by hand; its hash is wrong too
        return {}
    return value if isinstance(value, dict) else {}
