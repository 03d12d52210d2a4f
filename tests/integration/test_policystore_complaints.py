"""Complaints: filed once, seen by who filed them, every step in a sealed log."""

import re
from datetime import timedelta

import pytest
from sqlalchemy.exc import DatabaseError
from store_kit import (
    CLAUSE,
    DUE,
    LI,
    NOW,
    ZHANG,
    count,
    execute,
    file_complaint,
    file_complaints,
    in_processes,
)

from actions.errors import RepeatedTurn
from actions.policystore.case_model import LogCheck

HOUR = timedelta(hours=1)


def verify(store):
    with store() as uow:
        return uow.complaints.verify()


def withdraw(store, number, sender_id="web:one", customer_id=None, turn_id="turn-w"):
    with store() as uow:
        return uow.complaints.withdraw(sender_id, customer_id, number, turn_id, NOW)


def get(store, number, sender_id="web:one", customer_id=None):
    with store() as uow:
        return uow.complaints.get(sender_id, customer_id, number)


def unseal(store):
    """Take the guards away as a person with all rights at the database would."""
    if store.engine.dialect.name == "sqlite":
        execute(
            store,
            "DROP TRIGGER complaint_log_no_update",
            "DROP TRIGGER complaint_log_no_delete",
        )
    else:
        execute(store, "DROP TRIGGER complaint_log_append_only ON complaint_log")


def test_that_a_complaint_is_kept_with_its_promise(store):
    filed = file_complaint(store)

    assert re.fullmatch(r"T20261123\d{5}", filed.complaint_no)
    assert (filed.status, filed.filed_at) == ("received", NOW)
    assert (filed.due_at, filed.due_clause) == (DUE, CLAUSE)
    assert (filed.what, filed.wanted) == ("报案两周没有人联系", "尽快处理并道歉")
    assert get(store, filed.complaint_no.lower()) == filed


def test_that_a_repeated_turn_gets_the_same_complaint(store):
    first = file_complaint(store)

    assert file_complaint(store, what="又说了一遍") == first
    assert verify(store) == LogCheck(1, True, None)


def test_that_a_turn_is_not_shared_between_conversations(store):
    file_complaint(store)

    with pytest.raises(RepeatedTurn):
        file_complaint(store, sender_id="web:two")


def test_that_only_the_filer_sees_a_complaint(store):
    number = file_complaint(store).complaint_no
    invented = "T2099010100001"

    assert get(store, number, "web:two") is get(store, invented) is None
    assert get(store, number, "web:two", ZHANG) is None
    assert withdraw(store, number, "web:two") is withdraw(store, invented) is None
    with store() as uow:
        assert uow.complaints.all_of("web:two", None) == []
        assert [c.complaint_no for c in uow.complaints.all_of("web:one", None)] == [
            number
        ]


def test_that_a_verified_customer_sees_theirs_from_anywhere(store):
    filed = file_complaint(store, customer_id=ZHANG)
    number = filed.complaint_no

    assert get(store, number, "wechat:zhang", ZHANG) == filed
    assert get(store, number, "web:one") == filed  # the conversation that filed it
    assert get(store, number, "wechat:li", LI) is None
    # Somebody else was verified on the same device since.
    assert get(store, number, "web:one", LI) is None


def test_that_complaints_come_newest_first(store):
    old = file_complaint(store, "turn-1", NOW - HOUR)
    new = file_complaint(store, "turn-2", NOW)

    with store() as uow:
        assert uow.complaints.all_of("web:one", None) == [new, old]


def test_that_a_complaint_is_withdrawn_once(store):
    number = file_complaint(store).complaint_no

    taken = withdraw(store, number)
    again = withdraw(store, number, turn_id="turn-x")

    assert (taken.status, taken.withdrawn_at) == ("withdrawn", NOW)
    assert again == taken == get(store, number)
    assert verify(store) == LogCheck(2, True, None)


def test_that_a_decided_complaint_is_not_withdrawn(store):
    number = file_complaint(store).complaint_no
    execute(store, "UPDATE complaints SET status = 'decided'")

    assert withdraw(store, number).status == "decided"


def test_that_the_log_holds_over_processes(store, store_settings):
    jobs = [[f"{name}{n}" for n in range(6)] for name in "abc"]

    found = in_processes(file_complaints, store_settings, jobs, 3)

    assert len({number for part in found for number in part}) == 18
    assert verify(store) == LogCheck(18, True, None)


def test_that_the_log_says_nothing_a_customer_said(store):
    file_complaint(store, sender_id="web:secret-session")

    with store.engine.connect() as connection:
        row = connection.exec_driver_sql("SELECT * FROM complaint_log").one()
    kept = " ".join(str(value) for value in row)
    for private in ("报案两周", "道歉", "13900000009", "secret-session"):
        assert private not in kept
    assert "customer:web" in kept


