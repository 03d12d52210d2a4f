"""Bring the action server's tables to the newest version; blocking, before serving.

The edge's ledger has its own history in the same database (`bot/ledger/migrations`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from actions.database import WRITES, store_error

VERSION_TABLE = "alembic_version_store"
_SCRIPTS = Path(__file__).with_name("migrations")
_LOCK_KEY = 0x62616F6B65  # PostgreSQL advisory lock: the letters of "baoke"


def upgrade(engine: Engine) -> str:
    """Run all migrations that are missing; nothing happens when none is.

    Two processes may try at once: one waits for the other and finds it done.

    Returns:
        The version the tables have now.

    Raises:
        StoreError: The database failed; it has its old version still.
    """
    return _run(engine, lambda config: command.upgrade(config, "head"))


def downgrade(engine: Engine, version: str) -> str:
    """Go back to an older version; data of the newer one is lost.

    Raises:
        StoreError: The database failed; it has its old version still.
    """
    return _run(engine, lambda config: command.downgrade(config, version))


def newest() -> str:
    """Return the version this code was written for."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current(engine: Engine) -> str | None:
    """Return the version the tables have, None for an empty database.

    Raises:
        StoreError: The database is not reachable.
    """
    try:
        with engine.connect() as connection:
            return _version(connection)
    except SQLAlchemyError as err:
        raise store_error(err) from err


def _run(engine: Engine, move: Callable[[Config], None]) -> str:
    config = _config()
    try:
        with engine.connect() as plain_connection:
            connection = plain_connection.execution_options(**{WRITES: True})
            with connection.begin():
                if engine.dialect.name == "postgresql":
                    lock = text("SELECT pg_advisory_xact_lock(:key)")
                    connection.execute(lock, {"key": _LOCK_KEY})
                config.attributes["connection"] = connection
                move(config)
                return _version(connection) or ""
    except SQLAlchemyError as err:
        raise store_error(err) from err


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _version(connection: Connection) -> str | None:
    options = {"version_table": VERSION_TABLE}
    return MigrationContext.configure(connection, opts=options).get_current_revision()
