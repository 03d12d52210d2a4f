"""The identity check: who gets through, who is stopped, and for how long."""
# ruff: noqa: RUF001 - full-width letters are what is tested

from datetime import timedelta

import pytest
from store_kit import (
    LI,
    LI_MEDICAL,
    NOW,
    ZHANG,
    count,
    everywhere,
    in_processes,
    try_tails,
)

from actions.policystore.model import Locked, Mismatch, Verified

pytestmark = everywhere

MINUTE = timedelta(minutes=1)


def check(store, tail, sender_id="web:one", policy_no=LI_MEDICAL, now=NOW):
    with store() as uow:
        return uow.identity.verify(sender_id, policy_no, tail, now)


def customer(store, sender_id="web:one", now=NOW):
    with store() as uow:
        return uow.identity.customer_of(sender_id, now)


@pytest.mark.parametrize("tail", ["887X", "887x", " ８８７Ｘ "])
def test_that_the_holder_is_bound_whatever_the_spelling(store, tail):
    outcome = check(store, tail, policy_no="ｐ2025080800033")

    assert isinstance(outcome, Verified)
    assert (outcome.customer.customer_id, outcome.customer.name) == (LI, "李娜")
    assert customer(store) == outcome.customer


def test_that_a_wrong_tail_and_an_unknown_policy_answer_the_same(store):
    wrong = [check(store, "0000", "web:a") for _ in range(4)]
    unknown = [check(store, "0000", "web:b", "P2099010100001") for _ in range(4)]
    other = [check(store, "4321", "web:c") for _ in range(4)]  # another's tail

    assert wrong == unknown == other
    assert wrong[:2] == [Mismatch(2), Mismatch(1)]
    assert wrong[2:] == [Locked(NOW + 30 * MINUTE)] * 2
    assert customer(store, "web:a") is None


def test_that_the_lock_holds_for_the_right_tail_and_ends(store):
    for _ in range(3):
        check(store, "0000")

    assert check(store, "887X", now=NOW + 29 * MINUTE) == Locked(NOW + 30 * MINUTE)
    assert customer(store) is None
    assert isinstance(check(store, "887X", now=NOW + 30 * MINUTE), Verified)


def test_that_the_lock_can_be_asked_for(store):
    with store() as uow:
        assert uow.identity.locked_until("web:one", NOW) is None
    for _ in range(3):
        check(store, "0000")

    with store() as uow:
        assert uow.identity.locked_until("web:one", NOW) == NOW + 30 * MINUTE
        assert uow.identity.locked_until("web:two", NOW) is None
        assert uow.identity.locked_until("web:one", NOW + 30 * MINUTE) is None


def test_that_a_lock_is_of_one_conversation(store):
    for _ in range(3):
        check(store, "0000")

    assert isinstance(check(store, "887X", "web:two"), Verified)


def test_that_success_and_time_forget_failures(store):
    check(store, "0000")
    check(store, "0000")
    assert isinstance(check(store, "887X"), Verified)
    assert check(store, "0000") == Mismatch(2)
    assert check(store, "0000") == Mismatch(1)

    assert check(store, "0000", now=NOW + 31 * MINUTE) == Mismatch(2)


def test_that_guessing_over_many_conversations_is_stopped_by_the_policy(store):
    outcomes = [check(store, "0000", f"web:{n}") for n in range(12)]

    assert outcomes[:10] == [Mismatch(2)] * 10
    assert outcomes[10:] == [Locked(NOW + 60 * MINUTE)] * 2
    assert isinstance(check(store, "887X", "web:holder"), Locked)
    other = check(store, "4321", "web:holder", "P2024013100018")
    assert isinstance(other, Verified)
    later = check(store, "887X", "web:holder", now=NOW + 60 * MINUTE)
    assert isinstance(later, Verified)


def test_that_an_unknown_policy_is_locked_just_the_same(store):
    number = "P2099010100001"
    outcomes = [check(store, "0000", f"web:{n}", number) for n in range(11)]

    assert outcomes == [Mismatch(2)] * 10 + [Locked(NOW + 60 * MINUTE)]


def test_that_failures_of_one_policy_are_counted_over_its_spellings(store):
    spellings = ["P2025080800033", " p2025080800033", "Ｐ２０２５０８０８０００３３"]
    for n in range(10):
        check(store, "0000", f"web:{n}", spellings[n % 3])

    assert isinstance(check(store, "887X", "web:holder"), Locked)


def test_that_parallel_checks_cannot_pass_the_lock(store, store_settings):
    tails = [f"{n:04d}" for n in range(6)]
    jobs = [("web:one", LI_MEDICAL, tails)] * 4

    outcomes = [
        o for part in in_processes(try_tails, store_settings, jobs, 4) for o in part
    ]

    assert len(outcomes) == 24
    assert outcomes.count("Mismatch") == 2
    assert count(store, "verification_attempts") == 3
    assert isinstance(check(store, "887X"), Locked)


def test_that_parallel_conversations_cannot_pass_the_policy_lock(store, store_settings):
    jobs = [(f"web:{n}", LI_MEDICAL, ["0000", "0001"]) for n in range(10)]

    outcomes = [
        o for part in in_processes(try_tails, store_settings, jobs) for o in part
    ]

    assert outcomes.count("Mismatch") == 10
    assert outcomes.count("Locked") == 10


@pytest.mark.parametrize(
    ("sender_id", "hours"), [("web:one", 24), ("wechat:one", 30 * 24)]
)
def test_that_a_binding_ends(store, sender_id, hours):
    check(store, "887X", sender_id)
    end = NOW + timedelta(hours=hours)

    assert customer(store, sender_id, end - MINUTE) is not None
    assert customer(store, sender_id, end) is None


def test_that_a_second_check_binds_anew(store):
    check(store, "887X")
    check(store, "4321", policy_no="P2024013100018")

    assert customer(store).customer_id == ZHANG
    assert count(store, "bindings") == 1


def test_that_unbinding_forgets_the_person(store):
    check(store, "887X")

    with store() as uow:
        assert uow.identity.unbind("web:one") is True
        assert uow.identity.customer_of("web:one", NOW) is None
        assert uow.identity.unbind("web:one") is False


@pytest.mark.parametrize("odd", ["", "\0", "x" * 10_000, "\ud800", "' OR 1=1 --", "🙂"])
def test_that_odd_input_is_a_mismatch_like_any_other(store, odd):
    assert check(store, odd, policy_no=odd) == Mismatch(2)
    assert check(store, odd) == Mismatch(1)


@pytest.mark.parametrize("odd", ["", "web:\0", "web:" + "x" * 300])
def test_that_a_sender_id_nobody_issued_is_refused(store, odd):
    with pytest.raises(ValueError, match="an id"):
        check(store, "887X", odd)


def test_that_no_tail_and_no_sender_can_be_read_from_the_counters(store):
    check(store, "0000", "web:secret-session")
    check(store, "887X", "web:other")

    with store.engine.connect() as connection:
        for table in ("verification_attempts", "verification_counters", "customers"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            kept = " ".join(str(value) for row in rows for value in row)
            assert rows
            assert "secret-session" not in kept
            assert "887X" not in kept
            assert LI_MEDICAL not in kept
