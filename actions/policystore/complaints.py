"""Complaints: filed once a turn, seen by who filed them, every step in the log."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, and_, or_, select

from actions.errors import RepeatedTurn
from actions.policystore import complaint_log
from actions.policystore.complaint_check import check_log, intake_digest
from actions.policystore.complaint_tables import ComplaintRow
from actions.policystore.model import (
    Complaint,
    ComplaintIntake,
    ComplaintStatus,
    LogCheck,
)
from actions.policystore.numbers import insert_numbered
from actions.policystore.plain import MAX_SHORT, key, plain, spelled, turn_key
from actions.policystore.store_session import StoreSession

OPEN = ("received", "investigating", "extended")


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
            self._log(row, "filed", now, intake=intake_digest(row))
        return _complaint(row)

    def get(
        self, sender_id: str, customer_id: str | None, complaint_no: str
    ) -> Complaint | None:
        """Return one complaint; None for a foreign number and an invented one alike."""
        row = self._store.reading().scalar(
            select(ComplaintRow).where(
                ComplaintRow.complaint_no == spelled(complaint_no),
                _visible(sender_id, customer_id),
            )
        )
        return _complaint(row) if row else None

    def all_of(self, sender_id: str, customer_id: str | None) -> list[Complaint]:
        """Return what this conversation or this customer has filed, newest first."""
        found = self._store.reading().scalars(
            select(ComplaintRow)
            .where(_visible(sender_id, customer_id))
            .order_by(ComplaintRow.filed_at.desc(), ComplaintRow.complaint_no)
        )
        return [_complaint(row) for row in found]

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
        row = self._store.writing().scalar(
            select(ComplaintRow)
            .where(
                ComplaintRow.complaint_no == spelled(complaint_no),
                _visible(sender_id, customer_id),
            )
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if row is None:
            return None
        if row.status in OPEN:
            row.status, row.withdrawn_at = "withdrawn", now
            self._log(row, "withdrawn", now, turn=turn_key(turn_id))
        return _complaint(row)

    def verify(self) -> LogCheck:
        """Read the whole log; the unit of work must not have read before."""
        return check_log(self._store.snapshot())

    def _log(self, row: ComplaintRow, kind: str, at: datetime, **more: str) -> None:
        # The sender id stays out: for a web visitor it may be a bearer secret.
        complaint_log.append(
            self._store.writing(),
            row.complaint_no,
            kind,
            at,
            f"customer:{row.channel}",
            {
                "status": row.status,
                "due_at": complaint_log.utc_text(row.due_at),
                "due_clause": row.due_clause,
                **more,
            },
        )


def _visible(sender_id: str, customer_id: str | None) -> ColumnElement[bool]:
    """The conversation that filed it, or the verified customer it belongs to.

    When somebody else was verified in that conversation since, it is not theirs.
    """
    here = ComplaintRow.sender_id == key(sender_id)
    if customer_id is None:
        return here
    nobodys = ComplaintRow.customer_id.is_(None)
    return or_(ComplaintRow.customer_id == customer_id, and_(here, nobodys))


def _complaint(row: ComplaintRow) -> Complaint:
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
    )
