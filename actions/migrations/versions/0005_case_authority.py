"""Accounts in place of names, who may decide and pay a claim, news not yet told."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)  # UTC
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("complaints", sa.Column("accused_login", sa.String(60)))
    op.add_column("complaints", sa.Column("accused_title", sa.String(60)))
    op.add_column("claims", sa.Column("handler", sa.String(60)))
    op.add_column("claims", sa.Column("paid_fen", sa.BigInteger()))
    op.add_column("claims", sa.Column("approval", sa.JSON()))
    op.add_column("service_requests", sa.Column("evidence", sa.Text()))
    op.create_table(
        "case_news",
        sa.Column("news_id", ROW_ID, primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("notice", sa.String(40), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("senders", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("failed", sa.String(100), nullable=True),
        sa.UniqueConstraint("key", name="uq_case_news_key"),
    )
    op.create_index("ix_case_news_told_at", "case_news", ["told_at", "news_id"])


def downgrade() -> None:
    op.drop_table("case_news")
    op.drop_column("service_requests", "evidence")
    op.drop_column("claims", "approval")
    op.drop_column("claims", "paid_fen")
    op.drop_column("claims", "handler")
    op.drop_column("complaints", "accused_title")
    op.drop_column("complaints", "accused_login")
