"""Policies and claims as a verified customer reads them; nobody else's, ever."""
# ruff: noqa: RUF001 - full-width letters are what is tested

from datetime import UTC, date, datetime

import pytest
from store_kit import (
    DEMO,
    LI,
    LI_MEDICAL,
    NOW,
    WANG,
    ZHANG,
    ZHANG_CAR,
    count,
    everywhere,
    skip_elsewhere,
)

from actions.policystore.model import ClauseRef
from actions.policystore.seed import Seeded, seed

pytestmark = everywhere

SICK, PAID, DECLINED = "C2026101500012", "C2026090100005", "C2026110300021"


def test_that_the_demo_customers_have_their_policies(store):
    with store() as uow:
        found = {
            (p.policy_no, p.product, p.status, p.plate_no)
            for who in (ZHANG, LI, WANG)
            for p in uow.policies.all_of(who)
        }

    assert found == {
        ("P2024013100018", "重疾险", "in_force", None),
        (ZHANG_CAR, "车险", "in_force", "京A12345"),
        (LI_MEDICAL, "百万医疗险", "in_force", None),
        ("P2022031500041", "家财险", "lapsed", None),
    }


def test_that_a_policy_comes_with_coverages_and_premiums(store):
    with store() as uow:
        car = uow.policies.get(ZHANG, ZHANG_CAR)
        medical = uow.policies.get(LI, LI_MEDICAL)

    assert car.renewal_due == date(2026, 12, 13)  # in 20 days
    assert car.start == date(2025, 12, 13)
    assert [c.name for c in car.coverages][:2] == ["机动车损失保险", "第三者责任保险"]
    assert sum(c.amount_fen for c in car.coverages) == car.sum_insured_fen
    assert [(p.due_on, p.paid_at is None) for p in car.premiums] == [
        (date(2025, 12, 13), False),
        (date(2026, 12, 13), True),
    ]
    assert medical.waiting_until == date(2025, 9, 6) < NOW.date()


def test_that_the_demo_claims_stand_where_the_table_says(store):
    with store() as uow:
        paid = uow.claims.get(ZHANG, PAID)
        sick = uow.claims.get(ZHANG, SICK)
        declined = uow.claims.get(LI, DECLINED)
        none = uow.claims.all_of(WANG)

    assert (paid.product, paid.status, paid.amount_fen) == ("车险", "paid", 860_000)
    assert (sick.product, sick.status) == ("重疾险", "under_assessment")
    missing = [p.name for p in sick.papers if p.required and not p.received_at]
    assert missing == ["病理报告"]
    assert declined.status == "declined"
    assert declined.decision_reason.startswith("等待期内发病")
    assert declined.decision_clause == ClauseRef("百万医疗险", "第六条(二)")
    assert none == []


def test_that_a_claim_has_its_history_in_order(store):
    with store() as uow:
        claim = uow.claims.get(ZHANG, PAID)

    assert [change.status for change in claim.history] == [
        "reported",
        "papers_missing",
        "under_assessment",
        "approved",
        "paid",
    ]
    moments = [change.at for change in claim.history]
    assert moments == sorted(moments)
    assert moments[0] == datetime(2026, 9, 1, 1, 20, tzinfo=UTC) == claim.reported_at
    assert claim.status_since == moments[-1]


def test_that_claims_come_newest_first(store):
    with store() as uow:
        assert [c.claim_no for c in uow.claims.all_of(ZHANG)] == [SICK, PAID]


@pytest.mark.parametrize("who", [LI, WANG, "CU999999", "", "' OR '1'='1"])
def test_that_nobody_reads_what_belongs_to_another(store, who):
    with store() as uow:
        foreign = [uow.policies.get(who, ZHANG_CAR), uow.claims.get(who, PAID)]
        invented = [
            uow.policies.get(who, "P2099010100001"),
            uow.claims.get(who, "C2099010100001"),
        ]
        mine = {p.policy_no for p in uow.policies.all_of(who)}

    assert foreign == invented == [None, None]
    assert ZHANG_CAR not in mine


def test_that_the_range_around_a_number_gives_nothing(store):
    numbers = [f"C20261015{n:05d}" for n in range(30)]
    with store() as uow:
        assert all(uow.claims.get(LI, number) is None for number in numbers)
        assert [n for n in numbers if uow.claims.get(ZHANG, n)] == [SICK]


@pytest.mark.parametrize("spelling", ["c2026090100005", "Ｃ２０２６０９０１０００05 "])
def test_that_a_number_is_found_in_any_spelling(store, spelling):
    with store() as uow:
        assert uow.claims.get(ZHANG, spelling).claim_no == PAID
        assert uow.policies.get(ZHANG, ZHANG_CAR.lower()).policy_no == ZHANG_CAR


@pytest.mark.parametrize("odd", ["", "\0", "\ud800", "x" * 10_000, "%", "🙂"])
def test_that_odd_numbers_find_nothing(store, odd):
    with store() as uow:
        assert uow.claims.get(ZHANG, odd) is None
        assert uow.policies.get(ZHANG, odd) is None
        assert uow.requests.get(ZHANG, odd) is None
        assert uow.complaints.get("web:one", ZHANG, odd) is None


def test_that_seeding_again_changes_nothing(store):
    skip_elsewhere(store)
    later = datetime(2027, 5, 1, tzinfo=UTC)

    assert seed(store.engine, DEMO, later) == Seeded(0, 0, 0)
    assert count(store, "claim_papers") == 20
    with store() as uow:
        assert uow.policies.get(ZHANG, ZHANG_CAR).renewal_due == date(2026, 12, 13)
