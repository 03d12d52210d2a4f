"""What the identity check need not remember is deleted, and nothing else."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from store_kit import LI_MEDICAL, NOW, count, opened

from actions.policystore import stale
from actions.policystore.model import CodeDue, Locked, Verified

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
TABLES = (
    "verification_counters",
    "one_time_codes",
    "bindings",
    "verification_attempts",
)


def check(store, tail="887X", sender_id="web:one", now=NOW):
    with store() as uow:
        return uow.identity.verify(sender_id, LI_MEDICAL, tail, now)


def forget(store, now):
    with store() as uow:
        return uow.identity.forget_stale(now)


def left(store):
    return {table: count(store, table) for table in TABLES}


def test_that_nothing_to_forget_is_nothing(store):
    assert forget(store, NOW) == 0


def test_that_locks_and_counted_failures_stay(store):
    for _ in range(3):
        check(store, "0000")
    forget(store, NOW + 29 * MINUTE)

    assert isinstance(check(store, now=NOW + 29 * MINUTE), Locked)
    assert count(store, "verification_counters") == 2


def test_that_counters_end_with_their_window_and_lock(store):
    for _ in range(3):
        check(store, "0000")

    assert forget(store, NOW + 60 * MINUTE) == 2
    assert left(store) == {
        "verification_counters": 0,
        "one_time_codes": 0,
        "bindings": 0,
        "verification_attempts": 3,
    }
    assert isinstance(check(store, now=NOW + 60 * MINUTE), Verified)


def test_that_bindings_end_and_attempts_stay_a_year(store):
    check(store)
    check(store, sender_id="wechat:one")

    forget(store, NOW + DAY)
    assert count(store, "bindings") == 1
    forget(store, NOW + 364 * DAY)
    assert count(store, "bindings") == 0
    assert count(store, "verification_attempts") == 2
    assert forget(store, NOW + 365 * DAY) == 2
    assert sum(left(store).values()) == 0


def test_that_codes_stay_for_the_day_they_are_counted(store, store_settings):
    settings = store_settings.model_copy(update={"sms_url": "http://127.0.0.1:9"})
    with opened(settings) as with_codes:
        assert isinstance(check(with_codes), CodeDue)
        forget(with_codes, NOW + DAY - MINUTE)
        assert count(store, "one_time_codes") == 1
        forget(with_codes, NOW + DAY)
        assert count(store, "one_time_codes") == 0


def test_that_much_is_forgotten_in_pieces(store, monkeypatch):
    monkeypatch.setattr(stale, "MOST", 3)
    for n in range(4):
        check(store, sender_id=f"web:{n}")

    # Five counters (four conversations, one policy), four bindings, four attempts.
    assert [forget(store, NOW + 365 * DAY) for _ in range(4)] == [9, 4, 0, 0]


def test_that_nobody_is_waited_for(store):
    """A row somebody works on is left for the next time."""
    if store.engine.dialect.name == "sqlite":
        pytest.skip("one writer at a time")
    check(store)
    later = NOW + 2 * DAY
    with store.engine.connect() as busy:
        busy.execute(text("SELECT 1 FROM verification_counters FOR UPDATE"))
        busy.execute(text("SELECT 1 FROM bindings FOR UPDATE"))
        assert forget(store, later) == 0
    assert forget(store, later) == 3


def test_that_a_check_survives_that_its_counters_are_forgotten_meanwhile(store):
    """Many checks beside much forgetting: none fails."""
    import threading

    done, failed = threading.Event(), []

    def forget_on():
        while not done.is_set():
            try:
                forget(store, NOW + 2 * DAY)
            except Exception as err:
                failed.append(err)

    thread = threading.Thread(target=forget_on)
    thread.start()
    try:
        outcomes = [check(store) for _ in range(40)]
    finally:
        done.set()
        thread.join()
    assert not failed
    assert all(isinstance(outcome, Verified) for outcome in outcomes)
