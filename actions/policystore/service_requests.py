"""Service requests (服务申请): recorded once a turn, with a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast, get_args

from sqlalchemy import and_, select

from actions.errors import RepeatedTurn
from actions.policystore.model import RequestKind, ServiceRequest
from actions.policystore.numbers import insert_numbered
from actions.policystore.plain import key, plain, spelled, turn_key
from actions.policystore.store_session import StoreSession
from actions.policystore.tables import ServiceRequestRow

KINDS: tuple[str, ...] = get_args(RequestKind)
NEEDS_HUMAN = frozenset({"document", "change", "surrender", "privacy"})


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
    ) -> ServiceRequest:
        """Store a request; the same turn and kind gets it again.

        Args:
            sender_id: The conversation.
            customer_id: Who was verified in it, or None.
            kind: document, change, surrender, notice or privacy.
            detail: What is wished, as JSON values.
            turn_id: Makes a repeat a repeat.
            now: Present moment.

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
        }
        number, _ = insert_numbered(
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
    )
