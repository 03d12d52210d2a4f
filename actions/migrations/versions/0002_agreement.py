"""Imported versions of the agreement and of product sheets, with their clauses."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)  # UTC
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "agreement_versions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("document", sa.String(64), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("imported_at", MOMENT, nullable=False),
        sa.Column("text_hash", sa.String(64), nullable=False),
        sa.Column("source_name", sa.String(255), nullable=False),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agreement_versions"),
        sa.UniqueConstraint(
            "document", "version", name="uq_agreement_versions_document_version"
        ),
        sa.UniqueConstraint(
            "document",
            "text_hash",
            "effective_from",
            name="uq_agreement_versions_document_text_hash_effective_from",
        ),
    )
    op.create_table(
        "agreement_clauses",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("version_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(64), nullable=False),
        sa.Column("parent", sa.String(64), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("has_children", sa.Boolean(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("path", sa.JSON(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agreement_clauses"),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["agreement_versions.id"],
            name="fk_agreement_clauses_version_id_agreement_versions",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint(
            "version_id", "ref", name="uq_agreement_clauses_version_id_ref"
        ),
    )


def downgrade() -> None:
    op.drop_table("agreement_clauses")
    op.drop_table("agreement_versions")
