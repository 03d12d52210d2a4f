"""Table of one-time codes; `model` has the values that leave this package."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from actions.database import Base, UtcDateTime
from actions.policystore.tables import RowId


class OneTimeCodeRow(Base):
    """A code (验证码) sent to a customer; the newest of a conversation is the valid one.

    Subjects are the hashes of `VerificationCounterRow`. The code itself is kept like an
    ID tail. Rows stay for a day after use: they are what a day's codes are counted by.
    """

    __tablename__ = "one_time_codes"
    __table_args__ = (
        CheckConstraint("tries_left >= 0", name="tries_left"),
        Index("ix_one_time_codes_customer_id_sent_at", "customer_id", "sent_at"),
    )

    code_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    sender_subject: Mapped[str] = mapped_column(String(64), index=True)
    policy_subject: Mapped[str] = mapped_column(String(64))
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.customer_id"))
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries_left: Mapped[int]
    idempotency_key: Mapped[str] = mapped_column(String(32), unique=True)
