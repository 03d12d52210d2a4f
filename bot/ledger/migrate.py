"""Bring the ledger's tables to the newest version; blocking, run before serving."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event

from bot.dispatch_queue import install_queue

VERSION_TABLE = "alembic_version_ledger"
_SCRIPTS = Path(__file__).with_name("migrations")


def upgrade(url: URL) -> str:
    """Run all migrations that are missing; nothing happens when none is.

    Args:
        url: With a blocking driver, see ``database.sync_url``.

    Returns:
        The version the tables have now.
    """
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = _open(url)
    try:
        if url.get_backend_name() == "postgresql":
            install_queue(engine)
        return _run(engine, lambda config: command.upgrade(config, "head"))
    finally:
        engine.dispose()


def downgrade(url: URL, version: str) -> str:
    """Go back to an older version; data of the newer one is lost.

    Args:
        url: With a blocking driver, see ``database.sync_url``.
        version: ``base`` for none; the queue's tables stay.

    Returns:
        The version the tables have now, empty for none.
    """
    engine = _open(url)
    try:
        return _run(engine, lambda config: command.downgrade(config, version))
    finally:
        engine.dispose()


def _open(url: URL) -> Engine:
    engine = create_engine(url)
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare)
    return engine


def _run(engine: Engine, move: Callable[[Config], None]) -> str:
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        move(config)
        return current(connection) or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


def _prepare(dbapi_connection: object, _record: object) -> None:
    cursor = dbapi_connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.close()


def newest() -> str:
    """Return the version this code was written for."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current(connection: Connection) -> str | None:
    """Return the version the tables have, None for an empty database."""
    context = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    )
    return context.get_current_revision()
