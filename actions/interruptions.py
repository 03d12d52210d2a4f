"""What customers do inside a form beside answering: ask, refuse a wish, add to what they told.

In: the form's questions and the turn. Out: an `Outcome`, or None when it is none of these;
`actions.forms` asks them in order.
"""

from __future__ import annotations

from collections.abc import Sequence

from actions.additions import MAX_ACCOUNT, addition_of, joined, only_announces
from actions.form_parts import ADDING, Field, Outcome, Unusable, spotted
from actions.form_words import (
    CERTAIN,
    POLITENESS,
    QUESTION_MARKS,
    QUESTIONS,
    RESTATED,
    SHORT,
    WISHES,
)
from actions.negation import read_negation
from actions.normalise import sends
from actions.turn import Turn


def asks(turn: Turn) -> bool:
    """Whether a message is a question that is answered in passing."""
    sure = 0.8 if len(turn.text) > SHORT else 0.6
    return (
        turn.intent in QUESTIONS
        and turn.confidence >= sure
        and bool(QUESTION_MARKS.search(turn.text))
    )


def refused(
    turn: Turn, asked: Field | None, own_intent: str, wish: str
) -> Outcome | None:
    """What a negated wish does: the own one ends the form, another one nothing."""
    if turn.is_payload or turn.intent == "affirm":
        return None
    reading = read_negation(turn.text)
    if reading.negates(wish):
        if wish in RESTATED and reading.names(wish):
            return None  # 不改手机号，改地址 is what the form wants to know
        if not reading.wants_more:
            return Outcome(leave="cancel")
        # 不退了，想问下现金价值: the form is over and the second half is the wish.
        other = turn.intent in QUESTIONS or turn.intent in WISHES
        if other and turn.intent != own_intent and turn.is_surely(turn.intent):
            return Outcome(leave=turn.intent)
        told = asked is not None and asked.takes_refusals
        return None if told else Outcome(leave="cancel")
    if not reading.is_all or turn.intent == "withdraw_complaint":
        return None
    human = reading.negates("request_handoff")
    if asked is not None and asked.takes_refusals and not human:
        return None
    return Outcome(noted="utter_form_refusal_noted")


def added(fields: Sequence[Field], asked: Field, turn: Turn) -> Outcome | None:
    """Free words at the read-back: they are added to the account and read back."""
    if sends(turn.text) is not None:
        return None  # 赶紧报！ answers, and tells nothing
    if only_announces(turn):
        return Outcome(note=ADDING)
    sure = turn.confidence >= CERTAIN or turn.intent in POLITENESS
    short = turn.intent in QUESTIONS and sure and len(turn.text) <= SHORT
    if short or asks(turn):
        return None
    cues = tuple(cue for f in fields for cue in f.cues)
    more = addition_of(turn, cues)
    if more is None or asked.adds_to is None:
        return None
    account = joined(turn.slot(asked.adds_to), more)
    if len(account) > MAX_ACCOUNT:
        return Outcome(unusable=Unusable("utter_text_too_long"))
    grown = spotted([f for f in fields if f.grows], turn)
    known = {slot: value for slot, value in grown.items() if value is True}
    return Outcome(values={**known, asked.adds_to: account})
