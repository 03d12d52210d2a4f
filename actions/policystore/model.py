"""Values of the policy store, frozen; money in integer fen, moments UTC-aware.

Dates (``date``) are days in Beijing. Product names and paper names are data in Chinese.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

PolicyStatus = Literal["in_force", "lapsed", "surrendered", "matured", "expired"]
ClaimStatus = Literal[
    "reported",
    "papers_missing",
    "under_survey",
    "under_assessment",
    "approved",
    "partially_approved",
    "declined",
    "paying",
    "paid",
    "closed",
    "withdrawn",
]
ComplaintStatus = Literal[
    "received",
    "investigating",
    "extended",
    "decided",
    "reviewing",
    "closed",
    "withdrawn",
]
RequestKind = Literal["document", "change", "surrender", "notice", "privacy"]
RequestStatus = Literal["open", "in_progress", "done", "declined", "withdrawn"]


@dataclass(frozen=True)
class Customer:
    """A person the insurer knows; the ID tail is kept as a hash and never read."""

    customer_id: str
    name: str
    phone: str


@dataclass(frozen=True)
class Verified:
    """The check succeeded; the conversation is bound to this customer."""

    customer: Customer


@dataclass(frozen=True)
class Mismatch:
    """The two do not belong together, or there is no such policy: nobody is told."""

    attempts_left: int


@dataclass(frozen=True)
class Locked:
    """No check before ``until``: too many failures here, or on this policy."""

    until: datetime


@dataclass(frozen=True)
class CodeDue:
    """The two fit; nobody is bound before this one-time code (验证码) comes back.

    Attributes:
        idempotency_key: Names this sending, also when it is tried again.
        expires_at: Moment from which the code is worth nothing.
    """

    customer: Customer
    code: str = field(repr=False)
    idempotency_key: str
    expires_at: datetime


@dataclass(frozen=True)
class CodeTooSoon:
    """The two fit; the conversation's last code is too young for another one."""

    until: datetime


@dataclass(frozen=True)
class CodesUsedUp:
    """The two fit; the customer was sent as many codes as a day allows."""

    until: datetime


@dataclass(frozen=True)
class WrongCode:
    """Not the code that was sent."""

    attempts_left: int


@dataclass(frozen=True)
class NoCode:
    """There is no code to compare with: too old, tried too often, or none was sent."""


IdentityOutcome = Verified | Mismatch | Locked | CodeDue | CodeTooSoon | CodesUsedUp
CodeOutcome = Verified | WrongCode | NoCode | Locked


@dataclass(frozen=True)
class Coverage:
    """One benefit of a policy (保障项目); no amount means as the clause says."""

    name: str
    amount_fen: int | None
    note: str | None = None


@dataclass(frozen=True)
class Premium:
    """One instalment (保费); ``paid_at`` is None until the money is there."""

    due_on: date
    amount_fen: int
    paid_at: datetime | None = None


@dataclass(frozen=True)
class Policy:
    """A policy (保单) of one holder.

    Attributes:
        product: Product word such as 重疾险; ``product_code`` is its sheet's file stem.
        name: Full name of the product.
        renewal_due: Day the next premium or renewal is due; None when nothing is due.
        waiting_until: Last day of the waiting period (等待期), None without one.
        cooling_off_until: Last day of the cooling-off period (犹豫期), None without.
    """

    policy_no: str
    product: str
    product_code: str
    name: str
    status: PolicyStatus
    insured_name: str
    sum_insured_fen: int
    premium_fen: int
    start: date
    end: date | None
    renewal_due: date | None = None
    waiting_until: date | None = None
    cooling_off_until: date | None = None
    lapsed_on: date | None = None
    plate_no: str | None = None
    coverages: tuple[Coverage, ...] = ()
    premiums: tuple[Premium, ...] = ()


@dataclass(frozen=True)
class ClaimStatusChange:
    """One entry of a claim's history; ``actor`` is customer, insurer or system."""

    status: ClaimStatus
    at: datetime
    actor: str
    reason: str | None = None


