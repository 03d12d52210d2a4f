"""One way to fill a form, for every form: the only rule for interruptions there is.

In: the customer's turn, the field that was asked for, the fields filled so far. Out: an
`Outcome`: values to keep, or a reason to leave, or a question to answer before the form
asks again. Plain functions; `FormAction` is their thin Rasa coat.
"""

from __future__ import annotations

import abc
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.base import BaokeAction, Events
from actions.say import Say
from actions.turn import Turn, read_turn
from actions.words import is_upset

REQUESTED_SLOT = "requested_slot"
FORM_EXIT = "form_exit"
FORM_MISSES = "form_misses"
# "denied" after a no to the read-back, so that the form asks what to correct.
FORM_NOTE = "form_note"
DENIED = "denied"
# After so many unusable answers to one question the customer is offered a human.
MISSES_BEFORE_HELP = 2

# Wishes that leave any form at once (a form for the same wish excepted).
LEAVING = ("request_handoff", "file_complaint")
# Questions that are answered inside a form, after which the form asks again.
QUESTIONS = frozenset(
    (
        "ask_product",
        "ask_coverage",
        "ask_exclusion",
        "ask_premium",
        "ask_application",
        "ask_cooling_off",
        "ask_waiting_period",
        "query_policy",
        "ask_renewal",
        "ask_clause_change",
        "track_claim",
        "ask_claim_process",
        "ask_claim_materials",
        "ask_claim_survey",
        "ask_claim_help",
        "track_complaint",
        "ask_complaint_process",
        "ask_service_channel",
        "ask_service_hours",
        "ask_service_standard",
        "ask_value_added",
        "ask_rights",
        "ask_definition",
        "bot_challenge",
        "greet",
        "thank",
    )
)
_QUESTION_MARKS = re.compile(
    r"[?？]|吗|么|呢|多少|多久|几[天个点时号]|怎么|如何|哪|什么|啥|咋|能不能|可不可以|是不是|要不要|谁"
)
_CORRECTING = re.compile(
    r"不对|不是|错了|写错|说错|改成|改为|应该是|更正|搞错|弄错|改一下|换成"
)
# In a longer answer only these words ask for a human or for a complaint.
_HUMAN = re.compile(
    r"人工|真人|活人|坐席|转客服|接客服|转接|换人来|叫人来|(?:找|叫)你们(?:领导|经理)"
)
# To an open question they must be a wish: "转接了三次，人工坐席都不接" and "去年投诉过一次"
# are what the customer tells.
_WANTS_HUMAN = re.compile(
    r"(?:转接?|接通?|要|找|叫|换|请)(?:一?[个位名]|到|你们)?(?:的)?"
    r"(?:人工|真人|活人|坐席|客服|领导|经理)|换个?人来|叫个?人来"
)
_COMPLAINS = re.compile(r"(?:我|要|想|必须|坚决|马上|直接|帮我|给我)投诉(?!过|了|到)")
_DROP = (
    r"算了|不办了|不弄了|不用了|取消|退出|停下|停止|不填了|不查了|不投诉了|不用查了|"
    r"不报了|不想办了|先不办了|不要了|不退了|不改了|不弄了|不申请了|不查询了"
)
_DROP_WORDS = re.compile(rf"^(?:{_DROP})")
# An open answer may ask to cancel something else: 取消短信提醒.
_ONLY_DROP_WORDS = re.compile(rf"^(?:{_DROP}|[我就先吧了啊呀的嘛，,。.!！~～\s])++$")
# Code points; a longer answer is not a command, a very short one may be one even where
# free text was asked for.
SHORT = 12
VERY_SHORT = 5
# A few words that are no answer are easily taken for a greeting.
POLITENESS = ("greet", "thank")
PLAINLY_POLITE = 0.9
CERTAIN = 0.8  # probability from which a cancel is believed without its words


@dataclass(frozen=True)
class Filled:
    """A usable answer: the value for the slot (JSON) and how it is read back."""

    value: Any


@dataclass(frozen=True)
class Unusable:
    """An answer to the question that cannot be taken, and the response that says why."""

    response: str
    values: Mapping[str, Any] = field(default_factory=dict)


Parse = Callable[[Turn], Filled | Unusable | None]


