"""The ledger's tables come and go by migrations only, on both databases."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.ledger import migrate
from bot.ledger.database import sync_url
from bot.ledger.desk_tables import metadata, ratings
from bot.ledger.tables import conversations

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
VERSIONS = [
    script.revision
    for script in ScriptDirectory(
        str(Path(migrate.__file__).with_name("migrations"))
    ).walk_revisions()
]  # the newest first
DIALECTS = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """An empty database."""
    if request.param == "sqlite":
        found = f"sqlite:///{tmp_path}/ledger.db"
    else:
        found = request.getfixturevalue("postgres_url")
    return sync_url(found, Path("/"))


@pytest.fixture
def database(url):
    migrate.upgrade(url)
    engine = create_engine(url)
    yield engine
    engine.dispose()


def is_ours(_, name, kind, *__):
    """Not the job queue's, which comes and goes by itself."""
    return kind != "table" or not name.startswith("procrastinate_")


def differences(engine):
    options = {
        "version_table": migrate.VERSION_TABLE,
        "compare_type": True,
        "include_object": is_ours,
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        return compare_metadata(context, metadata)


def plain(index):
    """An index as text; its condition is an object of SQLAlchemy's."""
    options = index.get("dialect_options", {})
    return str({**index, "dialect_options": {k: str(v) for k, v in options.items()}})


def tables(engine):
    """Everything the database says of our tables."""
    dialect = DIALECTS[engine.dialect.name]
    found = inspect(engine)
    return {
        table: {
            "columns": [
                {**column, "type": column["type"].compile(dialect)}
                for column in found.get_columns(table)
            ],
            "key": found.get_pk_constraint(table),
            "foreign": sorted(map(str, found.get_foreign_keys(table))),
            "unique": sorted(map(str, found.get_unique_constraints(table))),
            "checks": sorted(map(str, found.get_check_constraints(table))),
            "indexes": sorted(map(plain, found.get_indexes(table))),
        }
        for table in found.get_table_names()
        if is_ours(None, table, "table")
    }


def in_any_order(found):
    """A column that was dropped and made again is the last."""
    return {
        name: {**said, "columns": sorted(map(str, said["columns"]))}
        for name, said in found.items()
    }


def test_that_the_migrations_make_the_tables_of_the_code(url, database):
    assert differences(database) == []
    assert migrate.upgrade(url) == migrate.newest() == VERSIONS[0]


def test_that_a_database_can_go_back_and_forth(url, database):
    before = tables(database)
    assert "conversations" in before

    assert migrate.downgrade(url, "base") == ""
    assert set(tables(database)) == {migrate.VERSION_TABLE}

    assert migrate.upgrade(url) == migrate.newest()
    assert tables(database) == before
    assert differences(database) == []


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_that_every_version_can_be_gone_back_to(url, database, version):
    before = tables(database)

    assert migrate.downgrade(url, version) == version
    older = tables(database)
    assert older != before
    assert migrate.upgrade(url) == migrate.newest()

    assert in_any_order(tables(database)) == in_any_order(before)
    assert differences(database) == []
    assert migrate.downgrade(url, version) == version
    assert in_any_order(tables(database)) == in_any_order(older)


def test_that_what_is_kept_survives_going_back(url, database):
    with database.begin() as connection:
        connection.execute(
            conversations.insert().values(
                sender_id="web:a",
                status="queued",
                last_seq=7,
                created_at=NOW,
                updated_at=NOW,
                passed_by=["wang"],
            )
        )
        connection.execute(
            ratings.insert().values(
                sender_id="web:a", episode="1", about="bot", asked_at=NOW, score=3
            )
        )

    migrate.downgrade(url, VERSIONS[-1])
    migrate.upgrade(url)

    with database.connect() as connection:
        (kept,) = connection.execute(select(conversations)).all()
        assert (kept.sender_id, kept.last_seq, kept.created_at) == ("web:a", 7, NOW)
        assert kept.passed_by is None  # the older version did not know of it
        assert connection.execute(select(ratings)).all() == []
