"""Capability: identity check, the door to everything personal.

In: a policy number and the last four characters of the holder's ID number; where text
messages can be sent, the code that then came to the holder's phone. Out: a binding of
this conversation to the customer, kept in the policy store.
"""

from __future__ import annotations

import logging
import math
from datetime import datetime, timedelta

from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import normalise
from actions.base import BaokeAction, Events
from actions.claim_files import PENDING_FILE
from actions.errors import SmsAway
from actions.forms import (
    FORM_EXIT,
    FORM_MISSES,
    FORM_NOTE,
    REQUESTED_SLOT,
    Field,
    Filled,
    FormAction,
    Unusable,
)
from actions.policystore.model import (
    CodeDue,
    CodeOutcome,
    CodesUsedUp,
    CodeTooSoon,
    IdentityOutcome,
    Locked,
    Mismatch,
    NoCode,
    Verified,
    WrongCode,
)
from actions.say import Say
from actions.services import Services
from actions.show import masked_name, masked_phone, minute
from actions.turn import Turn, read_turn
from actions.words import words

log = logging.getLogger(__name__)

FORM = "verify_identity_form"
PAIR = ("identity_policy_no", "identity_id_tail")
CODE = "identity_code"
NO_CODE = "-"  # nobody waits for a code: the pair is to be checked
RESEND = "resend"  # choice of the button
# Another wish that needs the check too takes the place of the first one.
WISHES = (
    "query_policy",
    "ask_renewal",
    "track_claim",
    "dispute_claim",
    "report_claim",
    "change_policy",
    "surrender_policy",
    "request_document",
    "manage_notice",
    "manage_privacy",
)


def is_checked_lately(services: Services, turn: Turn) -> bool:
    """Whether the identity was proven so lately that it may serve for anything."""
    now = services.now()
    with services.unit_of_work() as uow:
        checked_at = uow.identity.checked_at(turn.sender_id, now)
    return checked_at is not None and now - checked_at < services.settings.step_up_after


def begin_identity_check(
    services: Services, turn: Turn, say: Say, after: str, *, again: bool = False
) -> Events:
    """Start the check.

    Args:
        services: What the action has.
        turn: The message; numbers in it are not asked for.
        say: Says why.
        after: The action that runs when it succeeds.
        again: There was a check, but long ago.
    """
    with services.unit_of_work() as uow:
        locked = uow.identity.locked_until(turn.sender_id, services.now())
    if locked:
        say("utter_identity_locked", until=minute(locked))
        return []
    say("utter_identity_again" if again else "utter_identity_needed")
    given = normalise.policy_no(turn.first("policy_no") or "")
    tail = normalise.id_tail(turn.first("id_tail") or "")
    return [
        SlotSet("after_identity", after),
        SlotSet("identity_policy_no", given),
        SlotSet("identity_id_tail", tail),
        SlotSet(CODE, NO_CODE),
        FollowupAction(FORM),
    ]


def _policy_no(turn: Turn) -> Filled | Unusable | None:
    found = normalise.policy_no(turn.first("policy_no") or turn.text)
    return Filled(found) if found else Unusable("utter_policy_no_unusable")


def _spot_policy_no(turn: Turn) -> Filled | None:
    found = normalise.policy_no(turn.first("policy_no") or "")
    return Filled(found) if found else None


def _id_tail(turn: Turn) -> Filled | Unusable | None:
    if turn.first("id_number"):
        return Unusable("utter_identity_full_number")
    found = normalise.id_tail(turn.first("id_tail") or turn.text)
    return Filled(found) if found else Unusable("utter_id_tail_unusable")


def _spot_id_tail(turn: Turn) -> Filled | None:
    found = normalise.id_tail(turn.first("id_tail") or "")
    return Filled(found) if found else None


def _code(turn: Turn) -> Filled | Unusable | None:
    found = normalise.one_time_code(turn.text)
    return Filled(found) if found else Unusable("utter_code_unusable")


def _wants_another_code(turn: Turn) -> bool:
    if turn.is_payload:
        return turn.first("choice") == RESEND
    said = any(cue in turn.text for cue in words()["code_resend_cues"])
    return said and normalise.one_time_code(turn.text) is None


