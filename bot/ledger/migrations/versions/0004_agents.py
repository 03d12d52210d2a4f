"""Agents of the desk, their sessions, notes and log.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from bot.ledger.tables import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "agents",
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("title", sa.String(50), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("seen_at", UtcDateTime()),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("locked_until", UtcDateTime()),
        sa.PrimaryKeyConstraint("name", name="pk_agents"),
    )
    op.create_table(
        "agent_sessions",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column(
            "agent",
            sa.String(50),
            sa.ForeignKey("agents.name", name="fk_agent_sessions_agent"),
            nullable=False,
        ),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_agent_sessions"),
    )
    op.create_table(
        "notes",
        sa.Column("note_id", _Id, autoincrement=True, nullable=False),
        sa.Column(
            "sender_id",
            sa.String(200),
            sa.ForeignKey("conversations.sender_id", name="fk_notes_sender_id"),
            nullable=False,
        ),
        sa.Column("agent", sa.String(50), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("note_id", name="pk_notes"),
    )
    op.create_index("ix_notes_sender_id", "notes", ["sender_id"])
    op.create_table(
        "desk_log",
        sa.Column("id", _Id, autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("agent", sa.String(50), nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("sender_id", sa.String(200)),
        sa.Column("detail", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_desk_log"),
    )


def downgrade() -> None:
    for name in ("desk_log", "notes", "agent_sessions", "agents"):
        op.drop_table(name)
