"""Complaints as the insurer handles them: in charge, progress, extension, decision.

In: a step somebody of the insurer takes. Out: the case as it is then. Every step locks
the complaint first: of two who decide at once one is told that it is decided.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select

from actions.errors import IllegalStep, UnknownCase
from actions.people import OUTSIDE, Person, is_login, is_same, person_of
from actions.policystore.case_model import CaseEntry, ComplaintCase, OpenLimit
from actions.policystore.complaint_steps import (
    MAX_LEVEL,
    OPEN,
    check_not_accused,
    check_step,
    is_accused,
    write_step,
)
from actions.policystore.complaint_tables import (
    ComplaintLogRow,
    ComplaintRow,
    ComplaintWordsRow,
)
from actions.policystore.complaints import complaint_of, complaints_of
from actions.policystore.model import Complaint
from actions.policystore.plain import MAX_SHORT, plain, spelled
from actions.policystore.store_session import StoreSession

MAX_NAME = 60


class ComplaintCaseRepository:
    """Complaints for those who handle them.

    Every step raises `UnknownCase` for a number there is not, and `IllegalStep` when it
    cannot be taken now or not by this person.
    """

    def __init__(self, store: StoreSession) -> None:
        self._store = store

    def get(self, complaint_no: str) -> ComplaintCase | None:
        """Return one case with its whole log, None when there is none."""
        row = self._store.reading().get(ComplaintRow, spelled(complaint_no))
        return self._whole(row) if row else None

    def open_ones(self, limit: int = 200) -> list[ComplaintCase]:
        """Return the cases that wait for a decision, the first due first."""
        found = self._store.reading().scalars(
            select(ComplaintRow)
            .where(ComplaintRow.status.in_(sorted(OPEN)))
            .order_by(ComplaintRow.due_at, ComplaintRow.complaint_no)
            .limit(limit)
        )
        rows = found.all()
        complaints = complaints_of(self._store.reading(), rows)
        return [_case(*pair) for pair in zip(rows, complaints, strict=True)]

    def open_limits(self) -> Iterator[OpenLimit]:
        """Return the limits that the agreement gave, of all complaints still open."""
        found = self._store.reading().execute(
            select(
                ComplaintRow.complaint_no, ComplaintRow.filed_at, ComplaintRow.due_at
            )
            .where(ComplaintRow.status.in_(("received", "investigating")))
            .order_by(ComplaintRow.complaint_no)
        )
        return (OpenLimit(*row) for row in found.all())

    def assign(
        self,
        complaint_no: str,
        handler: Person | str,
        actor: Person | str,
        now: datetime,
        accused: str | None = None,
        account: Person | None = None,
        *,
        outside: bool = False,
    ) -> ComplaintCase:
        """Put somebody in charge.

        Args:
            complaint_no: In any case or width.
            handler: Who takes it.
            actor: Who says so.
            now: Present moment.
            accused: Whom it is about, as it is said; None leaves what was said before.
            account: The account that is, when it is one.
            outside: Somebody says outright that it is no account of ours.

        Raises:
            IllegalStep: ``is_accused``; ``decided_before`` in a review.
        """
        row = self._hold(complaint_no, "assigned")
        check_not_accused(row, actor)
        name = _name(person_of(handler).login)
        if accused:
            self._accuse(row, accused, account, outside)
        check_not_accused(row, handler)
        check_not_accused(row, actor)  # nobody puts others on their own case
        if row.status == "reviewing" and is_same(handler, row.decided_by):
            raise IllegalStep("decided_before")
        row.handler = name
        if row.status == "received":
            row.status = "investigating"
        return self._taken(row, "assigned", actor, now)

    def accuse(
        self,
        complaint_no: str,
        accused: str,
        actor: Person | str,
        now: datetime,
        account: Person | None = None,
        *,
        outside: bool = False,
    ) -> ComplaintCase:
        """Say whom it is about, see `assign`; the case is taken from who that is."""
        row = self._hold(complaint_no, "accused")
        check_not_accused(row, actor)
        self._accuse(row, accused, account, outside)
        theirs = account is not None and is_same(account, row.handler)
        if row.handler and (theirs or is_accused(row, Person(row.handler))):
            row.handler = None
        return self._taken(row, "accused", actor, now)

    def progress(
        self, complaint_no: str, text: str, actor: Person | str, now: datetime
    ) -> ComplaintCase:
        """Note how it goes on, in words the customer is shown."""
        row = self._hold(complaint_no, "progress")
        check_not_accused(row, actor)
        return self._taken(row, "progress", actor, now, _words(text))

    def ask_extension(
        self, complaint_no: str, reason: str, actor: Person | str, now: datetime
    ) -> ComplaintCase:
        """Ask for more time; somebody else has to agree.

        Raises:
            IllegalStep: ``asked_already``; ``no_more_time`` after the second one.
        """
        row = self._hold(complaint_no, "extension_asked")
        self._check_in_charge(row, actor)
        if row.extension_asked_by:
            raise IllegalStep("asked_already")
        if row.extension_level >= MAX_LEVEL:
            raise IllegalStep("no_more_time")
        row.extension_asked_by = _name(person_of(actor).login)
        return self._taken(row, "extension_asked", actor, now, _words(reason))

    def extend(
        self,
        complaint_no: str,
        due_at: datetime,
        due_clause: str,
        actor: Person | str,
        now: datetime,
    ) -> ComplaintCase:
        """Agree to more time.

        Raises:
            IllegalStep: ``not_asked``; ``own_wish`` from who asked or is in charge.
        """
        row = self._answer_wish(complaint_no, "extended", actor)
        row.status, row.extension_level = "extended", row.extension_level + 1
        row.due_at = max(due_at, row.due_at)
        row.due_clause = plain(due_clause, MAX_SHORT)
        return self._taken(row, "extended", actor, now)

    def refuse_extension(
        self, complaint_no: str, reason: str, actor: Person | str, now: datetime
    ) -> ComplaintCase:
        """Refuse more time, see ``extend``."""
        row = self._answer_wish(complaint_no, "extension_refused", actor)
        return self._taken(row, "extension_refused", actor, now, _words(reason))

    def decide(
        self, complaint_no: str, text: str, actor: Person | str, now: datetime
    ) -> ComplaintCase:
        """Write the decision the customer is told.

        Raises:
            IllegalStep: ``no_handler``; ``not_in_charge``; ``is_accused``.
        """
        row = self._hold(complaint_no, "decided")
        self._check_in_charge(row, actor)
        row.status, row.decided_by, row.decided_at = (
            "decided",
            _name(person_of(actor).login),
            now,
        )
        row.extension_asked_by = None
        return self._taken(row, "decided", actor, now, _words(text))

    def close(
        self, complaint_no: str, actor: Person | str, now: datetime
    ) -> ComplaintCase:
        """Close a decided complaint."""
        row = self._hold(complaint_no, "closed")
        check_not_accused(row, actor)
        row.status = "closed"
        return self._taken(row, "closed", actor, now)

    def move_due(
        self,
        complaint_no: str,
        due_at: datetime,
        due_clause: str,
        why: str,
        now: datetime,
    ) -> ComplaintCase:
        """Write down that agreement or calendar gave another limit."""
        row = self._hold(complaint_no, "due_moved")
        before = row.due_at
        row.due_at, row.due_clause = due_at, plain(due_clause, MAX_SHORT)
        return self._taken(
            row, "due_moved", None, now, why=why, due_before=before.isoformat()
        )

    def _answer_wish(
        self, complaint_no: str, step: str, actor: Person | str
    ) -> ComplaintRow:
        row = self._hold(complaint_no, step)
        if not row.extension_asked_by:
            raise IllegalStep("not_asked")
        check_not_accused(row, actor)
        if is_same(actor, row.extension_asked_by) or is_same(actor, row.handler):
            raise IllegalStep("own_wish")
        row.extension_asked_by = None
        return row

    def _accuse(
        self, row: ComplaintRow, accused: str, account: Person | None, outside: bool
    ) -> None:
        row.accused = _name(accused)
        row.accused_login = account.login if account else OUTSIDE if outside else None
        row.accused_title = account.title or None if account else None

    def _check_in_charge(self, row: ComplaintRow, actor: Person | str) -> None:
        check_not_accused(row, actor)
        if row.handler is None:
            raise IllegalStep("no_handler")
        if not is_login(actor, row.handler):
            raise IllegalStep("not_in_charge")

    def _hold(self, complaint_no: str, step: str) -> ComplaintRow:
        """Lock a complaint and check that the step may be taken."""
        number = ComplaintRow.complaint_no == spelled(complaint_no)
        row = self._store.hold(ComplaintRow, number)
        if row is None:
            raise UnknownCase("no such complaint")
        check_step(row, step)
        return row

    def _taken(
        self,
        row: ComplaintRow,
        step: str,
        actor: Person | str | None,
        now: datetime,
        words: str | None = None,
        **more: str,
    ) -> ComplaintCase:
        who = f"agent:{_name(person_of(actor).login)}" if actor else "system"
        write_step(self._store.writing(), row, step, now, who, words, **more)
        return self._whole(row)

    def _whole(self, row: ComplaintRow) -> ComplaintCase:
        complaint = complaint_of(self._store.reading(), row)
        return _case(row, complaint, self._entries(row.complaint_no))

    def _entries(self, complaint_no: str) -> tuple[CaseEntry, ...]:
        found = self._store.reading().execute(
            select(ComplaintLogRow, ComplaintWordsRow.text)
            .outerjoin(
                ComplaintWordsRow,
                ComplaintWordsRow.entry_no == ComplaintLogRow.entry_no,
            )
            .where(ComplaintLogRow.complaint_no == complaint_no)
            .order_by(ComplaintLogRow.entry_no)
        )
        return tuple(
            CaseEntry(
                entry_no=row.entry_no,
                at=datetime.fromisoformat(row.at),
                kind=row.kind,
                actor=row.actor,
                words=words,
                data=json.loads(row.data),
            )
            for row, words in found
        )


def _case(
    row: ComplaintRow, complaint: Complaint, entries: tuple[CaseEntry, ...] = ()
) -> ComplaintCase:
    return ComplaintCase(
        complaint=complaint,
        sender_id=row.sender_id,
        customer_id=row.customer_id,
        handler=row.handler,
        accused=row.accused,
        accused_login=row.accused_login,
        accused_title=row.accused_title,
        extension_level=row.extension_level,
        extension_asked_by=row.extension_asked_by,
        decided_by=row.decided_by,
        entries=entries,
    )


def _name(text: str) -> str:
    name = plain(text, MAX_NAME).strip()
    if not name:
        raise IllegalStep("no_name")
    return name


def _words(text: str) -> str:
    words = plain(text).strip()
    if not words:
        raise IllegalStep("no_words")
    return words
