"""Claims as the insurer handles them: legal moves only, each with actor and reason.

reported → papers_missing, under_survey → under_assessment → approved, partially_approved
or declined → paying → paid → closed. A decided claim may be assessed anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from actions.errors import IllegalStep, UnknownCase
from actions.policystore.claims import claim_of
from actions.policystore.model import CalculationLine, Claim, ClaimStatus, ClauseRef
from actions.policystore.plain import MAX_SHORT, plain, spelled
from actions.policystore.store_session import StoreSession
from actions.policystore.tables import (
    CalculationRow,
    ClaimHistoryRow,
    ClaimRow,
    PaperRow,
)

# NEXT[status] = where a claim may go from there
NEXT: Mapping[str, frozenset[str]] = {
    "reported": frozenset(
        {"papers_missing", "under_survey", "under_assessment", "withdrawn"}
    ),
    "papers_missing": frozenset(
        {"under_survey", "under_assessment", "closed", "withdrawn"}
    ),
    "under_survey": frozenset({"papers_missing", "under_assessment", "withdrawn"}),
    "under_assessment": frozenset(
        {
            "papers_missing",
            "under_survey",
            "approved",
            "partially_approved",
            "declined",
            "withdrawn",
        }
    ),
    "approved": frozenset({"paying", "under_assessment"}),
    "partially_approved": frozenset({"paying", "under_assessment"}),
    "declined": frozenset({"closed", "under_assessment"}),
    "paying": frozenset({"paid", "under_assessment"}),
    "paid": frozenset({"closed", "under_assessment"}),
    "closed": frozenset(),
    "withdrawn": frozenset(),
}
DECISIONS = frozenset({"approved", "partially_approved", "declined"})
MAX_LABEL = 200
MAX_NAME = 60
MAX_LINES = 100
MAX_FEN = 10**15  # ten trillion yuan: a typing error, and far below what columns take


class ClaimCaseRepository:
    """Claims of our own tables for those who handle them.

    Every step raises `UnknownCase` for a number there is not, and `IllegalStep` when it
    cannot be taken now.
    """

    def __init__(self, store: StoreSession) -> None:
        self._store = store

    def get(self, claim_no: str) -> Claim | None:
        """Return one claim with its history, None when there is none."""
        row = self._store.reading().get(ClaimRow, spelled(claim_no))
        return claim_of(row) if row else None

    def owner(self, claim_no: str) -> str | None:
        """Return whose claim it is."""
        row = self._store.reading().get(ClaimRow, spelled(claim_no))
        return row.customer_id if row else None

    def move(
        self,
        claim_no: str,
        to: ClaimStatus,
        actor: str,
        now: datetime,
        reason: str | None = None,
    ) -> Claim:
        """Move a claim on; papers and decisions have steps of their own.

        Raises:
            IllegalStep: ``no_such_move``; ``papers_missing`` when it would be assessed
                without papers that are required; ``needs_reason`` to decide anew.
        """
        row = self._hold(claim_no)
        if to in DECISIONS:
            raise IllegalStep("needs_decision")
        if to == "papers_missing":
            raise IllegalStep("needs_papers")
        self._check(row, to)
        if to == "under_assessment":
            if any(p.required and p.received_at is None for p in row.papers):
                raise IllegalStep("papers_missing")
            if row.status not in ("reported", "papers_missing", "under_survey"):
                self._reopen(row, reason)
        return self._moved(row, to, actor, now, reason)

    def want_papers(
        self, claim_no: str, papers: Sequence[str], actor: str, now: datetime
    ) -> Claim:
        """Ask for all papers that are missing, once (保险法 22).

        Raises:
            IllegalStep: ``asked_already`` when they were asked for before.
        """
        row = self._hold(claim_no)
        self._check(row, "papers_missing")
        if any(one.status == "papers_missing" for one in row.history):
            raise IllegalStep("asked_already")
        known = {one.name for one in row.papers}
        names = [plain(name, MAX_LABEL).strip() for name in papers]
        for name in dict.fromkeys(names):
            if name and name not in known:
                position = len(row.papers) + 1
                row.papers.append(PaperRow(position=position, name=name, required=True))
        if not any(p.required and p.received_at is None for p in row.papers):
            raise IllegalStep("nothing_missing")
        return self._moved(row, "papers_missing", actor, now)

    def decide(
        self,
        claim_no: str,
        outcome: ClaimStatus,
        actor: str,
        now: datetime,
        *,
        amount_fen: int | None = None,
        lines: Sequence[CalculationLine] = (),
        reason: str | None = None,
        clause: ClauseRef | None = None,
    ) -> Claim:
        """Decide a claim.

        Args:
            claim_no: In any case or width.
            outcome: approved, partially_approved or declined.
            actor: Login of who decides.
            now: Present moment.
            amount_fen: What is paid; None when nothing is.
            lines: How the amount came about; they add up to it.
            reason: In words the customer is shown; needed unless all is paid.
            clause: What a refusal rests on; needed for one.

        Raises:
            IllegalStep: ``no_such_move``; ``needs_amount``; ``no_amount``;
                ``lines_do_not_add_up``; ``needs_reason``; ``needs_clause``.
        """
        row = self._decidable(claim_no, outcome, amount_fen, lines, reason, clause)
        row.amount_fen = amount_fen
        row.decision_reason = plain(reason) if reason else None
        row.decision_clause_product = clause.product if clause else None
        row.decision_clause_ref = clause.ref if clause else None
        row.calculation.clear()
        self._store.writing().flush()  # the old lines go before the new ones come
        row.calculation.extend(
            CalculationRow(
                position=position,
                label=plain(line.label, MAX_LABEL),
                amount_fen=line.fen,
            )
            for position, line in enumerate(lines, start=1)
        )
        return self._moved(row, outcome, actor, now, reason)

    def check_decision(
        self,
        claim_no: str,
        outcome: ClaimStatus,
        *,
        amount_fen: int | None = None,
        lines: Sequence[CalculationLine] = (),
        reason: str | None = None,
        clause: ClauseRef | None = None,
    ) -> None:
        """Refuse what `decide` would refuse, and write nothing."""
        self._decidable(claim_no, outcome, amount_fen, lines, reason, clause)

    def _decidable(
        self,
        claim_no: str,
        outcome: str,
        amount_fen: int | None,
        lines: Sequence[CalculationLine],
        reason: str | None,
        clause: ClauseRef | None,
    ) -> ClaimRow:
        row = self._hold(claim_no)
        if outcome not in DECISIONS:
            raise IllegalStep("no_such_move")
        self._check(row, outcome)
        self._check_decision(outcome, amount_fen, lines, reason, clause)
        return row

    def _check_decision(
        self,
        outcome: str,
        amount_fen: int | None,
        lines: Sequence[CalculationLine],
        reason: str | None,
        clause: ClauseRef | None,
    ) -> None:
        is_paid = outcome != "declined"
        if is_paid and not (amount_fen and 0 < amount_fen <= MAX_FEN):
            raise IllegalStep("needs_amount")
        if not is_paid and (amount_fen or lines):
            raise IllegalStep("no_amount")
        if len(lines) > MAX_LINES or any(abs(o.fen) > MAX_FEN for o in lines):
            raise IllegalStep("too_many_lines")
        if lines and sum(line.fen for line in lines) != amount_fen:
            raise IllegalStep("lines_do_not_add_up")
        if outcome != "approved" and not (reason and reason.strip()):
            raise IllegalStep("needs_reason")
        if not is_paid and clause is None:
            raise IllegalStep("needs_clause")

    def _reopen(self, row: ClaimRow, reason: str | None) -> None:
        """Make a decided claim undecided; what was decided stays in its history."""
        if not (reason and reason.strip()):
            raise IllegalStep("needs_reason")
        row.amount_fen = None
        row.decision_reason = None
        row.decision_clause_product = row.decision_clause_ref = None
        row.calculation.clear()

    def _check(self, row: ClaimRow, to: str) -> None:
        if to not in NEXT[row.status]:
            raise IllegalStep("no_such_move")

    def _hold(self, claim_no: str) -> ClaimRow:
        row = self._store.hold(ClaimRow, ClaimRow.claim_no == spelled(claim_no))
        if row is None:
            raise UnknownCase("no such claim")
        return row

    def _moved(
        self,
        row: ClaimRow,
        to: str,
        actor: str,
        now: datetime,
        reason: str | None = None,
    ) -> Claim:
        row.status = to
        row.history.append(
            ClaimHistoryRow(
                position=len(row.history) + 1,
                status=to,
                at=now,
                actor=f"agent:{plain(actor, MAX_SHORT)}",
                reason=plain(reason) if reason else None,
            )
        )
        self._store.writing().flush()
        return claim_of(row)
