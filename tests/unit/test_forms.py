"""What one turn means for a form: answer, correction, question, wish to leave."""

from __future__ import annotations

from typing import Any

import pytest
from action_kit import (
    NOW,
    SENDER,
    Ear,
    FakeStore,
    policy_of,
    run_form,
    services_of,
    turn_of,
    verified_store,
    with_services,
)

from actions import converse, normalise, track_claim
from actions.fields import confirmed_field, open_text, phone_field, substance_of
from actions.forms import (
    DENIED,
    FORM_EXIT,
    FORM_MISSES,
    FORM_NOTE,
    LEAVING,
    QUESTIONS,
    REQUESTED_SLOT,
    Field,
    Filled,
    Outcome,
    Unusable,
    fill,
)
from actions.report_claim import SLOTS, ValidateReportClaimForm, read_when
from actions.turn import Turn


def _when(turn: Turn) -> Filled | Unusable | None:
    return read_when(turn, NOW)


def _spot_when(turn: Turn) -> Filled | Unusable | None:
    return read_when(turn, NOW) if turn.first("date") else None


def _plate(turn: Turn) -> Filled | Unusable | None:
    found = normalise.plate_no(turn.first("plate_no") or turn.text)
    return Filled(found) if found else None


# Importing a module is what makes its actions known to the registry.
ANSWERING = (converse, track_claim)

FIELDS = [
    Field("what", open_text, cues=("经过",), is_open=True),
    Field("when", _when, _spot_when, cues=("时间",)),
    Field("where", open_text, cues=("地点",), is_open=True),
    phone_field("phone", "13900000001"),
    Field("plate", _plate),
    confirmed_field("confirmed"),
]


def _fill(requested: str | None, turn: Turn, own: str = "report_claim") -> Outcome:
    return fill(FIELDS, requested, turn, own)


# --- answers -----------------------------------------------------------------------


def test_that_an_answer_fills_the_field_that_was_asked_for() -> None:
    assert _fill("where", turn_of("建国路")) == Outcome(values={"where": "建国路"})


def test_that_an_answer_also_fills_other_empty_fields_it_holds() -> None:
    turn = turn_of("昨天被追尾，电话13912345678", date="昨天", phone="13912345678")
    outcome = _fill("what", turn)
    assert outcome.values["what"] == turn.text
    assert outcome.values["when"]["said"] == "昨天"
    assert outcome.values["phone"] == "13912345678"


def test_that_a_filled_field_is_not_overwritten_in_passing() -> None:
    turn = turn_of("在建国路，昨天", slots={"when": {"at": "x"}}, date="昨天")
    assert _fill("where", turn).values == {"where": "在建国路，昨天"}


def test_that_before_the_first_question_everything_found_is_kept() -> None:
    turn = turn_of("昨天出的事", "report_claim", date="昨天")
    assert set(_fill(None, turn).values) == {"when"}


def test_that_an_unknown_requested_slot_is_treated_as_nothing_asked() -> None:
    assert _fill("slot_of_another_form", turn_of("你好")) == Outcome()


def test_that_the_phone_on_file_is_taken_by_a_yes() -> None:
    assert _fill("phone", turn_of("可以", "affirm")).values == {"phone": "13900000001"}


def test_that_a_button_is_no_answer_to_an_open_question() -> None:
    outcome = _fill("where", turn_of("/inform", "inform"))
    assert outcome == Outcome(unusable=Unusable("utter_answer_not_understood"))


def test_that_repeating_the_own_wish_is_an_answer_to_an_open_question() -> None:
    turn = turn_of("我要报案，车被撞了", "report_claim")
    assert _fill("what", turn).values == {"what": turn.text}


# --- misses ------------------------------------------------------------------------


def test_that_an_answer_that_cannot_be_taken_says_why() -> None:
    assert _fill("phone", turn_of("以后再说吧")).unusable == Unusable(
        "utter_phone_unusable"
    )


def test_that_anger_that_is_no_answer_brings_a_human() -> None:
    assert _fill("phone", turn_of("你他妈耍我呢")).leave == "request_handoff"
    told = _fill("phone", turn_of("13900000002，快点，急死了", phone="13900000002"))
    assert told.values["phone"] == "13900000002"


def test_that_what_no_field_understands_is_not_understood() -> None:
    assert _fill("plate", turn_of("蓝色的")).unusable == Unusable(
        "utter_answer_not_understood"
    )


@pytest.mark.parametrize(
    ("text", "response"),
    [
        ("啊" * 501, "utter_text_too_long"),
        ("。", "utter_text_unusable"),
        ("嗯", "utter_text_unusable"),
    ],
)
def test_that_words_too_many_or_too_few_are_refused(text: str, response: str) -> None:
    assert _fill("where", turn_of(text)).unusable == Unusable(response)


