"""Asking a customer how it was, and reading the answer.

In: a spell with an agent or the bot. Out: words with buttons, and back from a button.
"""

import json
import re

from bot.desk_rules import RATE_PAYLOAD, Rating
from bot.message import Button, ButtonsPart, Part, TextPart
from bot.notices import Notices

_SCORES = (3, 2, 1, 0)  # 0: would rather not say
_SHAPE = re.compile(re.escape(RATE_PAYLOAD) + r"(\{.*\})", re.DOTALL)


def rating_parts(
    notices: Notices, rating: Rating, agent: str | None
) -> tuple[Part, ...]:
    """Return the question and its buttons; ``agent`` as customers know them."""
    words = (
        notices.say("rate_bot")
        if agent is None
        else notices.say("rate_agent", agent=agent)
    )
    buttons = tuple(
        Button(notices.titles[f"rate_{score}"], _payload(rating.episode, score))
        for score in _SCORES
    )
    return (TextPart(words), ButtonsPart(buttons))


def read_rating(payload: str | None) -> tuple[str, int | None] | None:
    """Return (episode, score or None for no answer); None when it is no rating."""
    found = _SHAPE.fullmatch(payload or "")
    if found is None:
        return None
    try:
        said = json.loads(found[1])
        episode, score = said["episode"], said["score"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(episode, str) or score not in _SCORES:
        return None
    return episode, score or None


def _payload(episode: str, score: int) -> str:
    return RATE_PAYLOAD + json.dumps({"episode": episode, "score": score})
