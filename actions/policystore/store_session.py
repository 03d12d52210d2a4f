"""One transaction of the policy store and how it begins.

Repositories read through `reading` and write through `writing`; only `unit_of_work`
commits.
"""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session

from actions.database import WRITES

Row = TypeVar("Row", bound=DeclarativeBase)


class StoreSession:
    """A session that knows whether its transaction may write."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._writes = False
        self.is_sqlite = session.get_bind().dialect.name == "sqlite"

    def reading(self) -> Session:
        """Return the session for a query."""
        return self._session

    def writing(self) -> Session:
        """Return the session inside a transaction that may write.

        On SQLite a reading transaction cannot be turned into a writing one once
        somebody else has written; as it has changed nothing, it is ended and a writing
        one begun, which waits its turn. Whatever was read before may have changed.
        """
        if not self._writes:
            self._writes = True
            if self.is_sqlite:
                self._session.rollback()
                self._session.connection(execution_options={WRITES: True})
        return self._session

    def hold(self, row: type[Row], *conditions: ColumnElement[bool]) -> Row | None:
        """Return one row as it is now, locked until the end; None when there is none."""
        return self.writing().scalar(
            select(row)
            .where(*conditions)
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    def pause(self) -> None:
        """Give the connection back while something else is waited for.

        Nothing may have been written yet; what was read before may have changed.
        """
        assert not self._writes
        self._session.rollback()

    def snapshot(self) -> Session:
        """Return the session with one unchanging view of all tables.

        Must be the unit of work's first access.
        """
        if not self.is_sqlite:  # a SQLite transaction is a snapshot by itself
            options = {"isolation_level": "REPEATABLE READ"}
            self._session.connection(execution_options=options)
        return self._session

    def put(self, row: type[DeclarativeBase], **values: object) -> None:
        """Insert a row, or overwrite the one with its key, whoever was first."""
        table = row.__table__
        assert isinstance(table, Table)
        make = sqlite.insert if self.is_sqlite else postgresql.insert
        statement = make(table).values(**values)
        keys = [column.name for column in table.primary_key]
        new = {name: statement.excluded[name] for name in values if name not in keys}
        self.writing().execute(
            statement.on_conflict_do_update(index_elements=keys, set_=new)
        )

    def insert_if_new(self, row: type[DeclarativeBase], **values: object) -> None:
        """Insert a row; keep the old one when its key exists."""
        table = row.__table__
        assert isinstance(table, Table)
        make = sqlite.insert if self.is_sqlite else postgresql.insert
        statement = make(table).values(**values).on_conflict_do_nothing()
        self.writing().execute(statement)
