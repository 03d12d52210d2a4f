"""Clause search: a question in, the clauses that answer it out, or nothing.

Three witnesses: example questions (a clause's own and those of its topic), meaning of
the text (encoder), words of the text (BM25 with synonyms). What is known to lie
outside stands against them; a question that is not clearly inside is refused.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from actions.agreement.cite import sentences
from actions.agreement.clauses import Clause, Hit
from actions.agreement.examples import (
    Examples,
    Matrix,
    Question,
    QuestionReader,
    centred,
)
from actions.agreement.lexical import Bm25
from actions.agreement.teaching import Lessons
from actions.agreement.trail import note_search
from actions.agreement.words import MAX_QUESTION, bigrams, normalise

LONG_CLAUSE = 120  # characters; of a longer one only the best sentences are shown
WIDENED = 0.4  # weight of a synonym against a word the customer used


@dataclass(frozen=True)
class Weights:
    """How the witnesses count; chosen on tests/fixtures/clause_dev.tsv."""

    text_known: float = 0.25  # text witness where example questions exist
    text_alone: float = 0.9  # and where there are none
    dense: float = 0.5  # share of meaning in the text witness
    heading: float = 0.6  # factor for a clause that only leads to others
    slope: float = 14.0  # of the calibration: score - outside → confidence
    middle: float = 0.05
    keep: float = 0.5  # confidence below is refused
    section: float = 0.5  # of a product sheet's section against its own questions


SERVICE_WEIGHTS = Weights()
# Chosen by holding out one question a clause of questions.yml.
PRODUCT_WEIGHTS = Weights(
    text_known=1.2, text_alone=1.2, dense=0.4, section=0.7, middle=0.02
)


@dataclass(frozen=True)
class Evidence:
    """Scores of one question, for tests and for 'why this answer'."""

    by_clause: Matrix  # shape (clauses,), fused
    outside: float  # best score of anything no clause answers


class ClauseSearch:
    """Search over the clauses of one document.

    Args:
        clauses: the document.
        lessons: example questions (`teaching.py`).
        reader: encoder, words and knowledge of the family.
        names: words to leave out of a question, such as the product's names.
        weights: only for tuning.
    """

    def __init__(
        self,
        clauses: Sequence[Clause],
        lessons: Lessons,
        reader: QuestionReader,
        names: Sequence[str] = (),
        weights: Weights = SERVICE_WEIGHTS,
    ) -> None:
        self._clauses = clauses
        self._reader = reader
        self._names = sorted((reader.text(name) for name in names), key=len)[::-1]
        self._weights = weights
        texts = [normalise(" ".join((*c.path, c.original))) for c in clauses]
        vectors = reader.store.vectors(texts, "passage")
        self._axis = vectors.mean(axis=0)
        self._vectors = centred(vectors, self._axis)
        said = [  # a question may name what fills a blank, such as the hotline
            text if c.text == c.original else f"{text} {normalise(c.text)}"
            for text, c in zip(texts, clauses, strict=True)
        ]
        self._words = Bm25([reader.words.terms(text) for text in said])
        self._bigrams = Bm25([bigrams(text) for text in texts])
        self._factor = np.array([_factor(clause, weights) for clause in clauses])
        self._labels = sorted(lessons.members)
        self._members = [lessons.members[label] for label in self._labels]
        self._known = np.zeros(len(clauses), dtype=bool)
        for label, members in lessons.members.items():
            if label.startswith("clause "):
                self._known[list(members)] = True
        self._learned = self._learn(lessons)

    def _learn(self, lessons: Lessons) -> Examples | None:
        if not lessons.labels:
            return None
        place = {label: i for i, label in enumerate(self._labels)}
        read = self._reader.read_all(list(lessons.labels))
        classes = [[place[lb] for lb in sorted(lbs)] for lbs in lessons.labels.values()]
        return Examples(read, classes, len(place), self._reader.store.folder)

    def evidence(self, question: Question) -> Evidence:
        """Score all clauses for a question."""
        weights = self._weights
        text = weights.dense * self._meaning(question) + (
            1 - weights.dense
        ) * self._wording(question)
        scores = np.where(self._known, weights.text_known, weights.text_alone) * text
        outside = 0.0
        if self._learned is not None:
            learned = self._learned.scores(question)
            for label, members, score in zip(
                self._labels, self._members, learned, strict=True
            ):
                share = weights.section if label.startswith("section ") else 1.0
                if members:
                    scores[list(members)] += share * score
                else:
                    outside = max(outside, float(score))
        return Evidence((scores * self._factor).astype(np.float32), outside)

    def _meaning(self, question: Question) -> Matrix:
        vector = centred(question.vector[None, :], self._axis)[0]
        return np.asarray(self._vectors @ vector, dtype=np.float32)

    def _wording(self, question: Question) -> Matrix:
        widened = self._reader.knowledge.widen(question.text)
        terms = [(word, 1.0) for word in question.words]
        terms += [
            (word, WIDENED)
            for text in widened
            for word in self._reader.words.terms(text)
        ]
        pairs = [(pair, 1.0) for pair in bigrams(question.text)]
        pairs += [(pair, WIDENED) for text in widened for pair in bigrams(text)]
        both = self._words.scores(terms) + self._bigrams.scores(pairs)
        return np.asarray(both / 2, dtype=np.float32)

    def search(
        self, question: str, limit: int = 3, within: Collection[str] | None = None
    ) -> list[Hit]:
        """Find the clauses that answer a question.

        Args:
            question: as typed; at most the first 300 characters count.
            limit: most hits wanted.
            within: only these references; the caller knows that one of them
                answers, so nothing is refused.

        Returns:
            Best first; empty when no clause clearly answers (refused).
        """
        read = self.read(question)
        if read is None or not self._clauses:
            return []
        evidence = self.evidence(read)
        order = [
            int(i)
            for i in np.argsort(-evidence.by_clause, kind="stable")
            if within is None or self._clauses[i].ref in within
        ][:limit]
        if not order:
            return []
        outside = evidence.outside if within is None else 0.0
        confidence = [self.confidence(evidence.by_clause[i], outside) for i in order]
        refused = within is None and confidence[0] < self._weights.keep
        found = [
            (self._clauses[i].ref, c) for i, c in zip(order, confidence, strict=True)
        ]
        note_search(self._clauses[0].document, found, refused=refused)
        if refused:
            return []
        return [
            Hit(self._clauses[i], value, self._passage(self._clauses[i], read))
            for i, value in zip(order, confidence, strict=True)
        ]

    def read(self, question: str) -> Question | None:
        """Read a question without the names that every clause here shares."""
        text = self._reader.text(question[: MAX_QUESTION * 4])
        for name in self._names:
            rest = text.replace(name, "")
            text = rest if len(rest) > 1 else text
        return self._reader.read(text, MAX_QUESTION)

    def confidence(self, score: float, outside: float) -> float:
        """Calibrated confidence, 0–1, that a clause with this score answers."""
        distance = score - max(0.0, outside) - self._weights.middle
        return 1.0 / (1.0 + math.exp(-self._weights.slope * distance))

    def _passage(self, clause: Clause, question: Question) -> str:
        """The sentences of a long clause that share most words with a question."""
        pieces = sentences(clause.text)
        if len(clause.text) <= LONG_CLAUSE or len(pieces) == 1:
            return clause.text
        wanted = set(question.words) | set(bigrams(question.text))
        for text in self._reader.knowledge.widen(question.text):
            wanted |= set(bigrams(normalise(text)))
        counts = [len(wanted & set(bigrams(normalise(piece)))) for piece in pieces]
        best = max(range(len(pieces)), key=lambda i: (counts[i], -i))
        first, last = best, best + 1
        while sum(map(len, pieces[first:last])) < LONG_CLAUSE // 2 and last < len(
            pieces
        ):
            last += 1
        return "".join(pieces[first:last]).strip("\n")


def _factor(clause: Clause, weights: Weights) -> float:
    return weights.heading if clause.has_children or clause.level < 0 else 1.0
