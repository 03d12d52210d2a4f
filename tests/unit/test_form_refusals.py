"""Inside a form: refused wishes, additions at the read-back, the phone on file."""

from __future__ import annotations

from typing import Any

import pytest
from action_kit import (
    NOW,
    SENDER,
    Ear,
    FakeLibrary,
    followups,
    policy_of,
    run_form,
    services_of,
    turn_of,
    verified_store,
    with_services,
)

from actions.ask_claim import ActionAskClaimProcess
from actions.file_complaint import (
    ActionAskComplaintConfirmed,
    ValidateFileComplaintForm,
)
from actions.forms import (
    ADDING,
    DENIED,
    FORM_EXIT,
    FORM_MISSES,
    FORM_NOTE,
    REQUESTED_SLOT,
    FormAction,
)
from actions.report_claim import ActionAskClaimPhone, ValidateReportClaimForm
from actions.request_service import ValidateRequestServiceForm
from actions.request_wishes import ActionSurrenderPolicy
from actions.verify_identity import ValidateVerifyIdentityForm

SURRENDER = {"request_kind": "surrender", "request_policy_no": "P2024013100018"}
COMPLAINT = {
    "complaint_category": "服务",
    "complaint_what": "客服态度差",
    "complaint_wanted": "道歉",
    "complaint_phone": "13900000001",
}
CLAIM = {
    "claim_policy_no": "P2024013100018",
    "claim_what": "车被追尾",
    "claim_when": {"at": NOW.isoformat(), "said": "今天"},
    "claim_where": "人民路",
    "claim_injured": False,
    "claim_phone": "13900000001",
}


def _run(
    form: type[FormAction], asked: str, text: str, intent: str, **slots: Any
) -> tuple[dict[str, Any], Ear]:
    store = verified_store()
    store.policies.owned["c-1"] = [policy_of()]
    turn = turn_of(text, intent, slots={REQUESTED_SLOT: asked, **slots})
    return run_form(with_services(form, services_of(store)), turn)


# --- refused wishes ----------------------------------------------------------------


@pytest.mark.parametrize("intent", ["deny", "surrender_policy", "inform"])
@pytest.mark.parametrize("asked", ["request_detail", "request_confirmed"])
@pytest.mark.parametrize(
    "text",
    [
        "还是别退了吧",
        "还是不退了",
        "我看还是别退",
        "不想退了",
        "我不想退保",
        "先不退保了",
        "不退了，太亏了",
        "别给我退",
    ],
)
def test_that_refusing_the_own_wish_ends_the_form(
    text: str, asked: str, intent: str
) -> None:
    slots, _ = _run(ValidateRequestServiceForm, asked, text, intent, **SURRENDER)
    assert slots == {FORM_EXIT: "cancel", REQUESTED_SLOT: None}


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("晓得了 交上去嘛", True),
        ("赶紧报！", True),
        ("赶紧提交", True),
        ("好的，交吧", True),
        ("快交", True),
        ("嗯 报上去", True),
        ("否 留着吧", None),
        ("不了 钱就放那吧", None),
        ("先别交", None),
        ("别报", None),
        ("不了", None),
        ("不用，先放着吧", None),
    ],
)
@pytest.mark.parametrize(
    ("form", "asked", "filled"),
    [
        (ValidateReportClaimForm, "claim_confirmed", CLAIM),
        (ValidateFileComplaintForm, "complaint_confirmed", COMPLAINT),
        (ValidateRequestServiceForm, "request_confirmed", SURRENDER),
    ],
)
def test_that_a_plain_answer_to_sending_in_adds_nothing(
    form: type[FormAction],
    asked: str,
    filled: dict[str, Any],
    text: str,
    sent: bool | None,
) -> None:
    slots, _ = _run(form, asked, text, "inform", **filled)
    changed = {k: v for k, v in slots.items() if k not in (FORM_MISSES, FORM_NOTE)}
    assert changed == {asked: sent}


