"""The desk's own tables: accounts, sessions, notes, log, ratings (history: migrations/)."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
)

from bot.ledger.tables import Id, UtcDateTime, conversation_key, metadata

__all__ = [
    "agent_sessions",
    "agents",
    "desk_hooks",
    "desk_links",
    "desk_log",
    "login_tries",
    "metadata",
    "notes",
    "ratings",
]

# Agents of the desk.
agents = Table(
    "agents",
    metadata,
    Column("name", String(50), primary_key=True),
    Column("title", String(50), nullable=False),  # what customers are told
    Column("password_hash", String(200), nullable=False),  # argon2
    Column("role", String(16), nullable=False),  # agent, leader
    Column("skills", JSON, nullable=False),
    Column("capacity", Integer, nullable=False),  # conversations at once
    Column("active", Boolean, nullable=False),
    Column("ready", Boolean, nullable=False, server_default=false()),
    Column("seen_at", UtcDateTime),  # last heartbeat
)

# Tries to log in, see login_tries.py; a row that has come to its end says nothing.
login_tries = Table(
    "login_tries",
    metadata,
    Column("scope", String(16), primary_key=True),
    Column("subject", String(64), primary_key=True),  # hashes
    Column("until_ms", BigInteger, nullable=False),  # since 1970; then it is whole
    Index("ix_login_tries_until_ms", "until_ms"),
)

agent_sessions = Table(
    "agent_sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),  # sha256 of the cookie
    Column("agent", String(50), ForeignKey("agents.name"), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

# Words among agents: read by nothing that speaks to customers or to the bot.
notes = Table(
    "notes",
    metadata,
    Column("note_id", Id, primary_key=True, autoincrement=True),
    conversation_key(),
    Column("agent", String(50), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("text", Text, nullable=False),
    Index("ix_notes_sender_id", "sender_id"),
)

desk_log = Table(
    "desk_log",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("agent", String(50), nullable=False),
    Column("what", String(32), nullable=False),
    Column("sender_id", String(200)),
    Column("detail", String(500), nullable=False),
)

# What customers thought of a spell with an agent or with the bot; asked once for each.
ratings = Table(
    "ratings",
    metadata,
    conversation_key(primary_key=True),
    Column("episode", String(200), primary_key=True),
    Column("about", String(100), nullable=False),  # bot, or agent:<name>
    Column("asked_at", UtcDateTime, nullable=False),
    Column("score", Integer),  # 1 to 3; None: not answered, or skipped
    Column("answered_at", UtcDateTime),
    Index("ix_ratings_about_asked_at", "about", "asked_at"),
)

# Other desks that are told what happens: up to where, and what they call a conversation.
desk_links = Table(
    "desk_links",
    metadata,
    Column("link", String(32), primary_key=True),  # webhook, chatwoot
    Column("sender_id", String(200), primary_key=True),  # "" holds the cursor
    Column("seq", BigInteger, nullable=False),  # told up to this message
    Column("move_id", BigInteger, nullable=False),  # told up to this row of handoffs
    Column("active", Boolean, nullable=False),  # a human is wanted or there
    Column("external_id", String(64)),  # the other desk's conversation
    Column("external", JSON, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_at", UtcDateTime),  # not before
    Column("leased_until", UtcDateTime),  # some process is telling it
    Column("last_error", String(200)),
    Index("ix_desk_links_active", "link", "active", "next_at"),
    Index("ix_desk_links_external_id", "link", "external_id"),
)

# Calls of other desks that were done, so that a repeat is not done again.
desk_hooks = Table(
    "desk_hooks",
    metadata,
    Column("hook_id", String(100), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)
