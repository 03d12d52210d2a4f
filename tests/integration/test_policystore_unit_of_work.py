"""One unit of work, one commit; what fails leaves nothing behind and says nothing."""

import threading

import pytest
from store_kit import (
    LI_MEDICAL,
    NOW,
    ROOT,
    ZHANG,
    a_report,
    count,
    file_complaint,
    opened,
)

from actions.errors import StoreError
from actions.settings import read_settings


def test_that_an_error_leaves_nothing_behind(store):
    with pytest.raises(RuntimeError), store() as uow:
        uow.claims.report(ZHANG, a_report(), "turn-1", NOW)
        uow.requests.record("web:one", ZHANG, "change", {}, "turn-1", NOW)
        raise RuntimeError("the action broke")

    assert count(store, "claims") == 3
    assert count(store, "service_requests") == 0


def test_that_all_of_one_unit_is_kept_together(store):
    with store() as uow:
        uow.identity.verify("web:one", LI_MEDICAL, "887X", NOW)
        assert uow.identity.customer_of("web:one", NOW) is not None
        uow.requests.record("web:one", "CU000002", "privacy", {}, "turn-1", NOW)
        uow.identity.unbind("web:one")

    with store() as uow:
        assert uow.identity.customer_of("web:one", NOW) is None
    assert count(store, "service_requests") == 1


def test_that_a_reader_may_write_although_somebody_else_wrote_meanwhile(store):
    with store() as uow:
        assert len(uow.claims.all_of(ZHANG)) == 2
        file_complaint(store, "turn-1")  # another unit of work, committed
        uow.claims.report(ZHANG, a_report(), "turn-2", NOW)

    assert count(store, "claims") == 4
    assert count(store, "complaints") == 1


def test_that_writers_wait_for_each_other(store):
    begun, done = threading.Event(), threading.Event()

    def other():
        begun.wait()
        file_complaint(store, "turn-2")
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with store() as uow:
        uow.claims.report(ZHANG, a_report(), "turn-1", NOW)
        begun.set()
        if store.engine.dialect.name == "sqlite":  # one writer at a time
            assert not done.wait(0.2)
    thread.join()

    assert done.is_set()
    assert count(store, "complaints") == 1


def test_that_a_store_without_tables_says_so(empty_store):
    with pytest.raises(StoreError), empty_store() as uow:
        uow.policies.all_of(ZHANG)


def test_that_an_unreachable_database_is_a_store_error(tmp_path):
    settings = read_settings(
        root=tmp_path,
        data_dir=ROOT / "data",
        database_url=f"postgresql://nobody@/none?host={tmp_path}",
    )
    with (
        opened(settings) as store,
        pytest.raises(StoreError),
        store() as uow,
    ):
        uow.identity.customer_of("web:one", NOW)


def test_that_an_error_does_not_repeat_private_values(store):
    with pytest.raises(StoreError) as error, store() as uow:
        uow.claims.report(
            ZHANG,
            a_report(what="私事", happened_at=NOW.replace(tzinfo=None)),
            "turn-1",
            NOW,
        )

    assert "私事" not in str(error.value)
    assert "私事" not in str(error.value.__cause__)


def test_that_nothing_is_opened_before_the_first_use(tmp_path):
    with opened(read_settings(root=tmp_path, data_dir=ROOT / "data")):
        assert list(tmp_path.iterdir()) == []
