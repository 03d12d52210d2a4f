"""The identity check as a conversation: pair, code, another code, and who is told what."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
import yaml
from action_kit import (
    NOW,
    ROOT,
    ZHANG,
    Ear,
    FakeStore,
    followups,
    run_form,
    services_of,
    slots_of,
    turn_of,
    with_services,
)

from actions.errors import SmsAway
from actions.policystore.model import (
    CodeDue,
    CodesUsedUp,
    CodeTooSoon,
    Customer,
    Locked,
    Mismatch,
    NoCode,
    Verified,
    WrongCode,
)
from actions.verify_identity import (
    FORM,
    NO_CODE,
    ActionVerifyIdentity,
    ValidateVerifyIdentityForm,
    begin_identity_check,
)

PAIR = {"identity_policy_no": "P2024013100018", "identity_id_tail": "4321"}
DUE = CodeDue(ZHANG, "012345", "k" * 32, NOW + timedelta(minutes=5))
AFTER = "action_query_policy"
HELP = "转人工"


@dataclass
class FakeSms:
    """Keeps what it was to send; raises what it is told to."""

    away: SmsAway | None = None
    sent: list[tuple[str, str, int, str]] = field(default_factory=list)

    def send_code(self, *message: Any) -> None:
        self.sent.append(message)
        if self.away:
            raise self.away


def verify(
    outcome: Any, code: str | None = NO_CODE, sms: Any = None
) -> tuple[Ear, list[dict[str, Any]], FakeStore]:
    store, ear = FakeStore(), Ear()
    store.identity.outcome = outcome
    services = services_of(store, sms=sms)
    slots = {**PAIR, "identity_code": code, "after_identity": AFTER}
    events = with_services(ActionVerifyIdentity, services).answer(
        turn_of("…", slots=slots), ear.say
    )
    return ear, events, store


def ask(text: str, requested: str = "identity_code", **more: Any) -> Any:
    slots = {**PAIR, "identity_code": None, "requested_slot": requested}
    slots.update(more.pop("slots", {}))
    action = with_services(ValidateVerifyIdentityForm, services_of(FakeStore()))
    found, ear = run_form(action, turn_of(text, slots=slots, **more))
    return found, ear.names


def responses() -> dict[str, Any]:
    path = ROOT / "bot/assistant/domain/verify_identity.yml"
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return dict(loaded["responses"])


def test_that_the_check_begins_without_waiting_for_a_code() -> None:
    events = begin_identity_check(
        services_of(FakeStore()), turn_of("查保单"), Ear().say, AFTER
    )
    assert slots_of(events)["identity_code"] == NO_CODE
    assert followups(events) == [FORM]


def test_that_without_codes_the_right_pair_goes_on_with_what_was_asked() -> None:
    ear, events, store = verify(Verified(ZHANG))
    assert ear.names == ["utter_identity_verified"]
    assert followups(events) == [AFTER]
    assert store.identity.codes == []


@pytest.mark.parametrize("origin", ["a-network", ""])
def test_that_the_check_is_told_where_the_customer_comes_from(origin: str) -> None:
    store = FakeStore()
    store.identity.outcome = Mismatch(2)
    turn = turn_of("…", slots={**PAIR, "identity_code": NO_CODE})
    action = with_services(ActionVerifyIdentity, services_of(store))
    action.answer(replace(turn, origin=origin), Ear().say)
    assert store.identity.origins == [origin]


def test_that_whoever_has_to_wait_is_offered_a_human() -> None:
    ear, _, _ = verify(Locked(NOW + timedelta(minutes=15)))
    assert ear.names == ["utter_identity_locked"]
    assert HELP in str(responses()["utter_identity_locked"])


def test_that_a_wrong_pair_is_asked_for_again_without_a_code() -> None:
    ear, events, _ = verify(Mismatch(2), sms=(sms := FakeSms()))
    assert ear.names == ["utter_identity_mismatch"]
    assert slots_of(events) == {
        "identity_policy_no": None,
        "identity_id_tail": None,
        "identity_code": NO_CODE,
        "after_identity": AFTER,
        "form_exit": None,
    }
    assert followups(events) == [FORM]
    assert sms.sent == []


def test_that_a_code_is_sent_and_asked_for_with_the_phone_masked() -> None:
    ear, events, _ = verify(DUE, sms=(sms := FakeSms()))
    assert sms.sent == [("13900000001", "012345", 5, "k" * 32)]
    (said,) = ear.heard
    assert said.response == "utter_code_sent"
    assert said.values["phone"] == "139****0001"
    assert said.values["minutes"] == 5
    assert slots_of(events) == {"identity_code": None}
    assert followups(events) == [FORM]
    assert "012345" not in str(events) + str(ear.dispatcher.messages)


@pytest.mark.parametrize("perhaps_sent", [True, False])
def test_that_a_code_that_cannot_be_sent_is_withdrawn_and_a_human_offered(
    perhaps_sent: bool, caplog: pytest.LogCaptureFixture
) -> None:
    sms = FakeSms(SmsAway("HTTP 503", perhaps_sent=perhaps_sent))
    ear, events, store = verify(DUE, sms=sms)
    assert ear.names == ["utter_sms_away"]
    assert store.identity.withdrawn == [("k" * 32, perhaps_sent)]
    assert followups(events) == []
    assert set(slots_of(events).values()) == {None}
    assert HELP in str(responses()["utter_sms_away"])
    assert "012345" not in caplog.text and "13900000001" not in caplog.text


@pytest.mark.parametrize("sms", [None, FakeSms()])
def test_that_a_customer_nothing_can_be_sent_to_is_offered_a_human(sms: Any) -> None:
    nobody = Customer("c-2", "李娜", "" if sms else "13900000002")
    due = CodeDue(nobody, "012345", "k" * 32, NOW)
    ear, _, store = verify(due, sms=sms)
    assert ear.names == ["utter_sms_away"]
    assert store.identity.withdrawn == [("k" * 32, False)]
    assert sms is None or sms.sent == []


def test_that_the_right_code_goes_on_and_is_not_kept() -> None:
    ear, events, store = verify(Verified(ZHANG), code="012345")
    assert store.identity.codes == ["012345"]
    assert store.identity.tried == []
    assert ear.names == ["utter_identity_verified"]
    assert slots_of(events)["identity_code"] is None
    assert followups(events) == [AFTER]


@pytest.mark.parametrize(
    ("outcome", "response", "values"),
    [
        (WrongCode(2), "utter_code_wrong", {"attempts_left": 2}),
        (NoCode(), "utter_code_expired", {}),
        (
            CodeTooSoon(NOW + timedelta(seconds=30, milliseconds=1)),
            "utter_code_too_soon",
            {"seconds": 31},
        ),
    ],
)
def test_that_the_code_is_asked_for_again(
    outcome: Any, response: str, values: dict[str, Any]
) -> None:
    ear, events, _ = verify(outcome, code="000000")
    assert ear.names == [response]
    assert ear.heard[0].values.items() >= values.items()
    assert slots_of(events) == {"identity_code": None}
    assert followups(events) == [FORM]


@pytest.mark.parametrize(
    ("outcome", "response"),
    [
        (Locked(NOW + timedelta(minutes=30)), "utter_identity_locked"),
        (CodesUsedUp(NOW + timedelta(days=1)), "utter_codes_used_up"),
    ],
)
def test_that_limits_end_the_check_and_offer_a_human(
    outcome: Any, response: str
) -> None:
    ear, events, _ = verify(outcome, code="000000")
    assert ear.names == [response]
    assert set(slots_of(events).values()) == {None}
    assert followups(events) == []
    assert HELP in str(responses()[response])


# --- the form ------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["012345", "０１２３４５", "012 345", "验证码012345"])
def test_that_the_code_is_taken_in_any_spelling(text: str) -> None:
    found, names = ask(text)
    assert found["identity_code"] == "012345"
    assert names == []


@pytest.mark.parametrize(
    "text", ["abcdef", "1" * 300, "\0", "12345", "稍等", "/inform"]
)
def test_that_what_is_no_code_is_asked_again(text: str) -> None:
    found, names = ask(text)
    assert "identity_code" not in found
    assert names == ["utter_code_unusable"]
    assert found["form_misses"] == 1


def test_that_after_two_misses_help_is_offered() -> None:
    _, names = ask("稍等", slots={"form_misses": 1})
    assert names == ["utter_code_unusable", "utter_form_offer_help"]


@pytest.mark.parametrize(
    "text", ["没收到", "一直没收到短信啊", "重新发送", "再发一次吧"]
)
@pytest.mark.parametrize("intent", ["inform", "request_handoff", "cancel", "deny"])
def test_that_another_code_can_be_asked_for_in_words(text: str, intent: str) -> None:
    found, names = ask(text, intent=intent)
    assert found["identity_code"] == NO_CODE
    assert names == []


def test_that_another_code_can_be_asked_for_by_button() -> None:
    found, _ = ask('/inform{"choice":"resend"}', choice="resend")
    assert found["identity_code"] == NO_CODE


def test_that_a_code_with_words_about_the_message_is_a_code() -> None:
    found, _ = ask("重新发送的那条是012345")
    assert found["identity_code"] == "012345"


def test_that_asking_again_means_nothing_before_a_code_was_sent() -> None:
    found, _ = ask("没收到", "identity_id_tail", slots={"identity_id_tail": None})
    assert "identity_code" not in found


def test_that_a_corrected_number_is_checked_anew() -> None:
    found, _ = ask("不对，保单号是P2025080800033", policy_no="P2025080800033")
    assert found["identity_policy_no"] == "P2025080800033"
    assert found["identity_code"] == NO_CODE


def test_that_a_form_begun_before_codes_existed_waits_for_none() -> None:
    """A conversation may stand in the form while baoke is updated."""
    slots = {"identity_id_tail": None, "identity_code": None}
    found, _ = ask("4321", "identity_id_tail", slots=slots)
    assert found["identity_id_tail"] == "4321"
    assert found["identity_code"] == NO_CODE


@pytest.mark.parametrize("intent", ["cancel", "request_handoff"])
def test_that_one_can_leave_instead_of_entering_a_code(intent: str) -> None:
    found, _ = ask(f"/{intent}", intent=intent)
    assert found["form_exit"] == intent


def test_that_words_have_values_for_all_their_places() -> None:
    """What the action gives is what the domain's words have room for."""
    places = {
        name: set(re.findall(r"(?<!{){(\w+)}(?!})", found[0]["text"]))
        for name, found in responses().items()
    }
    for outcome in (DUE, WrongCode(1), NoCode(), CodeTooSoon(NOW), CodesUsedUp(NOW)):
        ear, _, _ = verify(outcome, sms=FakeSms())
        for said in ear.heard:
            assert places[said.response] <= set(said.values), said.response