def test_that_the_longest_text_is_still_taken() -> None:
    assert _fill("where", turn_of("路" * 500)).values == {"where": "路" * 500}


def test_that_a_future_event_is_refused() -> None:
    assert _fill("when", turn_of("明天下午", date="明天下午")).unusable == Unusable(
        "utter_claim_when_future"
    )


def test_that_an_event_of_long_ago_is_refused() -> None:
    assert _fill("when", turn_of("2019年1月1日")).unusable == Unusable(
        "utter_claim_when_too_old"
    )


# --- questions inside a form -------------------------------------------------------


@pytest.mark.parametrize("intent", sorted(QUESTIONS - {"greet", "thank"}))
def test_that_a_question_inside_a_form_is_answered(intent: str) -> None:
    turn = turn_of("这个要多久才能好？", intent, 0.9)
    assert _fill("plate", turn) == Outcome(question=intent)


def test_that_an_unsure_question_is_an_answer_that_is_not_understood() -> None:
    assert _fill("plate", turn_of("那个呢", "ask_premium", 0.4)).unusable


def test_that_an_answer_wins_over_a_question_where_no_free_text_was_asked() -> None:
    turn = turn_of("昨天，理赔要多久？", "ask_claim_process", date="昨天")
    assert "when" in _fill("when", turn).values


def test_that_a_short_question_interrupts_an_open_one() -> None:
    turn = turn_of("要什么材料？", "ask_claim_materials", 0.7)
    assert _fill("what", turn).question == "ask_claim_materials"


def test_that_a_long_open_answer_needs_more_certainty_to_be_a_question() -> None:
    text = "打了好几次电话都没人接，也不知道找谁处理这个事情"
    assert _fill("what", turn_of(text, "ask_service_channel", 0.7)).values
    assert _fill("what", turn_of(text, "ask_service_channel", 0.85)).question


def test_that_an_open_answer_without_a_question_mark_or_word_is_an_answer() -> None:
    turn = turn_of("理赔材料交了三次", "ask_claim_materials", 0.9)
    assert _fill("what", turn).values == {"what": turn.text}


@pytest.mark.parametrize("intent", ["greet", "thank"])
def test_that_only_plain_politeness_is_answered_in_passing(intent: str) -> None:
    assert _fill("plate", turn_of("嗨嗨", intent, 0.95)).question == intent
    assert _fill("plate", turn_of("嗨嗨", intent, 0.7)).unusable


# --- corrections -------------------------------------------------------------------

EARLIER = {"at": "2026-10-01T00:00:00+08:00", "said": "国庆"}


def test_that_a_field_named_in_a_correction_is_changed() -> None:
    slots = {"where": "人民路", "when": EARLIER}
    turn = turn_of("不对，地点应该是建国路", "deny", slots=slots)
    assert _fill("phone", turn).values == {"where": "建国路"}


def test_that_a_correction_without_a_name_goes_where_its_value_fits() -> None:
    turn = turn_of("不对，是昨天", "deny", slots={"when": EARLIER}, date="昨天")
    outcome = _fill("where", turn)
    assert set(outcome.values) == {"when"}
    assert outcome.values["when"]["said"] == "昨天"


def test_that_a_corrected_phone_is_found_by_its_value() -> None:
    turn = turn_of(
        "手机号写错了，是13811112222",
        slots={"phone": "13900000001"},
        phone="13811112222",
    )
    assert _fill("confirmed", turn).values == {"phone": "13811112222"}


def test_that_the_same_value_again_is_no_correction() -> None:
    slots = {"phone": "13811112222"}
    turn = turn_of("号码不是13811112222吗", "affirm", slots=slots, phone="13811112222")
    assert "phone" not in _fill("confirmed", turn).values


def test_that_only_filled_fields_can_be_corrected() -> None:
    turn = turn_of("不对，地点应该是建国路", "deny", slots={})
    assert "where" not in _fill("confirmed", turn).values


def test_that_correcting_words_without_a_value_leave_the_answer_alone() -> None:
    turn = turn_of("他们说错了一句话", slots={"when": EARLIER})
    assert _fill("what", turn).values == {"what": "他们说错了一句话"}


def test_that_a_button_is_never_a_correction() -> None:
    turn = turn_of("/deny", "deny", slots={"when": EARLIER}, date="昨天")
    assert _fill("confirmed", turn).values == {"confirmed": None}


