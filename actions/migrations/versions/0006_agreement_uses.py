"""Which version of a document is in force from which day, chosen again at any time."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)  # UTC
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "agreement_uses",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("document", sa.String(64), nullable=False),
        sa.Column("version_id", ROW_ID, nullable=True),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("chosen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agreement_uses"),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["agreement_versions.id"],
            name="fk_agreement_uses_version_id_agreement_versions",
            ondelete="CASCADE",
        ),
    )
    # What was in force by its date stays so.
    op.execute(
        "INSERT INTO agreement_uses (document, version_id, from_day, chosen_at) "
        "SELECT document, id, effective_from, imported_at "
        "FROM agreement_versions ORDER BY id"
    )


def downgrade() -> None:
    op.drop_table("agreement_uses")