@dataclass(frozen=True)
class Field:
    """One question of a form.

    Attributes:
        slot: slot the answer goes to.
        parse: reads an answer to this very question; None when it is none.
        spot: finds a value in a message about something else; None to not look.
        cues: words by which a customer names this field when correcting it.
        is_open: the answer is free text, so nearly everything is an answer.
    """

    slot: str
    parse: Parse
    spot: Parse | None = None
    cues: tuple[str, ...] = ()
    is_open: bool = False


@dataclass(frozen=True)
class Outcome:
    """What one turn did to a form."""

    values: Mapping[str, Any] = field(default_factory=dict)
    leave: str | None = None
    question: str | None = None
    unusable: Unusable | None = None


def fill(
    fields: Sequence[Field],
    requested: str | None,
    turn: Turn,
    own_intent: str,
    other_wishes: Collection[str] = (),
) -> Outcome:
    """Decide what a turn means for a form.

    Args:
        fields: the form's questions in the order they are asked.
        requested: slot that was asked for last; None when nothing was asked yet.
        turn: the customer's message.
        own_intent: the wish the form serves, e.g. ``report_claim``.
        other_wishes: intents the form gives way to when the message is no answer.

    Returns:
        Exactly one of: values, a reason to leave, a question, an unusable answer.
    """
    asked = next((f for f in fields if f.slot == requested), None)
    leave = _leaves(turn, asked, own_intent)
    if leave:
        return Outcome(leave=leave)
    if asked is None:
        return Outcome(values=_spotted(fields, turn))
    corrected = _corrected(fields, asked, turn)
    if corrected:
        return Outcome(values=corrected)
    if asked.is_open and _asks(turn):
        return Outcome(question=turn.intent)
    answer = asked.parse(turn)
    if isinstance(answer, Filled):
        extra = _spotted([f for f in fields if _may_spot(f, asked, turn)], turn)
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
    drops = _ONLY_DROP_WORDS if is_open else _DROP_WORDS
    if (
        _DROP_WORDS.match(turn.text)
        and drops.match(turn.text)
        and len(turn.text) <= SHORT
    ):
        return "cancel"
    if turn.intent == "cancel" and turn.confidence >= CERTAIN and short:
        return "cancel"
    if turn.intent == own_intent:
        return None
    human = _WANTS_HUMAN if is_open else _HUMAN
    if turn.is_surely("request_handoff") and (short or human.search(turn.text)):
        return "request_handoff"
    complains = _COMPLAINS.search(turn.text) if is_open else "投诉" in turn.text
    if turn.is_surely("file_complaint") and (short or complains):
        return "file_complaint"
    return None


def _asks(turn: Turn) -> bool:
    sure = 0.8 if len(turn.text) > SHORT else 0.6
    return (
        turn.intent in QUESTIONS
        and turn.confidence >= sure
        and bool(_QUESTION_MARKS.search(turn.text))
    )


def _corrected(fields: Sequence[Field], asked: Field, turn: Turn) -> dict[str, Any]:
    """Values for fields the customer names while correcting an earlier answer."""
    asked_for = turn.slot(FORM_NOTE) == DENIED  # "哪一项要改？" 地点是建国路
    if turn.is_payload or not (asked_for or _CORRECTING.search(turn.text)):
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
    return values


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


def _spotted(fields: Sequence[Field], turn: Turn) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for candidate in fields:
        found = candidate.spot(turn) if candidate.spot else None
        if isinstance(found, Filled):
            values[candidate.slot] = found.value
    return values


class FormAction(BaokeAction):
    """Rasa's ``validate_<form>``: applies `fill` and nothing else."""

    form: str
    own_intent: str
    other_wishes: Collection[str] = ()

    def name(self) -> str:
        """Name Rasa calls for the form."""
        return f"validate_{self.form}"

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
            self.fields(turn), requested, turn, self.own_intent, self.other_wishes
        )
        if outcome.leave:
            return [SlotSet(FORM_EXIT, outcome.leave), SlotSet(REQUESTED_SLOT, None)]
        if outcome.question:
            self._answer_question(outcome.question, turn, say)
            return [SlotSet(FORM_MISSES, 0), SlotSet(FORM_NOTE, None)]
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
