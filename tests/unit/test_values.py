"""What data was read as: dates count from when the message was written."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from action_kit import turn_of

from actions.forms import Filled, Unusable
from actions.report_claim import read_when
from actions.values import date_said, read_values, values_of

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
    assert read("date", "昨天", before_midnight) == "2026-11-21"


def test_that_what_cannot_be_read_has_no_value() -> None:
    assert read("amount", "三百美元") is None
    assert read("date", "2月30号") is None


def test_that_identity_numbers_stay_out() -> None:
    assert read_values(turn_of("887X", id_tail="887X", id_number="1" * 18), NOW) == []


def test_that_an_estimate_has_a_least_a_most_and_says_so() -> None:
    turn = turn_of("两三天前", date="两三天前")
    [value] = values_of(turn, NOW)
    assert (value.value, value.until) == ("2026-11-20", "2026-11-21")
    assert value.estimate
    [kept] = read_values(turn, NOW)
    assert (kept["value"], kept["estimate"]) == ("约2026-11-20至2026-11-21", True)
    [value] = values_of(turn_of("两三千块", amount="两三千块"), NOW)
    assert (value.value, value.until) == ("2,000.00元", "3,000.00元")
    assert (value.estimate, value.shown) == (True, "约2,000.00元至3,000.00元")


def test_that_words_beside_a_date_say_how_it_is_meant() -> None:
    turn = turn_of("好像大概三天前吧，在家")
    marked = replace(turn_of("", date="三天前").entities[0], start=4, end=7)
    found = date_said(replace(turn, entities=(marked,)), NOW)
    assert found is not None
    assert (found.said, found.estimate) == ("三天前", True)


@pytest.mark.parametrize(
    ("text", "marked"),
    [("有1-2个人受了轻伤", "1-2"), ("比例是3/7", "3/7"), ("我有两点要说", "两点")],
)
def test_that_a_mark_on_something_else_fills_no_date(text: str, marked: str) -> None:
    turn = turn_of(text, date=marked)
    assert isinstance(read_when(turn, NOW), Unusable)
    assert [value.value for value in values_of(turn, NOW)] == [None]


def test_that_the_form_keeps_the_day_and_no_hour_for_a_part_of_it() -> None:
    found = read_when(turn_of("昨晚", date="昨晚"), NOW)
    assert isinstance(found, Filled)
    assert found.value == {
        "at": "2026-11-22T00:00:00+08:00",
        "said": "昨晚",
        "shown": "2026-11-22 晚上",
    }


def test_that_a_date_no_entity_marks_is_read_as_the_form_reads_it() -> None:
    [value] = values_of(turn_of("前两三天的事"), NOW)
    assert (value.kind, value.value, value.estimate) == ("date", "2026-11-20", True)


@pytest.mark.parametrize("text", ["近两万", "大概两万", "两万左右", "不到两万元"])
def test_that_words_beside_a_sum_make_it_an_estimate(text: str) -> None:
    said = "两万元" if "元" in text else "两万"
    start = text.index(said)
    [entity] = turn_of(said, amount=said).entities
    marked = replace(entity, start=start, end=start + len(said))
    [value] = values_of(replace(turn_of(text), entities=(marked,)), NOW)
    assert (value.value, value.estimate) == ("20,000.00元", True)


def test_that_one_of_two_days_is_an_estimate() -> None:
    first, second = (turn_of(w, date=w).entities[0] for w in ("周三", "周四"))
    marked = (first, replace(second, start=3, end=5))
    found = date_said(replace(turn_of("周三或周四出的事"), entities=marked), NOW)
    assert found is not None
    assert (found.said, found.estimate) == ("周三或周四", True)
