"""Tables of complaints and of their log; `model` has the values that leave here."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from actions.database import Base, UtcDateTime
from actions.policystore.tables import RowId


class ComplaintRow(Base):
    """A complaint as it stands now; how it came there is in `ComplaintLogRow`."""

    __tablename__ = "complaints"
    __table_args__ = (Index("ix_complaints_status_due_at", "status", "due_at"),)

    complaint_no: Mapped[str] = mapped_column(String(20), primary_key=True)
    sender_id: Mapped[str] = mapped_column(String(200), index=True)
    customer_id: Mapped[str | None] = mapped_column(
        ForeignKey("customers.customer_id"), index=True
    )
    category: Mapped[str] = mapped_column(String(40))
    what: Mapped[str] = mapped_column(Text)
    wanted: Mapped[str] = mapped_column(Text)
    contact_phone: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(20))
    filed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_clause: Mapped[str] = mapped_column(String(60))
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    content_salt: Mapped[str] = mapped_column(String(32))
    turn_id: Mapped[str] = mapped_column(String(100), unique=True)
    handler: Mapped[str | None] = mapped_column(String(60))
    accused: Mapped[str | None] = mapped_column(String(100))  # as it was said
    # The account that was meant; `people.OUTSIDE` when none of ours, said outright.
    accused_login: Mapped[str | None] = mapped_column(String(60))
    accused_title: Mapped[str | None] = mapped_column(String(60))
    extension_level: Mapped[int] = mapped_column(default=0, server_default="0")
    extension_asked_by: Mapped[str | None] = mapped_column(String(60))
    decided_by: Mapped[str | None] = mapped_column(String(60))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ComplaintWordsRow(Base):
    """What was said with an entry of the log, which has only its salted digest."""

    __tablename__ = "complaint_words"

    entry_no: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    complaint_no: Mapped[str] = mapped_column(
        ForeignKey("complaints.complaint_no"), index=True
    )
    kind: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    text: Mapped[str] = mapped_column(Text)
    salt: Mapped[str] = mapped_column(String(32))


class ComplaintLogRow(Base):
    """One entry of the hash-chained complaint log; triggers refuse changes.

    ``data`` is the exact text the hash was made of. ``prev_hash`` is unique: the chain
    cannot fork. No foreign key: the log must survive whatever happens to a complaint.
    """

    __tablename__ = "complaint_log"

    entry_no: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    complaint_no: Mapped[str] = mapped_column(String(20), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    at: Mapped[str] = mapped_column(String(40))
    actor: Mapped[str] = mapped_column(String(220))
    data: Mapped[str] = mapped_column(Text)
    prev_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)


class ComplaintLogHeadRow(Base):
    """The log's last entry, kept apart: shows when the end was cut off."""

    __tablename__ = "complaint_log_head"
    __table_args__ = (CheckConstraint("head_id = 1", name="single"),)

    head_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_no: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))
