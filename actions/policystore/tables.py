"""Tables of the policy store; `model` has the values that leave this package.

Every path of a customer (policies, claims, complaints of mine) has its index. What can
happen only once per turn carries ``turn_id`` under a unique constraint.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from actions.database import Base, UtcDateTime

# SQLite numbers rows by itself only for INTEGER primary keys.
RowId = BigInteger().with_variant(Integer, "sqlite")


class CustomerRow(Base):
    """A person; the last four characters of the ID number only as a salted hash."""

    __tablename__ = "customers"

    customer_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    phone: Mapped[str] = mapped_column(String(32))
    id_tail_salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    id_tail_hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class PolicyRow(Base):
    """A policy of one holder."""

    __tablename__ = "policies"
    __table_args__ = (
        CheckConstraint("sum_insured_fen >= 0 AND premium_fen >= 0", name="amounts"),
    )

    policy_no: Mapped[str] = mapped_column(String(20), primary_key=True)
    customer_id: Mapped[str] = mapped_column(
        ForeignKey("customers.customer_id"), index=True
    )
    product: Mapped[str] = mapped_column(String(40))
    product_code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(20))
    insured_name: Mapped[str] = mapped_column(String(100))
    sum_insured_fen: Mapped[int] = mapped_column(BigInteger)
    premium_fen: Mapped[int] = mapped_column(BigInteger)
    start: Mapped[date] = mapped_column("start_on", Date)
    end: Mapped[date | None] = mapped_column("end_on", Date)
    renewal_due: Mapped[date | None] = mapped_column(Date)
    waiting_until: Mapped[date | None] = mapped_column(Date)
    cooling_off_until: Mapped[date | None] = mapped_column(Date)
    lapsed_on: Mapped[date | None] = mapped_column(Date)
    plate_no: Mapped[str | None] = mapped_column(String(16))

    coverages: Mapped[list[CoverageRow]] = relationship(order_by="CoverageRow.position")
    premiums: Mapped[list[PremiumRow]] = relationship(order_by="PremiumRow.due_on")


class CoverageRow(Base):
    """One benefit of a policy."""

    __tablename__ = "coverages"

    policy_no: Mapped[str] = mapped_column(
        ForeignKey("policies.policy_no"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(100))
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str | None] = mapped_column(Text)


class PremiumRow(Base):
    """One instalment of a policy."""

    __tablename__ = "premiums"

    policy_no: Mapped[str] = mapped_column(
        ForeignKey("policies.policy_no"), primary_key=True
    )
    due_on: Mapped[date] = mapped_column(Date, primary_key=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ClaimRow(Base):
    """A claim on one policy; ``customer_id`` repeats the policy's holder."""

    __tablename__ = "claims"
    __table_args__ = (
        CheckConstraint("amount_fen IS NULL OR amount_fen >= 0", name="amount"),
    )

    claim_no: Mapped[str] = mapped_column(String(20), primary_key=True)
    customer_id: Mapped[str] = mapped_column(
        ForeignKey("customers.customer_id"), index=True
    )
    policy_no: Mapped[str] = mapped_column(ForeignKey("policies.policy_no"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(20))
    reported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    what: Mapped[str] = mapped_column(Text)
    happened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    happened_text: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(Text)
    injured: Mapped[bool] = mapped_column(Boolean)
    contact_phone: Mapped[str] = mapped_column(String(40))
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    decision_reason: Mapped[str | None] = mapped_column(Text)
    decision_clause_product: Mapped[str | None] = mapped_column(String(40))
    decision_clause_ref: Mapped[str | None] = mapped_column(String(40))
    handler: Mapped[str | None] = mapped_column(String(60))  # login
    paid_fen: Mapped[int | None] = mapped_column(BigInteger)  # so far, all payments
    # Who of two has agreed to which decision, see `claim_authority`.
    approval: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    turn_id: Mapped[str | None] = mapped_column(String(100), unique=True)

    policy: Mapped[PolicyRow] = relationship()
    history: Mapped[list[ClaimHistoryRow]] = relationship(
        order_by="ClaimHistoryRow.position"
    )
    papers: Mapped[list[PaperRow]] = relationship(order_by="PaperRow.position")
    calculation: Mapped[list[CalculationRow]] = relationship(
        order_by="CalculationRow.position"
    )
    files: Mapped[list[ClaimFileRow]] = relationship(
        order_by="(ClaimFileRow.received_at, ClaimFileRow.file_id)"
    )


class ClaimHistoryRow(Base):
    """One status a claim went through."""

    __tablename__ = "claim_history"

    claim_no: Mapped[str] = mapped_column(
        ForeignKey("claims.claim_no"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str | None] = mapped_column(Text)


class PaperRow(Base):
    """A paper a claim needs or has."""

    __tablename__ = "claim_papers"

    claim_no: Mapped[str] = mapped_column(
        ForeignKey("claims.claim_no"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(200))
    required: Mapped[bool] = mapped_column(Boolean)
    received_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CalculationRow(Base):
    """One line of how a claim's amount came about; lines add up to the amount."""

    __tablename__ = "claim_calculation"

    claim_no: Mapped[str] = mapped_column(
        ForeignKey("claims.claim_no"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    label: Mapped[str] = mapped_column(String(200))
    amount_fen: Mapped[int] = mapped_column(BigInteger)


class ClaimFileRow(Base):
    """A file the customer has sent for one paper; the edge keeps the file itself."""

    __tablename__ = "claim_files"

    claim_no: Mapped[str] = mapped_column(
        ForeignKey("claims.claim_no"), primary_key=True
    )
    file_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    paper: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BindingRow(Base):
    """A conversation whose person was checked."""

    __tablename__ = "bindings"

    sender_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    customer_id: Mapped[str] = mapped_column(
        ForeignKey("customers.customer_id"), index=True
    )
    verified_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class VerificationCounterRow(Base):
    """Failures of a conversation (scope ``sender``), an origin or a policy number.

    The row is also what parallel checks of the same subject queue on. ``subject`` is a
    SHA-256, so that it has a bounded length and keeps nothing a customer typed.
    """

    __tablename__ = "verification_counters"
    __table_args__ = (
        CheckConstraint("scope IN ('sender','origin','policy')", name="scope"),
        CheckConstraint("failures >= 0", name="failures"),
    )

    scope: Mapped[str] = mapped_column(String(10), primary_key=True)
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    window_ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class VerificationAttemptRow(Base):
    """One step of an identity check that was made, for the auditor.

    Subjects are the hashes of `VerificationCounterRow`. ``step`` is ``pair`` for policy
    number and ID tail, ``code`` for the code sent by SMS.
    """

    __tablename__ = "verification_attempts"

    attempt_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    sender_subject: Mapped[str] = mapped_column(String(64), index=True)
    policy_subject: Mapped[str] = mapped_column(String(64), index=True)
    succeeded: Mapped[bool] = mapped_column(Boolean)
    step: Mapped[str] = mapped_column(String(10), server_default="pair")


class ServiceRequestRow(Base):
    """A wish somebody works on."""

    __tablename__ = "service_requests"
    __table_args__ = (
        UniqueConstraint("turn_id", "kind"),
        Index("ix_service_requests_status_due_at", "status", "due_at"),
    )

    request_no: Mapped[str] = mapped_column(String(20), primary_key=True)
    sender_id: Mapped[str] = mapped_column(String(200), index=True)
    customer_id: Mapped[str | None] = mapped_column(
        ForeignKey("customers.customer_id"), index=True
    )
    kind: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    needs_human: Mapped[bool] = mapped_column(Boolean)
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    turn_id: Mapped[str] = mapped_column(String(100))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_clause: Mapped[str | None] = mapped_column(String(60))
    handler: Mapped[str | None] = mapped_column(String(60))
    result: Mapped[str | None] = mapped_column(Text)
    evidence: Mapped[str | None] = mapped_column(Text)  # how it was done, and where

    history: Mapped[list[RequestHistoryRow]] = relationship(
        order_by="RequestHistoryRow.position"
    )


class RequestHistoryRow(Base):
    """One status a service request went through."""

    __tablename__ = "service_request_history"

    request_no: Mapped[str] = mapped_column(
        ForeignKey("service_requests.request_no"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str | None] = mapped_column(Text)


class StoreFactRow(Base):
    """What the store was last brought up to date with, by name."""

    __tablename__ = "store_facts"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
