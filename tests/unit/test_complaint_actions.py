"""Complaints: due dates by clause, law and calendar; visibility; withdrawal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from action_kit import (
    NOW,
    SENDER,
    ZHANG,
    Ear,
    FakeLibrary,
    FakeStore,
    complaint_of,
    followups,
    services_of,
    slots_of,
    turn_of,
    verified_store,
    with_services,
)

from actions.agreement.commitments import Commitment
from actions.file_complaint import (
    ActionAskComplaintConfirmed,
    ActionFileComplaint,
    ActionFileComplaintSubmit,
    category_of,
)
from actions.promises import COMPLAINT, promise_for
from actions.track_complaint import (
    ActionAskComplaintProcess,
    ActionTrackComplaint,
    ActionWithdrawComplaint,
)

BEIJING = ZoneInfo("Asia/Shanghai")
NUMBER = "T2026100100001"


def _library(amount: int, unit: str) -> FakeLibrary:
    return FakeLibrary({COMPLAINT: Commitment(COMPLAINT, "", amount, unit, "")})


def _due(amount: int, unit: str, received: datetime = NOW) -> tuple[str, str]:
    services = services_of(FakeStore(), _library(amount, unit))
    promise = promise_for(services, received)
    assert promise.clause_due_at is not None and promise.rule == COMPLAINT
    return _shown(promise.due_at), _shown(promise.clause_due_at)


def _shown(moment: datetime) -> str:
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def test_that_working_days_skip_weekends_but_not_make_up_days() -> None:
    # 2026-10-10 is a Saturday on which people work for the National Day holiday.
    assert _due(1, "工作日") == ("2026-10-10 18:00", "2026-10-10 18:00")
    assert _due(2, "工作日") == ("2026-10-12 18:00", "2026-10-12 18:00")


def test_that_the_laws_limit_wins_when_holidays_make_the_clause_later() -> None:
    before_holiday = datetime(2026, 9, 30, 2, 0, tzinfo=UTC)
    due, clause = _due(10, "工作日", before_holiday)
    assert due == "2026-10-15 23:59"
    assert clause > due


def test_that_natural_days_of_the_clause_are_natural_days() -> None:
    assert _due(5, "自然日") == ("2026-10-14 23:59", "2026-10-14 23:59")


@pytest.mark.parametrize("amount", [15, 30])
def test_that_the_due_date_is_never_later_than_the_laws(amount: int) -> None:
    assert _due(amount, "自然日")[0] == "2026-10-24 23:59"


def test_that_a_complaint_of_the_night_is_received_the_next_working_day() -> None:
    friday_evening = datetime(2026, 10, 16, 13, 0, tzinfo=UTC)
    assert _due(1, "工作日", friday_evening)[0] == "2026-10-20 18:00"


def test_that_without_a_promise_the_laws_limit_counts() -> None:
    promise = promise_for(services_of(FakeStore(), FakeLibrary()), NOW)
    assert _shown(promise.due_at) == "2026-10-24 23:59"
    assert (promise.rule, promise.clause_due_at, promise.citation) == (
        "办法第十八条",
        None,
        None,
    )


# --- filing ------------------------------------------------------------------------

FILLED = {
    "complaint_category": "理赔",
    "complaint_what": "一直没人管",
    "complaint_wanted": "尽快赔付",
    "complaint_phone": "13900000001",
    "complaint_confirmed": True,
}


def _submit(
    store: FakeStore, amount: int, slots: dict[str, Any] = FILLED, now: datetime = NOW
) -> tuple[Ear, list[dict[str, Any]]]:
    ear = Ear()
    services = services_of(store, _library(amount, "工作日"), now)
    action = with_services(ActionFileComplaintSubmit, services)
    return ear, action.answer(turn_of("/affirm", "affirm", slots=slots), ear.say)


def test_that_a_complaint_gets_its_number_and_due_date_with_the_clause() -> None:
    store = verified_store()
    ear, events = _submit(store, 1)
    assert ear.names == ["utter_complaint_submitted", "utter_complaint_escalate"]
    said = ear.heard[0]
    assert said.values["complaint_no"] == NUMBER
    assert said.values["due"] == "2026-10-10 18:00"
    assert said.refs == [COMPLAINT]
    assert store.complaints.intakes[0].customer_id == "c-1"
    assert store.complaints.intakes[0].channel == "web"
    assert set(slots_of(events).values()) == {None}


def test_that_the_laws_earlier_date_has_its_own_wording() -> None:
    ear, _ = _submit(FakeStore(), 20)
    assert ear.names[0] == "utter_complaint_submitted_law"
    assert ear.heard[0].values["due"] == "2026-10-24 23:59"
    assert ear.heard[0].values["clause_due"] > "2026-10-24 23:59"


def test_that_a_complaint_is_taken_when_the_agreement_promises_no_time() -> None:
    store, ear = FakeStore(), Ear()
    services = services_of(store, FakeLibrary(), NOW)
    action = with_services(ActionFileComplaintSubmit, services)
    action.answer(turn_of("/affirm", "affirm", slots=FILLED), ear.say)
    assert len(store.complaints.intakes) == 1
    assert ear.names[0] == "utter_complaint_submitted_law_only"
    assert ear.heard[0].values["due"] == "2026-10-24 23:59"


def test_that_anybody_may_complain() -> None:
    store = FakeStore()
    _submit(store, 1)
    assert store.complaints.intakes[0].customer_id is None


def test_that_a_cancelled_complaint_is_not_stored() -> None:
    store = FakeStore()
    ear, _ = _submit(store, 1, {**FILLED, "form_exit": "cancel"})
    assert store.complaints.intakes == []
    assert ear.names == ["utter_file_complaint_cancelled"]


def test_that_what_was_told_and_what_is_on_file_is_not_asked() -> None:
    ear = Ear()
    action = with_services(ActionFileComplaint, services_of(verified_store()))
    text = "我要投诉，理赔拖了一个月没人管"
    slots = slots_of(action.answer(turn_of(text, "file_complaint"), ear.say))
    assert slots["complaint_what"] == text
    assert slots["complaint_category"] == "理赔"
    assert slots["complaint_phone"] == ZHANG.phone
    assert ear.names == ["utter_file_complaint_begin"]


def test_that_an_interrupted_complaint_is_resumed() -> None:
    ear = Ear()
    action = with_services(ActionFileComplaint, services_of(FakeStore()))
    turn = turn_of("投诉", "file_complaint", slots={"complaint_what": "态度差"})
    events = action.answer(turn, ear.say)
    assert ear.names == ["utter_file_complaint_resume"]
    assert "complaint_what" not in slots_of(events)
    assert followups(events) == ["file_complaint_form"]


@pytest.mark.parametrize(
    ("note", "response"),
    [(None, "utter_complaint_read_back"), ("denied", "utter_what_to_correct")],
)
def test_that_a_no_to_the_read_back_asks_what_is_wrong(
    note: str | None, response: str
) -> None:
    ear = Ear()
    action = with_services(ActionAskComplaintConfirmed, services_of(FakeStore()))
    action.answer(turn_of("", slots={**FILLED, "form_note": note}), ear.say)
    assert ear.names == [response]


@pytest.mark.parametrize(
    ("text", "category"),
    [("你们拒赔", "理赔"), ("业务员忽悠我", "销售"), ("就是不高兴", None)],
)
def test_that_words_tell_the_category(text: str, category: str | None) -> None:
    assert category_of(text) == category


# --- status and withdrawal ---------------------------------------------------------


def _ask(action: Any, turn: Any, store: FakeStore) -> Ear:
    ear = Ear()
    with_services(action, services_of(store)).answer(turn, ear.say)
    return ear


TRACK = turn_of("投诉到哪了", "track_complaint")
WITHDRAW = turn_of("撤回投诉", "withdraw_complaint")
YES = turn_of("/withdraw_complaint", "withdraw_complaint", choice="yes")


@pytest.mark.parametrize(
    ("status", "response"),
    [
        ("received", "utter_complaint_status"),
        ("investigating", "utter_complaint_status"),
        ("extended", "utter_complaint_status"),
        ("decided", "utter_complaint_status"),
        ("closed", "utter_complaint_status"),
        ("withdrawn", "utter_complaint_withdrawn_status"),
    ],
)
def test_that_every_status_is_told_with_its_number(status: str, response: str) -> None:
    store = FakeStore()
    store.complaints.stored = [(SENDER, None, complaint_of(status))]
    ear = _ask(ActionTrackComplaint, TRACK, store)
    assert ear.names == [response]
    assert ear.heard[0].values["complaint_no"] == NUMBER
    assert ear.heard[0].values["due"] == "2026-10-15 18:00"


@pytest.mark.parametrize(
    ("status", "is_urgent"),
    [("received", True), ("extended", True), ("decided", False), ("closed", False)],
)
def test_that_an_overdue_complaint_goes_to_a_human_at_once(
    status: str, is_urgent: bool
) -> None:
    store = FakeStore()
    late = datetime(2026, 10, 8, tzinfo=UTC)
    store.complaints.stored = [(SENDER, None, complaint_of(status, due_at=late))]
    (said,) = _ask(ActionTrackComplaint, TRACK, store).heard
    assert (said.handoff is not None) is is_urgent
    if said.handoff:
        assert said.handoff["priority"] == "high"


def test_that_a_foreign_complaint_is_unknown() -> None:
    store = FakeStore()
    store.complaints.stored = [("web:two", "c-2", complaint_of("received"))]
    for number in (NUMBER, "T2026100199999"):
        for action in (ActionTrackComplaint, ActionWithdrawComplaint):
            turn = turn_of("x", "track_complaint", complaint_no=number, choice="yes")
            assert _ask(action, turn, store).names == ["utter_complaint_unknown"]
    assert store.complaints.withdrawn == []


def test_that_a_verified_customer_sees_a_complaint_of_another_conversation() -> None:
    store = verified_store()
    store.complaints.stored = [("wechat:x", "c-1", complaint_of("received"))]
    assert _ask(ActionTrackComplaint, TRACK, store).names == ["utter_complaint_status"]


def test_that_nothing_filed_is_told() -> None:
    assert _ask(ActionTrackComplaint, TRACK, FakeStore()).names == [
        "utter_no_complaints"
    ]
    assert _ask(ActionWithdrawComplaint, WITHDRAW, FakeStore()).names == [
        "utter_withdraw_none"
    ]


def test_that_withdrawing_needs_an_explicit_yes() -> None:
    store = FakeStore()
    store.complaints.stored = [(SENDER, None, complaint_of("received"))]
    ear = _ask(ActionWithdrawComplaint, WITHDRAW, store)
    assert ear.names == ["utter_withdraw_confirm"]
    assert store.complaints.withdrawn == []
    ear = _ask(ActionWithdrawComplaint, YES, store)
    assert ear.names == ["utter_complaint_withdrawn"]
    assert store.complaints.withdrawn == [(NUMBER, "turn-1")]


def test_that_of_several_complaints_one_is_chosen_first() -> None:
    store = FakeStore()
    store.complaints.stored = [
        (SENDER, None, complaint_of("received")),
        (SENDER, None, complaint_of("received", "T2026100100002")),
    ]
    ear = _ask(ActionWithdrawComplaint, YES, store)
    assert ear.names == ["utter_which_withdraw"]
    assert len(ear.heard[0].buttons) == 2
    assert store.complaints.withdrawn == []


@pytest.mark.parametrize("status", ["withdrawn", "decided", "closed"])
def test_that_a_finished_complaint_cannot_be_withdrawn(status: str) -> None:
    store = FakeStore()
    store.complaints.stored = [(SENDER, None, complaint_of(status))]
    assert _ask(ActionWithdrawComplaint, YES, store).names == ["utter_withdraw_none"]


def test_that_the_process_names_the_regulator_and_its_clauses() -> None:
    ear = Ear()
    services = services_of(FakeStore())
    promise = Commitment("第三条(四)2", "", 15, "工作日", "")
    services.library().commitments["第三条(四)2"] = promise
    with_services(ActionAskComplaintProcess, services).answer(TRACK, ear.say)
    limit, ways = ear.heard
    assert (limit.values["amount"], limit.values["unit"]) == (15, "工作日")
    assert limit.refs == ["第三条(四)2"]
    assert ways.values["regulator_hotline"] == "12378"
    assert ways.refs == ["第三条(四)1", "第三条(四)3"]
