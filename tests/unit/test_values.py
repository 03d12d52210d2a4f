"""What data was read as: dates count from when the message was written."""

from dataclasses import replace
from datetime import UTC, datetime

from action_kit import turn_of

from actions.values import read_values

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday, ten in Beijing


def read(kind: str, said: str, received_at: datetime | None = None) -> str | None:
    turn = turn_of(said, **{kind: said})
    [found] = read_values(replace(turn, received_at=received_at), NOW)
    assert (found["entity"], found["said"]) == (kind, said)
    return found["value"]


def test_that_data_is_read() -> None:
    assert read("amount", "三千块") == "3,000.00元"
    assert read("policy_no", "p2024013100018") == "P2024013100018"
    assert read("plate_no", "京a·12345") == "京A12345"
    assert read("phone", "139 0000 0001") == "13900000001"
    assert read("date", "昨天下午三点") == "2026-11-22 15:00"


def test_that_a_date_counts_from_when_the_message_was_written() -> None:
    before_midnight = datetime(2026, 11, 22, 15, 59, tzinfo=UTC)
    assert read("date", "昨天", before_midnight) == "2026-11-21 00:00"


def test_that_what_cannot_be_read_has_no_value() -> None:
    assert read("amount", "三百美元") is None
    assert read("date", "2月30号") is None


def test_that_identity_numbers_stay_out() -> None:
    assert read_values(turn_of("887X", id_tail="887X", id_number="1" * 18), NOW) == []
