"""Who may decide and pay a claim, with which papers, and how much.

The assigned handler or a leader; two people above a limit, whose agreement is to one very
decision and void when that changes; required papers or a reason; never beyond the cover.
Every check locks the claim first and holds in the transaction of the step itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from actions.errors import IllegalStep, UnknownCase
from actions.people import Person, is_login, is_same
from actions.policystore.plain import MAX_SHORT, plain, spelled
from actions.policystore.store_session import StoreSession
from actions.policystore.tables import ClaimRow, PolicyRow

Wish = dict[str, Any]  # a decision that somebody wants, as JSON
MONEY = frozenset({"paying", "paid"})
UNDECIDED = frozenset(
    {"reported", "papers_missing", "under_survey", "under_assessment"}
)
DECIDED = frozenset({"approved", "partially_approved", "paying"})
_MONEY_OUT = ("approved", "partially_approved", "paying", "paid", "closed")
_PAID = ("paid", "closed")


class ClaimAuthority:
    """Rules on people and money; the moves themselves are `ClaimCaseRepository`'s.

    Args:
        store: The transaction.
        second_above_fen: Payments of a claim above it need a second person.
    """

    def __init__(self, store: StoreSession, second_above_fen: int) -> None:
        self._store = store
        self._second_above = second_above_fen

    def of(self, claim_no: str) -> dict[str, Any]:
        """Return handler, what was paid so far in fen, and the agreement of two."""
        row = self._store.reading().get(ClaimRow, spelled(claim_no))
        if row is None:
            return {}
        return {
            "handler": row.handler,
            "paid_fen": _paid(row),
            "approval": row.approval,
        }

    def assign(self, claim_no: str, handler: Person) -> None:
        """Put somebody in charge.

        Raises:
            UnknownCase: There is no such claim.
            IllegalStep: ``no_such_move`` when it is over.
        """
        row = self._hold(claim_no)
        if row.status in ("closed", "withdrawn"):
            raise IllegalStep("no_such_move")
        row.handler = plain(handler.login, MAX_SHORT)
        self._store.writing().flush()

    def check_move(
        self, claim_no: str, to: str, actor: Person, reason: str | None
    ) -> None:
        """Refuse a move that this person may not make, or that pays too much.

        Raises:
            UnknownCase: There is no such claim.
            IllegalStep: ``no_handler``; ``not_in_charge``; ``needs_second``;
                ``papers_need_reason``; ``above_cover``.
        """
        row = self._hold(claim_no)
        weighty = to in MONEY or row.status not in UNDECIDED
        if weighty or row.handler is not None:
            self._check_in_charge(row, actor)
        if row.status == "paid":
            row.paid_fen = _paid(row)  # stays when it is assessed anew
        if "under_assessment" in (row.status, to):
            row.approval = None  # agreed to what is no longer there
        if to not in MONEY or row.amount_fen is None:
            return
        if row.status != "paid":
            self._check_money(row, row.amount_fen, _benefit(row.approval))
        self._check_papers(row, reason or _papers_reason(row.approval))
        if self._needs_second(row, row.amount_fen) and not _agreed(row):
            raise IllegalStep("needs_second")
        if to == "paid" and row.status == "paying":
            row.paid_fen = (row.paid_fen or 0) + row.amount_fen

    def decide(self, claim_no: str, wish: Wish, actor: Person, now: datetime) -> bool:
        """Check a decision, and note who agrees to it.

        Args:
            claim_no: In any case or width.
            wish: outcome, amount_fen, lines, reason, clause, papers_reason, benefit.
            actor: Who decides.
            now: Present moment.

        Returns:
            Whether it may be written now; else it waits for a second person.

        Raises:
            UnknownCase: There is no such claim.
            IllegalStep: See `check_move`; ``same_person`` when its first person agrees
                again.
        """
        row = self._hold(claim_no)
        self._check_in_charge(row, actor)
        amount = wish.get("amount_fen")
        if wish["outcome"] == "declined" or not isinstance(amount, int):
            row.approval = _approval(wish, actor, now)
            return True
        self._check_money(row, amount, wish.get("benefit"))
        told = wish.get("papers_reason")
        if wish["outcome"] == "approved":
            told = told or wish.get("reason")
        self._check_papers(row, told)
        if not self._needs_second(row, amount):
            row.approval = _approval(wish, actor, now)
            return True
        waiting = row.approval
        if waiting and waiting["second"] is None and waiting["wish"] == wish:
            self._second(row, actor, now)
            return True
        row.approval = _approval(wish, actor, now)  # another one: the old is void
        self._store.writing().flush()
        return False

    def approve(
        self, claim_no: str, amount_fen: int, actor: Person, now: datetime
    ) -> Wish | None:
        """Agree, as the second person, to the decision that waits.

        Args:
            claim_no: In any case or width.
            amount_fen: What the second person agrees to.
            actor: Who agrees.
            now: Present moment.

        Returns:
            The decision to be written now; None when it was written long ago, by one.

        Raises:
            UnknownCase: There is no such claim.
            IllegalStep: ``nothing_to_approve``; ``amount_changed``; ``same_person``;
                see `check_move`.
        """
        row = self._hold(claim_no)
        self._check_in_charge(row, actor)
        old = row.status in DECIDED and not _agreed(row)
        if old and row.approval is None:
            row.approval = _old_approval(row)
        waiting = row.approval
        if waiting is None or waiting["second"] is not None:
            raise IllegalStep("nothing_to_approve")
        wish: Wish = waiting["wish"]
        if not old and row.status != "under_assessment":
            raise IllegalStep("nothing_to_approve")
        if wish["outcome"] == "declined" or wish["amount_fen"] != amount_fen:
            raise IllegalStep("amount_changed")
        self._second(row, actor, now)
        if old:
            return None
        self._check_money(row, amount_fen, wish.get("benefit"))
        return wish

    def _second(self, row: ClaimRow, actor: Person, now: datetime) -> None:
        waiting = dict(row.approval or {})
        first = waiting["first"]
        if is_same(actor, first["login"]) or is_same(actor, first["title"] or None):
            raise IllegalStep("same_person")
        waiting["second"] = _who(actor, now)
        row.approval = waiting
        self._store.writing().flush()

    def _needs_second(self, row: ClaimRow, amount_fen: int) -> bool:
        """Whether all payments of a claim together are above the limit."""
        return _paid(row) * (row.status not in _PAID) + amount_fen > self._second_above

    def _check_in_charge(self, row: ClaimRow, actor: Person) -> None:
        if actor.leader or is_login(actor, row.handler):
            return
        raise IllegalStep("not_in_charge" if row.handler else "no_handler")

    def _check_papers(self, row: ClaimRow, reason: str | None) -> None:
        missing = any(p.required and p.received_at is None for p in row.papers)
        if missing and not (reason and reason.strip()):
            raise IllegalStep("papers_need_reason")

    def _check_money(self, row: ClaimRow, amount_fen: int, benefit: str | None) -> None:
        """Refuse more than the cover leaves; claims on one policy wait for each other.

        Raises:
            IllegalStep: ``above_cover``; ``no_benefit`` when the policy has none such.
        """
        policy = self._store.hold(PolicyRow, PolicyRow.policy_no == row.policy_no)
        if policy is None:
            raise IllegalStep("above_cover")
        others = self._others(row)
        before = _paid(row) if row.status not in _PAID else 0
        spent = before + sum(fen for fen, _ in others)
        if spent + amount_fen > policy.sum_insured_fen:
            raise IllegalStep("above_cover")
        if benefit:
            cover = next((c for c in policy.coverages if c.name == benefit), None)
            if cover is None:
                raise IllegalStep("no_benefit")
            used = before + sum(fen for fen, of in others if of == benefit)
            if cover.amount_fen is not None and used + amount_fen > cover.amount_fen:
                raise IllegalStep("above_cover")

    def _others(self, row: ClaimRow) -> list[tuple[int, str | None]]:
        """What other claims on the policy have taken: fen, and from which benefit."""
        found = self._store.reading().execute(
            select(
                func.coalesce(ClaimRow.paid_fen, 0),
                ClaimRow.amount_fen,
                ClaimRow.status,
                ClaimRow.approval,
            ).where(
                ClaimRow.policy_no == row.policy_no, ClaimRow.claim_no != row.claim_no
            )
        )
        taken = []
        for paid, amount, status, approval in found:
            decided = (amount or 0) if status in _MONEY_OUT else 0
            fen = max(paid, decided) if status in _PAID else paid + decided
            taken.append((int(fen), _benefit(approval)))
        return taken

    def _hold(self, claim_no: str) -> ClaimRow:
        row = self._store.hold(ClaimRow, ClaimRow.claim_no == spelled(claim_no))
        if row is None:
            raise UnknownCase("no such claim")
        return row


def _paid(row: ClaimRow) -> int:
    """Fen paid on a claim so far; claims from before this was counted have one payment."""
    once = (row.amount_fen or 0) if row.status in _PAID else 0
    return max(row.paid_fen or 0, once)


def _agreed(row: ClaimRow) -> bool:
    """Whether two people have agreed to the very amount that stands."""
    given = row.approval
    return bool(
        given
        and given["second"] is not None
        and given["wish"]["amount_fen"] == row.amount_fen
    )


def _approval(wish: Wish, actor: Person, now: datetime) -> dict[str, Any]:
    return {"wish": wish, "first": _who(actor, now), "second": None}


def _old_approval(row: ClaimRow) -> dict[str, Any]:
    """The agreement of who decided a claim before two were asked for."""
    decided = [one for one in row.history if one.status == row.status or one.status
               in ("approved", "partially_approved")]  # fmt: skip
    actor = decided[-1].actor.removeprefix("agent:") if decided else "insurer"
    wish: Wish = {"outcome": row.status, "amount_fen": row.amount_fen}
    at = decided[-1].at.isoformat() if decided else None
    first = {"login": actor, "title": "", "at": at}
    return {"wish": wish, "first": first, "second": None}


def _who(actor: Person, now: datetime) -> dict[str, Any]:
    return {"login": actor.login, "title": actor.title, "at": now.isoformat()}


def _benefit(approval: Mapping[str, Any] | None) -> str | None:
    return approval["wish"].get("benefit") if approval else None


def _papers_reason(approval: Mapping[str, Any] | None) -> str | None:
    if not approval:
        return None
    wish = approval["wish"]
    told = wish.get("papers_reason")
    return told or (wish.get("reason") if wish.get("outcome") == "approved" else None)
