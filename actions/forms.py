"""One way to fill a form, for every form: the only rule for interruptions there is.

In: the customer's turn, the field that was asked for, the fields filled so far. Out: an
`Outcome`: values to keep, or a reason to leave, or a question to answer before the form
asks again. Plain functions; `FormAction` is their thin Rasa coat.
"""

from __future__ import annotations

import abc
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.base import BaokeAction, Events
from actions.form_parts import (
    ADDING,
    DENIED,
    FORM_EXIT,
    FORM_MISSES,
    FORM_NOTE,
    REQUESTED_SLOT,
    Field,
    Filled,
    Outcome,
    Parse,
    Unusable,
    spotted,
)
from actions.form_words import (
    CERTAIN,
    COMPLAINS,
    CORRECTING,
    DROP_WORDS,
    HUMAN,
    LEAVING,
    ONLY_DROP_WORDS,
    PLAINLY_POLITE,
    POLITENESS,
    QUESTIONS,
    SHORT,
    VERY_SHORT,
    WANTS_HUMAN,
)
from actions.interruptions import added, asks, refused
from actions.say import Say
from actions.turn import Turn, read_turn
from actions.words import is_upset

# After so many unusable answers to one question the customer is offered a human.
MISSES_BEFORE_HELP = 2
_NOT_BUT = re.compile(
    r"(?:不对[\s，,]*)?不是([^\s，,。]{2,20})[\s，,]*而?是([^\s，,。]{2,20})[。.!！]?"
)

__all__ = [
    "ADDING",
    "DENIED",
    "FORM_EXIT",
    "FORM_MISSES",
    "FORM_NOTE",
    "LEAVING",
    "QUESTIONS",
    "REQUESTED_SLOT",
    "Field",
    "Filled",
    "FormAction",
    "Outcome",
    "Parse",
    "Unusable",
    "fill",
]


def fill(
    fields: Sequence[Field],
    requested: str | None,
    turn: Turn,
    own_intent: str,
    other_wishes: Collection[str] = (),
    wish: str | None = None,
) -> Outcome:
    """Decide what a turn means for a form.

    Args:
        fields: the form's questions in the order they are asked.
        requested: slot that was asked for last; None when nothing was asked yet.
        turn: the customer's message.
        own_intent: the wish the form serves, e.g. ``report_claim``.
        other_wishes: intents the form gives way to when the message is no answer.
        wish: the intent that began the form, where that is not ``own_intent``.

    Returns:
        Exactly one of: values, a reason to leave, a question, an unusable answer, a
        note taken.
    """
    asked = next((f for f in fields if f.slot == requested), None)
    if refusal := refused(turn, asked, own_intent, wish or own_intent):
        return refusal
    leave = _leaves(turn, asked, own_intent)
    if leave:
        return Outcome(leave=leave)
    if asked is None:
        return Outcome(values=spotted(fields, turn))
    corrected = _corrected(fields, asked, turn)
    if corrected:
        return Outcome(values=corrected)
    if asked.is_open and asks(turn):
        return Outcome(question=turn.intent)
    if asked.adds_to and (more := added(fields, asked, turn)):
        return more
    answer = asked.parse(turn)
    if isinstance(answer, Filled):
        extra = spotted([f for f in fields if _may_spot(f, asked, turn)], turn)
        return Outcome(values={**extra, asked.slot: answer.value})
    if turn.intent != own_intent and turn.is_surely(*other_wishes):
        return Outcome(leave=turn.intent)
    if turn.is_surely(*QUESTIONS) and (
        turn.intent not in POLITENESS or turn.confidence >= PLAINLY_POLITE
    ):
        return Outcome(question=turn.intent)
    if is_upset(turn.text):
        return Outcome(leave="request_handoff")
    return Outcome(unusable=answer or Unusable("utter_answer_not_understood"))


def _leaves(turn: Turn, asked: Field | None, own_intent: str) -> str | None:
    if turn.is_payload and turn.intent in (*LEAVING, "cancel"):
        return turn.intent if turn.intent != own_intent else None
    is_open = asked is not None and asked.is_open
    short = len(turn.text) <= (VERY_SHORT if is_open else SHORT)
    drops = ONLY_DROP_WORDS if is_open else DROP_WORDS
    if (
        DROP_WORDS.match(turn.text)
        and drops.match(turn.text)
        and len(turn.text) <= SHORT
    ):
        return "cancel"
    if turn.intent == "cancel" and turn.confidence >= CERTAIN and short:
        return "cancel"
    if turn.intent == own_intent:
        return None
    # At the read-back 对方态度也很差 adds to the account, short as it is.
    tells = is_open or (asked is not None and asked.adds_to is not None)
    short = len(turn.text) <= (VERY_SHORT if tells else SHORT)
    human = WANTS_HUMAN if tells else HUMAN
    if turn.is_surely("request_handoff") and (short or human.search(turn.text)):
        return "request_handoff"
    complains = COMPLAINS.search(turn.text) if tells else "投诉" in turn.text
    if turn.is_surely("file_complaint") and (short or complains):
        return "file_complaint"
    return None


