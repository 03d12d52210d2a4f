"""Customers, policies, claims, complaints with their log, service requests."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)  # UTC
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REFUSAL = "complaint_log is append-only"
TABLES = (  # each after those it refers to
    "customers",
    "bindings",
    "verification_counters",
    "verification_attempts",
    "policies",
    "coverages",
    "premiums",
    "claims",
    "claim_history",
    "claim_papers",
    "complaints",
    "complaint_log",
    "complaint_log_head",
    "service_requests",
)


def upgrade() -> None:
    _customers()
    _policies()
    _claims()
    _complaints()
    _service_requests()
    _seal_complaint_log()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_complaint_log_change()")


def _ref(name: str, length: int, target: str, **options: Any) -> Column[str]:
    return Column(name, sa.String(length), sa.ForeignKey(target), **options)


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _customers() -> None:
    op.create_table(
        "customers",
        Column("customer_id", sa.String(40), primary_key=True),
        Column("name", sa.String(100), nullable=False),
        Column("phone", sa.String(32), nullable=False),
        Column("id_tail_salt", sa.LargeBinary(16), nullable=False),
        Column("id_tail_hash", sa.LargeBinary(32), nullable=False),
    )
    op.create_table(
        "bindings",
        Column("sender_id", sa.String(200), primary_key=True),
        _ref("customer_id", 40, "customers.customer_id", nullable=False),
        Column("verified_at", MOMENT, nullable=False),
        Column("expires_at", MOMENT, nullable=False),
    )
    _index("bindings", "customer_id")
    op.create_table(
        "verification_counters",
        Column("scope", sa.String(10), primary_key=True),
        Column("subject", sa.String(64), primary_key=True),
        Column("failures", sa.Integer(), nullable=False),
        Column("window_ends_at", MOMENT, nullable=True),
        Column("locked_until", MOMENT, nullable=True),
        sa.CheckConstraint(
            "scope IN ('sender','policy')", name="ck_verification_counters_scope"
        ),
        sa.CheckConstraint("failures >= 0", name="ck_verification_counters_failures"),
    )
    _index("verification_counters", "window_ends_at")
    op.create_table(
        "verification_attempts",
        Column("attempt_id", ROW_ID, primary_key=True),
        Column("at", MOMENT, nullable=False),
        Column("sender_subject", sa.String(64), nullable=False),
        Column("policy_subject", sa.String(64), nullable=False),
        Column("succeeded", sa.Boolean(), nullable=False),
    )
    _index("verification_attempts", "at")
    _index("verification_attempts", "policy_subject")
    _index("verification_attempts", "sender_subject")


def _policies() -> None:
    op.create_table(
        "policies",
        Column("policy_no", sa.String(20), primary_key=True),
        _ref("customer_id", 40, "customers.customer_id", nullable=False),
        Column("product", sa.String(40), nullable=False),
        Column("product_code", sa.String(40), nullable=False),
        Column("name", sa.String(100), nullable=False),
        Column("status", sa.String(20), nullable=False),
        Column("insured_name", sa.String(100), nullable=False),
        Column("sum_insured_fen", sa.BigInteger(), nullable=False),
        Column("premium_fen", sa.BigInteger(), nullable=False),
        Column("start_on", sa.Date(), nullable=False),
        Column("end_on", sa.Date(), nullable=True),
        Column("renewal_due", sa.Date(), nullable=True),
        Column("waiting_until", sa.Date(), nullable=True),
        Column("cooling_off_until", sa.Date(), nullable=True),
        Column("lapsed_on", sa.Date(), nullable=True),
        Column("plate_no", sa.String(16), nullable=True),
        sa.CheckConstraint(
            "sum_insured_fen >= 0 AND premium_fen >= 0", name="ck_policies_amounts"
        ),
    )
    _index("policies", "customer_id")
    op.create_table(
        "coverages",
        _ref("policy_no", 20, "policies.policy_no", primary_key=True),
        Column("position", sa.Integer(), autoincrement=False, primary_key=True),
        Column("name", sa.String(100), nullable=False),
        Column("amount_fen", sa.BigInteger(), nullable=True),
        Column("note", sa.Text(), nullable=True),
    )
    op.create_table(
        "premiums",
        _ref("policy_no", 20, "policies.policy_no", primary_key=True),
        Column("due_on", sa.Date(), primary_key=True),
        Column("amount_fen", sa.BigInteger(), nullable=False),
        Column("paid_at", MOMENT, nullable=True),
    )


def _claims() -> None:
    op.create_table(
        "claims",
        Column("claim_no", sa.String(20), primary_key=True),
        _ref("customer_id", 40, "customers.customer_id", nullable=False),
        _ref("policy_no", 20, "policies.policy_no", nullable=False),
        Column("kind", sa.String(40), nullable=False),
        Column("status", sa.String(20), nullable=False),
        Column("reported_at", MOMENT, nullable=False),
        Column("what", sa.Text(), nullable=False),
        Column("happened_at", MOMENT, nullable=True),
        Column("happened_text", sa.Text(), nullable=False),
        Column("place", sa.Text(), nullable=False),
        Column("injured", sa.Boolean(), nullable=False),
        Column("contact_phone", sa.String(40), nullable=False),
        Column("amount_fen", sa.BigInteger(), nullable=True),
        Column("decision_reason", sa.Text(), nullable=True),
        Column("decision_clause_product", sa.String(40), nullable=True),
        Column("decision_clause_ref", sa.String(40), nullable=True),
        Column("turn_id", sa.String(100), nullable=True, unique=True),
        sa.CheckConstraint(
            "amount_fen IS NULL OR amount_fen >= 0", name="ck_claims_amount"
        ),
    )
    _index("claims", "customer_id")
    _index("claims", "policy_no")
    op.create_table(
        "claim_history",
        _ref("claim_no", 20, "claims.claim_no", primary_key=True),
        Column("position", sa.Integer(), autoincrement=False, primary_key=True),
        Column("status", sa.String(20), nullable=False),
        Column("at", MOMENT, nullable=False),
        Column("actor", sa.String(60), nullable=False),
        Column("reason", sa.Text(), nullable=True),
    )
    op.create_table(
        "claim_papers",
        _ref("claim_no", 20, "claims.claim_no", primary_key=True),
        Column("position", sa.Integer(), autoincrement=False, primary_key=True),
        Column("name", sa.String(200), nullable=False),
        Column("required", sa.Boolean(), nullable=False),
        Column("received_at", MOMENT, nullable=True),
    )


def _complaints() -> None:
    op.create_table(
        "complaints",
        Column("complaint_no", sa.String(20), primary_key=True),
        Column("sender_id", sa.String(200), nullable=False),
        _ref("customer_id", 40, "customers.customer_id", nullable=True),
        Column("category", sa.String(40), nullable=False),
        Column("what", sa.Text(), nullable=False),
        Column("wanted", sa.Text(), nullable=False),
        Column("contact_phone", sa.String(40), nullable=False),
        Column("channel", sa.String(40), nullable=False),
        Column("status", sa.String(20), nullable=False),
        Column("filed_at", MOMENT, nullable=False),
        Column("due_at", MOMENT, nullable=False),
        Column("due_clause", sa.String(60), nullable=False),
        Column("withdrawn_at", MOMENT, nullable=True),
        Column("content_salt", sa.String(32), nullable=False),
        Column("turn_id", sa.String(100), nullable=False, unique=True),
    )
    _index("complaints", "customer_id")
    _index("complaints", "sender_id")
    _index("complaints", "status", "due_at")
    op.create_table(
        "complaint_log",
        Column("entry_no", ROW_ID, autoincrement=False, primary_key=True),
        Column("complaint_no", sa.String(20), nullable=False),
        Column("kind", sa.String(40), nullable=False),
        Column("at", sa.String(40), nullable=False),
        Column("actor", sa.String(220), nullable=False),
        Column("data", sa.Text(), nullable=False),
        Column("prev_hash", sa.String(64), nullable=False, unique=True),
        Column("hash", sa.String(64), nullable=False, unique=True),
    )
    _index("complaint_log", "complaint_no")
    op.create_table(
        "complaint_log_head",
        Column("head_id", sa.Integer(), autoincrement=False, primary_key=True),
        Column("entry_no", sa.BigInteger(), nullable=False),
        Column("hash", sa.String(64), nullable=False),
        sa.CheckConstraint("head_id = 1", name="ck_complaint_log_head_single"),
    )


def _service_requests() -> None:
    op.create_table(
        "service_requests",
        Column("request_no", sa.String(20), primary_key=True),
        Column("sender_id", sa.String(200), nullable=False),
        _ref("customer_id", 40, "customers.customer_id", nullable=True),
        Column("kind", sa.String(20), nullable=False),
        Column("status", sa.String(20), nullable=False),
        Column("requested_at", MOMENT, nullable=False),
        Column("needs_human", sa.Boolean(), nullable=False),
        Column("detail", sa.JSON(), nullable=False),
        Column("turn_id", sa.String(100), nullable=False),
        sa.UniqueConstraint("turn_id", "kind", name="uq_service_requests_turn_id_kind"),
    )
    _index("service_requests", "customer_id")
    _index("service_requests", "sender_id")


def _seal_complaint_log() -> None:
    op.execute(
        "INSERT INTO complaint_log_head (head_id, entry_no, hash) "
        f"VALUES (1, 0, '{'0' * 64}')"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_complaint_log_change() RETURNS trigger AS $$ "
            f"BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$ LANGUAGE plpgsql"
        )
        op.execute(
            "CREATE TRIGGER complaint_log_append_only BEFORE UPDATE OR DELETE OR "
            "TRUNCATE ON complaint_log FOR EACH STATEMENT "
            "EXECUTE FUNCTION refuse_complaint_log_change()"
        )
        return
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER complaint_log_no_{event.lower()} BEFORE {event} "
            f"ON complaint_log BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )
