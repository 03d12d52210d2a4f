"""What platforms allow, lend and tell: allowances, tokens, contacts, files.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from bot.ledger.tables import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ENDED = "state IN ('undeliverable', 'unknown', 'dropped', 'kept')"
_ENDED_BEFORE = "state IN ('undeliverable', 'unknown', 'dropped')"
_KEPT = "state = 'kept'"


def upgrade() -> None:
    op.add_column("conversations", sa.Column("push_after", UtcDateTime()))
    op.add_column(
        "deliveries",
        sa.Column("numbered", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    _replace_ended(_ENDED)
    op.create_index(
        "ix_deliveries_kept",
        "deliveries",
        ["sender_id", "seq"],
        sqlite_where=sa.text(_KEPT),
        postgresql_where=sa.text(_KEPT),
    )
    op.create_table(
        "allowances",
        _sender_id("allowances"),
        sa.Column("trigger", sa.String(16), nullable=False),
        sa.Column("allowed", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("granted_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("refused", sa.String(32)),
        sa.PrimaryKeyConstraint("sender_id", "trigger", name="pk_allowances"),
    )
    op.create_table(
        "passive_replies",
        _sender_id("passive_replies"),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sender_id", "seq", name="pk_passive_replies"),
    )
    op.create_table(
        "contacts",
        sa.Column("sender_id", sa.String(200), nullable=False),
        sa.Column("following", sa.Boolean(), nullable=False),
        sa.Column("scene", sa.String(100)),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("reminded_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("sender_id", name="pk_contacts"),
    )
    op.create_table(
        "platform_tokens",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("token", sa.Text()),
        sa.Column("expires_at", UtcDateTime()),
        sa.Column("leased_until", UtcDateTime()),
        sa.PrimaryKeyConstraint("name", name="pk_platform_tokens"),
    )
    op.create_table(
        "media_fetches",
        sa.Column("attachment_id", sa.String(64), nullable=False),
        sa.Column("sender_id", sa.String(200), nullable=False),
        sa.Column("media_ref", sa.String(500), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("not_before", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("attachment_id", name="pk_media_fetches"),
    )
    op.create_index("ix_media_fetches_not_before", "media_fetches", ["not_before"])


def downgrade() -> None:
    for name in (
        "media_fetches",
        "platform_tokens",
        "contacts",
        "passive_replies",
        "allowances",
    ):
        op.drop_table(name)
    op.drop_index("ix_deliveries_kept", "deliveries")
    _replace_ended(_ENDED_BEFORE)
    op.drop_column("deliveries", "numbered")
    op.drop_column("conversations", "push_after")


def _replace_ended(condition: str) -> None:
    op.drop_index("ix_deliveries_state_updated_at", "deliveries")
    op.create_index(
        "ix_deliveries_state_updated_at",
        "deliveries",
        ["state", "updated_at"],
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )


def _sender_id(table: str) -> sa.Column[str]:
    return sa.Column(
        "sender_id",
        sa.String(200),
        sa.ForeignKey("conversations.sender_id", name=f"fk_{table}_sender_id"),
        nullable=False,
    )