@pytest.mark.parametrize(
    ("form", "asked", "text", "slots"),
    [
        (ValidateReportClaimForm, "claim_what", "我不想报案了", {}),
        (ValidateReportClaimForm, "claim_injured", "不用报案", {}),
        (ValidateFileComplaintForm, "complaint_what", "我不是要投诉", {}),
        (
            ValidateVerifyIdentityForm,
            "identity_policy_no",
            "我不想退保",
            {"after_identity": "action_surrender_policy"},
        ),
        (
            ValidateRequestServiceForm,
            "request_detail",
            "不用改了",
            {"request_kind": "change"},
        ),
    ],
)
def test_that_every_form_knows_its_own_wish(
    form: type[FormAction], asked: str, text: str, slots: dict[str, Any]
) -> None:
    found, _ = _run(form, asked, text, "deny", **slots)
    assert found[FORM_EXIT] == "cancel"


@pytest.mark.parametrize("intent", ["deny", "request_handoff"])
@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("claim_where", "不需要转人工"),
        ("claim_injured", "不用转人工"),
        ("claim_what", "别给我转人工"),
        ("claim_confirmed", "不要人工"),
        ("claim_what", "我不想投诉"),
    ],
)
def test_that_refusing_another_wish_is_noted_and_no_answer(
    asked: str, text: str, intent: str
) -> None:
    slots, ear = _run(ValidateReportClaimForm, asked, text, intent)
    assert ear.names == ["utter_form_refusal_noted"]
    assert slots == {FORM_MISSES: 0, FORM_NOTE: None}


@pytest.mark.parametrize("text", ["我没说要退保", "不要退保", "别退我的保单"])
def test_that_a_refusal_may_be_what_a_complaint_is_about(text: str) -> None:
    slots, _ = _run(ValidateFileComplaintForm, "complaint_wanted", text, "deny")
    assert slots["complaint_wanted"] == text


@pytest.mark.parametrize(
    ("text", "intent", "leave"),
    [
        ("不退了，帮我查一下理赔", "track_claim", "track_claim"),
        ("不退了，我要改手机号", "change_policy", "change_policy"),
        ("不退了，想问下现金价值", "surrender_policy", "surrender_policy"),
    ],
)
def test_that_the_second_half_is_done_instead(
    text: str, intent: str, leave: str
) -> None:
    slots, _ = _run(
        ValidateRequestServiceForm, "request_detail", text, intent, **SURRENDER
    )
    assert slots[FORM_EXIT] == leave


def test_that_another_thing_to_change_is_what_the_form_asks_for() -> None:
    text = "不改手机号，改地址"
    slots, _ = _run(
        ValidateRequestServiceForm,
        "request_detail",
        text,
        "change_policy",
        request_kind="change",
    )
    assert slots["request_detail"] == text


def test_that_a_surrender_that_is_refused_is_explained_and_not_begun() -> None:
    store, ear = verified_store(), Ear()
    action = with_services(ActionSurrenderPolicy, services_of(store, FakeLibrary()))
    turn = turn_of("我不想退保，我想问下现金价值", "surrender_policy")
    events = action.answer(turn, ear.say)
    assert ear.names == ["utter_surrender_not_begun"]
    assert followups(events) == []
    assert store.requests.recorded == []


# --- additions ---------------------------------------------------------------------


@pytest.mark.parametrize("intent", ["inform", "file_complaint", "nlu_fallback"])
@pytest.mark.parametrize(
    "text", ["他还骂我，说我没文化", "前后打了五个电话，每次都让我等三天"]
)
def test_that_free_words_at_the_read_back_are_added(text: str, intent: str) -> None:
    slots, _ = _run(
        ValidateFileComplaintForm, "complaint_confirmed", text, intent, **COMPLAINT
    )
    assert slots["complaint_what"] == f"客服态度差；补充：{text}"
    assert "complaint_confirmed" not in slots
    ear = Ear()
    read = turn_of("x", slots={**COMPLAINT, **slots})
    services = services_of(verified_store())
    with_services(ActionAskComplaintConfirmed, services).answer(read, ear.say)
    assert text in ear.heard[0].values["what"]


