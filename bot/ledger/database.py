"""One database: driver names, SQLite's manners, one short transaction at a time.

A transaction is a plain function of a connection. PostgreSQL runs it on an async
connection (asyncpg). SQLite runs it in a thread: one thread writes, so writers queue
there instead of sleeping in SQLite's busy handler, and a whole transaction costs one
hop between threads (aiosqlite needs three or four for each statement: 12 ms a turn
instead of 3 on two busy cores).
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from bot.errors import StoreError

BUSY_TIMEOUT_MS = 5000
READER_THREADS = 4
_WRITES = "baoke_writes"  # execution option: this transaction will write

T = TypeVar("T")


class Database(Protocol):
    """Runs transactions; commits at a clean end, rolls back on any error."""

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a transaction that writes.

        Raises:
            IntegrityError: A unique key exists already (left to the caller).
            StoreError: Anything else the database did.
        """

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run something that only reads; its statements may see different moments.

        Raises:
            StoreError: The database failed.
        """

    async def close(self) -> None:
        """Give all connections back."""


def _with_driver(database_url: str, root: Path, postgresql: str) -> URL:
    url = make_url(database_url)
    match url.get_backend_name():
        case "sqlite":
            if not url.database or url.database == ":memory:":
                raise ValueError("BAOKE_DATABASE_URL: SQLite needs a file")
            return url.set(drivername="sqlite", database=str(root / url.database))
        case "postgresql":
            return url.set(drivername=postgresql)
        case other:
            raise ValueError(f"BAOKE_DATABASE_URL: {other} is not supported")


def is_postgresql(database_url: str) -> bool:
    """Whether a plain database URL names a PostgreSQL server."""
    return make_url(database_url).get_backend_name() == "postgresql"


def sync_url(database_url: str, root: Path) -> URL:
    """Return the URL with a blocking driver; SQLite paths are relative to ``root``."""
    return _with_driver(database_url, root, "postgresql+psycopg")


def open_database(database_url: str, root: Path) -> Database:
    """Return the database behind a plain URL; nothing is opened yet.

    Raises:
        ValueError: The URL names something else than SQLite or PostgreSQL.
    """
    url = _with_driver(database_url, root, "postgresql+asyncpg")
    if url.get_backend_name() == "sqlite":
        return SqliteDatabase(url)
    return PostgresDatabase(url)


class PostgresDatabase:
    """Transactions on async connections."""

    def __init__(self, url: URL) -> None:
        self._engine = create_async_engine(
            url, json_serializer=_to_json, pool_size=10, max_overflow=10
        )
        # Readers need no BEGIN and COMMIT, which cost as much as the query itself.
        self._reader = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a transaction that writes, see ``Database``."""
        try:
            async with self._engine.begin() as connection:
                return await connection.run_sync(work)
        except IntegrityError:
            raise
        except (SQLAlchemyError, OSError) as err:
            raise StoreError(_short(err)) from err

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run statements that only read, each on its own, see ``Database``."""
        try:
            async with self._reader.connect() as connection:
                return await connection.run_sync(work)
        except (SQLAlchemyError, OSError) as err:
            raise StoreError(_short(err)) from err

    async def close(self) -> None:
        """Give all connections back."""
        await self._engine.dispose()


class SqliteDatabase:
    """Transactions in threads; one of them writes."""

    def __init__(self, url: URL) -> None:
        self._path = Path(str(url.database))
        self._engine = create_engine(
            url, json_serializer=_to_json, pool_size=READER_THREADS + 1
        )
        event.listen(self._engine, "connect", _prepare_sqlite)
        event.listen(self._engine, "begin", _begin_sqlite)
        self._writer = ThreadPoolExecutor(1, "ledger-writer")
        self._readers = ThreadPoolExecutor(READER_THREADS, "ledger-reader")

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a transaction that writes, see ``Database``."""
        return await self._run(self._writer, work, True)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a transaction that only reads, see ``Database``."""
        return await self._run(self._readers, work, False)

    async def _run(
        self, threads: ThreadPoolExecutor, work: Callable[[Connection], T], writes: bool
    ) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(threads, self._transact, work, writes)

    def _transact(self, work: Callable[[Connection], T], writes: bool) -> T:
        try:
            if not self._path.exists():
                self._path.parent.mkdir(parents=True, exist_ok=True)
            return _transact(self._engine, work, writes)
        except IntegrityError:
            raise
        except (SQLAlchemyError, sqlite3.Error, OSError) as err:
            raise StoreError(_short(err)) from err

    async def close(self) -> None:
        """Give all connections back."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self._engine.dispose()


def _transact(engine: Engine, work: Callable[[Connection], T], writes: bool) -> T:
    with engine.connect() as connection:
        connection = connection.execution_options(**{_WRITES: writes})
        with connection.begin():
            return work(connection)


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _short(err: Exception) -> str:
    """Say what the database said, without statement and values (private data)."""
    cause = err.orig if isinstance(err, DBAPIError) else err
    return f"{type(cause).__name__}: {str(cause)[:200]}"


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.isolation_level = None  # transactions are ours, see below
    cursor = dbapi_connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that starts as a reader and then writes fails at once when
    # another process has written meanwhile; IMMEDIATE waits its turn instead.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
