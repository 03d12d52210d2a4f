"""The code sent by SMS: who is bound by it, what it withstands, how often it is made."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from store_kit import (
    LI,
    LI_MEDICAL,
    NOW,
    ZHANG_CAR,
    ask_for_codes,
    count,
    everywhere,
    in_processes,
    opened,
    try_codes,
    try_tails,
)

from actions.policystore.model import (
    CodeDue,
    CodesUsedUp,
    CodeTooSoon,
    Locked,
    Mismatch,
    NoCode,
    Verified,
    WrongCode,
)

pytestmark = everywhere

MINUTE = timedelta(minutes=1)


@pytest.fixture
def sms_settings(store_settings):
    return store_settings.model_copy(update={"sms_url": "http://127.0.0.1:9/sms"})


@pytest.fixture
def store(store, sms_settings):
    with opened(sms_settings) as with_codes:
        yield with_codes


def check(store, tail="887X", sender_id="web:one", policy_no=LI_MEDICAL, now=NOW):
    with store() as uow:
        return uow.identity.verify(sender_id, policy_no, tail, now)


def enter(store, code, sender_id="web:one", policy_no=LI_MEDICAL, now=NOW):
    with store() as uow:
        return uow.identity.enter_code(sender_id, policy_no, code, now)


def customer(store, sender_id="web:one", now=NOW):
    with store() as uow:
        return uow.identity.customer_of(sender_id, now)


def other(code):
    """A code that is not this one."""
    return f"{(int(code) + 1) % 10**6:06d}"


def test_that_nobody_is_bound_before_the_right_code(store):
    due = check(store)

    assert isinstance(due, CodeDue)
    assert (due.customer.customer_id, due.customer.name) == (LI, "李娜")
    assert len(due.code) == 6 and due.code.isdecimal()
    assert due.expires_at == NOW + 5 * MINUTE
    assert customer(store) is None

    assert enter(store, due.code) == Verified(due.customer)
    assert customer(store) == due.customer


@pytest.mark.parametrize("spell", ["full width", "blanks"])
def test_that_the_code_counts_in_any_spelling(store, spell):
    code = check(store).code
    wide = code.translate({ord("0") + n: "０１２３４５６７８９"[n] for n in range(10)})
    said = wide if spell == "full width" else f" {code[:3]}　{code[3:]}\n"

    assert isinstance(enter(store, said), Verified)


def test_that_a_wrong_tail_and_an_unknown_policy_make_no_code(store):
    wrong = check(store, "0000", "web:a")
    unknown = check(store, "0000", "web:b", "P2099010100001")
    foreign = check(store, "4321", "web:c")

    assert wrong == unknown == foreign == Mismatch(2)
    assert count(store, "one_time_codes") == 0


def test_that_wrong_codes_lock_like_wrong_tails(store):
    code = check(store).code

    assert enter(store, other(code)) == WrongCode(2)
    assert enter(store, other(code)) == WrongCode(1)
    assert enter(store, other(code)) == Locked(NOW + 30 * MINUTE)
    assert enter(store, code) == Locked(NOW + 30 * MINUTE)
    assert isinstance(check(store, now=NOW + 2 * MINUTE), Locked)
    assert customer(store) is None


def test_that_wrong_tails_and_wrong_codes_count_together(store):
    assert check(store, "0000") == Mismatch(2)
    code = check(store).code
    assert enter(store, other(code)) == WrongCode(1)
    later = NOW + MINUTE
    code = check(store, now=later).code  # the right pair forgives nothing

    assert isinstance(enter(store, other(code), now=later), Locked)


def test_that_the_right_code_forgives(store):
    check(store, "0000")
    code = check(store).code
    enter(store, other(code))
    enter(store, code)

    assert check(store, "0000", now=NOW + MINUTE) == Mismatch(2)


def test_that_a_code_is_spent_before_a_patient_conversation_is_locked(
    store, sms_settings
):
    patient = sms_settings.model_copy(update={"identity_attempts": 10})
    with opened(patient) as store:
        code = check(store).code
        assert [enter(store, other(code)) for _ in range(4)] == [
            WrongCode(2),
            WrongCode(1),
            NoCode(),
            NoCode(),
        ]
        assert enter(store, code) == NoCode()
        again = check(store, now=NOW + MINUTE).code
        assert isinstance(enter(store, again, now=NOW + MINUTE), Verified)


def test_that_a_code_ends(store):
    code = check(store).code

    assert enter(store, code, now=NOW + 5 * MINUTE) == NoCode()
    assert customer(store, now=NOW + 5 * MINUTE) is None
    just = NOW + 5 * MINUTE - timedelta(seconds=1)
    assert isinstance(enter(store, code, now=just), Verified)


def test_that_a_code_works_once(store):
    due = check(store)
    enter(store, due.code)
    with store() as uow:
        bound_at = uow.identity.checked_at("web:one", NOW)

    # A turn that is repeated hears the same again and makes nothing younger.
    assert enter(store, due.code, now=NOW + MINUTE) == Verified(due.customer)
    assert enter(store, other(due.code), now=NOW + MINUTE) == NoCode()
    with store() as uow:
        assert uow.identity.checked_at("web:one", NOW) == bound_at == NOW
        uow.identity.unbind("web:one")
    assert enter(store, due.code) == NoCode()


def test_that_a_code_is_of_one_conversation_and_one_policy(store):
    code = check(store).code

    assert enter(store, code, "web:two") == NoCode()
    assert enter(store, code, policy_no="P2024013100018") == NoCode()
    assert isinstance(enter(store, code), Verified)


def test_that_a_code_nobody_was_sent_is_none(store):
    assert enter(store, "123456") == NoCode()


def test_that_a_conversation_gets_one_code_a_minute(store):
    first = check(store).code

    assert check(store, now=NOW + MINUTE / 2) == CodeTooSoon(NOW + MINUTE)
    assert check(store, "4321", policy_no="P2024013100018") == CodeTooSoon(NOW + MINUTE)
    second = check(store, now=NOW + MINUTE).code
    if second != first:  # only the last one counts
        assert enter(store, first, now=NOW + MINUTE) == WrongCode(2)
    assert isinstance(enter(store, second, now=NOW + MINUTE), Verified)


def test_that_a_customer_gets_five_codes_a_day_over_all_conversations(store):
    for n in range(5):
        assert isinstance(
            check(store, sender_id=f"web:{n}", now=NOW + n * MINUTE), CodeDue
        )
    tomorrow = NOW + timedelta(days=1)

    assert check(store, sender_id="web:x", now=NOW + 9 * MINUTE) == CodesUsedUp(
        tomorrow
    )
    # Another customer is not touched by it.
    zhang = check(store, "4321", "web:x", "P2024013100018", NOW + 9 * MINUTE)
    assert isinstance(zhang, CodeDue)
    assert isinstance(check(store, sender_id="web:y", now=tomorrow), CodeDue)


def test_that_a_code_that_was_never_sent_is_as_if_not_made(store):
    due = check(store)
    with store() as uow:
        uow.identity.withdraw_code(due.idempotency_key, perhaps_sent=False)

    assert enter(store, due.code) == NoCode()
    assert isinstance(check(store), CodeDue)


def test_that_a_code_that_was_perhaps_sent_counts_and_is_worthless(store):
    due = check(store)
    with store() as uow:
        uow.identity.withdraw_code(due.idempotency_key, perhaps_sent=True)

    assert enter(store, due.code) == NoCode()
    assert isinstance(check(store), CodeTooSoon)
    assert customer(store) is None


@pytest.mark.parametrize(
    "odd", ["", "\0", "abcdef", "1" * 300, "\ud800", "' OR 1=1 --", "🙂"]
)
def test_that_odd_codes_are_wrong_codes(store, odd):
    check(store)

    assert enter(store, odd) == WrongCode(2)


def test_that_parallel_entries_of_one_code_bind_once(store, sms_settings):
    code = check(store).code
    jobs = [("web:one", LI_MEDICAL, [code])] * 4

    outcomes = [
        o for part in in_processes(try_codes, sms_settings, jobs, 4) for o in part
    ]

    assert outcomes == ["Verified"] * 4
    assert count(store, "bindings") == 1
    # The pair once and the code once: who came later changed nothing.
    assert count(store, "verification_attempts") == 2


def test_that_parallel_wrong_codes_are_all_counted(store, sms_settings):
    code = check(store).code
    jobs = [("web:one", LI_MEDICAL, [other(code)] * 3)] * 3

    outcomes = [
        o for part in in_processes(try_codes, sms_settings, jobs, 3) for o in part
    ]

    assert outcomes.count("WrongCode") == 2
    assert outcomes.count("Locked") == 7
    assert isinstance(enter(store, code), Locked)


def test_that_parallel_conversations_cannot_pass_the_day_limit(store, sms_settings):
    # Two policies of one customer: the policies' counters alone do not queue them.
    numbers = ["P2024013100018", ZHANG_CAR] * 2
    jobs = [
        (number, "4321", [f"web:{n}-{m}" for m in range(3)])
        for n, number in enumerate(numbers)
    ]

    outcomes = [
        o for part in in_processes(ask_for_codes, sms_settings, jobs, 4) for o in part
    ]

    assert (outcomes.count("CodeDue"), outcomes.count("CodesUsedUp")) == (5, 7)


def test_that_conversations_of_one_customer_are_counted_one_after_the_other(
    sms_settings, store
):
    """The second waits until it is known whether the first made the day's last code."""
    once = sms_settings.model_copy(update={"code_daily": 1})
    with opened(once) as store, ThreadPoolExecutor(1) as pool:
        with store() as uow:
            first = uow.identity.verify("web:1", "P2024013100018", "4321", NOW)
            second = pool.submit(check, store, "4321", "web:2", ZHANG_CAR)
            with pytest.raises(TimeoutError):
                second.result(0.5)
        assert isinstance(first, CodeDue)
        assert isinstance(second.result(30), CodesUsedUp)


def test_that_one_conversation_at_many_places_gets_one_code(store, sms_settings):
    jobs = [("web:one", LI_MEDICAL, ["887X", "887X"])] * 3

    outcomes = [
        o for part in in_processes(try_tails, sms_settings, jobs, 3) for o in part
    ]

    assert (outcomes.count("CodeDue"), outcomes.count("CodeTooSoon")) == (1, 5)


def test_that_no_code_can_be_read_from_the_store(store):
    due = check(store, sender_id="web:secret-session")

    with store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM one_time_codes").all()
    kept = " ".join(str(value) for row in rows for value in row)
    assert due.idempotency_key in kept
    for secret in (due.code, "secret-session", LI_MEDICAL, due.customer.phone):
        assert secret not in kept
    assert due.code not in repr(due)


def test_that_the_auditor_sees_both_steps(store):
    code = check(store).code
    enter(store, other(code))
    enter(store, code)

    with store.engine.connect() as connection:
        query = "SELECT step, succeeded FROM verification_attempts ORDER BY attempt_id"
        rows = [(step, bool(ok)) for step, ok in connection.exec_driver_sql(query)]
    assert rows == [("pair", True), ("code", False), ("code", True)]
