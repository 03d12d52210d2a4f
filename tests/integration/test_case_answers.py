"""What customers are answered about their cases, over a real store."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from action_kit import Ear, FakeLibrary, services_of, slots_of, turn_of, with_services
from store_kit import LI, NOW, ZHANG, a_report, file_complaint

from actions.agreement.commitments import Commitment
from actions.agreement.library import open_library
from actions.claim_files import MAX_BUTTONS, PENDING_FILE
from actions.policystore.model import CalculationLine, ClaimFile
from actions.promises import COMPLAINT, renew_due_dates
from actions.request_service import ActionRequestServiceSubmit
from actions.track_claim import ActionDisputeClaim, ActionTrackClaim
from actions.track_complaint import ActionTrackComplaint
from actions.track_request import ActionTrackRequest, request_no

DAY = timedelta(days=1)
SENDER = "web:one"
pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
LIMITS = {
    COMPLAINT: Commitment(COMPLAINT, "", 15, "工作日", ""),
    "第三条(二)2": Commitment("第三条(二)2", "", 2, "工作小时", ""),
    "第六条(三)1": Commitment("第六条(三)1", "", 15, "工作日", ""),
}


@pytest.fixture
def services(store, store_settings):
    """The real store under a library of limits."""
    made = services_of(None, FakeLibrary(dict(LIMITS)), NOW)
    return replace(made, unit_of_work=store, settings=store_settings)


@pytest.fixture
def verified(store):
    with store() as uow:
        uow.identity.verify(SENDER, "P2023060100027", "4321", NOW)


def ask(services, action, text, now=NOW, slots=None, **entities):
    from action_kit import FixedClock

    ear = Ear()
    turn = turn_of(text, "track_claim", slots=slots, sender_id=SENDER, **entities)
    kind = with_services(action, replace(services, clock=FixedClock(now)))
    return kind.answer(turn, ear.say), ear


def handle(store, kind, number, step, *told, now=NOW):
    with store() as uow:
        return getattr(getattr(uow, kind), step)(number, *told, now=now)


def report(store, papers=("驾驶证", "维修发票"), turn_id="t-1"):
    with store() as uow:
        claim = uow.claims.report(ZHANG, a_report(papers=papers), turn_id, NOW)
    return claim.claim_no


def test_that_a_decision_is_told_and_may_be_reviewed(store, services):
    number = file_complaint(store).complaint_no
    handle(store, "cases", number, "assign", "agent1", "leader")
    handle(store, "cases", number, "progress", "已联系理赔部", "agent1")
    _, before = ask(services, ActionTrackComplaint, "投诉怎么样了")
    handle(store, "cases", number, "decide", "补付200元。", "agent1")

    _, told = ask(services, ActionTrackComplaint, "投诉怎么样了")
    asked = {"complaint_no": number, "choice": "review"}
    _, review = ask(services, ActionTrackComplaint, "/track_complaint", **asked)
    _, again = ask(services, ActionTrackComplaint, "/track_complaint", **asked)

    assert before.names == ["utter_complaint_status", "utter_complaint_progress"]
    assert "已联系理赔部" in before.heard[1].values["progress"]
    assert told.names == ["utter_complaint_decided"]
    assert told.heard[0].values["decision"] == "补付200元。"
    assert review.names == again.names == ["utter_review_asked"]
    assert review.heard[0].handoff["reason"] == "complaint_review"
    assert review.heard[0].values["rule"] == "办法第二十条"


def test_that_a_review_after_its_time_is_refused_kindly(store, services):
    number = file_complaint(store).complaint_no
    handle(store, "cases", number, "assign", "agent1", "leader")
    handle(store, "cases", number, "decide", "不予补付。", "agent1")
    late = NOW + 31 * DAY

    _, told = ask(services, ActionTrackComplaint, "投诉", late)
    asked = {"complaint_no": number, "choice": "review"}
    _, refused = ask(services, ActionTrackComplaint, "/track_complaint", late, **asked)

    assert told.names == ["utter_complaint_decided_final"]
    assert refused.names == ["utter_review_not_possible"]


def test_that_a_file_finds_its_paper_in_two_presses(store, services, verified):
    number = report(store)
    file = {"file_id": "a1", "file_name": "驾照.jpg"}

    _, first = ask(services, ActionTrackClaim, "/track_claim", **file)
    chosen = {**file, "claim_no": number, "paper": "驾驶证"}
    _, second = ask(services, ActionTrackClaim, "/track_claim", **chosen)

    assert first.names == ["utter_which_paper"]
    titles = [button["title"] for button in first.heard[0].buttons]
    # The new claim's, then the one the demo's other claim still waits for.
    assert [title.partition("（")[0] for title in titles] == [
        "驾驶证",
        "维修发票",
        "病理报告",
    ]
    assert second.names == ["utter_file_taken_missing"]
    assert second.heard[0].values["missing"] == "1. 维修发票"
    with store() as uow:
        claim = uow.claims.get(ZHANG, number)
    assert [(f.file_id, f.paper, f.name) for f in claim.files] == [
        ("a1", "驾驶证", "驾照.jpg")
    ]


def test_that_with_many_claims_the_claim_is_asked_before_the_paper(
    store, services, verified
):
    numbers = [report(store, turn_id=f"turn-{n}") for n in range(MAX_BUTTONS)]
    file = {"file_id": "a1", "file_name": "驾照.jpg"}

    _, first = ask(services, ActionTrackClaim, "/track_claim", **file)
    chosen = {**file, "claim_no": numbers[3]}
    _, second = ask(services, ActionTrackClaim, "/track_claim", **chosen)

    assert first.names == ["utter_which_claim_file"]
    named = [json.loads(b["payload"][12:]) for b in first.heard[0].buttons]
    assert sorted(each.pop("claim_no") for each in named) == sorted(numbers)
    assert named == [file] * MAX_BUTTONS
    assert second.names == ["utter_which_paper"]
    papers = [button["title"] for button in second.heard[0].buttons]
    assert [title.partition("（")[0] for title in papers] == ["驾驶证", "维修发票"]
    assert all(numbers[3][-4:] in title for title in papers)


def test_that_a_file_waits_for_the_identity_check(store, services):
    report(store)
    file = {"file_id": "a1", "file_name": "驾照.jpg"}

    events, _ = ask(services, ActionTrackClaim, "/track_claim", **file)
    kept = slots_of(events)[PENDING_FILE]
    with store() as uow:
        uow.identity.verify(SENDER, "P2023060100027", "4321", NOW)
    slots = {PENDING_FILE: kept}
    after, told = ask(services, ActionTrackClaim, "4321", slots=slots)

    assert kept == {"id": "a1", "name": "驾照.jpg"}
    assert told.names == ["utter_which_paper"]
    assert slots_of(after)[PENDING_FILE] is None


def test_that_a_file_goes_to_nobody_elses_claim(store, services, verified):
    chosen = {
        "file_id": "a1",
        "file_name": "x.jpg",
        "claim_no": "C2026110300021",
        "paper": "身份证明",
    }

    _, told = ask(services, ActionTrackClaim, "/track_claim", **chosen)

    assert told.names == ["utter_file_not_taken"]
    with store() as uow:
        assert uow.claims.get(LI, "C2026110300021").files == ()


def test_that_a_file_is_evidence_of_the_complaint(store, services):
    file = {"file_id": "a1", "file_name": "截图.png"}
    _, none = ask(services, ActionTrackComplaint, "/track_complaint", **file)
    number = file_complaint(store).complaint_no

    _, told = ask(services, ActionTrackComplaint, "/track_complaint", **file)

    assert none.names == ["utter_file_no_complaint"]
    assert told.names == ["utter_file_evidence"]
    with store() as uow:
        assert uow.cases.get(number).entries[-1].words == "截图.png"


def test_that_the_calculation_of_a_claim_is_shown(store, services, verified):
    number = report(store, ())
    handle(store, "claim_cases", number, "move", "under_assessment", "agent1")
    with store() as uow:
        uow.claim_cases.decide(
            number,
            "partially_approved",
            "agent1",
            NOW,
            amount_fen=450_000,
            lines=[CalculationLine("定损", 500_000), CalculationLine("免赔", -50_000)],
            reason="扣除免赔额",
        )

    _, told = ask(services, ActionDisputeClaim, "怎么算的", claim_no=number)

    assert told.names[1] == "utter_claim_calculation"
    lines = told.heard[1].values["lines"]
    assert lines == "1. 定损 5,000.00元\n2. 免赔 -500.00元"


@pytest.fixture
def with_sheets(services, store_settings):
    """The same with the demo's own product sheets."""
    library = open_library(store_settings, NOW)
    return replace(services, library=lambda: library)


