"""Whether the complaint log and the complaints still say what they once said."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.database import to_json
from actions.policystore.case_model import LogCheck
from actions.policystore.complaint_log import GENESIS, LogReader, utc_text
from actions.policystore.complaint_steps import state_of, words_digest
from actions.policystore.complaint_tables import (
    ComplaintLogHeadRow,
    ComplaintLogRow,
    ComplaintRow,
    ComplaintWordsRow,
)

BATCH = 2000  # rows held at a time


def intake_digest(row: Any) -> str:
    """Return the salted SHA-256 of what a complaint said when it was filed."""
    said = [
        row.complaint_no,
        row.customer_id,
        row.category,
        row.what,
        row.wanted,
        row.contact_phone,
        row.channel,
        utc_text(row.filed_at),
    ]
    return hashlib.sha256(f"{row.content_salt}{to_json(said)}".encode()).hexdigest()


def check_log(session: Session) -> LogCheck:
    """Read all entries, then compare every complaint with its own.

    Args:
        session: With one unchanging view of all tables.
    """
    reader = LogReader()
    # Plain rows: a session would keep every object it has read.
    log = ComplaintLogRow.__table__
    entries = select(log).order_by(log.c.entry_no)
    for entry in session.execute(entries.execution_options(yield_per=BATCH)):
        reader.take(entry)
    bad = reader.bad[:1] + _bad_complaints(session, reader)
    bad += _bad_words(session, reader)
    head = session.scalar(select(ComplaintLogHeadRow))
    end = (reader.entries, reader.last_hash)
    if (head.entry_no, head.hash) != end if head else end != (0, GENESIS):
        bad.append(reader.entries + 1)  # entries are missing at the end
    first_bad = min(bad, default=None)
    return LogCheck(reader.entries, first_bad is None, first_bad)


def _bad_complaints(session: Session, reader: LogReader) -> list[int]:
    bad: list[int] = []
    intake = dict(reader.intake)
    complaints = select(ComplaintRow.__table__).execution_options(yield_per=BATCH)
    for row in session.execute(complaints):
        if row.complaint_no not in intake:
            bad.append(reader.entries + 1)  # never came into the log
            continue
        filed_in, digest = intake.pop(row.complaint_no)
        if digest != intake_digest(row):
            bad.append(filed_in)
        last_in, state = reader.state[row.complaint_no]
        if not _agrees(row, state):
            bad.append(last_in)
    bad.extend(filed_in for filed_in, _ in intake.values())  # complaints removed
    return bad


def _bad_words(session: Session, reader: LogReader) -> list[int]:
    bad: list[int] = []
    expected = dict(reader.words)
    said = select(ComplaintWordsRow.__table__).execution_options(yield_per=BATCH)
    for row in session.execute(said):
        digest = expected.pop(row.entry_no, None)
        if digest != words_digest(row.salt, row.text):
            bad.append(min(row.entry_no, reader.entries + 1))
    bad.extend(expected)  # words removed
    return bad


def _agrees(row: Any, state: dict[str, Any]) -> bool:
    """Whether the complaint stands where its last entry left it.

    Entries from before a column was there do not have it; it was empty then.
    """
    return all(
        (state.get(name) or 0) == (now or 0) for name, now in state_of(row).items()
    )
