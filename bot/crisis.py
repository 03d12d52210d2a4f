"""Despair in a customer's words: answered by the desk itself, before and without the brain.

In: a turn. Out: its end with the words that people wrote for it and a human before all
others, or None. A form that is open stays as it is: the brain never hears these words.
"""

from datetime import timedelta

from bot.announcer import Announcer
from bot.desk_rules import Move, Status
from bot.ledger.values import Conclusion, Outcome, Turn
from bot.triggers import CRISIS, Triggers


def crisis(turn: Turn, triggers: Triggers, announcer: Announcer) -> Conclusion | None:
    """Answer despair at once, in every state of the conversation.

    While the brain is away, what the customer wrote since then counts as well.
    """
    later = turn.behind if turn.postponed_at else ()
    found = triggers.find(m.text for m in (*turn.messages, *later))
    if found is None or found.answer != CRISIS:
        return None
    return Conclusion(
        outcome=Outcome.COMMANDED,
        replies=(),
        announce=announcer.crisis(turn.sender_id, f"{turn.turn_id}:crisis"),
        hint_every=timedelta(),  # said again whenever it is needed again
        move=Move(Status.QUEUED, "bot", found.handoff),
        note=CRISIS,
    )
