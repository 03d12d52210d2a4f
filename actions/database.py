"""The action server's database: one metadata, one engine, SQLite's manners.

In: the plain ``BAOKE_DATABASE_URL``. Out: an engine with the blocking driver. The
tables of `policystore` and `agreement` share `Base`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from actions.errors import StoreError
from actions.settings import Settings

BUSY_TIMEOUT_MS = 5000
WRITES = "baoke_writes"  # execution option: this transaction is going to write

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Root of all tables of the action server."""

    metadata = MetaData(naming_convention=NAMING)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment; aware in, UTC-aware out, on SQLite too.

    Raises:
        ValueError: On writing or comparing with a datetime without a zone.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Turn any zone into UTC; SQLite keeps it without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone must not be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


def sync_url(database_url: str, root: Path) -> URL:
    """Return the URL with the blocking driver; a SQLite path is relative to ``root``.

    Raises:
        ValueError: No URL, or neither SQLite nor PostgreSQL.
    """
    try:
        url = make_url(database_url)
    except ArgumentError as err:
        raise ValueError("BAOKE_DATABASE_URL cannot be read as a URL") from err
    match url.get_backend_name():
        case "sqlite":
            if url.database and url.database != ":memory:":
                url = url.set(database=str(root / url.database))
            return url.set(drivername="sqlite")
        case "postgresql":
            return url.set(drivername="postgresql+psycopg")
        case other:
            raise ValueError(f"BAOKE_DATABASE_URL: {other} is not supported")


def build_engine(settings: Settings) -> Engine:
    """Build the engine; it connects on first use.

    Statements are never logged with their values: they are personal data.
    """
    url = sync_url(settings.database_url, settings.root)
    engine = create_engine(
        url,
        json_serializer=to_json,
        hide_parameters=True,
        pool_pre_ping=url.get_backend_name() != "sqlite",
    )
    if url.get_backend_name() == "sqlite":
        if url.database and url.database != ":memory:":
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def to_json(value: Any) -> str:
    """Return compact JSON that keeps Chinese readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def store_error(err: SQLAlchemyError) -> StoreError:
    """Return our error for the database's: its words, no statement, no values."""
    cause = err.orig if isinstance(err, DBAPIError) and err.orig else err
    # The first line only: PostgreSQL's DETAIL line repeats the row's values.
    lines = str(cause).splitlines() or [""]
    return StoreError(f"{type(cause).__name__}: {lines[0][:200]}")


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.isolation_level = None  # transactions are ours, see below
    cursor = dbapi_connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that starts as a reader and then writes fails at once when another
    # process has written meanwhile; IMMEDIATE waits its turn instead.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
