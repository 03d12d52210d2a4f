"""Tries to log in, counted by device, name and address instead of by account.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from bot.ledger.tables import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "login_tries",
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "subject", name="pk_login_tries"),
    )
    op.create_index("ix_login_tries_until_ms", "login_tries", ["until_ms"])
    op.drop_column("agents", "failures")
    op.drop_column("agents", "locked_until")


def downgrade() -> None:
    failures = sa.Column("failures", sa.Integer(), nullable=False, server_default="0")
    op.add_column("agents", failures)
    op.add_column("agents", sa.Column("locked_until", UtcDateTime()))
    op.drop_table("login_tries")
