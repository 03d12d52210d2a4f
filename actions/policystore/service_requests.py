"""Service requests (服务申请): recorded once a turn, with a number, and worked on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast, get_args

from sqlalchemy import and_, select

from actions.errors import IllegalStep, RepeatedTurn, UnknownCase
from actions.policystore.model import (
    RequestChange,
    RequestKind,
    RequestStatus,
    ServiceRequest,
)
from actions.policystore.numbers import insert_numbered
from actions.policystore.plain import MAX_SHORT, key, plain, spelled, turn_key
from actions.policystore.store_session import StoreSession
from actions.policystore.tables import RequestHistoryRow, ServiceRequestRow

KINDS: tuple[str, ...] = get_args(RequestKind)
NEEDS_HUMAN = frozenset({"document", "change", "surrender", "privacy"})
# NEXT[status] = where a request may go from there
NEXT: Mapping[str, frozenset[str]] = {
    "open": frozenset({"in_progress", "done", "declined", "withdrawn"}),
    "in_progress": frozenset({"done", "declined", "withdrawn"}),
    "done": frozenset(),
    "declined": frozenset(),
    "withdrawn": frozenset(),
}
OPEN = ("open", "in_progress")


class ServiceRequestRepository:
    """Requests of customers.

    Args:
        store: The transaction.
        candidate: Draws a request number for a moment.
    """

    def __init__(
        self, store: StoreSession, candidate: Callable[[datetime], str]
    ) -> None:
        self._store = store
        self._candidate = candidate

    def record(
        self,
        sender_id: str,
        customer_id: str | None,
        kind: str,
        detail: Mapping[str, Any],
        turn_id: str,
        now: datetime,
        due: tuple[datetime, str] | None = None,
    ) -> ServiceRequest:
        """Store a request; the same turn and kind gets it again.

        Args:
            sender_id: The conversation.
            customer_id: Who was verified in it, or None.
            kind: document, change, surrender, notice or privacy.
            detail: What is wished, as JSON values.
            turn_id: Makes a repeat a repeat.
            now: Present moment.
            due: When it is answered and the clause that says so.

        Raises:
            RepeatedTurn: Another conversation's request was made in this turn.
            ValueError: No such kind, or an id that cannot be one.
        """
        if kind not in KINDS:
            raise ValueError(f"no such kind of service request: {kind}")
        session = self._store.writing()
        sender_id, turn_id = key(sender_id), turn_key(turn_id)
        values = {
            "sender_id": sender_id,
            "customer_id": customer_id,
            "kind": kind,
            "status": "open",
            "requested_at": now,
            "needs_human": kind in NEEDS_HUMAN,
            "detail": _clean(detail),
            "turn_id": turn_id,
            "due_at": due[0] if due else None,
            "due_clause": plain(due[1], MAX_SHORT) if due else None,
        }
        number, is_new = insert_numbered(
            session,
            ServiceRequestRow.request_no,
            and_(
                ServiceRequestRow.turn_id == turn_id,
                ServiceRequestRow.kind == kind,
            ),
            values,
            lambda: self._candidate(now),
        )
        row = session.get_one(ServiceRequestRow, number)
        if (row.sender_id, row.customer_id) != (sender_id, customer_id):
            raise RepeatedTurn("this turn made a request of another conversation")
        if is_new:
            _note(row, "open", "customer", now)
            session.flush()
        return _request(row)

    def all_of(self, customer_id: str) -> list[ServiceRequest]:
        """Return the verified customer's requests, newest first."""
        found = self._store.reading().scalars(
            select(ServiceRequestRow)
            .where(ServiceRequestRow.customer_id == customer_id)
            .order_by(
                ServiceRequestRow.requested_at.desc(), ServiceRequestRow.request_no
            )
        )
        return [_request(row) for row in found]

    def get(self, customer_id: str, request_no: str) -> ServiceRequest | None:
        """Return one request; None for a foreign number and an invented one alike."""
        row = self._store.reading().scalar(
            select(ServiceRequestRow).where(
                ServiceRequestRow.customer_id == customer_id,
                ServiceRequestRow.request_no == spelled(request_no),
            )
        )
        return _request(row) if row else None

    def open_ones(self, limit: int = 200) -> list[ServiceRequest]:
        """Return what nobody has finished, the first due first; for the insurer."""
        found = self._store.reading().scalars(
            select(ServiceRequestRow)
            .where(ServiceRequestRow.status.in_(OPEN))
            .order_by(
                ServiceRequestRow.due_at.is_(None),
                ServiceRequestRow.due_at,
                ServiceRequestRow.request_no,
            )
            .limit(limit)
        )
        return [_request(row) for row in found]

    def find(self, request_no: str) -> ServiceRequest | None:
        """Return one request, None when there is none; for the insurer."""
        row = self._store.reading().get(ServiceRequestRow, spelled(request_no))
        return _request(row) if row else None

    def owner(self, request_no: str) -> str | None:
        """Return the customer who made a request."""
        row = self._store.reading().get(ServiceRequestRow, spelled(request_no))
        return row.customer_id if row else None

    def move(
        self,
        request_no: str,
        to: RequestStatus,
        actor: str,
        now: datetime,
        result: str | None = None,
        evidence: str | None = None,
    ) -> ServiceRequest:
        """Work on a request.

        Args:
            request_no: In any case or width.
            to: in_progress, done, declined or withdrawn.
            actor: Login of who works on it.
            now: Present moment.
            result: In words the customer is shown; needed to decline.
            evidence: How it was done and where that can be looked up.

        Raises:
            UnknownCase: There is none.
            IllegalStep: ``no_such_move``; ``needs_reason``.
        """
        number = ServiceRequestRow.request_no == spelled(request_no)
        row = self._store.hold(ServiceRequestRow, number)
        if row is None:
            raise UnknownCase("no such request")
        if to not in NEXT[row.status]:
            raise IllegalStep("no_such_move")
        said = plain(result).strip() if result else ""
        if to == "declined" and not said:
            raise IllegalStep("needs_reason")
        row.status, row.handler = to, plain(actor, MAX_SHORT)
        row.result = said or row.result
        row.evidence = plain(evidence).strip() or None if evidence else row.evidence
        _note(row, to, f"agent:{row.handler}", now, said or None)
        self._store.writing().flush()
        return _request(row)


def _note(
    row: ServiceRequestRow,
    status: str,
    actor: str,
    at: datetime,
    reason: str | None = None,
) -> None:
    row.history.append(
        RequestHistoryRow(
            position=len(row.history) + 1,
            status=status,
            at=at,
            actor=actor,
            reason=reason,
        )
    )


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {plain(str(name)): _clean(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    return value


def _request(row: ServiceRequestRow) -> ServiceRequest:
    return ServiceRequest(
        request_no=row.request_no,
        kind=cast(RequestKind, row.kind),
        status=row.status,
        requested_at=row.requested_at,
        needs_human=row.needs_human,
        detail=row.detail,
        due_at=row.due_at,
        due_clause=row.due_clause,
        handler=row.handler,
        result=row.result,
        evidence=row.evidence,
        history=tuple(
            RequestChange(one.status, one.at, one.actor, one.reason)
            for one in row.history
        ),
    )
