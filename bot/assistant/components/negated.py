"""What a message wishes that negates a wish; no Rasa here.

In: the reading of `actions.negation`, the classifier's ranking of the whole message and
of what is left without the negated clauses. Out: the ranking that counts.
"""

from __future__ import annotations

from typing import List, Sequence, Tuple

from actions.form_words import RESTATED
from actions.negation import Reading

Ranking = Sequence[Tuple[str, float]]

# These know already that nothing is wished.
REFUSING = ("deny", "cancel")
# Probability of a refusal that was read and not classified.
CERTAIN = 0.95
# Below this what is left was not understood (the threshold of config.yml).
DOUBT = 0.45
CLEAR = 0.8


def settled(
    reading: Reading, whole: Ranking, rest: Ranking = ()
) -> List[Tuple[str, float]]:
    """Return the ranking that counts; its probabilities sum to 1.

    Args:
        reading: What the message negates; at least one wish.
        whole: Of the message as a whole, best first.
        rest: Of what is left; empty when nothing is.
    """
    best = whole[0][0]
    # 不改地址 改电话 wishes the same of something else.
    if rest and _is_restated(reading, *rest[0]):
        return list(rest)
    if best in REFUSING:
        return list(whole)
    if reading.is_all or not rest:
        return list(whole) if _stands(reading, *whole[0]) else refused(whole)
    if best not in reading.wishes:
        return list(whole)  # the model was not led astray by the negated word
    second, probability = rest[0]
    doubtful = probability < DOUBT and not reading.wants_more
    if doubtful or reading.refuses(second):
        return refused(whole)
    return list(rest)


def _is_restated(reading: Reading, wish: str, share: float) -> bool:
    """Whether what is left wants the negated wish of another thing."""
    known = wish in RESTATED and wish in reading.wishes
    return known and share >= CLEAR and reading.names(wish)


def _stands(reading: Reading, best: str, share: float) -> bool:
    """Whether a refusal of one thing is the wish for another."""
    if best == "withdraw_complaint":  # 不投诉了
        sure = share >= CLEAR and reading.gives_up
        return sure and reading.negates("file_complaint")
    return best == "affirm"  # 不用改了，就这样


def refused(ranking: Ranking) -> List[Tuple[str, float]]:
    """Put ``deny`` first."""
    others = [(name, share) for name, share in ranking if name != "deny"]
    total = sum(share for _, share in others) or 1.0
    scaled = [(name, share / total * (1 - CERTAIN)) for name, share in others]
    return [("deny", CERTAIN), *scaled]
