"""Tables come and go by migrations only, on both databases, from any folder."""

from datetime import datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select
from store_kit import DEMO, NOW, count, in_processes, seed, upgrade_tables

from actions import migrate
from actions.agreement import tables as agreement_tables
from actions.database import Base
from actions.errors import StoreError
from actions.policystore import code_tables, complaint_tables

ROOMS = (
    agreement_tables,
    code_tables,
    complaint_tables,
)  # their import fills the metadata


def differences(store):
    with store.engine.connect() as connection:
        options = {"version_table": migrate.VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        return compare_metadata(context, Base.metadata)


def test_that_the_migrations_make_the_tables_of_the_code(empty_store):
    assert migrate.upgrade(empty_store.engine) == migrate.newest()

    assert differences(empty_store) == []
    assert migrate.current(empty_store.engine) == migrate.newest()


def test_that_upgrading_again_keeps_everything(store):
    assert migrate.upgrade(store.engine) == migrate.newest()

    assert count(store, "policies") == 4


def test_that_a_database_can_go_back_and_forth(store):
    migrate.downgrade(store.engine, "base")
    left = set(inspect(store.engine).get_table_names())
    assert left == {migrate.VERSION_TABLE}

    migrate.upgrade(store.engine)

    assert differences(store) == []
    assert seed(store.engine, DEMO, NOW).policies == 4


def test_that_processes_may_upgrade_at_the_same_time(empty_store, store_settings):
    found = in_processes(upgrade_tables, store_settings, [0, 1, 2], 3)

    assert found == [migrate.newest()] * 3


def test_that_the_folder_one_is_in_does_not_matter(
    empty_store, tmp_path_factory, monkeypatch
):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))

    assert migrate.upgrade(empty_store.engine) == migrate.newest()


def test_that_a_half_made_version_is_not_left(empty_store):
    with empty_store.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE service_requests (x INTEGER)")

    with pytest.raises(StoreError):
        migrate.upgrade(empty_store.engine)

    assert inspect(empty_store.engine).get_table_names() == ["service_requests"]


def test_that_times_come_back_as_utc_and_naive_ones_are_refused(store):
    beijing = datetime.fromisoformat("2026-11-23T10:00:00+08:00")
    with store() as uow:
        uow.requests.record("web:one", None, "notice", {}, "turn-1", beijing)
    with store.engine.connect() as connection:
        column = Base.metadata.tables["service_requests"].c.requested_at
        kept = connection.scalar(select(column))

    assert kept == NOW
    assert kept.utcoffset().total_seconds() == 0
    with pytest.raises(StoreError), store() as uow:
        naive = beijing.replace(tzinfo=None)
        uow.requests.record("web:one", None, "notice", {}, "turn-2", naive)
