"""Policies of a verified customer; there is no other way to one."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload

from actions.policystore.model import Coverage, Policy, PolicyStatus, Premium
from actions.policystore.plain import spelled
from actions.policystore.store_session import StoreSession
from actions.policystore.tables import PolicyRow


class PolicyRepository:
    """Reads policies with coverages and premiums."""

    def __init__(self, store: StoreSession) -> None:
        self._store = store

    def all_of(self, customer_id: str) -> list[Policy]:
        """Return the customer's policies, by number."""
        found = self._store.reading().scalars(
            _of(customer_id).order_by(PolicyRow.policy_no)
        )
        return [_policy(row) for row in found]

    def get(self, customer_id: str, policy_no: str) -> Policy | None:
        """Return one policy; None for a foreign number and an invented one alike."""
        row = self._store.reading().scalar(
            _of(customer_id).where(PolicyRow.policy_no == spelled(policy_no))
        )
        return _policy(row) if row else None


def _of(customer_id: str) -> Select[PolicyRow]:
    return (
        select(PolicyRow)
        .where(PolicyRow.customer_id == customer_id)
        .options(selectinload(PolicyRow.coverages), selectinload(PolicyRow.premiums))
    )


def _policy(row: PolicyRow) -> Policy:
    return Policy(
        policy_no=row.policy_no,
        product=row.product,
        product_code=row.product_code,
        name=row.name,
        status=cast(PolicyStatus, row.status),
        insured_name=row.insured_name,
        sum_insured_fen=row.sum_insured_fen,
        premium_fen=row.premium_fen,
        start=row.start,
        end=row.end,
        renewal_due=row.renewal_due,
        waiting_until=row.waiting_until,
        cooling_off_until=row.cooling_off_until,
        lapsed_on=row.lapsed_on,
        plate_no=row.plate_no,
        coverages=tuple(
            Coverage(one.name, one.amount_fen, one.note) for one in row.coverages
        ),
        premiums=tuple(
            Premium(one.due_on, one.amount_fen, one.paid_at) for one in row.premiums
        ),
    )