class ValidateVerifyIdentityForm(FormAction):
    """Two questions, and a third where a code was sent."""

    form = FORM
    own_intent = "verify_identity"
    other_wishes = WISHES

    def wish(self, turn: Turn) -> str:
        """What is done after the check."""
        return str(turn.slot("after_identity") or self.own_intent).removeprefix(
            "action_"
        )

    def fields(self, turn: Turn) -> list[Field]:
        """Policy number, then ID tail, then the code."""
        return [
            Field("identity_policy_no", _policy_no, _spot_policy_no, ("保单",)),
            Field("identity_id_tail", _id_tail, _spot_id_tail, ("后四位", "身份证")),
            Field(CODE, _code),
        ]

    async def perform(
        self, dispatcher: CollectingDispatcher, tracker: Tracker
    ) -> Events:
        """Apply the turn; another code, or another number, means another check."""
        turn = read_turn(tracker)
        if turn.slot(REQUESTED_SLOT) == CODE and _wants_another_code(turn):
            checked_anew = {CODE: NO_CODE, FORM_MISSES: 0, FORM_NOTE: None}
            return [SlotSet(slot, value) for slot, value in checked_anew.items()]
        events = await super().perform(dispatcher, tracker)
        if any(event.get("name") in PAIR for event in events):
            events.append(SlotSet(CODE, NO_CODE))
        return events


class ActionVerifyIdentity(BaokeAction):
    """Runs when the form is done: checks, then goes on with what was asked."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_verify_identity"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Bind, ask for the code, count the failure, or step aside for another wish."""
        leave = turn.slot(FORM_EXIT)
        if leave:
            return self._leave(str(leave), say)
        try:
            outcome = self._check(turn)
        except SmsAway as err:
            log.warning("sms.failed why=%s", err)
            say("utter_sms_away")
            return _CLEARED
        match outcome:
            case Verified(customer):
                say("utter_identity_verified", name=masked_name(customer.name))
                after = turn.slot("after_identity")
                return [*_CLEARED, *([FollowupAction(after)] if after else [])]
            case Mismatch(attempts_left):
                say("utter_identity_mismatch", attempts_left=attempts_left)
                kept = SlotSet("after_identity", turn.slot("after_identity"))
                return [*_CLEARED, kept, SlotSet(CODE, NO_CODE), FollowupAction(FORM)]
            case Locked(until):
                say("utter_identity_locked", until=minute(until))
                return _CLEARED
            case CodesUsedUp(until):
                say("utter_codes_used_up", until=minute(until))
                return _CLEARED
            case _:
                self._say_code(outcome, say)
                # The rest of what was told stays; the form asks for the code alone.
                return [SlotSet(CODE, None), FollowupAction(FORM)]

    def _check(self, turn: Turn) -> IdentityOutcome | CodeOutcome:
        """Check the pair, or the code; send a code where one is due.

        Raises:
            SmsAway: It could not be sent and is worth nothing.
        """
        now, code = self.services.now(), str(turn.slot(CODE) or NO_CODE)
        number, tail = (str(turn.slot(slot)) for slot in PAIR)
        outcome: IdentityOutcome | CodeOutcome
        with self.services.unit_of_work() as uow:
            identity = uow.identity
            if code == NO_CODE:
                where = {"origin": turn.origin} if turn.origin else {}
                outcome = identity.verify(turn.sender_id, number, tail, now, **where)
            else:
                outcome = identity.enter_code(turn.sender_id, number, code, now)
        if isinstance(outcome, CodeDue):
            self._send(outcome, now)
        return outcome

    def _send(self, due: CodeDue, now: datetime) -> None:
        """Send a code, with no transaction open: a slow gateway holds up nobody."""
        try:
            if self.services.sms is None or not due.customer.phone:
                raise SmsAway("no gateway, or no phone on file")
            self.services.sms.send_code(
                due.customer.phone, due.code, _minutes(due, now), due.idempotency_key
            )
        except SmsAway as err:
            with self.services.unit_of_work() as uow:
                uow.identity.withdraw_code(
                    due.idempotency_key, perhaps_sent=err.perhaps_sent
                )
            raise

    def _say_code(self, outcome: IdentityOutcome | CodeOutcome, say: Say) -> None:
        now = self.services.now()
        match outcome:
            case CodeDue(customer):
                phone, minutes = masked_phone(customer.phone), _minutes(outcome, now)
                say("utter_code_sent", phone=phone, minutes=minutes)
            case CodeTooSoon(until):
                seconds = max(1, math.ceil((until - now).total_seconds()))
                say("utter_code_too_soon", seconds=seconds)
            case WrongCode(attempts_left):
                say("utter_code_wrong", attempts_left=attempts_left)
            case NoCode():
                say("utter_code_expired")

    def _leave(self, leave: str, say: Say) -> Events:
        if leave == "cancel":
            say("utter_identity_cancelled")
            return [*_CLEARED, SlotSet(PENDING_FILE, None)]
        return [*_CLEARED, FollowupAction(f"action_{leave}")]


_CLEARED: Events = [
    SlotSet("identity_policy_no", None),
    SlotSet("identity_id_tail", None),
    SlotSet(CODE, None),
    SlotSet("after_identity", None),
    SlotSet(FORM_EXIT, None),
]


def _minutes(due: CodeDue, now: datetime) -> int:
    """How long a code counts, at least a minute."""
    return max(1, round((due.expires_at - now) / timedelta(minutes=1)))
