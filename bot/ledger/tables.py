"""The ledger's tables (history: migrations/, version table alembic_version_ledger).

Column comments give what the name does not say. All moments are UTC.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware moments in, aware UTC moments out; a naive one is a bug and refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Turn into UTC; SQLite keeps no zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone reached the ledger")
        return value.astimezone(UTC)

    def process_result_value(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts INTEGER only


def conversation_key(primary_key: bool = False) -> Column[str]:
    """Return a column that names a conversation."""
    return Column(
        "sender_id",
        String(200),
        ForeignKey("conversations.sender_id"),
        primary_key=primary_key,
        nullable=False,
    )


conversations = Table(
    "conversations",
    metadata,
    Column("sender_id", String(200), primary_key=True),
    Column("status", String(16), nullable=False),  # desk_rules.Status
    Column("last_seq", BigInteger, nullable=False),  # last number given out
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),  # last message of any author
    # Set while queued or with an agent; None otherwise.
    Column("queued_at", UtcDateTime),
    Column("queue_rank", Integer, nullable=False, server_default="0"),  # high = -1
    Column("skill", String(50)),
    Column("agent", String(100)),
    Column("last_agent", String(100)),  # who held it last; stays
    # While queued: who is asked to take it, since when, and who let it pass.
    Column("offered_to", String(50)),
    Column("offered_at", UtcDateTime),
    Column("passed_by", JSON(none_as_null=True)),
    Column("hinted_at", UtcDateTime),  # the queue position was last told
    Column("push_after", UtcDateTime),  # an open call may carry the reply until then
    Index("ix_conversations_status_queue", "status", "queue_rank", "queued_at"),
)

messages = Table(
    "messages",
    metadata,
    conversation_key(primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3 …
    Column("author", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("text", Text),  # the customer's words; None for other authors
    Column("payload", Text),
    Column("parts", JSON, nullable=False),  # what everybody is shown
    Column("in_reply_to", BigInteger),  # seq
    Column("message_key", String(200)),  # the customer's; repeats share it
    Column("idempotency_key", String(200)),  # ours
    Column("turn_id", String(64)),
    Column("refused", String(32)),  # why it never went to the brain, e.g. too_long
    Column("awaiting", Boolean, nullable=False, server_default=false()),  # a turn
    Column("metadata", JSON, nullable=False),
    UniqueConstraint("sender_id", "message_key"),
    UniqueConstraint("sender_id", "idempotency_key"),
    # Tiny however long the history is: only what still needs a turn.
    Index(
        "ix_messages_awaiting",
        "sender_id",
        "seq",
        sqlite_where=text("awaiting = 1"),
        postgresql_where=text("awaiting"),
    ),
)

turns = Table(
    "turns",
    metadata,
    Column("turn_id", String(64), primary_key=True),
    conversation_key(),
    Column("state", String(16), nullable=False),  # running, finished
    Column("attempt", Integer, nullable=False, server_default="1"),  # times taken up
    Column("postponed_at", UtcDateTime),  # first time the brain was away
    Column("outcome", String(16)),  # answered, failed, held, dropped, commanded
    Column("note", Text),  # why, when it was not answered
    Column(
        "dropped", JSON(none_as_null=True)
    ),  # replies that came after a human took over
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("intent", String(100)),
    Column("confidence", Float),
    Column("trace", JSON(none_as_null=True)),  # ranking, entities, actions
    Index("ix_turns_sender_id_started_at", "sender_id", "started_at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    conversation_key(primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("channel", String(32), primary_key=True),
    Column("state", String(16), nullable=False),  # ports.DeliveryState
    Column("reason", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),  # of a piece
    Column("progress", Integer, nullable=False, server_default="0"),  # pieces sent
    Column("unsure", Integer, nullable=False, server_default="0"),  # pieces unknown
    Column("not_before", UtcDateTime),  # the platform asked for patience until then
    # Its buttons stood below it as a numbered list.
    Column("numbered", Boolean, nullable=False, server_default=false()),
    Column("updated_at", UtcDateTime, nullable=False),
    Index(
        "ix_deliveries_pending",
        "sender_id",
        "seq",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    # What is on its way, without the web's, which wait to be fetched.
    Index(
        "ix_deliveries_open",
        "sender_id",
        "seq",
        sqlite_where=text("state IN ('pending', 'sending') AND channel <> 'web'"),
        postgresql_where=text("state IN ('pending', 'sending') AND channel <> 'web'"),
    ),
    Index(
        "ix_deliveries_state_updated_at",
        "state",
        "updated_at",
        sqlite_where=text("state IN ('undeliverable', 'unknown', 'dropped', 'kept')"),
        postgresql_where=text(
            "state IN ('undeliverable', 'unknown', 'dropped', 'kept')"
        ),
    ),
    Index(
        "ix_deliveries_kept",
        "sender_id",
        "seq",
        sqlite_where=text("state = 'kept'"),
        postgresql_where=text("state = 'kept'"),
    ),
)

# What platforms allow to push: one row for each kind of thing a customer did last.
allowances = Table(
    "allowances",
    metadata,
    conversation_key(primary_key=True),
    Column("trigger", String(16), primary_key=True),  # message, menu, follow, scan
    Column("allowed", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    Column("granted_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("refused", String(32)),  # the platform's own word, which beats our count
)

# What was said in answer to an open call of a platform, which may ask for it again.
passive_replies = Table(
    "passive_replies",
    metadata,
    conversation_key(primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # of the question
    Column("text", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# What a platform tells of a customer beside messages. Deleted when they unfollow.
contacts = Table(
    "contacts",
    metadata,
    Column("sender_id", String(200), primary_key=True),
    Column("following", Boolean, nullable=False),
    Column("scene", String(100)),  # the QR code they came by
    Column("since", UtcDateTime, nullable=False),
    Column("reminded_at", UtcDateTime),  # last told by a notice that something is kept
)

# Secrets that platforms lend for some hours, shared by all processes.
platform_tokens = Table(
    "platform_tokens",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("token", Text),
    Column("expires_at", UtcDateTime),
    Column("leased_until", UtcDateTime),  # somebody fetches a new one until then
)

# Files that lie at a platform and have to be fetched.
media_fetches = Table(
    "media_fetches",
    metadata,
    Column("attachment_id", String(64), primary_key=True),
    Column("sender_id", String(200), nullable=False),
    Column("media_ref", String(500), nullable=False),  # the platform's name for it
    Column("name", String(255), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_media_fetches_not_before", "not_before"),
)

# Signatures of platforms' calls that were used: another body under one is refused.
callback_nonces = Table(
    "callback_nonces",
    metadata,
    Column("signature", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),  # of what the call carried
    Column("at", UtcDateTime, nullable=False),
    Index("ix_callback_nonces_at", "at"),
)

handoffs = Table(
    "handoffs",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    conversation_key(),
    Column("moved_from", String(16), nullable=False),
    Column("moved_to", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("reason", String(100), nullable=False),
    Column("priority", String(16), nullable=False),
    Column("skill", String(50)),
    Column("summary", Text),
    Column("category", String(50)),  # what it was about, when it ends
    Column("turn_id", String(64)),
    Index("ix_handoffs_sender_id_at", "sender_id", "at"),
    Index("ix_handoffs_moved_to_at", "moved_to", "at"),  # how fast agents take
)

attachments = Table(
    "attachments",
    metadata,
    Column("attachment_id", String(64), primary_key=True),
    conversation_key(),
    Column("name", String(255), nullable=False),  # as the customer called it
    Column("media_type", String(100), nullable=False),  # read from its first bytes
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_attachments_sender_id", "sender_id"),
)
