"""Table of what customers are still to be told about their cases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from actions.database import Base, UtcDateTime
from actions.policystore.tables import RowId


class CaseNewsRow(Base):
    """News of a case, written with the step that made it and told by the edge.

    ``key`` makes a second telling harmless. ``failed`` says why it is never told.
    """

    __tablename__ = "case_news"
    __table_args__ = (Index("ix_case_news_told_at", "told_at", "news_id"),)

    news_id: Mapped[int] = mapped_column(RowId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    number: Mapped[str] = mapped_column(String(20))
    notice: Mapped[str] = mapped_column(String(40))
    said: Mapped[dict[str, Any]] = mapped_column(JSON)  # values of the notice
    senders: Mapped[list[str]] = mapped_column(JSON)
    key: Mapped[str] = mapped_column(String(100), unique=True)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failed: Mapped[str | None] = mapped_column(String(100))
