"""What may happen to a complaint, and how each step comes into the log.

Who handles it is not whom it is about, who approves more time is not who asks for it,
who reviews a decision is not who made it (办法 18 and 20, agreement 第三条(四)3).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from actions.errors import IllegalStep
from actions.people import OUTSIDE, Person, is_same, means, person_of
from actions.policystore import complaint_log
from actions.policystore.complaint_tables import ComplaintRow, ComplaintWordsRow
from actions.policystore.plain import plain

OPEN = frozenset({"received", "investigating", "extended", "reviewing"})
MAX_LEVEL = 2  # 30 days, then 30 more

# FROM[step] = the statuses it may be taken in
FROM: Mapping[str, frozenset[str]] = {
    "assigned": OPEN,
    "accused": OPEN,
    "progress": OPEN,
    "evidence": OPEN,
    "extension_asked": OPEN - {"reviewing"},
    "extended": OPEN - {"reviewing"},
    "extension_refused": OPEN - {"reviewing"},
    "due_moved": OPEN,
    "decided": OPEN,
    "review_asked": frozenset({"decided", "closed"}),
    "closed": frozenset({"decided"}),
    "withdrawn": OPEN,
}


def check_step(row: ComplaintRow, step: str) -> None:
    """Refuse a step that the complaint's status does not allow.

    Raises:
        IllegalStep: ``not_open``, or ``not_decided`` for steps after a decision.
    """
    if row.status not in FROM[step]:
        after = step in ("review_asked", "closed")
        raise IllegalStep("not_decided" if after else "not_open")


def is_accused(row: Any, person: Person | str) -> bool:
    """Whether a complaint is about this person, under whatever account or name.

    Rows from before accounts were known have the words of who filed them.
    """
    if row.accused is None or row.accused_login == OUTSIDE:
        return False
    if row.accused_login is None:
        return means(row.accused, person_of(person))
    return is_same(person, row.accused_login) or is_same(person, row.accused_title)


def check_not_accused(row: Any, person: Person | str) -> None:
    """Refuse whom a complaint is about, a leader too.

    Raises:
        IllegalStep: ``is_accused``.
    """
    if is_accused(row, person):
        raise IllegalStep("is_accused")


def state_of(row: Any) -> dict[str, Any]:
    """Return what of a complaint may change, as the log keeps it."""
    decided_at = row.decided_at
    return {
        "status": row.status,
        "due_at": complaint_log.utc_text(row.due_at),
        "due_clause": row.due_clause,
        "handler": row.handler,
        "accused": row.accused,
        "accused_login": row.accused_login,
        "accused_title": row.accused_title,
        "extension_level": row.extension_level,
        "extension_asked_by": row.extension_asked_by,
        "decided_by": row.decided_by,
        "decided_at": complaint_log.utc_text(decided_at) if decided_at else None,
    }


def words_digest(salt: str, text: str) -> str:
    """Return the salted SHA-256 of words that stand beside the log."""
    return hashlib.sha256(f"{salt}{text}".encode()).hexdigest()


def write_step(
    session: Session,
    row: ComplaintRow,
    step: str,
    at: datetime,
    actor: str,
    words: str | None = None,
    **more: Any,
) -> int:
    """Write a step that was taken: its entry, and the words said with it.

    Args:
        session: In a writing transaction that holds the complaint.
        row: As it is after the step.
        step: Machine name.
        at: When.
        actor: ``customer:<channel>``, ``agent:<name>`` or ``system``; never a sender
            id, which for a web visitor may be a bearer secret.
        words: Kept beside the log.
        more: Goes into the entry.

    Returns:
        The entry's number.
    """
    data = {**state_of(row), **more}
    text = plain(words).strip() if words else ""
    salt = secrets.token_hex(16)
    if text:
        data["words"] = words_digest(salt, text)
    entry_no = complaint_log.append(session, row.complaint_no, step, at, actor, data)
    if text:
        session.add(
            ComplaintWordsRow(
                entry_no=entry_no,
                complaint_no=row.complaint_no,
                kind=step,
                at=at,
                text=text,
                salt=salt,
            )
        )
        session.flush()
    return entry_no
