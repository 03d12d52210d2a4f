"""Capability: the customer wants a human. The desk does the rest."""

from __future__ import annotations

from actions.base import BaokeAction, Events
from actions.fields import reset
from actions.forms import FORM_EXIT
from actions.say import Say
from actions.turn import Turn
from actions.words import words


class ActionRequestHandoff(BaokeAction):
    """Asks the desk for an agent, with the reason and the likely skill."""

    def name(self) -> str:
        """Name in the domain."""
        return "action_request_handoff"

    def answer(self, turn: Turn, say: Say) -> Events:
        """Hand over at once, in every state."""
        say.hand_off(None, "customer_asked", skill=skill_for(turn))
        return reset(FORM_EXIT)


def skill_for(turn: Turn) -> str | None:
    """The skill an agent needs, from what the customer was doing."""
    if turn.slot("claim_what") or turn.slot("claim_policy_no"):
        return str(words()["skills"]["claim"])
    if turn.slot("request_kind"):
        return str(words()["skills"]["policy"])
    return None
