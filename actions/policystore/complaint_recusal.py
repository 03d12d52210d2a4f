"""Who of the desk may look into a complaint, and who may take a step in it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import select

from actions.errors import IllegalStep, UnknownCase
from actions.people import Person, is_login
from actions.policystore.complaint_steps import check_not_accused, is_accused
from actions.policystore.complaint_tables import ComplaintLogRow, ComplaintRow
from actions.policystore.plain import key, spelled
from actions.policystore.store_session import StoreSession


class RecusalRepository:
    """Keeps whom a complaint is about away from it (办法 18)."""

    def __init__(self, store: StoreSession) -> None:
        self._store = store

    def accused_in(self, sender_id: str, person: Person) -> set[str]:
        """Return the numbers of a conversation's complaints about this person."""
        rows = self._store.reading().scalars(
            select(ComplaintRow).where(
                ComplaintRow.sender_id == key(sender_id),
                ComplaintRow.accused.is_not(None),
            )
        )
        return {row.complaint_no for row in rows if is_accused(row, person)}

    def accused_among(self, numbers: Sequence[str], person: Person) -> set[str]:
        """Return which of these complaints are about this person."""
        rows = self._store.reading().scalars(
            select(ComplaintRow).where(
                ComplaintRow.complaint_no.in_(list(numbers)),
                ComplaintRow.accused.is_not(None),
            )
        )
        return {row.complaint_no for row in rows if is_accused(row, person)}

    def accused_file(self, sender_id: str, file_id: str, person: Person) -> bool:
        """Whether a file is evidence of a complaint about this person."""
        numbers = self.accused_in(sender_id, person)
        found = self._store.reading().scalars(
            select(ComplaintLogRow.data).where(
                ComplaintLogRow.complaint_no.in_(numbers),
                ComplaintLogRow.kind == "evidence",
            )
        )
        return any(json.loads(data).get("file") == file_id for data in found)

    def check_reader(self, complaint_no: str, person: Person | str) -> None:
        """Refuse whom a complaint is about.

        Raises:
            IllegalStep: ``is_accused``.
        """
        row = self._store.reading().get(ComplaintRow, spelled(complaint_no))
        if row is not None:
            check_not_accused(row, person)

    def check_role(self, complaint_no: str, actor: Person) -> None:
        """Refuse who is neither in charge of an open complaint nor a leader.

        Raises:
            UnknownCase: There is none.
            IllegalStep: ``not_in_charge``; ``is_accused``.
        """
        number = ComplaintRow.complaint_no == spelled(complaint_no)
        row = self._store.hold(ComplaintRow, number)
        if row is None:
            raise UnknownCase("no such complaint")
        check_not_accused(row, actor)
        if not actor.leader and not is_login(actor, row.handler):
            raise IllegalStep("not_in_charge" if row.handler else "no_handler")
