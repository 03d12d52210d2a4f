"""Deliveries in pieces, turns that are taken up again.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from bot.ledger.tables import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OPEN = "state IN ('pending', 'sending') AND channel <> 'web'"
_ENDED = "state IN ('undeliverable', 'unknown', 'dropped')"


def upgrade() -> None:
    op.add_column(
        "turns", sa.Column("attempt", sa.Integer(), nullable=False, server_default="1")
    )
    op.add_column("turns", sa.Column("postponed_at", UtcDateTime()))
    for name in ("progress", "unsure"):
        op.add_column(
            "deliveries",
            sa.Column(name, sa.Integer(), nullable=False, server_default="0"),
        )
    op.add_column("deliveries", sa.Column("not_before", UtcDateTime()))
    op.create_index(
        "ix_deliveries_open",
        "deliveries",
        ["sender_id", "seq"],
        sqlite_where=sa.text(_OPEN),
        postgresql_where=sa.text(_OPEN),
    )
    op.create_index(
        "ix_deliveries_state_updated_at",
        "deliveries",
        ["state", "updated_at"],
        sqlite_where=sa.text(_ENDED),
        postgresql_where=sa.text(_ENDED),
    )


def downgrade() -> None:
    op.drop_index("ix_deliveries_state_updated_at", "deliveries")
    op.drop_index("ix_deliveries_open", "deliveries")
    for name in ("not_before", "unsure", "progress"):
        op.drop_column("deliveries", name)
    op.drop_column("turns", "postponed_at")
    op.drop_column("turns", "attempt")
