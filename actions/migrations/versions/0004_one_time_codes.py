"""One-time codes by SMS; which step of an identity check an attempt was."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)  # UTC
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "one_time_codes",
        sa.Column("code_id", ROW_ID, primary_key=True),
        sa.Column("sender_subject", sa.String(64), nullable=False),
        sa.Column("policy_subject", sa.String(64), nullable=False),
        sa.Column(
            "customer_id",
            sa.String(40),
            sa.ForeignKey("customers.customer_id"),
            nullable=False,
        ),
        sa.Column("salt", sa.LargeBinary(16), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.String(32), nullable=False),
        sa.CheckConstraint("tries_left >= 0", name="ck_one_time_codes_tries_left"),
        sa.UniqueConstraint(
            "idempotency_key", name="uq_one_time_codes_idempotency_key"
        ),
    )
    op.create_index(
        "ix_one_time_codes_customer_id_sent_at",
        "one_time_codes",
        ["customer_id", "sent_at"],
    )
    op.create_index(
        "ix_one_time_codes_sender_subject", "one_time_codes", ["sender_subject"]
    )
    op.add_column(
        "verification_attempts",
        sa.Column("step", sa.String(10), nullable=False, server_default="pair"),
    )


def downgrade() -> None:
    op.drop_column("verification_attempts", "step")
    op.drop_table("one_time_codes")
