"""Failures of identity checks by origin.

The counters are made anew: what they hold is an hour old at most.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)  # UTC


def upgrade() -> None:
    _make("'sender','origin','policy'")


def downgrade() -> None:
    _make("'sender','policy'")


def _make(scopes: str) -> None:
    op.drop_table("verification_counters")
    op.create_table(
        "verification_counters",
        sa.Column("scope", sa.String(10), primary_key=True),
        sa.Column("subject", sa.String(64), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("window_ends_at", MOMENT, nullable=True),
        sa.Column("locked_until", MOMENT, nullable=True),
        sa.CheckConstraint(
            f"scope IN ({scopes})", name="ck_verification_counters_scope"
        ),
        sa.CheckConstraint("failures >= 0", name="ck_verification_counters_failures"),
    )
    op.create_index(
        "ix_verification_counters_window_ends_at",
        "verification_counters",
        ["window_ends_at"],
    )
