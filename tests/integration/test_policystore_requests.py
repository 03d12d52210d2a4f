"""Service requests: a number for every wish, once per turn."""

import re

import pytest
from store_kit import LI, NOW, ZHANG, count

from actions.errors import RepeatedTurn


def record(store, kind="change", turn_id="turn-1", who=ZHANG, sender="web:one"):
    detail = {"policy_no": "P1", "detail": "改\0手机号", "more": ["a\0", 1, None]}
    with store() as uow:
        return uow.requests.record(sender, who, kind, detail, turn_id, NOW)


def test_that_a_request_is_kept_with_its_number(store):
    made = record(store)

    assert re.fullmatch(r"R20261123\d{5}", made.request_no)
    assert made.detail == {
        "policy_no": "P1",
        "detail": "改手机号",
        "more": ["a", 1, None],
    }
    with store() as uow:
        assert uow.requests.get(ZHANG, made.request_no) == made
        assert uow.requests.all_of(ZHANG) == [made]
        assert uow.requests.get(LI, made.request_no) is None
        assert uow.requests.all_of(LI) == []


@pytest.mark.parametrize(
    ("kind", "needs_human"),
    [
        ("document", True),
        ("change", True),
        ("surrender", True),
        ("privacy", True),
        ("notice", False),
    ],
)
def test_that_a_request_says_whether_a_human_must_act(store, kind, needs_human):
    assert record(store, kind).needs_human is needs_human


def test_that_a_repeated_turn_gets_the_same_request_of_its_kind(store):
    first = record(store)

    assert record(store) == first
    assert record(store, "notice").request_no != first.request_no
    assert count(store, "service_requests") == 2


def test_that_a_turn_is_not_shared(store):
    record(store)

    with pytest.raises(RepeatedTurn):
        record(store, who=LI)
    with pytest.raises(RepeatedTurn):
        record(store, sender="web:two")


def test_that_an_unknown_kind_is_refused(store):
    with pytest.raises(ValueError, match="no such kind"):
        record(store, "refund")


def test_that_an_unverified_person_may_wish(store):
    assert record(store, who=None).request_no.startswith("R")