def test_that_after_what_to_correct_the_field_needs_no_correcting_word() -> None:
    slots = {"where": "人民路", "when": EARLIER, FORM_NOTE: DENIED}
    turn = turn_of("地点是建国路", slots=slots)
    assert _fill("confirmed", turn).values == {"where": "建国路"}
    turn = turn_of("时间是前天晚上", slots=slots, date="前天晚上")
    assert _fill("confirmed", turn).values["when"]["said"] == "前天晚上"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("经过改成：倒车撞了墙", {"what": "倒车撞了墙"}),
        ("经过改成：：倒车撞了墙", {"what": "倒车撞了墙"}),
        ("经过改为“倒车撞了墙”。", {"what": "倒车撞了墙"}),
        ("经过应该是:倒车撞了墙", {"what": "倒车撞了墙"}),
        ("地点应该是： 建国路", {"where": "建国路"}),
        ("地点改成，建国路", {"where": "建国路"}),
        ("经过改成：倒车撞了墙\n人没事", {"what": "倒车撞了墙\n人没事"}),
    ],
)
def test_that_a_correction_is_kept_without_its_punctuation(
    text: str, values: dict[str, str]
) -> None:
    slots = {"what": "追尾", "where": "人民路", "when": EARLIER}
    turn = turn_of(text, "inform", slots=slots)
    assert _fill("confirmed", turn).values == values


def test_that_a_corrected_time_is_read_behind_its_colon() -> None:
    turn = turn_of("时间改成：昨天下午", "inform", slots={"when": EARLIER})
    assert _fill("confirmed", turn).values["when"]["said"] == "昨天下午"


def test_that_a_correction_of_punctuation_alone_changes_nothing() -> None:
    turn = turn_of("经过改成：：", "inform", slots={"what": "追尾"})
    assert "what" not in _fill("confirmed", turn).values


# --- leaving -----------------------------------------------------------------------


@pytest.mark.parametrize("intent", [*LEAVING, "cancel"])
@pytest.mark.parametrize("requested", ["what", "when", None])
def test_that_a_button_leaves_the_form(intent: str, requested: str | None) -> None:
    assert _fill(requested, turn_of(f"/{intent}", intent)) == Outcome(leave=intent)


def test_that_the_button_of_the_own_wish_does_not_leave() -> None:
    turn = turn_of("/file_complaint", "file_complaint")
    assert _fill("plate", turn, own="file_complaint").leave is None


@pytest.mark.parametrize("text", ["算了", "不办了", "取消", "算了，我不弄了", "退出吧"])
@pytest.mark.parametrize("requested", ["what", "plate", "confirmed"])
def test_that_dropping_words_leave_whatever_the_classifier_thinks(
    text: str, requested: str
) -> None:
    assert _fill(requested, turn_of(text, "inform", 0.3)).leave == "cancel"


def test_that_a_certain_short_cancel_is_believed_without_its_words() -> None:
    assert _fill("plate", turn_of("我先不搞这个了", "cancel", 0.85)).leave == "cancel"
    assert _fill("plate", turn_of("我先不搞这个了", "cancel", 0.7)).leave is None


def test_that_a_longer_open_answer_is_not_taken_for_a_cancel() -> None:
    turn = turn_of("他让我别办了就挂了电话", "cancel", 0.95)
    assert _fill("what", turn).values == {"what": turn.text}


@pytest.mark.parametrize("text", ["取消短信提醒", "停止自动扣费", "取消这份保单"])
def test_that_an_open_answer_may_ask_to_cancel_something_else(text: str) -> None:
    assert _fill("what", turn_of(text, "manage_notice")).values == {"what": text}


@pytest.mark.parametrize(
    ("text", "intent"),
    [("转人工", "request_handoff"), ("我要投诉", "file_complaint")],
)
@pytest.mark.parametrize("requested", ["what", "plate"])
def test_that_a_short_wish_for_a_human_or_a_complaint_leaves(
    text: str, intent: str, requested: str
) -> None:
    assert _fill(requested, turn_of(text, intent, 0.9)).leave == intent


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("这个太麻烦了我说不清楚，给我转人工吧", "request_handoff"),
        ("跟你说不明白，叫你们领导来跟我讲", "request_handoff"),
        ("你们这样拖着不办，我要投诉你们", "file_complaint"),
    ],
)
def test_that_a_long_wish_leaves_an_open_question_by_its_words(
    text: str, intent: str
) -> None:
    assert _fill("what", turn_of(text, intent, 0.9)).leave == intent


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("打了三次电话都没人接，等了一个下午", "request_handoff"),
        ("电话一直打不通，人工坐席从来不接", "request_handoff"),
        ("电话里转接了三次最后断了", "request_handoff"),
        ("去年投诉过一次没有结果，这次又被追尾了", "file_complaint"),
        ("对方说已经投诉到公司了，我这边在等消息", "file_complaint"),
    ],
)
def test_that_an_open_answer_that_mentions_calls_or_complaints_is_no_command(
    text: str, intent: str
) -> None:
    assert _fill("what", turn_of(text, intent, 0.9)) == Outcome(values={"what": text})


def test_that_an_unsure_wish_does_not_leave() -> None:
    assert _fill("plate", turn_of("转一下", "request_handoff", 0.5)).leave is None


