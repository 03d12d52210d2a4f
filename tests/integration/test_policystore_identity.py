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


def check(store, tail, sender_id="web:one", policy_no=LI_MEDICAL, now=NOW, origin=""):
    with store() as uow:
        return uow.identity.verify(sender_id, policy_no, tail, now, origin)


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


@pytest.mark.parametrize("per_conversation", [1, 2])
def test_that_ten_strangers_do_not_lock_the_holder(store, per_conversation):
    for n in range(10):
        for _ in range(per_conversation):
            check(store, "0000", f"web:{n}", origin="attacker")

    assert isinstance(check(store, "887X", "web:holder", origin="home"), Verified)
    # Nor in a conversation from nowhere in particular, such as WeChat's.
    assert isinstance(check(store, "887X", "wechat:holder"), Verified)


def test_that_one_origin_is_slowed_over_many_policies(store):
    outcomes = [
        check(store, "0000", f"web:{n}", f"P20240131000{n // 2:02}", origin="attacker")
        for n in range(22)
    ]

    assert outcomes[:15] == [Mismatch(2)] * 15
    assert outcomes[15:] == [Locked(NOW + MINUTE)] * 7
    at, waits = NOW, []
    for n in range(7):  # each further failure costs a longer pause
        at += 20 * MINUTE
        assert check(store, "0000", f"web:a{n}", now=at, origin="attacker") == Mismatch(
            2
        )
        after = check(store, "887X", f"web:b{n}", now=at, origin="attacker")
        waits.append((after.until - at) / MINUTE)
    assert waits == [2, 4, 8, 15, 15, 15, 15]
    assert isinstance(check(store, "887X", "web:c", now=at, origin="home"), Verified)


def test_that_guessing_one_policy_from_everywhere_becomes_slow(store):
    tries = 40
    outcomes = [
        check(store, "0000", f"web:{n}", origin=f"net{n}") for n in range(tries)
    ]

    assert outcomes[:20] == [Mismatch(2)] * 20
    assert outcomes[20:] == [Locked(NOW + 15 * MINUTE)] * 20
    assert count(store, "verification_attempts") == 20
    # For a quarter of an hour the holder too, in a conversation nobody knows yet …
    assert isinstance(check(store, "887X", "web:holder", origin="home"), Locked)
    # … on another policy not at all …
    other = check(store, "4321", "web:holder", "P2024013100018", origin="home")
    assert isinstance(other, Verified)
    later = NOW + 15 * MINUTE
    assert isinstance(check(store, "887X", "web:x", now=later, origin="home"), Verified)


def test_that_guessing_stays_slow_as_long_as_it_goes_on(store):
    at, tried = NOW, 0
    for n in range(30):
        check(store, "0000", f"web:{n}", now=at, origin=f"net{n}")
    for n in range(6 * 12):  # six hours, a new network every five minutes
        outcome = check(store, "0000", f"web:a{n}", now=at, origin=f"more{n}")
        tried += isinstance(outcome, Mismatch)
        at += 5 * MINUTE
    assert 20 <= tried <= 6 * 4


def test_that_a_conversation_that_proved_it_before_is_never_held_up(store):
    check(store, "887X", "web:holder", origin="home")
    for n in range(30):
        check(store, "0000", f"web:{n}", origin=f"net{n}")
    for n in range(15):
        check(store, "0000", f"web:h{n}", f"P20990101000{n:02}", origin="home")

    assert isinstance(check(store, "0000", "web:y", origin="home"), Locked)
    assert isinstance(check(store, "887X", "web:holder", origin="home"), Verified)
    # Of that policy only; and its own failures still lock it.
    other = check(store, "4321", "web:holder", "P2024013100018", origin="home")
    assert isinstance(other, Locked)
    for _ in range(3):
        check(store, "0000", "web:holder", origin="home")
    again = check(store, "887X", "web:holder", origin="home")
    assert again == Locked(NOW + 30 * MINUTE)


def test_that_a_quiet_hour_forgets_the_strangers(store):
    for n in range(30):
        check(store, "0000", f"web:{n}", origin=f"net{n % 3}")

    later = NOW + 61 * MINUTE
    outcomes = [
        check(store, "0000", f"web:l{n}", now=later, origin="net1") for n in range(11)
    ]
    assert outcomes == [Mismatch(2)] * 10 + [Locked(later + MINUTE)]


def test_that_an_unknown_policy_slows_just_the_same(store):
    number = "P2099010100001"
    known = [check(store, "0000", f"web:{n}") for n in range(22)]
    unknown = [check(store, "0000", f"web:{n}", number) for n in range(100, 122)]

    assert known == unknown
    assert known[19:] == [Mismatch(2)] + [Locked(NOW + 15 * MINUTE)] * 2


def test_that_failures_of_one_policy_are_counted_over_its_spellings(store):
    spellings = ["P2025080800033", " p2025080800033", "Ｐ２０２５０８０８０００３３"]
    for n in range(20):
        check(store, "0000", f"web:{n}", spellings[n % 3])

    assert isinstance(check(store, "887X", "web:stranger"), Locked)


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

    # A first try may be one of twenty, a second one only one of ten.
    assert 10 <= outcomes.count("Mismatch") <= 15
    assert count(store, "verification_attempts") == outcomes.count("Mismatch")


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
