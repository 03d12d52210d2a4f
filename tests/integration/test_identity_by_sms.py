"""The whole check with codes: the actions, a real store, a real gateway."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from action_kit import Ear, FixedClock, followups, services_of, slots_of, turn_of
from action_kit import with_services as made
from fastapi import FastAPI, Request, Response
from sqlalchemy import text
from store_kit import LI_MEDICAL, NOW, count, everywhere, opened, serving

from actions import forget
from actions.sms import open_sms
from actions.verify_identity import FORM, NO_CODE, ActionVerifyIdentity

pytestmark = everywhere

MINUTE = timedelta(minutes=1)
SENDER = "web:one"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("actions.calling._PAUSE", 0.0)


@pytest.fixture
def place(store, store_settings):
    """Everything joined; ``place.sent`` are the messages, ``place.status`` the answer."""
    place = SimpleNamespace(sent=[], status=202, open_lines=[])
    api = FastAPI()

    @api.post("/sms")
    async def take(request: Request) -> Response:
        place.open_lines.append(place.store.engine.pool.checkedout())
        place.sent.append(await request.json())
        return Response(status_code=place.status)

    with serving(api) as url:
        settings = store_settings.model_copy(update={"sms_url": f"{url}/sms"})
        with opened(settings) as with_codes:
            gateway = open_sms(settings)
            place.store, place.settings, place.sms = with_codes, settings, gateway
            yield place
            gateway.close()


def say(place, code=NO_CODE, tail="887X", policy_no=LI_MEDICAL, now=NOW, sender=SENDER):
    """Run the action as the form does when it is done; what was said, and the slots."""
    services = services_of(place.store, now=now, sms=place.sms)
    services = replace(
        services,
        settings=place.settings,
        unit_of_work=place.store,
        clock=FixedClock(now),
    )
    slots = {
        "identity_policy_no": policy_no,
        "identity_id_tail": tail,
        "identity_code": code,
        "after_identity": "action_query_policy",
    }
    ear = Ear()
    action = made(ActionVerifyIdentity, services)
    events = action.answer(turn_of("…", slots=slots, sender_id=sender), ear.say)
    return ear, events


def customer(place, now=NOW):
    with place.store() as uow:
        return uow.identity.customer_of(SENDER, now)


def test_that_a_customer_is_known_after_the_code(place):
    ear, events = say(place)
    (message,) = place.sent
    assert message["phone"] == "13900000002"
    assert (message["purpose"], message["minutes"]) == ("identity", 5)
    assert ear.heard[0].values["phone"] == "139****0002"
    assert (followups(events), slots_of(events)) == ([FORM], {"identity_code": None})
    assert customer(place) is None

    ear, events = say(place, message["code"])
    assert ear.names == ["utter_identity_verified"]
    assert followups(events) == ["action_query_policy"]
    assert customer(place).name == "李娜"


def test_that_no_transaction_is_open_while_a_message_is_sent(place):
    say(place)
    place.status = 503
    say(place, now=NOW + MINUTE)

    assert place.open_lines == [0] * 4


def test_that_wrong_tails_and_unknown_policies_hear_the_same_and_get_no_message(place):
    heard = []
    for sender, policy_no, tail in (
        ("web:a", LI_MEDICAL, "0000"),
        ("web:b", "P2099010100001", "0000"),
        ("web:c", LI_MEDICAL, "4321"),  # another customer's tail
        ("web:d", "", ""),
    ):
        ear, events = say(place, tail=tail, policy_no=policy_no, sender=sender)
        heard.append((ear.dispatcher.messages, events))

    assert heard[1:] == heard[:1] * 3
    assert place.sent == []
    assert count(place.store, "one_time_codes") == 0


@pytest.mark.parametrize("status", [400, 500, 302])
def test_that_nothing_is_half_bound_when_the_message_cannot_be_sent(place, status):
    place.status = status
    ear, events = say(place)
    assert ear.names == ["utter_sms_away"]
    assert followups(events) == []
    assert customer(place) is None
    code = place.sent[0]["code"]
    assert say(place, code)[0].names == ["utter_code_expired"]

    place.status = 200
    again = NOW if status != 500 else NOW + MINUTE  # a 500 may have sent it
    assert say(place, now=again)[0].names == ["utter_code_sent"]


def test_that_every_answer_of_a_long_evening_is_the_right_one(place):
    names = []

    def step(*args, **more):
        names.extend(say(place, *args, **more)[0].names)

    step()
    step()  # asks again at once
    step("000000" if place.sent[0]["code"] != "000000" else "111111")
    step(place.sent[0]["code"], now=NOW + 5 * MINUTE)
    step(now=NOW + 5 * MINUTE)
    step(place.sent[1]["code"], now=NOW + 6 * MINUTE)
    for n in range(7, 11):
        step(now=NOW + n * MINUTE)

    assert names == [
        "utter_code_sent",
        "utter_code_too_soon",
        "utter_code_wrong",
        "utter_code_expired",
        "utter_code_sent",
        "utter_identity_verified",
        "utter_code_sent",
        "utter_code_sent",
        "utter_code_sent",
        "utter_codes_used_up",
    ]
    assert len(place.sent) == 5


def test_that_forgetting_goes_on_to_the_end_and_a_fault_is_logged(
    place, monkeypatch, caplog
):
    monkeypatch.setattr("actions.policystore.stale.MOST", 1)
    for n in range(3):
        say(place, sender=f"web:{n}")
    services = services_of(place.store, now=NOW + timedelta(days=2))
    services = replace(services, unit_of_work=place.store)

    assert forget.forget_stale(services) == 3 + 4  # codes; conversations and policy
    assert forget.forget_stale(services) == 0
    with place.store.engine.begin() as connection:
        connection.execute(text("DROP TABLE one_time_codes"))
    assert forget.forget_stale(services) == 0
    assert "identity.forget_failed" in caplog.text
