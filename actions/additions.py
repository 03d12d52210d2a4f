"""What a customer adds at the read-back: 还有，他当时还骂人.

In: a message that answers "is this right?". Out: the words to add to the account, or that
there are none; what is joined is read back before anything is stored.
"""

from __future__ import annotations

import re

from actions.turn import Turn
from actions.words import is_upset, words

MIN_ADDED = 4  # letters; fewer tell nothing …
MIN_MARKED = 2  # … unless they are said to be an addition
MAX_ACCOUNT = 2000  # code points of an account with all that was added
_MARKS = " \t\n，,。.；;：:！!？?、~～"


def only_announces(turn: Turn) -> bool:
    """Whether a message says that something is to be added, and not yet what."""
    text = turn.text
    for cue in _longest_first("announcing"):
        text = text.replace(cue, " ")
    announced = any(cue in turn.text for cue in words()["addition"]["announces"])
    return announced and _letters(text) == 0


def addition_of(turn: Turn, cues: tuple[str, ...]) -> str | None:
    """The words that a message at the read-back adds to the account.

    Args:
        turn: No correction and no question.
        cues: The fields' names; a no that names one asks for a correction.

    Returns:
        None for a plain yes or no, a wish alone, or a curse alone.
    """
    if turn.is_payload:
        return None
    text, known = turn.text.strip(), words()["addition"]
    marked = any(cue in text for cue in known["cues"])
    said = _without_answer(text)
    if turn.intent == "affirm" and not marked:
        return None
    if turn.intent in ("deny", "cancel") and not marked:
        corrects = any(cue in said for cue in (*known["correcting"], *cues))
        if said == text or corrects:
            return None
    least = MIN_MARKED if marked else MIN_ADDED
    if _letters(said) < least or (is_upset(text) and _letters(said) <= 12):
        return None
    return said


def joined(before: object, more: str) -> str:
    """The account with what was added; a remark of nothing gives way to it."""
    known = words()["addition"]
    said = str(before or "").strip()
    if not said or said in words()["yes_no"]["no"] or said in known["nothing"]:
        return more
    return str(known["joined"]).format(before=said.rstrip(_MARKS), more=more)


def _without_answer(text: str) -> str:
    """``text`` without the yes, the no or the 补充一下 it begins with."""
    answers, openers = (
        "|".join(map(re.escape, _longest_first(key))) for key in ("answers", "openers")
    )
    marks = f"[{re.escape(_MARKS)}]"
    begun = re.match(
        rf"(?:(?:{answers})(?:{marks}+|$|(?={openers}))|(?:{openers}){marks}*){{1,4}}",
        text,
    )
    return text[begun.end() :].strip(_MARKS) if begun else text


def _longest_first(key: str) -> list[str]:
    return sorted(words()["addition"][key], key=len, reverse=True)


def _letters(text: str) -> int:
    return sum(character.isalnum() for character in text)