@dataclass(frozen=True)
class Paper:
    """A claim paper (理赔材料)."""

    name: str
    required: bool
    received_at: datetime | None = None


@dataclass(frozen=True)
class ClaimFile:
    """A file sent for one paper; ``file_id`` is the edge's attachment id."""

    file_id: str
    paper: str
    name: str
    received_at: datetime


@dataclass(frozen=True)
class CalculationLine:
    """One line of how an amount came about, in fen; deductions are below nothing."""

    label: str
    fen: int


@dataclass(frozen=True)
class ClauseRef:
    """Where a decision stands: product word and reference, e.g. 第六条(二)."""

    product: str
    ref: str


@dataclass(frozen=True)
class ClaimReport:
    """What a customer tells when reporting a claim (报案).

    Attributes:
        happened_at: The event's moment as understood; None when it was not.
        happened_text: The customer's own words for it, e.g. 昨天下午.
        papers: Names of the papers this claim will need, when already known.
        kind: Type of claim in Chinese; the product's name when not said.
    """

    policy_no: str
    what: str
    happened_at: datetime | None
    happened_text: str
    place: str
    injured: bool
    contact_phone: str
    papers: tuple[str, ...] = ()
    kind: str | None = None


@dataclass(frozen=True)
class Claim:
    """A claim (理赔案件).

    Attributes:
        kind: Type of claim in Chinese, e.g. 重大疾病.
        status_since: When the present status began.
        amount_fen: Decided or paid amount; None before a decision.
        calculation: How the amount came about; the lines add up to it.
    """

    claim_no: str
    policy_no: str
    product: str
    kind: str
    status: ClaimStatus
    status_since: datetime
    reported_at: datetime
    what: str
    happened_at: datetime | None
    happened_text: str
    place: str
    injured: bool
    contact_phone: str
    amount_fen: int | None = None
    decision_reason: str | None = None
    decision_clause: ClauseRef | None = None
    history: tuple[ClaimStatusChange, ...] = ()
    papers: tuple[Paper, ...] = ()
    calculation: tuple[CalculationLine, ...] = ()
    files: tuple[ClaimFile, ...] = ()


@dataclass(frozen=True)
class ComplaintIntake:
    """A complaint (投诉) as told; ``customer_id`` is None when nobody was verified."""

    sender_id: str
    customer_id: str | None
    category: str
    what: str
    wanted: str
    contact_phone: str
    channel: str


@dataclass(frozen=True)
class Said:
    """Words of the insurer to a complainant, and when."""

    at: datetime
    text: str


@dataclass(frozen=True)
class Complaint:
    """A complaint with its promise: answered by ``due_at``, says ``due_clause``.

    Attributes:
        progress: Notes on how it goes on, oldest first.
        decision: The latest decision, None before there is one.
    """

    complaint_no: str
    category: str
    what: str
    wanted: str
    contact_phone: str
    channel: str
    status: ComplaintStatus
    filed_at: datetime
    due_at: datetime
    due_clause: str
    withdrawn_at: datetime | None = None
    progress: tuple[Said, ...] = ()
    decision: Said | None = None


@dataclass(frozen=True)
class ServiceRequest:
    """A wish somebody works on (服务申请): a document, a change, surrender.

    Attributes:
        due_at: When it is answered, says ``due_clause``; None when no clause says.
        result: What came of it, in words the customer is shown.
        evidence: How it was done and where that can be looked up.
    """

    request_no: str
    kind: RequestKind
    status: str
    requested_at: datetime
    needs_human: bool
    detail: Mapping[str, Any] = field(default_factory=dict)
    due_at: datetime | None = None
    due_clause: str | None = None
    handler: str | None = None
    result: str | None = None
    evidence: str | None = None
    history: tuple[RequestChange, ...] = ()


@dataclass(frozen=True)
class RequestChange:
    """One entry of a request's history; ``actor`` is customer, system or a login."""

    status: str
    at: datetime
    actor: str
    reason: str | None = None
