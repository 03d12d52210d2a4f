"""Reporting a claim: once per turn, on one's own policy, under a number of its own."""

import re
from dataclasses import replace
from datetime import datetime

import pytest
from store_kit import (
    LI,
    NOW,
    ZHANG,
    ZHANG_CAR,
    a_report,
    count,
    everywhere,
    in_processes,
    opened,
    report_claims,
    report_claims_from_few_numbers,
    skip_elsewhere,
)

from actions.errors import RepeatedTurn, StoreError, UnknownPolicy

pytestmark = everywhere


def report(store, turn_id="turn-1", who=ZHANG, now=NOW, **changes):
    with store() as uow:
        return uow.claims.report(who, a_report(**changes), turn_id, now)


def test_that_a_reported_claim_is_kept_as_told(store):
    told = a_report(injured=True, papers=("事故证明", "定损单", "事故证明"))
    with store() as uow:
        made = uow.claims.report(ZHANG, told, "turn-1", NOW)
    with store() as uow:
        kept = uow.claims.get(ZHANG, made.claim_no)

    assert kept == made
    assert re.fullmatch(r"C20261123\d{5}", kept.claim_no)
    assert (kept.status, kept.status_since, kept.product) == ("reported", NOW, "车险")
    assert (kept.what, kept.place) == (told.what, told.place)
    assert (kept.happened_at, kept.happened_text) == (
        told.happened_at,
        told.happened_text,
    )
    assert kept.injured is True
    assert kept.contact_phone == told.contact_phone
    assert [(p.name, p.required, p.received_at) for p in kept.papers] == [
        ("事故证明", True, None),
        ("定损单", True, None),
    ]


def test_that_the_number_has_the_day_in_beijing(store):
    late = datetime.fromisoformat("2026-12-31T16:30:00+00:00")

    assert report(store, now=late).claim_no.startswith("C20270101")


def test_that_a_repeated_turn_gets_the_same_claim(store):
    first = report(store)

    again = report(store, what="换了一种说法")

    assert again == first
    assert count(store, "claims") == 4
    assert report(store, "turn-2").claim_no != first.claim_no


def test_that_a_turn_is_not_shared_between_customers(store):
    report(store)

    with pytest.raises(RepeatedTurn):
        report(store, who=LI, policy_no="P2025080800033")


@pytest.mark.parametrize("number", [ZHANG_CAR, "P2099010100001", "", "\0"])
def test_that_only_ones_own_policy_takes_a_claim(store, number):
    with pytest.raises(UnknownPolicy) as refusal:
        report(store, who=LI, policy_no=number)

    assert str(refusal.value) == "the customer has no such policy"
    assert count(store, "claims") == 3


def test_that_the_same_turn_in_two_processes_makes_one_claim(store, store_settings):
    turns = [f"turn-{n}" for n in range(8)]

    found = in_processes(report_claims, store_settings, [turns] * 3, 3)

    assert found[0] == found[1] == found[2]
    assert len(set(found[0])) == 8
    assert count(store, "claims") == 3 + 8


def test_that_numbers_stay_unique_when_processes_collide(store, store_settings):
    skip_elsewhere(store)
    jobs = [[f"a{n}" for n in range(4)], [f"b{n}" for n in range(4)]]

    found = in_processes(report_claims_from_few_numbers, store_settings, jobs)

    assert sorted(found[0] + found[1]) == [f"C20261123{n:05d}" for n in range(8)]


def test_that_a_day_without_numbers_left_is_said(store_settings, store):
    skip_elsewhere(store)
    with opened(store_settings, draw=lambda: 7) as narrow:
        report(narrow)
        with pytest.raises(StoreError, match="no free number"):
            report(narrow, "turn-2")

    assert count(store, "claims") == 4


def test_that_text_no_database_takes_is_cleaned(store):
    claim = report(store, what="a\0b\ud800c", place="<b>" + "长" * 20_000)

    assert claim.what == "abc"
    assert len(claim.place) == 10_000


def test_that_a_claim_needs_a_moment_with_zone_and_a_turn(store):
    naive = NOW.replace(tzinfo=None)

    with pytest.raises(StoreError):
        report(store, happened_at=naive)
    with pytest.raises(ValueError, match="an id"):
        report(store, turn_id="")
    assert count(store, "claims") == 3


def test_that_an_unclear_moment_may_stay_open(store):
    told = replace(a_report(), happened_at=None, happened_text="前阵子")
    with store() as uow:
        claim = uow.claims.report(ZHANG, told, "turn-1", NOW)

    assert (claim.happened_at, claim.happened_text) == (None, "前阵子")