def _corrected(fields: Sequence[Field], asked: Field, turn: Turn) -> dict[str, Any]:
    """Values for fields the customer names while correcting an earlier answer."""
    # "哪一项要改？" 地点是建国路; a phone that was refused has a name of its own.
    asked_for = turn.slot(FORM_NOTE) == DENIED and not asked.cues
    if turn.is_payload or not (asked_for or CORRECTING.search(turn.text)):
        return {}
    named = [
        f
        for f in fields
        if f is not asked and f.cues and any(cue in turn.text for cue in f.cues)
    ]
    # "不对，是昨天": no field is named, but only one earlier field fits the value.
    candidates = named or [f for f in fields if f is not asked and f.spot]
    values: dict[str, Any] = {}
    for candidate in candidates:
        if turn.slot(candidate.slot) is None:
            continue
        found = _said_of(candidate, turn) if candidate in named else None
        found = found or (candidate.spot(turn) if candidate.spot else None)
        if isinstance(found, Filled) and found.value != turn.slot(candidate.slot):
            values[candidate.slot] = found.value
    return values or _exchanged(fields, asked, turn)


def _exchanged(fields: Sequence[Field], asked: Field, turn: Turn) -> dict[str, Any]:
    """At the read-back 不是解放路 是建设路 names the words and not the field."""
    found = _NOT_BUT.fullmatch(turn.text.strip()) if asked.adds_to else None
    if not found:
        return {}
    wrong, right = found.groups()
    if "了" in wrong and "了" not in right:  # 不是扣了两次 是三次
        wrong = wrong.rpartition("了")[2]
    for field in fields:
        before = turn.slot(field.slot)
        if field is not asked and isinstance(before, str) and wrong in before:
            parsed = field.parse(replace(turn, text=before.replace(wrong, right)))
            if wrong and isinstance(parsed, Filled):
                return {field.slot: parsed.value}
    return {}


def _said_of(candidate: Field, turn: Turn) -> Filled | Unusable | None:
    """What the customer says of a field by name: 地点应该是建国路 → 建国路."""
    cues = "|".join(map(re.escape, candidate.cues))
    found = re.search(
        rf"(?:{cues})[^，,。]{{0,4}}?(?:应该是|改成|改为|换成|是|为|在|[:：])"
        r"[\s:：，,、=—-]*(.+)",
        turn.text,
        re.DOTALL,
    )
    if not found:
        return None
    said = found.group(1).lstrip("：:，,、=—-").strip(" \n。.!！“”\"'「」")
    return candidate.parse(replace(turn, text=said)) if said else None


def _may_spot(candidate: Field, asked: Field, turn: Turn) -> bool:
    return candidate is not asked and turn.slot(candidate.slot) is None


class FormAction(BaokeAction):
    """Rasa's ``validate_<form>``: applies `fill` and nothing else."""

    form: str
    own_intent: str
    other_wishes: Collection[str] = ()

    def name(self) -> str:
        """Name Rasa calls for the form."""
        return f"validate_{self.form}"

    def wish(self, turn: Turn) -> str:
        """The intent that began the form."""
        return self.own_intent

    @abc.abstractmethod
    def fields(self, turn: Turn) -> Sequence[Field]:
        """The form's questions, in order, for this customer."""

    def answer(self, turn: Turn, say: Say) -> Events:
        """Not used: a form needs the dispatcher and the tracker (see `perform`)."""
        raise NotImplementedError

    async def perform(
        self, dispatcher: CollectingDispatcher, tracker: Tracker
    ) -> Events:
        """Apply the turn to the form; the form itself asks what is still open."""
        turn, say = read_turn(tracker), Say(dispatcher)
        requested = turn.slot(REQUESTED_SLOT)
        if requested is None:
            # The form was just started: what the first message held is filled already.
            begun = {FORM_EXIT: None, FORM_MISSES: 0, FORM_NOTE: None}
            return [SlotSet(slot, value) for slot, value in begun.items()]
        outcome = fill(
            self.fields(turn),
            requested,
            turn,
            self.own_intent,
            self.other_wishes,
            self.wish(turn),
        )
        if outcome.leave:
            return [SlotSet(FORM_EXIT, outcome.leave), SlotSet(REQUESTED_SLOT, None)]
        if outcome.question:
            self._answer_question(outcome.question, turn, say)
            return [SlotSet(FORM_MISSES, 0), SlotSet(FORM_NOTE, None)]
        if outcome.noted or outcome.note:
            if outcome.noted:
                say(outcome.noted)
            return [SlotSet(FORM_MISSES, 0), SlotSet(FORM_NOTE, outcome.note)]
        if outcome.unusable:
            return self._not_usable(outcome.unusable, turn, say)
        denied = any(value is None for value in outcome.values.values())
        return [
            *(SlotSet(slot, value) for slot, value in outcome.values.items()),
            SlotSet(FORM_MISSES, 0),
            SlotSet(FORM_NOTE, DENIED if denied else None),
        ]

    def _answer_question(self, intent: str, turn: Turn, say: Say) -> None:
        """Answer in passing; events that would start something else are not kept."""
        from actions.registry import action_for

        action = action_for(intent)
        with_check = action.needs_identity and not self._is_verified(turn)
        if with_check:
            say("utter_question_needs_identity")
        else:
            action.answer(turn, say)

    def _is_verified(self, turn: Turn) -> bool:
        with self.services.unit_of_work() as uow:
            return (
                uow.identity.customer_of(turn.sender_id, self.services.now())
                is not None
            )

    def _not_usable(self, unusable: Unusable, turn: Turn, say: Say) -> Events:
        misses = int(turn.slot(FORM_MISSES) or 0) + 1
        say(unusable.response, **unusable.values)
        if misses >= MISSES_BEFORE_HELP:
            say("utter_form_offer_help")
        return [SlotSet(FORM_MISSES, misses), SlotSet(FORM_NOTE, None)]
