"""Complaints, claims and service requests as they are handled, with words and files."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)  # UTC
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (
    "complaint_words",
    "claim_calculation",
    "claim_files",
    "service_request_history",
    "store_facts",
)


def upgrade() -> None:
    _complaints()
    _claims()
    _requests()
    op.create_table(
        "store_facts",
        Column("name", sa.String(40), primary_key=True),
        Column("value", sa.String(200), nullable=False),
        Column("at", MOMENT, nullable=False),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_index("ix_service_requests_status_due_at", "service_requests")
    _drop_columns("service_requests", "due_at", "due_clause", "handler", "result")
    _drop_columns(
        "complaints",
        "handler",
        "accused",
        "extension_level",
        "extension_asked_by",
        "decided_by",
        "decided_at",
    )


def _add_columns(table: str, *columns: Column[Any]) -> None:
    for column in columns:
        op.add_column(table, column)


def _drop_columns(table: str, *names: str) -> None:
    for name in names:
        op.drop_column(table, name)


def _complaints() -> None:
    _add_columns(
        "complaints",
        Column("handler", sa.String(60), nullable=True),
        Column("accused", sa.String(100), nullable=True),
        Column("extension_level", sa.Integer(), nullable=False, server_default="0"),
        Column("extension_asked_by", sa.String(60), nullable=True),
        Column("decided_by", sa.String(60), nullable=True),
        Column("decided_at", MOMENT, nullable=True),
    )
    op.create_table(
        "complaint_words",
        Column("entry_no", ROW_ID, primary_key=True, autoincrement=False),
        Column(
            "complaint_no",
            sa.String(20),
            sa.ForeignKey(
                "complaints.complaint_no",
                name="fk_complaint_words_complaint_no_complaints",
            ),
            nullable=False,
        ),
        Column("kind", sa.String(40), nullable=False),
        Column("at", MOMENT, nullable=False),
        Column("text", sa.Text(), nullable=False),
        Column("salt", sa.String(32), nullable=False),
    )
    op.create_index(
        "ix_complaint_words_complaint_no", "complaint_words", ["complaint_no"]
    )


def _claims() -> None:
    op.create_table(
        "claim_calculation",
        _claim_no("claim_calculation", primary_key=True),
        Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        Column("label", sa.String(200), nullable=False),
        Column("amount_fen", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "claim_files",
        _claim_no("claim_files", primary_key=True),
        Column("file_id", sa.String(64), primary_key=True),
        Column("paper", sa.String(200), nullable=False),
        Column("name", sa.String(200), nullable=False),
        Column("received_at", MOMENT, nullable=False),
    )


def _claim_no(table: str, **options: Any) -> Column[str]:
    target = sa.ForeignKey("claims.claim_no", name=f"fk_{table}_claim_no_claims")
    return Column("claim_no", sa.String(20), target, **options)


def _requests() -> None:
    _add_columns(
        "service_requests",
        Column("due_at", MOMENT, nullable=True),
        Column("due_clause", sa.String(60), nullable=True),
        Column("handler", sa.String(60), nullable=True),
        Column("result", sa.Text(), nullable=True),
    )
    op.create_index(
        "ix_service_requests_status_due_at", "service_requests", ["status", "due_at"]
    )
    op.create_table(
        "service_request_history",
        Column(
            "request_no",
            sa.String(20),
            sa.ForeignKey(
                "service_requests.request_no",
                name="fk_service_request_history_request_no_service_requests",
            ),
            primary_key=True,
        ),
        Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        Column("status", sa.String(20), nullable=False),
        Column("at", MOMENT, nullable=False),
        Column("actor", sa.String(60), nullable=False),
        Column("reason", sa.Text(), nullable=True),
    )
