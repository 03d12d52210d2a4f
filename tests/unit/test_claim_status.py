"""Claims: one wording and one next action a status, disputes, reporting, papers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from action_kit import (
    NOW,
    SENDER,
    Ear,
    FakeLibrary,
    FakeStore,
    claim_of,
    followups,
    policy_of,
    services_of,
    slots_of,
    turn_of,
    verified_store,
    with_services,
)

from actions.claim_papers import kind_for_product, kind_for_text, kinds, papers_for
from actions.forms import Filled
from actions.policystore.model import (
    Claim,
    ClaimStatus,
    ClauseRef,
    Locked,
    Mismatch,
    Paper,
    Verified,
)
from actions.query_policy import ActionQueryPolicy
from actions.report_claim import (
    ActionAskClaimConfirmed,
    ActionReportClaim,
    ActionReportClaimSubmit,
    read_when,
)
from actions.track_claim import ActionDisputeClaim, ActionTrackClaim
from actions.verify_identity import FORM as IDENTITY_FORM
from actions.verify_identity import ActionVerifyIdentity

STATUSES = get_args(ClaimStatus)


def _ask(
    action: Any, turn: Any, claims: list[Claim], store: FakeStore | None = None
) -> tuple[Ear, list[dict[str, Any]]]:
    kept = store or verified_store()
    kept.claims.owned["c-1"] = claims
    ear = Ear()
    events = with_services(action, services_of(kept)).answer(turn, ear.say)
    return ear, events


TRACK = turn_of("理赔到哪了", "track_claim")
DISPUTE = turn_of("为什么不赔", "dispute_claim")


@pytest.mark.parametrize("status", STATUSES)
def test_that_every_status_has_one_wording_of_its_own(status: str) -> None:
    ear, _ = _ask(ActionTrackClaim, TRACK, [claim_of(status)])
    unpaid = "_unpaid" if status == "closed" else ""  # this one has no amount
    assert ear.names == [f"utter_claim_{status}{unpaid}"]
    (said,) = ear.heard
    assert said.values["claim_no"] == "C2026100100001"
    assert said.values["since"] == "2026-10-01"


def test_that_missing_papers_are_listed_once_and_numbered() -> None:
    received = datetime(2026, 10, 2, tzinfo=UTC)
    papers = (
        Paper("病历", True),
        Paper("身份证", True, received),
        Paper("发票", True),
        Paper("照片", False),
    )
    claim = claim_of("papers_missing", papers=papers)
    ear, _ = _ask(ActionTrackClaim, TRACK, [claim])
    assert [said.values["missing"] for said in ear.heard] == ["1. 病历\n2. 发票"]


def test_that_papers_missing_during_assessment_have_their_own_wording() -> None:
    claim = claim_of("under_assessment", papers=(Paper("病历", True),))
    ear, _ = _ask(ActionTrackClaim, TRACK, [claim])
    assert ear.names == ["utter_claim_under_assessment_missing"]


@pytest.mark.parametrize(
    ("status", "refs"),
    [("approved", ["第三条(三)3"]), ("paid", ["第三条(一)5"]), ("reported", [])],
)
def test_that_a_promise_is_cited_where_there_is_one(
    status: str, refs: list[str]
) -> None:
    ear, _ = _ask(ActionTrackClaim, TRACK, [claim_of(status, amount_fen=860_000)])
    assert ear.heard[0].refs == refs
    assert ear.heard[0].values["amount"] == "8,600.00元"


def test_that_an_undecided_amount_is_a_dash() -> None:
    ear, _ = _ask(ActionTrackClaim, TRACK, [claim_of("reported")])
    assert ear.heard[0].values["amount"] == "—"


def test_that_a_foreign_claim_is_answered_like_one_that_does_not_exist() -> None:
    store = verified_store()
    store.claims.owned["c-2"] = [claim_of("paid", "C2026100100009")]
    turns = [
        turn_of(no, "track_claim", claim_no=no)
        for no in ("C2026100100009", "C2026100199999")
    ]
    heard = [_ask(ActionTrackClaim, turn, [], store)[0].heard for turn in turns]
    assert heard[0] == heard[1]
    assert [said.response for said in heard[0]] == ["utter_claim_unknown"]


def test_that_without_claims_the_customer_is_told_so() -> None:
    assert _ask(ActionTrackClaim, TRACK, [])[0].names == ["utter_no_claims"]


def test_that_the_one_running_claim_is_meant_and_others_are_buttons() -> None:
    claims = [claim_of("paid"), claim_of("under_assessment", "C2026100100002")]
    ear, _ = _ask(ActionTrackClaim, TRACK, claims)
    assert ear.names == ["utter_claim_under_assessment"]
    payload = '/track_claim{"claim_no":"C2026100100001"}'
    assert [b["payload"] for b in ear.heard[0].buttons] == [payload]


def test_that_several_running_claims_are_asked_for() -> None:
    claims = [claim_of("reported"), claim_of("approved", "C2026100100002")]
    ear, _ = _ask(ActionTrackClaim, TRACK, claims)
    assert ear.names == ["utter_which_claim"]
    assert len(ear.heard[0].buttons) == 2


def test_that_a_number_in_any_spelling_names_its_claim() -> None:
    claims = [claim_of("reported"), claim_of("approved", "C2026100100002")]
    turn = turn_of("x", "track_claim", claim_no="c20261001 00002")
    assert _ask(ActionTrackClaim, turn, claims)[0].names == ["utter_claim_approved"]


def test_that_a_product_names_its_claim() -> None:
    claims = [claim_of("reported"), claim_of("paid", "C2", product="车险")]
    turn = turn_of("车险的", "track_claim", product="车险")
    assert _ask(ActionTrackClaim, turn, claims)[0].names == ["utter_claim_paid"]


# --- disputes ----------------------------------------------------------------------


def test_that_a_refusal_is_explained_with_its_clause_and_the_rights() -> None:
    reason = ClauseRef("重疾险", "第六条(二)")
    claim = claim_of("declined", decision_reason="等待期内", decision_clause=reason)
    ear, _ = _ask(ActionDisputeClaim, DISPUTE, [claim])
    assert ear.names == ["utter_dispute_declined", "utter_dispute_rights"]
    assert [said.refs for said in ear.heard] == [["第六条(二)"], ["第三条(三)5"]]
    assert ear.heard[0].values["reason"] == "等待期内"


@pytest.mark.parametrize(
    "clause", [None, ClauseRef("没有的产品", "第一条"), ClauseRef("重疾险", "没有")]
)
def test_that_a_clause_that_cannot_be_found_is_not_quoted(
    clause: ClauseRef | None,
) -> None:
    store = verified_store()
    store.claims.owned["c-1"] = [claim_of("declined", decision_clause=clause)]
    ear = Ear()
    services = services_of(store, FakeLibrary(absent={"没有"}))
    with_services(ActionDisputeClaim, services).answer(DISPUTE, ear.say)
    assert ear.heard[0].refs == []
    assert ear.names[-1] == "utter_dispute_rights"


@pytest.mark.parametrize("status", ["paid", "approved"])
def test_that_too_little_money_is_explained(status: str) -> None:
    ear, _ = _ask(ActionDisputeClaim, DISPUTE, [claim_of(status, amount_fen=100)])
    assert ear.names[0] == "utter_dispute_paid"
    assert ear.heard[0].values["amount"] == "1.00元"


@pytest.mark.parametrize(
    "status", ["reported", "papers_missing", "under_assessment", "withdrawn"]
)
def test_that_without_a_decision_there_is_nothing_to_dispute(status: str) -> None:
    ear, _ = _ask(ActionDisputeClaim, DISPUTE, [claim_of(status)])
    assert ear.names == ["utter_dispute_none"]


def test_that_the_only_refusal_is_meant() -> None:
    claims = [claim_of("paid"), claim_of("declined", "C2026100100002")]
    ear, _ = _ask(ActionDisputeClaim, DISPUTE, claims)
    assert ear.heard[0].values["claim_no"] == "C2026100100002"


def test_that_several_decisions_are_asked_for() -> None:
    claims = [claim_of("declined"), claim_of("declined", "C2026100100002")]
    ear, _ = _ask(ActionDisputeClaim, DISPUTE, claims)
    assert ear.names == ["utter_which_dispute"]


# --- the door ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "action", [ActionTrackClaim, ActionDisputeClaim, ActionQueryPolicy]
)
def test_that_nothing_personal_is_said_before_the_identity_check(action: Any) -> None:
    store = FakeStore()
    store.claims.owned["c-1"] = [claim_of("paid")]
    ear = Ear()
    made = with_services(action, services_of(store))
    events = made.answer(TRACK, ear.say)
    assert ear.names == ["utter_identity_needed"]
    assert followups(events) == [IDENTITY_FORM]
    assert slots_of(events)["after_identity"] == made.name()


def _verify(outcome: Any) -> tuple[Ear, list[dict[str, Any]], FakeStore]:
    store = FakeStore()
    store.identity.outcome = outcome
    slots = {
        "identity_policy_no": "P2024013100018",
        "identity_id_tail": "8871",
        "after_identity": "action_track_claim",
    }
    ear = Ear()
    action = with_services(ActionVerifyIdentity, services_of(store))
    return ear, action.answer(turn_of("8871", slots=slots), ear.say), store


def test_that_after_the_check_the_question_asked_before_is_answered() -> None:
    customer = verified_store().identity.bound[SENDER]
    ear, events, store = _verify(Verified(customer))
    assert store.identity.tried == [("P2024013100018", "8871")]
    assert ear.heard[0].values["name"] == "张*"
    assert followups(events) == ["action_track_claim"]
    assert slots_of(events)["identity_id_tail"] is None


def test_that_after_a_mismatch_the_form_asks_again_and_keeps_the_question() -> None:
    ear, events, _ = _verify(Mismatch(attempts_left=2))
    assert ear.heard[0].values["attempts_left"] == 2
    assert followups(events) == [IDENTITY_FORM]
    assert slots_of(events)["after_identity"] == "action_track_claim"


def test_that_a_lock_tells_until_when_and_goes_nowhere() -> None:
    ear, events, _ = _verify(Locked(datetime(2026, 10, 9, 2, 30, tzinfo=UTC)))
    assert ear.heard[0].values["until"] == "2026-10-09 10:30"
    assert followups(events) == []


# --- reporting ---------------------------------------------------------------------

FILLED = {
    "claim_policy_no": "P2024013100018",
    "claim_what": "确诊甲状腺癌",
    "claim_when": {"at": "2026-10-08T15:00:00+08:00", "said": "昨天下午三点"},
    "claim_where": "北京",
    "claim_injured": False,
    "claim_phone": "13900000001",
    "claim_confirmed": True,
}


def test_that_the_report_keeps_what_the_first_message_told() -> None:
    store = verified_store()
    store.policies.owned["c-1"] = [policy_of()]
    ear = Ear()
    action = with_services(ActionReportClaim, services_of(store))
    text = "我要报案，昨天下午三点车被追尾"
    turn = turn_of(text, "report_claim", date="昨天下午三点")
    slots = slots_of(action.answer(turn, ear.say))
    assert ear.names == ["utter_report_claim_begin"]
    assert slots["claim_what"] == text
    assert slots["claim_when"]["at"] == "2026-10-08T15:00:00+08:00"
    assert slots["claim_policy_no"] == "P2024013100018"


@pytest.mark.parametrize("status", ["surrendered", "matured"])
def test_that_without_a_policy_to_claim_on_a_human_takes_over(status: Any) -> None:
    store = verified_store()
    store.policies.owned["c-1"] = [policy_of(status=status)]
    ear = Ear()
    action = with_services(ActionReportClaim, services_of(store))
    events = action.answer(turn_of("报案", "report_claim"), ear.say)
    assert ear.heard[-1].handoff is not None
    assert followups(events) == []


def test_that_the_read_back_shows_everything_with_the_phone_masked() -> None:
    ear = Ear()
    action = with_services(ActionAskClaimConfirmed, services_of(verified_store()))
    action.answer(turn_of("", slots=FILLED), ear.say)
    (said,) = ear.heard
    assert said.response == "utter_claim_read_back"
    assert said.values["phone"] == "139****0001"
    assert said.values["when"] == "昨天下午三点（2026-10-08 15:00）"


def test_that_the_report_is_stored_once_with_all_papers_named() -> None:
    store = verified_store()
    store.policies.owned["c-1"] = [policy_of(FILLED["claim_policy_no"])]
    ear = Ear()
    action = with_services(ActionReportClaimSubmit, services_of(store))
    events = action.answer(turn_of("/affirm", "affirm", slots=FILLED), ear.say)
    ((customer, report, turn_id),) = store.claims.reports
    assert (customer, turn_id) == ("c-1", "turn-1")
    assert report.happened_at == datetime(2026, 10, 8, 7, 0, tzinfo=UTC)
    # All that every such claim needs is on its list from the beginning.
    assert "疾病诊断证明书" in report.papers
    assert "病理报告" not in report.papers  # only some need it
    assert ear.names == ["utter_claim_submitted", "utter_claim_papers_needed"]
    assert set(slots_of(events).values()) == {None}


@pytest.mark.parametrize(
    ("said", "day", "shown"),
    [
        ("昨晚", "2026-10-08", "昨晚（2026-10-08 晚上）"),
        ("昨天夜里", "2026-10-08", "昨天夜里（2026-10-08 夜里）"),
        ("今早", "2026-10-09", "今早（2026-10-09 早上）"),
        ("两三天前", "2026-10-06", "两三天前（约2026-10-06至2026-10-07）"),
        ("上个月十七八号", "2026-09-17", "上个月十七八号（约2026-09-17至2026-09-18）"),
        ("国庆第二天", "2026-10-02", "国庆第二天（2026-10-02）"),
    ],
)
def test_that_a_claim_is_read_back_and_kept_no_more_exactly_than_told(
    said: str, day: str, shown: str
) -> None:
    found = read_when(turn_of(said, date=said), NOW)
    assert isinstance(found, Filled)
    slots = {**FILLED, "claim_when": found.value}
    store = verified_store()
    store.policies.owned["c-1"] = [policy_of(FILLED["claim_policy_no"])]
    ear = Ear()
    services = services_of(store)
    with_services(ActionAskClaimConfirmed, services).answer(
        turn_of("", slots=slots), ear.say
    )
    assert ear.heard[0].values["when"] == shown
    with_services(ActionReportClaimSubmit, services).answer(
        turn_of("/affirm", "affirm", slots=slots), ear.say
    )
    ((_, report, _),) = store.claims.reports
    assert report.happened_at is not None
    assert report.happened_at.isoformat() == f"{day}T00:00:00+08:00"
    assert report.happened_text == shown


@pytest.mark.parametrize(
    ("leave", "says", "next_actions"),
    [
        ("cancel", ["utter_report_claim_cancelled"], []),
        ("request_handoff", [], ["action_request_handoff"]),
        ("file_complaint", [], ["action_file_complaint"]),
    ],
)
def test_that_leaving_stores_nothing(
    leave: str, says: list[str], next_actions: list[str]
) -> None:
    store = verified_store()
    ear = Ear()
    action = with_services(ActionReportClaimSubmit, services_of(store))
    turn = turn_of("算了", slots={**FILLED, "form_exit": leave})
    events = action.answer(turn, ear.say)
    assert store.claims.reports == []
    assert ear.names == says
    assert followups(events) == next_actions


def test_that_a_binding_that_ended_leads_back_to_the_check() -> None:
    store = FakeStore()
    action = with_services(ActionReportClaimSubmit, services_of(store))
    events = action.answer(turn_of("/affirm", slots=FILLED), Ear().say)
    assert followups(events) == ["action_report_claim"]
    assert store.claims.reports == []


# --- papers ------------------------------------------------------------------------


def test_that_every_claim_type_has_papers_and_each_is_named_once() -> None:
    library: Any = FakeLibrary()
    for kind in kinds(library):
        papers = papers_for(library, kind)
        assert papers.names
        assert len(papers.names) == len(set(papers.names))
        assert 0 < len(papers.citations) <= 3


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("被追尾了", "车险"),
        ("确诊癌症", "重疾"),
        ("住院了", "医疗"),
        ("随便问问", None),
    ],
)
def test_that_words_tell_the_claim_type(text: str, kind: str | None) -> None:
    library: Any = FakeLibrary()
    assert kind_for_text(library, text) == kind


def test_that_an_unknown_product_has_no_usual_claim_type() -> None:
    library: Any = FakeLibrary()
    assert kind_for_product(library, "宠物险") is None
    assert kind_for_product(library, "重疾险") == "重疾"
