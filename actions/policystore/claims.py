"""Claims of a verified customer: reading them, and reporting one once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, insert, select
from sqlalchemy.orm import Session, joinedload, selectinload

from actions.errors import IllegalStep, RepeatedTurn, UnknownPolicy
from actions.policystore.model import (
    CalculationLine,
    Claim,
    ClaimFile,
    ClaimReport,
    ClaimStatus,
    ClaimStatusChange,
    ClauseRef,
    Paper,
)
from actions.policystore.numbers import insert_numbered
from actions.policystore.plain import MAX_SHORT, plain, spelled, turn_key
from actions.policystore.store_session import StoreSession
from actions.policystore.tables import (
    ClaimFileRow,
    ClaimHistoryRow,
    ClaimRow,
    PaperRow,
    PolicyRow,
)

MAX_PAPERS = 50
MAX_PAPER_NAME = 200
MAX_FILES = 200  # of one claim
# No more papers are wanted once it is decided.
TAKES_PAPERS = frozenset(
    {"reported", "papers_missing", "under_survey", "under_assessment"}
)


class ClaimRepository:
    """Claims with their history and papers.

    Args:
        store: The transaction.
        candidate: Draws a claim number for a moment.
    """

    def __init__(
        self, store: StoreSession, candidate: Callable[[datetime], str]
    ) -> None:
        self._store = store
        self._candidate = candidate

    def all_of(self, customer_id: str) -> list[Claim]:
        """Return the customer's claims, newest first."""
        found = self._store.reading().scalars(
            _of(customer_id).order_by(ClaimRow.reported_at.desc(), ClaimRow.claim_no)
        )
        return [claim_of(row) for row in found]

    def get(self, customer_id: str, claim_no: str) -> Claim | None:
        """Return one claim; None for a foreign number and an invented one alike."""
        row = self._store.reading().scalar(
            _of(customer_id).where(ClaimRow.claim_no == spelled(claim_no))
        )
        return claim_of(row) if row else None

    def report(
        self, customer_id: str, report: ClaimReport, turn_id: str, now: datetime
    ) -> Claim:
        """Store a reported claim; the same turn gets the same claim again.

        Raises:
            UnknownPolicy: The customer has no such policy.
            RepeatedTurn: Another customer's claim was made in this turn.
            ValueError: The turn id cannot be one.
        """
        turn_id = turn_key(turn_id)
        session = self._store.writing()
        policy = session.scalar(
            select(PolicyRow).where(
                PolicyRow.customer_id == customer_id,
                PolicyRow.policy_no == spelled(report.policy_no),
            )
        )
        if policy is None:
            raise UnknownPolicy("the customer has no such policy")
        claim_no, is_new = insert_numbered(
            session,
            ClaimRow.claim_no,
            ClaimRow.turn_id == turn_id,
            _columns(policy, report, turn_id, now),
            lambda: self._candidate(now),
        )
        if is_new:
            _begin(session, claim_no, report, now)
        claim = self.get(customer_id, claim_no)
        if claim is None:
            raise RepeatedTurn("this turn made a claim of another customer")
        return claim

    def receive_paper(
        self,
        customer_id: str,
        claim_no: str,
        paper: str,
        file: ClaimFile,
    ) -> Claim | None:
        """Tie a file to a paper of a claim; the same file again changes nothing.

        Returns:
            The claim as it is now; None for a foreign number and an invented one alike.

        Raises:
            IllegalStep: ``not_running`` when it is decided or withdrawn; ``no_paper``
                when this claim needs none of this name; ``too_many_files``.
        """
        row = self._store.hold(
            ClaimRow,
            ClaimRow.customer_id == customer_id,
            ClaimRow.claim_no == spelled(claim_no),
        )
        if row is None:
            return None
        if row.status not in TAKES_PAPERS:
            raise IllegalStep("not_running")
        wanted = next((one for one in row.papers if one.name == paper), None)
        if wanted is None:
            raise IllegalStep("no_paper")
        if file.file_id not in [one.file_id for one in row.files]:
            if len(row.files) >= MAX_FILES:
                raise IllegalStep("too_many_files")
            wanted.received_at = wanted.received_at or file.received_at
            row.files.append(
                ClaimFileRow(
                    file_id=plain(file.file_id, MAX_SHORT),
                    paper=wanted.name,
                    name=plain(file.name, MAX_PAPER_NAME),
                    received_at=file.received_at,
                )
            )
            self._store.writing().flush()
        return claim_of(row)


def _columns(
    policy: PolicyRow, report: ClaimReport, turn_id: str, now: datetime
) -> dict[str, Any]:
    return {
        "customer_id": policy.customer_id,
        "policy_no": policy.policy_no,
        "kind": plain(report.kind or policy.product, MAX_SHORT),
        "status": "reported",
        "reported_at": now,
        "what": plain(report.what),
        "happened_at": report.happened_at,
        "happened_text": plain(report.happened_text),
        "place": plain(report.place),
        "injured": report.injured,
        "contact_phone": plain(report.contact_phone, MAX_SHORT),
        "turn_id": turn_id,
    }


def _begin(session: Session, claim_no: str, report: ClaimReport, now: datetime) -> None:
    session.execute(
        insert(ClaimHistoryRow).values(
            claim_no=claim_no, position=1, status="reported", at=now, actor="customer"
        )
    )
    names = list(dict.fromkeys(plain(p, MAX_PAPER_NAME) for p in report.papers))
    for position, name in enumerate(names[:MAX_PAPERS], start=1):
        session.execute(
            insert(PaperRow).values(
                claim_no=claim_no, position=position, name=name, required=True
            )
        )


def _of(customer_id: str) -> Select[ClaimRow]:
    return (
        select(ClaimRow)
        .where(ClaimRow.customer_id == customer_id)
        .options(
            joinedload(ClaimRow.policy),
            selectinload(ClaimRow.history),
            selectinload(ClaimRow.papers),
            selectinload(ClaimRow.calculation),
            selectinload(ClaimRow.files),
        )
    )


def claim_of(row: ClaimRow) -> Claim:
    """Return a row as a value."""
    history = tuple(
        ClaimStatusChange(cast(ClaimStatus, one.status), one.at, one.actor, one.reason)
        for one in row.history
    )
    product, ref = row.decision_clause_product, row.decision_clause_ref
    return Claim(
        claim_no=row.claim_no,
        policy_no=row.policy_no,
        product=row.policy.product,
        kind=row.kind,
        status=cast(ClaimStatus, row.status),
        status_since=history[-1].at if history else row.reported_at,
        reported_at=row.reported_at,
        what=row.what,
        happened_at=row.happened_at,
        happened_text=row.happened_text,
        place=row.place,
        injured=row.injured,
        contact_phone=row.contact_phone,
        amount_fen=row.amount_fen,
        decision_reason=row.decision_reason,
        decision_clause=ClauseRef(product, ref) if product and ref else None,
        history=history,
        papers=tuple(Paper(p.name, p.required, p.received_at) for p in row.papers),
        calculation=tuple(
            CalculationLine(line.label, line.amount_fen) for line in row.calculation
        ),
        files=tuple(
            ClaimFile(file.file_id, file.paper, file.name, file.received_at)
            for file in row.files
        ),
    )