def test_that_the_own_wish_said_again_does_not_leave() -> None:
    turn = turn_of("我要投诉", "file_complaint", 0.95)
    assert _fill("plate", turn, own="file_complaint").leave is None


def test_that_a_cancel_is_believed_in_a_form_for_any_wish() -> None:
    turn = turn_of("不投诉了", "file_complaint")
    assert _fill("what", turn, own="file_complaint").leave == "cancel"


# --- FormAction --------------------------------------------------------------------


def _claim_form(store: FakeStore) -> Any:
    return with_services(ValidateReportClaimForm, services_of(store))


def _run(requested: str | None, turn: Turn, **slots: Any) -> tuple[dict[str, Any], Ear]:
    store = verified_store()
    store.policies.owned["c-1"] = [policy_of()]
    known = {**turn.slots, REQUESTED_SLOT: requested, **slots}
    heard = turn_of(
        turn.text,
        turn.intent,
        turn.confidence,
        known,
        SENDER,
        **{entity.kind: entity.value for entity in turn.entities},
    )
    return run_form(_claim_form(store), heard)


def test_that_starting_a_form_takes_nothing_from_the_message_that_started_it() -> None:
    slots, ear = _run(None, turn_of("昨天被撞了", "report_claim", date="昨天"))
    assert slots == {FORM_EXIT: None, FORM_MISSES: 0, FORM_NOTE: None}
    assert ear.heard == []


def test_that_a_no_to_the_read_back_fills_nothing_and_asks_what_is_wrong() -> None:
    slots, ear = _run("claim_confirmed", turn_of("不对", "deny"))
    assert slots == {"claim_confirmed": None, FORM_MISSES: 0, FORM_NOTE: DENIED}
    assert ear.heard == []


def test_that_a_yes_to_the_read_back_confirms() -> None:
    slots, _ = _run("claim_confirmed", turn_of("/affirm", "affirm"))
    assert slots == {"claim_confirmed": True, FORM_MISSES: 0, FORM_NOTE: None}


def test_that_a_correction_after_the_no_takes_the_note_away() -> None:
    turn = turn_of("地点是建国路")
    slots, _ = _run(
        "claim_confirmed", turn, claim_where="人民路", **{FORM_NOTE: DENIED}
    )
    assert slots == {"claim_where": "建国路", FORM_MISSES: 0, FORM_NOTE: None}


def test_that_leaving_sets_the_exit_and_ends_the_form() -> None:
    slots, ear = _run("claim_what", turn_of("算了", "cancel"))
    assert slots == {FORM_EXIT: "cancel", REQUESTED_SLOT: None}
    assert ear.heard == []


def test_that_a_question_is_answered_and_nothing_is_filled() -> None:
    slots, ear = _run("claim_when", turn_of("谢谢", "thank", 0.99))
    assert ear.names == ["utter_thank"]
    assert slots == {FORM_MISSES: 0, FORM_NOTE: None}


def test_that_a_personal_question_inside_a_form_needs_the_identity_first() -> None:
    turn = turn_of(
        "我的理赔到哪了？", "track_claim", slots={REQUESTED_SLOT: "claim_when"}
    )
    _, ear = run_form(_claim_form(FakeStore()), turn)
    assert ear.names == ["utter_question_needs_identity"]


def test_that_help_is_offered_at_the_second_miss_in_a_row() -> None:
    nonsense = turn_of("不知道", "inform")
    slots, ear = _run("claim_when", nonsense, **{FORM_MISSES: 0})
    assert ear.names == ["utter_claim_when_unusable"]
    assert slots[FORM_MISSES] == 1
    slots, ear = _run("claim_when", nonsense, **{FORM_MISSES: 1})
    assert ear.names == ["utter_claim_when_unusable", "utter_form_offer_help"]
    assert slots[FORM_MISSES] == 2


def test_that_an_answer_starts_counting_misses_anew() -> None:
    slots, _ = _run("claim_where", turn_of("建国路"), **{FORM_MISSES: 2})
    assert slots[FORM_MISSES] == 0


def test_that_every_slot_of_the_claim_report_has_a_question() -> None:
    form = _claim_form(verified_store())
    assert tuple(f.slot for f in form.fields(turn_of(""))) == SLOTS


# --- what a first message tells ----------------------------------------------------


@pytest.mark.parametrize(
    "text", ["我要报案", "你好，我想理赔一下", "/report_claim", "投诉！", "嗯"]
)
def test_that_a_bare_wish_tells_nothing(text: str) -> None:
    assert substance_of(turn_of(text, "report_claim")) is None


def test_that_a_wish_with_a_story_tells_it() -> None:
    text = "我要报案，昨晚车被追尾了"
    assert substance_of(turn_of(text, "report_claim")) == text
