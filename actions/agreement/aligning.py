"""Finds the clause of each known topic in any agreement of the family.

In: topics and the clauses of a text never seen. Out: topic → clause, or nothing when
the text does not speak of it. Likeness of the wording decides; a clause in the topic's
usual place is believed a little sooner.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actions.agreement.clauses import Clause, fold_ref
from actions.agreement.examples import QuestionReader, centred
from actions.agreement.lexical import TfIdf
from actions.agreement.topics import Topic
from actions.agreement.words import bigrams, normalise

# Measured on the demo agreement, a web copy and a renumbered, reworded one.
WORDING_WEIGHT = 1.5
ASKING_WEIGHT = 2.0
MIN_LIKENESS = 0.72  # a topic below has no clause
PLACE_BONUS = 0.5  # of a clause that stands where the family's form has it
MIN_SHARE = 0.74  # of the likeness of the topic that fits the clause best
MIN_FREE_SHARE = 0.85  # of the likeness with the favourite, to take a free clause


def align(
    topics: Sequence[Topic], clauses: Sequence[Clause], reader: QuestionReader
) -> dict[str, int]:
    """Find each topic's clause.

    Args:
        topics: what is known of the family.
        clauses: candidates; only those without children and with text are used.
        reader: encoder and normal form.

    Returns:
        Topic key → index in `clauses`; topics without a clause are left out.
    """
    chosen = [
        index
        for index, clause in enumerate(clauses)
        if not clause.has_children and clause.level >= 0 and clause.text
    ]
    if not topics or not chosen:
        return {}
    likeness = _likeness(topics, [clauses[i] for i in chosen], reader)
    return {
        topics[row].key: chosen[column] for row, column in _assign(likeness).items()
    }


def _assign(likeness: NDArray[np.float64]) -> dict[int, int]:
    """Choose a column for each row that has one.

    Pairs that prefer each other come first. Then a row takes the best column nobody
    holds, when that is nearly as good as its favourite; else it shares its favourite,
    when it fits that one nearly as well as the holder does; else it has none.
    """
    favourite = likeness.argmax(axis=1)
    holder = likeness.argmax(axis=0)
    found = {
        row: int(column)
        for row, column in enumerate(favourite)
        if holder[column] == row and likeness[row, column] >= MIN_LIKENESS
    }
    rest = sorted(
        set(range(len(likeness))) - set(found), key=lambda row: -likeness[row].max()
    )
    for row in rest:
        best = likeness[row, favourite[row]]
        free = likeness[row].copy()
        free[list(found.values())] = -np.inf
        column = int(free.argmax())
        if free[column] >= max(MIN_LIKENESS, MIN_FREE_SHARE * best):
            found[row] = column
        elif best >= MIN_LIKENESS:
            column = int(favourite[row])
            if best >= MIN_SHARE * likeness[holder[column], column]:
                found[row] = column
    return found


def _likeness(
    topics: Sequence[Topic], clauses: Sequence[Clause], reader: QuestionReader
) -> NDArray[np.float64]:
    """Likeness of each topic with each clause, shape (topics, clauses)."""
    abouts = [normalise(about) for topic in topics for about in topic.about]
    starts = np.cumsum([0, *(len(topic.about) for topic in topics[:-1])])
    about_vectors = reader.store.vectors(abouts, "passage")
    axis = about_vectors.mean(axis=0)
    about_vectors = centred(about_vectors, axis)
    # Blanks say better what a clause is about than the addresses that fill them.
    bare = [normalise(clause.original) for clause in clauses]
    full = [normalise(" ".join((*clause.path, clause.original))) for clause in clauses]
    bare_vectors = centred(reader.store.vectors(bare, "passage"), axis)
    full_vectors = centred(reader.store.vectors(full, "passage"), axis)
    words = TfIdf([bigrams(text) for text in full])
    wording = np.stack([words.likeness(bigrams(about)) for about in abouts])
    by_about = (
        about_vectors @ bare_vectors.T
        + about_vectors @ full_vectors.T
        + WORDING_WEIGHT * wording
    )
    result = np.maximum.reduceat(by_about, starts, axis=0).astype(np.float64)
    questions = [reader.text(q) for topic in topics for q in topic.questions]
    asked = reader.store.vectors(questions, "query")
    asked = centred(asked, asked.mean(axis=0))
    counts = np.array([len(topic.questions) for topic in topics])
    starts = np.cumsum([0, *counts[:-1]])
    by_question = np.add.reduceat(asked @ full_vectors.T, starts, axis=0)
    usual = [[fold_ref(t.place) == fold_ref(c.ref) for c in clauses] for t in topics]
    return np.asarray(
        result
        + ASKING_WEIGHT * by_question / counts[:, None]
        + PLACE_BONUS * np.array(usual)
    )