def assessed(store):
    number = report(store, ("驾驶证",))
    with store() as uow:
        uow.claim_cases.want_papers(number, [], "agent1", NOW)
    return number


def test_that_a_complete_claim_has_its_limit(store, with_sheets, verified):
    number = assessed(store)
    brought = NOW + DAY / 8  # Monday 13:00 in Beijing
    file = ClaimFile("a1", "驾驶证", "x.jpg", brought)
    with store() as uow:
        uow.claims.receive_paper(ZHANG, number, "驾驶证", file)
        uow.claim_cases.move(number, "under_assessment", "agent1", brought)

    _, told = ask(with_sheets, ActionTrackClaim, "到哪了", brought, claim_no=number)
    later = NOW + 10 * DAY
    with store() as uow:  # the web's binding has ended by then
        uow.identity.verify(SENDER, "P2023060100027", "4321", later)
    _, complex_one = ask(
        with_sheets, ActionTrackClaim, "到哪了", later, claim_no=number
    )

    assert told.names == ["utter_claim_under_assessment", "utter_claim_decision_due"]
    assert told.heard[1].values["due"] == "2026-11-30 18:00"  # five working days
    assert told.heard[1].refs == ["第十条(一)"]
    # What is not decided by then counts as complex: thirty days.
    assert complex_one.heard[1].values["due"] == "2026-12-23 23:59"


