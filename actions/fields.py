"""Questions several forms ask: free text, phone, confirmation.

In: a turn. Out: `Filled` or `Unusable`, or a `Field` ready for a form.
"""

from __future__ import annotations

import re

from rasa_sdk.events import SlotSet

from actions import normalise
from actions.base import Events
from actions.forms import ADDING, DENIED, FORM_NOTE, Field, Filled, Unusable
from actions.say import Say
from actions.turn import Turn
from actions.words import words

MAX_TEXT = 500  # code points of one answer in words
MIN_TEXT = 2
# A message that only names the wish tells nothing of what happened.
_ONLY_A_WISH = re.compile(
    r"^(你好|您好|我|我们|要|想|需要|帮我|请|麻烦|现在|怎么|在哪|申请|办理|进行|一下|一个|下|"
    r"报案|报个案|出险|理赔|投诉|举报|你们|反馈|点|这里|可以|能|吗|呢|啊|吧|了|的|[\s，。,.!！?？~～])+$"
)


def reset(*slots: str) -> Events:
    """Events that empty these slots."""
    return [SlotSet(slot, None) for slot in slots]


def open_text(turn: Turn) -> Filled | Unusable | None:
    """An answer in the customer's own words."""
    if turn.is_payload:
        return None
    text = turn.text.strip()
    if len(text) > MAX_TEXT:
        return Unusable("utter_text_too_long")
    if sum(character.isalnum() for character in text) < MIN_TEXT:
        return Unusable("utter_text_unusable")
    return Filled(text)


def substance_of(turn: Turn) -> str | None:
    """The message itself when it tells what happened, None when it only asks."""
    if turn.is_payload or _ONLY_A_WISH.match(turn.text):
        return None
    answer = open_text(turn)
    return str(answer.value) if isinstance(answer, Filled) else None


def spot_policy_no(turn: Turn) -> Filled | None:
    """A policy number in the message."""
    found = normalise.policy_no(turn.first("policy_no") or "")
    return Filled(found) if found else None


def phone_field(slot: str, on_file: str | None) -> Field:
    """A phone to be reached on; ``on_file`` may be taken by saying yes."""

    def parse(turn: Turn) -> Filled | Unusable | None:
        given = normalise.phone(turn.first("phone") or turn.text)
        if given:
            return Filled(given)
        same = _means_number_on_file(turn) if on_file else None
        if same is True:
            return Filled(on_file)
        if same is False:
            return Filled(None)  # the form asks for the number itself
        return Unusable("utter_phone_unusable")

    def spot(turn: Turn) -> Filled | None:
        given = normalise.phone(turn.first("phone") or "")
        return Filled(given) if given else None

    cues = ("电话", "手机", "号码", "联系方式")
    return Field(slot, parse, spot, cues, takes_refusals=True)


def _means_number_on_file(turn: Turn) -> bool | None:
    """Whether the number on file may be called; None when that was not answered."""
    known, text = words()["phone_on_file"], turn.text
    if any(character.isdigit() for character in text) and "尾号" not in text:
        return None  # a number, and none that can be read
    if any(cue in text for cue in known["keep"]):
        return True
    if any(cue in text for cue in known["other"]):
        return False
    plain_no = normalise.yes_no(text, "") is False
    if not plain_no and any(cue in text for cue in known["same"]):
        return True
    return normalise.yes_no(text, turn.intent)


def asks_anew(turn: Turn, say: Say) -> bool:
    """Ask what is to be corrected or added, where the last answer said only that."""
    note = turn.slot(FORM_NOTE)
    if note == DENIED:
        say("utter_what_to_correct")
    elif note == ADDING:
        say("utter_what_to_add")
    return note in (DENIED, ADDING)


def confirmed_field(slot: str, adds_to: str | None = None) -> Field:
    """The explicit yes before anything is stored; a no asks what to correct.

    Args:
        slot: Where the yes goes.
        adds_to: Slot that other words are added to.
    """

    def parse(turn: Turn) -> Filled | Unusable | None:
        answer = normalise.sends(turn.text)
        if answer is None:
            answer = normalise.yes_no(turn.text, turn.intent)
        if answer is True:
            return Filled(True)
        if answer is False:
            # Nothing is filled: the form asks again and `action_ask_…` sees the no.
            return Filled(None)
        return Unusable("utter_answer_not_understood")

    return Field(slot, parse, adds_to=adds_to)