@pytest.mark.parametrize(
    ("text", "intent", "more"),
    [
        ("对了，当时还有乘客", "affirm", "当时还有乘客"),
        ("没问题，另外对方没有保险", "affirm", "对方没有保险"),
        ("补充一下，交警已经出了认定书", "inform", "交警已经出了认定书"),
        ("后来车被拖走了，花了三百", "inform", "后来车被拖走了，花了三百"),
    ],
)
def test_that_a_claim_report_takes_additions_too(
    text: str, intent: str, more: str
) -> None:
    slots, _ = _run(ValidateReportClaimForm, "claim_confirmed", text, intent, **CLAIM)
    assert slots["claim_what"] == f"车被追尾；补充：{more}"


@pytest.mark.parametrize("intent", ["file_complaint", "request_handoff"])
def test_that_a_short_addition_about_people_is_no_wish(intent: str) -> None:
    text = "对方态度也很差"
    slots, _ = _run(ValidateReportClaimForm, "claim_confirmed", text, intent, **CLAIM)
    assert slots["claim_what"] == f"车被追尾；补充：{text}"


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("给我转人工吧", "request_handoff"),
        ("我要投诉你们", "file_complaint"),
        ("取消这次报案", "cancel"),
    ],
)
def test_that_one_can_leave_at_the_read_back(text: str, intent: str) -> None:
    slots, _ = _run(ValidateReportClaimForm, "claim_confirmed", text, intent, **CLAIM)
    assert slots[FORM_EXIT] == intent


def test_that_an_addition_that_tells_of_injuries_is_not_lost_there() -> None:
    text = "还有，我老婆也骨折了"
    slots, _ = _run(ValidateReportClaimForm, "claim_confirmed", text, "inform", **CLAIM)
    assert slots["claim_injured"] is True
    assert text.removeprefix("还有，") in slots["claim_what"]


@pytest.mark.parametrize(
    ("before", "after"),
    [("没有", "尽快办"), ("急用钱", "急用钱；补充：尽快办")],
)
def test_that_a_request_takes_a_remark(before: str, after: str) -> None:
    slots, _ = _run(
        ValidateRequestServiceForm,
        "request_confirmed",
        "另外尽快办",
        "inform",
        request_detail=before,
        **SURRENDER,
    )
    assert slots["request_detail"] == after


@pytest.mark.parametrize(
    ("text", "intent"),
    [("确认提交", "affirm"), ("好的", "affirm"), ("没问题，提交吧", "affirm")],
)
def test_that_a_yes_is_no_addition(text: str, intent: str) -> None:
    slots, _ = _run(ValidateReportClaimForm, "claim_confirmed", text, intent, **CLAIM)
    assert slots == {"claim_confirmed": True, FORM_MISSES: 0, FORM_NOTE: None}


@pytest.mark.parametrize("text", ["不对", "不对，电话错了", "不是，要改一下经过"])
def test_that_a_no_still_asks_what_to_correct(text: str) -> None:
    slots, _ = _run(ValidateReportClaimForm, "claim_confirmed", text, "deny", **CLAIM)
    assert slots == {"claim_confirmed": None, FORM_MISSES: 0, FORM_NOTE: DENIED}


def test_that_a_correction_at_the_read_back_still_corrects() -> None:
    text = "地点改成建国路"
    slots, _ = _run(ValidateReportClaimForm, "claim_confirmed", text, "inform", **CLAIM)
    assert slots["claim_where"] == "建国路"
    assert "claim_what" not in slots


def test_that_a_no_with_a_story_behind_it_is_not_lost() -> None:
    text = "不对，是他倒车撞的我"
    slots, _ = _run(ValidateReportClaimForm, "claim_confirmed", text, "deny", **CLAIM)
    assert slots["claim_what"] == "车被追尾；补充：是他倒车撞的我"


