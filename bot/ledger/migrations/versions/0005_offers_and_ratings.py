"""Offers of queued conversations to agents, and customers' ratings.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from bot.ledger.tables import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("last_agent", sa.String(100)))
    op.add_column("conversations", sa.Column("offered_to", sa.String(50)))
    op.add_column("conversations", sa.Column("offered_at", UtcDateTime()))
    op.add_column("conversations", sa.Column("passed_by", sa.JSON()))
    op.add_column("handoffs", sa.Column("category", sa.String(50)))
    op.create_index("ix_handoffs_moved_to_at", "handoffs", ["moved_to", "at"])
    op.create_table(
        "ratings",
        sa.Column(
            "sender_id",
            sa.String(200),
            sa.ForeignKey("conversations.sender_id", name="fk_ratings_sender_id"),
            nullable=False,
        ),
        sa.Column("episode", sa.String(200), nullable=False),
        sa.Column("about", sa.String(100), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("score", sa.Integer()),
        sa.Column("answered_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("sender_id", "episode", name="pk_ratings"),
    )
    op.create_index("ix_ratings_about_asked_at", "ratings", ["about", "asked_at"])


def downgrade() -> None:
    op.drop_table("ratings")
    op.drop_column("handoffs", "category")
    op.drop_index("ix_handoffs_moved_to_at", "handoffs")
    for name in ("passed_by", "offered_at", "offered_to", "last_agent"):
        op.drop_column("conversations", name)
