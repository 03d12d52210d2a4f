"""Capability: small talk, short answers, and what to do when nothing was understood."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.answers import search_service
from actions.ask_product import chosen_product
from actions.base import BaokeAction, Events
from actions.fields import reset
from actions.forms import FORM_EXIT
from actions.say import Say
from actions.track_request import asks_for_request
from actions.turn import Guess, Turn, guesses, read_turn
from actions.words import is_upset, is_upset_with_us, title_of

MISUNDERSTOOD = "misunderstood"
# Messages not understood in a row before a human is called.
TRIES = 2
# Two guesses together below this share of probability are no help (docs/understanding.md).
WORTH_GUESSING = 0.3
UPSET = "upset"


class ActionGreet(BaokeAction):
    """Hello, who I am, what I can do."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_greet"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Greet."""
        say("utter_greet", company=self.services.library().facts["company_short"])
        return []


class ActionGoodbye(BaokeAction):
    """Goodbye."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_goodbye"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Part."""
        say("utter_goodbye")
        return []


class ActionThank(BaokeAction):
    """You are welcome."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_thank"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Answer thanks."""
        say("utter_thank")
        return []


class ActionBotChallenge(BaokeAction):
    """Are you a robot: yes."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_bot_challenge"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Say so, offer a human."""
        facts = self.services.library().facts
        say("utter_bot_challenge", company=facts["company_short"])
        return []


class ActionAffirm(BaokeAction):
    """A yes outside a form: to what was offered last, if anything was."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_affirm"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Do what was offered."""
        offer = turn.slot("pending_offer")
        if offer:
            return [SlotSet("pending_offer", None), FollowupAction(f"action_{offer}")]
        say("utter_affirm_what")
        return []


class ActionDeny(BaokeAction):
    """A no outside a form."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_deny"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Take note; a no to two guesses asks for other words."""
        if int(turn.slot(MISUNDERSTOOD) or 0):
            say("utter_rephrase")
            return [SlotSet(MISUNDERSTOOD, 1)]
        say("utter_deny_noted")
        return []


class ActionCancel(BaokeAction):
    """Cancel outside a form."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_cancel"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Nothing is running."""
        say("utter_nothing_to_cancel")
        return reset(FORM_EXIT)


class ActionInform(BaokeAction):
    """Data without a wish: the kind of data tells what it is for."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_inform"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Go on with what the data belongs to."""
        if asked := asks_for_request(turn):
            return asked
        if asked := chosen_product(self.services.library(), turn):
            return asked
        for entity, intent in _WISH_OF_ENTITY.items():
            if turn.first(entity):
                return [FollowupAction(f"action_{intent}")]
        say("utter_inform_what")
        return []


_WISH_OF_ENTITY = {
    "claim_no": "track_claim",
    "complaint_no": "track_complaint",
    "policy_no": "query_policy",
    "product": "ask_product",
}


class ActionOutOfScope(BaokeAction):
    """Not our business: say so and show what is."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_out_of_scope"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Refuse politely; an insult is a cry for somebody who listens."""
        if asked := asks_for_request(turn):
            return asked
        if is_upset_with_us(turn.text):
            say.hand_off("utter_upset_handoff", UPSET)
            return []
        say("utter_out_of_scope")
        return []


class ActionFallback(BaokeAction):
    """Not understood: two guesses, then other words, then a human."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_fallback"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Not used: needs the ranking (see `perform`)."""
        raise NotImplementedError

    async def perform(
        self, dispatcher: CollectingDispatcher, tracker: Tracker
    ) -> Events:
        """Climb one step of the ladder."""
        turn, say = read_turn(tracker), Say(dispatcher)
        if asked := asks_for_request(turn):
            return [*asked, SlotSet(MISUNDERSTOOD, 0)]
        before = int(turn.slot(MISUNDERSTOOD) or 0)
        if is_upset(turn.text):
            say.hand_off("utter_upset_handoff", UPSET)
            return [SlotSet(MISUNDERSTOOD, 0)]
        if before >= TRIES:
            say.hand_off("utter_fallback_handoff", "not_understood")
            return [SlotSet(MISUNDERSTOOD, 0)]
        if before == 0:
            found = search_service(self.services.library(), turn.text)
            if found:
                say("utter_clause_found", found)
                return [SlotSet(MISUNDERSTOOD, 1)]
        self._offer(guesses(tracker), before, say)
        return [
            SlotSet(MISUNDERSTOOD, before + 1),
            SlotSet("pending_question", turn.text),
        ]

    def _offer(self, ranked: list[Guess], before: int, say: Say) -> None:
        real = [guess for guess in ranked if guess.intent not in _NO_GUESS][:2]
        if before or len(real) < 2 or sum(g.confidence for g in real) < WORTH_GUESSING:
            say("utter_rephrase")
            return
        first, second = (guess.intent for guess in real)
        say(
            "utter_guess_two",
            first=first,
            first_title=title_of(first),
            second=second,
            second_title=title_of(second),
        )


_NO_GUESS = (
    "out_of_scope",
    "inform",
    "affirm",
    "deny",
    "cancel",
    "greet",
    "goodbye",
    "thank",
    "bot_challenge",
)