def test_that_missing_papers_stop_the_clock(store, with_sheets, verified):
    number = assessed(store)

    _, told = ask(with_sheets, ActionTrackClaim, "到哪了", claim_no=number)

    assert told.names == ["utter_claim_papers_missing"]


def test_that_a_payment_has_its_limit_and_a_late_one_a_human(
    store, with_sheets, verified
):
    number = report(store, ())
    handle(store, "claim_cases", number, "move", "under_assessment", "agent1")
    with store() as uow:
        uow.claim_cases.decide(number, "approved", "agent1", NOW, amount_fen=100)
    handle(store, "claim_cases", number, "move", "paying", "agent1", now=NOW + DAY)
    late = NOW + 11 * DAY

    _, told = ask(with_sheets, ActionTrackClaim, "到哪了", claim_no=number)
    with store() as uow:
        uow.identity.verify(SENDER, "P2023060100027", "4321", late)
    _, overdue = ask(with_sheets, ActionTrackClaim, "到哪了", late, claim_no=number)

    assert told.names == ["utter_claim_paying", "utter_claim_payment_due"]
    assert told.heard[1].values["due"] == "2026-12-03 23:59"
    assert told.heard[1].refs == ["第十条(二)"]
    assert overdue.names == ["utter_claim_paying", "utter_claim_overdue"]
    assert overdue.heard[1].handoff["reason"] == "claim_overdue"


def submit(services, kind, detail, turn_id="turn-1"):
    ear = Ear()
    slots = {
        "request_kind": kind,
        "request_policy_no": "-",
        "request_detail": detail,
        "request_confirmed": True,
    }
    turn = turn_of("/affirm", "affirm", slots=slots, turn_id=turn_id, sender_id=SENDER)
    with_services(ActionRequestServiceSubmit, services).answer(turn, ear.say)
    return ear


