"""Tables of the agreement room: imported versions and their clauses."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    ForeignKey,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from actions.database import Base, UtcDateTime

RowId = BigInteger().with_variant(Integer(), "sqlite")


class AgreementVersionRow(Base):
    """One imported text of one document; never changed after the import."""

    __tablename__ = "agreement_versions"
    __table_args__ = (
        UniqueConstraint("document", "version"),
        UniqueConstraint("document", "text_hash", "effective_from"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    document: Mapped[str] = mapped_column(String(64))  # "service", a product code
    version: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(200))
    effective_from: Mapped[date] = mapped_column(Date)
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    text_hash: Mapped[str] = mapped_column(String(64))
    source_name: Mapped[str] = mapped_column(String(255))
    truncated: Mapped[bool]
    report: Mapped[dict[str, Any]] = mapped_column(JSON)  # parties, skipped, unplaced
    clauses: Mapped[list[AgreementClauseRow]] = relationship(
        order_by="AgreementClauseRow.position", cascade="all, delete-orphan"
    )


class AgreementUseRow(Base):
    """A version taken into force from a day on; of equal days the later row holds.

    Without a version it is the bundled text that is taken back.
    """

    __tablename__ = "agreement_uses"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    document: Mapped[str] = mapped_column(String(64))
    version_id: Mapped[int | None] = mapped_column(
        ForeignKey("agreement_versions.id", ondelete="CASCADE")
    )
    from_day: Mapped[date] = mapped_column(Date)
    chosen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AgreementClauseRow(Base):
    """One clause in its original wording; blanks are filled when it is read."""

    __tablename__ = "agreement_clauses"
    __table_args__ = (UniqueConstraint("version_id", "ref"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    version_id: Mapped[int] = mapped_column(
        ForeignKey("agreement_versions.id", ondelete="CASCADE")
    )
    position: Mapped[int]
    ref: Mapped[str] = mapped_column(String(64))
    parent: Mapped[str | None] = mapped_column(String(64))
    level: Mapped[int]
    has_children: Mapped[bool]
    title: Mapped[str] = mapped_column(String(200))
    path: Mapped[list[str]] = mapped_column(JSON)  # titles above, outermost first
    text: Mapped[str] = mapped_column(Text)
