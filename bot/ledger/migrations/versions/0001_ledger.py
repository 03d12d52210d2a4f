"""The ledger as it was first released."""

import sqlalchemy as sa
from alembic import op

from bot.ledger.tables import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("sender_id", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("queued_at", UtcDateTime(), nullable=True),
        sa.Column("queue_rank", sa.Integer(), server_default="0", nullable=False),
        sa.Column("skill", sa.String(length=50), nullable=True),
        sa.Column("agent", sa.String(length=100), nullable=True),
        sa.Column("hinted_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("sender_id", name=op.f("pk_conversations")),
    )
    op.create_index(
        "ix_conversations_status_queue",
        "conversations",
        ["status", "queue_rank", "queued_at"],
        unique=False,
    )
    op.create_table(
        "attachments",
        sa.Column("attachment_id", sa.String(length=64), nullable=False),
        sa.Column("sender_id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sender_id"],
            ["conversations.sender_id"],
            name=op.f("fk_attachments_sender_id"),
        ),
        sa.PrimaryKeyConstraint("attachment_id", name=op.f("pk_attachments")),
    )
    op.create_index(
        "ix_attachments_sender_id", "attachments", ["sender_id"], unique=False
    )
    op.create_table(
        "deliveries",
        sa.Column("sender_id", sa.String(length=200), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sender_id"],
            ["conversations.sender_id"],
            name=op.f("fk_deliveries_sender_id"),
        ),
        sa.PrimaryKeyConstraint(
            "sender_id", "seq", "channel", name=op.f("pk_deliveries")
        ),
    )
    op.create_index(
        "ix_deliveries_pending",
        "deliveries",
        ["sender_id", "seq"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "handoffs",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("sender_id", sa.String(length=200), nullable=False),
        sa.Column("moved_from", sa.String(length=16), nullable=False),
        sa.Column("moved_to", sa.String(length=16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("skill", sa.String(length=50), nullable=True),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("turn_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["sender_id"],
            ["conversations.sender_id"],
            name=op.f("fk_handoffs_sender_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoffs")),
    )
    op.create_index(
        "ix_handoffs_sender_id_at", "handoffs", ["sender_id", "at"], unique=False
    )
    op.create_table(
        "messages",
        sa.Column("sender_id", sa.String(length=200), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("author", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("in_reply_to", sa.BigInteger(), nullable=True),
        sa.Column("message_key", sa.String(length=200), nullable=True),
        sa.Column("idempotency_key", sa.String(length=200), nullable=True),
        sa.Column("turn_id", sa.String(length=64), nullable=True),
        sa.Column("refused", sa.String(length=32), nullable=True),
        sa.Column("awaiting", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sender_id"],
            ["conversations.sender_id"],
            name=op.f("fk_messages_sender_id"),
        ),
        sa.PrimaryKeyConstraint("sender_id", "seq", name=op.f("pk_messages")),
        sa.UniqueConstraint(
            "sender_id",
            "idempotency_key",
            name=op.f("uq_messages_sender_id_idempotency_key"),
        ),
        sa.UniqueConstraint(
            "sender_id", "message_key", name=op.f("uq_messages_sender_id_message_key")
        ),
    )
    op.create_index(
        "ix_messages_awaiting",
        "messages",
        ["sender_id", "seq"],
        unique=False,
        sqlite_where=sa.text("awaiting = 1"),
        postgresql_where=sa.text("awaiting"),
    )
    op.create_table(
        "turns",
        sa.Column("turn_id", sa.String(length=64), nullable=False),
        sa.Column("sender_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("dropped", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("intent", sa.String(length=100), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("trace", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["sender_id"], ["conversations.sender_id"], name=op.f("fk_turns_sender_id")
        ),
        sa.PrimaryKeyConstraint("turn_id", name=op.f("pk_turns")),
    )
    op.create_index(
        "ix_turns_sender_id_started_at",
        "turns",
        ["sender_id", "started_at"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("turns")
    op.drop_table("messages")
    op.drop_table("handoffs")
    op.drop_table("deliveries")
    op.drop_table("attachments")
    op.drop_table("conversations")