def test_that_a_request_is_promised_and_followed(store, services, verified):
    ear = submit(services, "privacy", "查阅我的个人信息")
    said = ear.heard[0]
    number = said.values["request_no"]

    events, _ = ask(services, ActionTrackClaim, f"{number.lower()}办好了吗")
    slots = slots_of(events)
    _, running = ask(services, ActionTrackRequest, "x", slots=slots)
    handle(store, "requests", number, "move", "done", "agent1")
    with store() as uow:
        assert uow.requests.open_ones() == []
    _, done = ask(services, ActionTrackRequest, "x", slots=slots)

    assert said.response == "utter_request_submitted_due"
    assert said.refs == ["第六条(三)1"]
    assert slots["request_no"] == number
    assert running.names == ["utter_request_status_due"]
    assert done.names == ["utter_request_status"]


def test_that_an_overdue_request_goes_to_a_human(store, services, verified):
    number = submit(services, "document", "发票").heard[0].values["request_no"]

    slots = {"request_no": number}
    _, told = ask(services, ActionTrackRequest, "x", NOW + DAY / 5, slots)

    assert told.names == ["utter_request_overdue"]
    assert told.heard[0].handoff["priority"] == "high"


def test_that_what_came_of_a_request_is_told(store, services, verified):
    number = submit(services, "change", "改手机号").heard[0].values["request_no"]
    with store() as uow:
        uow.requests.move(number, "declined", "agent1", NOW, "本人未到场。")

    _, told = ask(services, ActionTrackRequest, "x", slots={"request_no": number})

    assert told.names == ["utter_request_result"]
    assert told.heard[0].values["result"] == "本人未到场。"


def test_that_nobody_elses_request_is_shown(store, services, verified):
    with store() as uow:
        made = uow.requests.record("web:li", LI, "document", {}, "t-9", NOW)

    slots = {"request_no": made.request_no}
    _, foreign = ask(services, ActionTrackRequest, "x", slots=slots)
    slots = {"request_no": "R2099010100001"}
    _, invented = ask(services, ActionTrackRequest, "x", slots=slots)

    assert foreign.names == invented.names == ["utter_request_unknown"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("R2026112300001办到哪了", "R2026112300001"),
        ("我的申请r2026112300001", "R2026112300001"),
        ("Ｒ２０２６１１２３００００１", "R2026112300001"),  # noqa: RUF001 - full width
        ("R20261123000011", None),
        ("PR2026112300001", None),
        ("没有号", None),
    ],
)
def test_that_a_requests_number_is_found(text, number, store_settings):
    assert request_no(text) == number


def test_that_limits_follow_a_stricter_agreement(store, services):
    number = file_complaint(store).complaint_no
    told = file_complaint(store, "turn-2").due_at
    assert renew_due_dates(services) == 2  # 15 natural days come before this limit
    assert renew_due_dates(services) == 0  # nothing has changed since

    kept = services.library()
    kept.commitments[COMPLAINT] = Commitment(COMPLAINT, "", 3, "工作日", "")
    with store() as uow:
        uow.facts.set("due_dates", "an older agreement", NOW)
    moved = renew_due_dates(services)

    with store() as uow:
        case = uow.cases.get(number)
        assert uow.complaints.verify().ok
    assert moved == 2
    assert case.complaint.due_at < told
    assert [entry.kind for entry in case.entries] == ["filed", "due_moved", "due_moved"]


def test_that_no_limit_is_put_off(store, services):
    number = file_complaint(store).complaint_no
    renew_due_dates(services)
    with store() as uow:
        before = uow.cases.get(number).complaint.due_at
        uow.facts.set("due_dates", "an older agreement", NOW)
    services.library().commitments[COMPLAINT] = Commitment(
        COMPLAINT, "", 60, "工作日", ""
    )

    assert renew_due_dates(services) == 0
    with store() as uow:
        assert uow.cases.get(number).complaint.due_at == before
