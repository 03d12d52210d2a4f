"""Other desks: up to where they were told, and what they called for.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from bot.ledger.tables import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desk_links",
        sa.Column("link", sa.String(32), nullable=False),
        sa.Column("sender_id", sa.String(200), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("move_id", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("external_id", sa.String(64)),
        sa.Column("external", sa.JSON(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_at", UtcDateTime()),
        sa.Column("leased_until", UtcDateTime()),
        sa.Column("last_error", sa.String(200)),
        sa.PrimaryKeyConstraint("link", "sender_id", name="pk_desk_links"),
    )
    op.create_index("ix_desk_links_active", "desk_links", ["link", "active", "next_at"])
    op.create_index("ix_desk_links_external_id", "desk_links", ["link", "external_id"])
    op.create_table(
        "desk_hooks",
        sa.Column("hook_id", sa.String(100), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("hook_id", name="pk_desk_hooks"),
    )


def downgrade() -> None:
    op.drop_table("desk_hooks")
    op.drop_table("desk_links")
