"""Signatures of platforms' calls: each counts once.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from bot.ledger.tables import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "callback_nonces",
        sa.Column("signature", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("signature", name="pk_callback_nonces"),
    )
    op.create_index("ix_callback_nonces_at", "callback_nonces", ["at"])


def downgrade() -> None:
    op.drop_table("callback_nonces")