@pytest.mark.parametrize("text", ["我还要补充一点", "等一下，我要补充", "还有一点"])
def test_that_who_only_announces_an_addition_is_asked_for_it(text: str) -> None:
    slots, _ = _run(ValidateReportClaimForm, "claim_confirmed", text, "inform", **CLAIM)
    assert slots == {FORM_MISSES: 0, FORM_NOTE: ADDING}


def test_that_a_question_at_the_read_back_is_still_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = {"claim_hotline": "95500", "claim_hotline_hint": ""}
    services = services_of(verified_store(), FakeLibrary(facts=facts))
    answering = staticmethod(lambda: services)
    monkeypatch.setattr(ActionAskClaimProcess, "services_factory", answering)
    text = "理赔要多久？"
    slots, ear = _run(
        ValidateReportClaimForm, "claim_confirmed", text, "ask_claim_process", **CLAIM
    )
    assert "claim_what" not in slots
    assert ear.names


def test_that_an_account_has_a_longest_length() -> None:
    full = {**COMPLAINT, "complaint_what": "长" * 1900}
    slots, ear = _run(
        ValidateFileComplaintForm, "complaint_confirmed", "又" * 200, "inform", **full
    )
    assert ear.names == ["utter_text_too_long"]
    assert "complaint_what" not in slots


# --- the phone on file ---------------------------------------------------------------


@pytest.mark.parametrize("intent", ["inform", "affirm", "change_policy", "deny"])
@pytest.mark.parametrize(
    "text",
    ["就用登记的电话", "就这个号", "用原来那个", "打我登记的那个", "不用换"],
)
def test_that_the_registered_phone_is_taken_by_its_name(text: str, intent: str) -> None:
    slots, _ = _run(ValidateReportClaimForm, "claim_phone", text, intent)
    assert slots["claim_phone"] == "13900000001"


@pytest.mark.parametrize(
    "text",
    ["换一个", "别打这个", "不用登记的电话", "换个号码", "那个号停机了", "不行"],
)
def test_that_another_phone_is_asked_for(text: str) -> None:
    slots, _ = _run(ValidateReportClaimForm, "claim_phone", text, "deny")
    assert slots == {"claim_phone": None, FORM_MISSES: 0, FORM_NOTE: DENIED}
    ear, asked = Ear(), turn_of(text, slots={FORM_NOTE: DENIED})
    services = services_of(verified_store())
    with_services(ActionAskClaimPhone, services).answer(asked, ear.say)
    assert ear.names == ["utter_ask_claim_phone"]


@pytest.mark.parametrize("text", ["换成13811112222", "别打这个，打13811112222"])
def test_that_a_number_that_is_given_is_the_number(text: str) -> None:
    store = verified_store()
    turn = turn_of(text, "inform", slots={REQUESTED_SLOT: "claim_phone"})
    form = with_services(ValidateReportClaimForm, services_of(store))
    slots, _ = run_form(form, turn)
    assert slots["claim_phone"] == "13811112222"
    assert store.identity.bound[SENDER].phone == "13900000001"


@pytest.mark.parametrize(
    ("slot", "before", "text", "after"),
    [
        ("claim_where", "解放路十字路口", "不是解放路 是建设路", "建设路十字路口"),
        ("claim_where", "G15高速", "不是G15 是G60", "G60高速"),
        ("claim_where", "万达门口", "不是万达，是银泰", "银泰门口"),
        ("claim_what", "保费扣了两次", "不是扣了两次 是三次", "保费扣了三次"),
        ("claim_what", "被货车追尾", "不对，不是货车，而是轿车", "被轿车追尾"),
    ],
)
def test_that_words_are_exchanged_in_the_field_that_has_them(
    slot: str, before: str, text: str, after: str
) -> None:
    filled = {**CLAIM, slot: before}
    slots, _ = _run(ValidateReportClaimForm, "claim_confirmed", text, "deny", **filled)
    assert slots[slot] == after
