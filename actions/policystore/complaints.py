"""Complaints: filed once a turn, seen by who filed them, every step in the log."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from actions.errors import IllegalStep, RepeatedTurn
from actions.policystore.case_model import LogCheck
from actions.policystore.complaint_check import check_log, intake_digest
from actions.policystore.complaint_steps import OPEN, check_step, write_step
from actions.policystore.complaint_tables import ComplaintRow, ComplaintWordsRow
from actions.policystore.model import (
    Complaint,
    ComplaintIntake,
    ComplaintStatus,
    Said,
)
from actions.policystore.numbers import insert_numbered
from actions.policystore.plain import MAX_SHORT, key, plain, spelled, turn_key
from actions.policystore.store_session import StoreSession

REVIEW_WITHIN = timedelta(days=30)  # after the decision, 办法 20


class ComplaintRepository:
    """Complaints as a customer may see and change them.

    Args:
        store: The transaction.
        candidate: Draws a complaint number for a moment.
    """

    def __init__(
        self, store: StoreSession, candidate: Callable[[datetime], str]
    ) -> None:
        self._store = store
        self._candidate = candidate

    def file(
        self,
        intake: ComplaintIntake,
        due_at: datetime,
        due_clause: str,
        turn_id: str,
        now: datetime,
    ) -> Complaint:
        """Store a complaint and its log entry; the same turn gets it again.

        Raises:
            RepeatedTurn: Another conversation's complaint was made in this turn.
            ValueError: Turn id or sender id cannot be one.
        """
        session = self._store.writing()
        sender_id, turn_id = key(intake.sender_id), turn_key(turn_id)
        values = {
            "sender_id": sender_id,
            "customer_id": intake.customer_id,
            "category": plain(intake.category, MAX_SHORT),
            "what": plain(intake.what),
            "wanted": plain(intake.wanted),
            "contact_phone": plain(intake.contact_phone, MAX_SHORT),
            "channel": plain(intake.channel, MAX_SHORT),
            "status": "received",
            "filed_at": now,
            "due_at": due_at,
            "due_clause": plain(due_clause, MAX_SHORT),
            "content_salt": secrets.token_hex(16),
            "turn_id": turn_id,
        }
        number, is_new = insert_numbered(
            session,
            ComplaintRow.complaint_no,
            ComplaintRow.turn_id == turn_id,
            values,
            lambda: self._candidate(now),
        )
        row = session.get_one(ComplaintRow, number)
        if row.sender_id != sender_id:
            raise RepeatedTurn("this turn made a complaint of another conversation")
        if is_new:
            self._write(row, "filed", now, intake=intake_digest(row))
        return complaint_of(session, row)

    def get(
        self, sender_id: str, customer_id: str | None, complaint_no: str
    ) -> Complaint | None:
        """Return one complaint; None for a foreign number and an invented one alike."""
        session = self._store.reading()
        row = session.scalar(
            select(ComplaintRow).where(
                ComplaintRow.complaint_no == spelled(complaint_no),
                _visible(sender_id, customer_id),
            )
        )
        return complaint_of(session, row) if row else None

    def all_of(self, sender_id: str, customer_id: str | None) -> list[Complaint]:
        """Return what this conversation or this customer has filed, newest first."""
        session = self._store.reading()
        found = session.scalars(
            select(ComplaintRow)
            .where(_visible(sender_id, customer_id))
            .order_by(ComplaintRow.filed_at.desc(), ComplaintRow.complaint_no)
        )
        return complaints_of(session, found.all())

    def withdraw(
        self,
        sender_id: str,
        customer_id: str | None,
        complaint_no: str,
        turn_id: str,
        now: datetime,
    ) -> Complaint | None:
        """Take a complaint back; one that is not open any more stays as it is.

        Args:
            sender_id: The conversation that asks.
            customer_id: Who was verified in it, or None.
            complaint_no: In any case or width.
            turn_id: Noted in the log.
            now: Present moment.

        Returns:
            The complaint as it is now; None when it is not theirs to see.
        """
        row = self._hold(sender_id, customer_id, complaint_no)
        if row is None:
            return None
        if row.status in OPEN:
            row.status, row.withdrawn_at = "withdrawn", now
            self._write(row, "withdrawn", now, turn=turn_key(turn_id))
        return complaint_of(self._store.reading(), row)

    def ask_review(
        self,
        sender_id: str,
        customer_id: str | None,
        complaint_no: str,
        due_at: datetime,
        due_clause: str,
        now: datetime,
    ) -> Complaint | None:
        """Have a decision looked at by somebody else, see ``withdraw``.

        Asking again while that goes on changes nothing.

        Raises:
            IllegalStep: ``not_decided``; ``too_late`` after 30 days.
        """
        row = self._hold(sender_id, customer_id, complaint_no)
        if row is None:
            return None
        if row.status != "reviewing":
            check_step(row, "review_asked")
            if row.decided_at is None or now > row.decided_at + REVIEW_WITHIN:
                raise IllegalStep("too_late")
            row.status, row.handler = "reviewing", None
            row.due_at, row.due_clause = due_at, plain(due_clause, MAX_SHORT)
            self._write(row, "review_asked", now)
        return complaint_of(self._store.reading(), row)

    def add_evidence(
        self,
        sender_id: str,
        customer_id: str | None,
        complaint_no: str,
        file_id: str,
        name: str,
        now: datetime,
    ) -> Complaint | None:
        """Note a file the customer has sent for a complaint, see ``withdraw``.

        Raises:
            IllegalStep: ``not_open``.
        """
        row = self._hold(sender_id, customer_id, complaint_no)
        if row is None:
            return None
        check_step(row, "evidence")
        self._write(row, "evidence", now, words=name, file=plain(file_id, MAX_SHORT))
        return complaint_of(self._store.reading(), row)

    def verify(self) -> LogCheck:
        """Read the whole log; the unit of work must not have read before."""
        return check_log(self._store.snapshot())

    def _hold(
        self, sender_id: str, customer_id: str | None, complaint_no: str
    ) -> ComplaintRow | None:
        """Lock a complaint that is theirs to see."""
        return self._store.hold(
            ComplaintRow,
            ComplaintRow.complaint_no == spelled(complaint_no),
            _visible(sender_id, customer_id),
        )

    def _write(
        self,
        row: ComplaintRow,
        step: str,
        at: datetime,
        words: str | None = None,
        **more: str,
    ) -> None:
        who = f"customer:{row.channel}"
        write_step(self._store.writing(), row, step, at, who, words, **more)


def _visible(sender_id: str, customer_id: str | None) -> ColumnElement[bool]:
    """The conversation that filed it, or the verified customer it belongs to.

    When somebody else was verified in that conversation since, it is not theirs.
    """
    here = ComplaintRow.sender_id == key(sender_id)
    if customer_id is None:
        return here
    nobodys = ComplaintRow.customer_id.is_(None)
    return or_(ComplaintRow.customer_id == customer_id, and_(here, nobodys))


def complaint_of(session: Session, row: ComplaintRow) -> Complaint:
    """Return a row as a value, with what was said about it."""
    return complaints_of(session, [row])[0]


def complaints_of(session: Session, rows: Sequence[ComplaintRow]) -> list[Complaint]:
    """Return rows as values, with what was said about each."""
    numbers = [row.complaint_no for row in rows]
    said = session.scalars(
        select(ComplaintWordsRow)
        .where(
            ComplaintWordsRow.complaint_no.in_(numbers),
            ComplaintWordsRow.kind.in_(("progress", "decided")),
        )
        .order_by(ComplaintWordsRow.entry_no)
    )
    words: dict[str, list[ComplaintWordsRow]] = {number: [] for number in numbers}
    for one in said if numbers else ():
        words[one.complaint_no].append(one)
    return [_complaint(row, words[row.complaint_no]) for row in rows]


def _complaint(row: ComplaintRow, words: list[ComplaintWordsRow]) -> Complaint:
    decisions = [Said(one.at, one.text) for one in words if one.kind == "decided"]
    return Complaint(
        complaint_no=row.complaint_no,
        category=row.category,
        what=row.what,
        wanted=row.wanted,
        contact_phone=row.contact_phone,
        channel=row.channel,
        status=cast(ComplaintStatus, row.status),
        filed_at=row.filed_at,
        due_at=row.due_at,
        due_clause=row.due_clause,
        withdrawn_at=row.withdrawn_at,
        progress=tuple(Said(o.at, o.text) for o in words if o.kind == "progress"),
        decision=decisions[-1] if decisions else None,
    )
