"""Service requests: what each kind asks, stores and hands over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from action_kit import (
    NOW,
    SENDER,
    Ear,
    FakeLibrary,
    FakeStore,
    followups,
    policy_of,
    run_form,
    services_of,
    slots_of,
    turn_of,
    verified_store,
    with_services,
)

from actions.request_service import (
    ActionAskRequestConfirmed,
    ActionAskRequestDetail,
    ActionRequestServiceSubmit,
    ValidateRequestServiceForm,
)
from actions.request_wishes import (
    CLAUSES,
    FORM,
    NO_POLICY,
    SLOTS,
    ActionChangePolicy,
    ActionManageNotice,
    ActionManagePrivacy,
    ActionRequestDocument,
    ActionSurrenderPolicy,
)

WISHES = [
    (ActionChangePolicy, "change", "change_policy"),
    (ActionSurrenderPolicy, "surrender", "surrender_policy"),
    (ActionRequestDocument, "document", "request_document"),
    (ActionManageNotice, "notice", "manage_notice"),
    (ActionManagePrivacy, "privacy", "manage_privacy"),
]


def _store(*policies: Any) -> FakeStore:
    store = verified_store()
    store.policies.owned["c-1"] = list(policies)
    return store


def _long_ago(store: FakeStore, minutes: int = 31) -> FakeStore:
    """The same store, the identity checked some time ago."""
    store.identity.checked = NOW - timedelta(minutes=minutes)
    return store


def _begin(
    action: Any, store: FakeStore, text: str, intent: str, **slots: Any
) -> tuple[Ear, list[dict[str, Any]]]:
    ear = Ear()
    made = with_services(action, services_of(store))
    return ear, made.answer(turn_of(text, intent, slots=slots), ear.say)


@pytest.mark.parametrize(("action", "kind", "intent"), WISHES)
def test_that_each_kind_begins_its_own_way_and_starts_the_form(
    action: Any, kind: str, intent: str
) -> None:
    ear, events = _begin(action, _store(policy_of()), "帮我办一下", intent)
    assert ear.names == [f"utter_request_begin_{kind}"]
    assert ear.heard[0].refs
    assert followups(events) == [FORM]
    assert slots_of(events)["request_kind"] == kind


@pytest.mark.parametrize(("action", "kind", "intent"), WISHES)
def test_that_every_kind_needs_the_identity(
    action: Any, kind: str, intent: str
) -> None:
    ear, events = _begin(action, FakeStore(), "帮我办一下", intent)
    assert ear.names == ["utter_identity_needed"]
    assert slots_of(events)["after_identity"] == f"action_{intent}"


@pytest.mark.parametrize(
    ("action", "intent", "chosen"),
    [
        (ActionChangePolicy, "change_policy", None),
        (ActionManageNotice, "manage_notice", NO_POLICY),
        (ActionManagePrivacy, "manage_privacy", NO_POLICY),
    ],
)
def test_that_wishes_about_the_person_name_no_policy(
    action: Any, intent: str, chosen: str | None
) -> None:
    store = _store(policy_of(), policy_of("P2024013100019", product="车险"))
    _, events = _begin(action, store, "帮我办一下", intent)
    assert slots_of(events)["request_policy_no"] == chosen


def test_that_the_only_policy_is_not_asked_for() -> None:
    _, events = _begin(ActionChangePolicy, _store(policy_of()), "改", "change_policy")
    assert slots_of(events)["request_policy_no"] == "P2024013100018"


def test_that_a_detail_is_kept_only_when_it_was_told() -> None:
    text = "我想把手机号改成13812345678"
    told = _begin(ActionChangePolicy, _store(policy_of()), text, "change_policy")[1]
    assert slots_of(told)["request_detail"] == text
    bare = _begin(ActionChangePolicy, _store(policy_of()), "变更", "change_policy")[1]
    assert slots_of(bare)["request_detail"] is None


def test_that_another_kind_forgets_what_the_first_one_was_told() -> None:
    _, events = _begin(
        ActionSurrenderPolicy,
        _store(policy_of()),
        "退保",
        "surrender_policy",
        request_kind="change",
        request_detail="改手机号",
    )
    assert slots_of(events)["request_detail"] is None


def test_that_surrender_quotes_the_products_own_clause_before_the_yes() -> None:
    ear = Ear()
    services = services_of(_store(policy_of()))
    action = with_services(ActionAskRequestConfirmed, services)
    slots = {"request_kind": "surrender", "request_policy_no": "P2024013100018"}
    action.answer(turn_of("", slots=slots), ear.say)
    assert ear.names == ["utter_surrender_terms", "utter_request_read_back"]
    assert ear.heard[0].refs == ["第八条"]


@pytest.mark.parametrize("kind", [kind for _, kind, _ in WISHES])
def test_that_the_detail_is_asked_for_by_kind(kind: str) -> None:
    ear = Ear()
    action = with_services(ActionAskRequestDetail, services_of(_store()))
    action.answer(turn_of("", slots={"request_kind": kind}), ear.say)
    assert ear.names == [f"utter_ask_request_detail_{kind}"]


@pytest.mark.parametrize(
    ("note", "response"),
    [(None, "utter_request_read_back"), ("denied", "utter_what_to_correct")],
)
def test_that_a_request_is_read_back(note: str | None, response: str) -> None:
    ear = Ear()
    action = with_services(ActionAskRequestConfirmed, services_of(_store()))
    slots = {"request_kind": "change", "form_note": note}
    action.answer(turn_of("", slots=slots), ear.say)
    assert ear.names == [response]


def test_that_asking_to_cancel_a_notice_is_a_detail_and_not_a_cancel() -> None:
    slots = {"requested_slot": "request_detail", "request_kind": "notice"}
    form = with_services(ValidateRequestServiceForm, services_of(_store()))
    turn = turn_of("取消短信提醒", "manage_notice", slots=slots)
    assert run_form(form, turn)[0]["request_detail"] == "取消短信提醒"


# --- storing -----------------------------------------------------------------------


def _submit(
    store: FakeStore, kind: str, detail: str = "改手机号", **more: Any
) -> tuple[Ear, list[dict[str, Any]]]:
    slots = {
        "request_kind": kind,
        "request_policy_no": "P2024013100018",
        "request_detail": detail,
        "request_confirmed": True,
        **more,
    }
    ear = Ear()
    action = with_services(ActionRequestServiceSubmit, services_of(store))
    return ear, action.answer(turn_of("/affirm", "affirm", slots=slots), ear.say)


@pytest.mark.parametrize("kind", [kind for _, kind, _ in WISHES])
def test_that_a_request_is_stored_with_its_clauses_and_goes_to_a_human(
    kind: str,
) -> None:
    store = _store(policy_of())
    ear, events = _submit(store, kind)
    detail = {"policy_no": "P2024013100018", "detail": "改手机号"}
    assert store.requests.recorded == [(SENDER, "c-1", kind, detail, "turn-1")]
    assert ear.names == ["utter_request_submitted_clause", "utter_request_human"]
    assert ear.heard[0].values["request_no"] == "R2026100900001"
    assert ear.heard[0].refs == list(CLAUSES[kind])
    handoff = ear.heard[1].handoff
    assert handoff is not None
    assert handoff["skill"] == "保全"
    assert "R2026100900001" in handoff["summary"]
    assert {slot: slots_of(events)[slot] for slot in SLOTS} == dict.fromkeys(SLOTS)


def test_that_what_needs_no_human_is_not_handed_over() -> None:
    store = _store(policy_of())
    store.requests.needs_human = False
    assert _submit(store, "document")[0].names == ["utter_request_submitted_clause"]


def test_that_without_the_clause_nothing_is_quoted() -> None:
    store = _store(policy_of())
    ear = Ear()
    library = FakeLibrary(absent={"第三条(一)3"})
    action = with_services(ActionRequestServiceSubmit, services_of(store, library))
    action.answer(turn_of("", slots={"request_kind": "change"}), ear.say)
    assert ear.names[0] == "utter_request_submitted"


def test_that_unbinding_ends_the_binding_and_needs_nobody() -> None:
    store = _store(policy_of())
    ear, _ = _submit(store, "privacy", "解除账号绑定")
    assert store.identity.unbound == [SENDER]
    assert ear.names == ["utter_request_submitted_clause", "utter_unbound"]


def test_that_the_same_words_in_another_request_unbind_nobody() -> None:
    store = _store(policy_of())
    ear, _ = _submit(store, "change", "解除账号绑定")
    assert store.identity.unbound == []
    assert "utter_unbound" not in ear.names


def test_that_a_cancelled_request_is_not_stored() -> None:
    store = _store(policy_of())
    ear, _ = _submit(store, "change", form_exit="cancel")
    assert store.requests.recorded == []
    assert ear.names == ["utter_request_cancelled"]


@pytest.mark.parametrize(("action", "kind", "intent"), WISHES)
def test_that_a_binding_that_ended_leads_back_to_the_check(
    action: Any, kind: str, intent: str
) -> None:
    store = FakeStore()
    _, events = _submit(store, kind)
    assert followups(events) == [f"action_{intent}"]
    assert store.requests.recorded == []


# --- a check of long ago -------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "intent"),
    [
        (ActionChangePolicy, "change_policy"),
        (ActionSurrenderPolicy, "surrender_policy"),
        (ActionRequestDocument, "request_document"),
    ],
)
def test_that_a_weighty_wish_needs_a_check_of_lately(action: Any, intent: str) -> None:
    old = _long_ago(_store(policy_of()), 30)
    ear, events = _begin(action, old, "帮我办一下", intent)
    assert ear.names == ["utter_identity_again"]
    assert slots_of(events)["after_identity"] == f"action_{intent}"
    assert followups(events) == ["verify_identity_form"]

    lately = _long_ago(_store(policy_of()), 29)
    _, events = _begin(action, lately, "帮我办一下", intent)
    assert followups(events) == [FORM]


@pytest.mark.parametrize(
    ("action", "intent"),
    [(ActionManageNotice, "manage_notice"), (ActionManagePrivacy, "manage_privacy")],
)
def test_that_other_wishes_go_on_with_the_old_check(action: Any, intent: str) -> None:
    store = _long_ago(_store(policy_of()))
    _, events = _begin(action, store, "帮我办一下", intent)
    assert followups(events) == [FORM]


def test_that_the_check_takes_nothing_of_what_was_told() -> None:
    """Whole way: told, checked again, then the form with detail and policy."""
    car = policy_of("P2024013100019", product="车险")
    store = _long_ago(_store(policy_of(), car))
    text, slots = "车险的手机号改成13812345678", {"request_kind": "change"}
    ear = Ear()
    action = with_services(ActionChangePolicy, services_of(store))
    turn = turn_of(text, "change_policy", slots=slots, product="车险")
    kept = slots_of(action.answer(turn, ear.say))
    assert (kept["request_detail"], kept["request_policy_no"]) == (text, "车险")

    store.identity.checked = NOW
    after = turn_of("后四位4321", slots=kept, policy_no="P2024013100018")
    events = action.answer(after, ear.say)
    assert followups(events) == [FORM]
    assert slots_of(events)["request_policy_no"] == "P2024013100019"
    assert "request_detail" not in slots_of(events)  # as it was told


def test_that_somebody_elses_policy_is_not_kept() -> None:
    slots = {"request_kind": "change", "request_policy_no": "P2099010100001"}
    store = _store(policy_of(), policy_of("P2024013100019", product="车险"))
    _, events = _begin(ActionChangePolicy, store, "4321", "inform", **slots)
    assert slots_of(events)["request_policy_no"] is None


@pytest.mark.parametrize(
    ("kind", "detail", "intent"),
    [
        ("privacy", "导出我的个人信息", "manage_privacy"),
        ("privacy", "把我的资料全部删掉", "manage_privacy"),
        ("change", "改手机号", "change_policy"),
    ],
)
def test_that_nothing_weighty_is_stored_after_a_check_of_long_ago(
    kind: str, detail: str, intent: str
) -> None:
    store = _long_ago(_store(policy_of()))
    ear, events = _submit(store, kind, detail)
    assert (ear.names, store.requests.recorded) == ([], [])
    assert followups(events) == [f"action_{intent}"]
    assert slots_of(events) == {}

    slots = {"request_kind": kind, "request_detail": detail}
    wish = {a().name(): a for a, _, _ in WISHES}[f"action_{intent}"]
    ear, events = _begin(wish, store, "确认", "affirm", **slots)
    assert ear.names == ["utter_identity_again"]
    store.identity.checked = NOW
    _, events = _begin(wish, store, "4321", "inform", **slots)
    assert followups(events) == [FORM]
    _, _ = _submit(store, kind, detail)
    assert len(store.requests.recorded) == 1


@pytest.mark.parametrize("choice", ["查阅我的个人信息", "解除账号绑定"])
def test_that_reading_and_unbinding_go_on_with_the_old_check(choice: str) -> None:
    store = _long_ago(_store(policy_of()))
    _submit(store, "privacy", choice)
    assert len(store.requests.recorded) == 1