def test_that_an_empty_log_is_whole(store):
    assert verify(store) == LogCheck(0, True, None)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE complaint_log SET actor = 'x'", "DELETE FROM complaint_log"],
)
def test_that_the_database_refuses_to_change_the_log(store, statement):
    file_complaint(store)

    with pytest.raises(DatabaseError, match="append-only"):
        execute(store, statement)
    assert verify(store).ok


# What was done behind the product's back to a log of four entries (complaints 1–3 filed,
# the second withdrawn), and the first entry that shows it.
TAMPERINGS = {
    "one byte of data": (
        ["UPDATE complaint_log SET data = replace(data, '12-14', '12-24') "
         "WHERE entry_no = 2"], 2),
    "another actor": (
        ["UPDATE complaint_log SET actor = 'system' WHERE entry_no = 3"], 3),
    "another moment": (
        ["UPDATE complaint_log SET at = replace(at, '2026', '2025') "
         "WHERE entry_no = 1"], 1),
    "another hash": (
        ["UPDATE complaint_log SET hash = 'f' || substr(hash, 2, 62) || 'x' "
         "WHERE entry_no = 2"], 2),
    "an entry removed": (["DELETE FROM complaint_log WHERE entry_no = 2"], 2),
    "the first removed": (["DELETE FROM complaint_log WHERE entry_no = 1"], 1),
    # Entry 2 shows first: its complaint is withdrawn, the log does not know it.
    "the end cut off": (["DELETE FROM complaint_log WHERE entry_no >= 4"], 2),
    "the end cut off, neatly": (
        ["DELETE FROM complaint_log WHERE entry_no >= 4",
         "UPDATE complaints SET status = 'received' WHERE turn_id = 'turn-2'"], 4),
    "all removed": (["DELETE FROM complaint_log"], 1),
    "two entries swapped": (
        ["UPDATE complaint_log SET entry_no = 99 WHERE entry_no = 2",
         "UPDATE complaint_log SET entry_no = 2 WHERE entry_no = 3",
         "UPDATE complaint_log SET entry_no = 3 WHERE entry_no = 99"], 2),
    "renumbered after a removal": (
        ["DELETE FROM complaint_log WHERE entry_no = 2",
         "UPDATE complaint_log SET entry_no = 2 WHERE entry_no = 3",
         "UPDATE complaint_log SET entry_no = 3 WHERE entry_no = 4"], 2),
    "a complaint's words": (
        ["UPDATE complaints SET what = 'x' WHERE turn_id = 'turn-3'"], 3),
    "a complaint's due date": (
        ["UPDATE complaints SET due_at = filed_at WHERE turn_id = 'turn-1'"], 1),
    "a complaint's status": (
        ["UPDATE complaints SET status = 'closed' WHERE turn_id = 'turn-2'"], 4),
    "a complaint removed": (["DELETE FROM complaints WHERE turn_id = 'turn-3'"], 3),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERINGS)
def test_that_what_was_tampered_with_is_found(store, what):
    filed = [file_complaint(store, f"turn-{n}") for n in (1, 2, 3)]
    withdraw(store, filed[1].complaint_no)
    assert verify(store) == LogCheck(4, True, None)
    unseal(store)
    statements, first_bad = TAMPERINGS[what]

    execute(store, *statements)

    found = verify(store)
    assert (found.ok, found.first_bad) == (False, first_bad)


def test_that_a_complaint_beside_the_log_is_found(store):
    file_complaint(store)
    columns = (
        "sender_id, category, what, wanted, contact_phone, channel, status, "
        "filed_at, due_at, due_clause, content_salt"
    )
    execute(
        store,
        f"INSERT INTO complaints (complaint_no, turn_id, {columns}) "
        f"SELECT 'T2026112399999', 'forged', {columns} FROM complaints",
    )

    assert verify(store) == LogCheck(1, False, 2)


def test_that_complaints_go_on_after_a_cut_and_the_cut_still_shows(store):
    for n in (1, 2, 3):
        file_complaint(store, f"turn-{n}")
    unseal(store)
    execute(store, "DELETE FROM complaint_log WHERE entry_no = 3")

    file_complaint(store, "turn-4")

    assert verify(store).first_bad == 3


def test_that_complaints_go_on_without_the_log_head(store):
    file_complaint(store, "turn-1")
    execute(store, "DELETE FROM complaint_log_head")
    assert verify(store) == LogCheck(1, False, 2)

    file_complaint(store, "turn-2")

    assert count(store, "complaint_log") == 2
    assert verify(store) == LogCheck(2, True, None)


def test_that_a_log_longer_than_one_batch_is_read_to_its_end(store, monkeypatch):
    monkeypatch.setattr("actions.policystore.complaint_check.BATCH", 2)
    for number in range(7):
        file_complaint(store, f"long-{number}")

    with store() as uow:
        checked = uow.complaints.verify()

    assert (checked.ok, checked.entries) == (True, count(store, "complaint_log"))
    assert checked.entries >= 7
