"""Learns from example questions which clause a question is about.

In: questions with their clause (or "no clause"). Out: for a new question a score a
class. Kernel ridge regression over meaning (encoder), words and characters: it is
solved once, exactly, in well under a second, and needs no training run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actions.agreement.lexical import TfIdf
from actions.agreement.topics import Knowledge
from actions.agreement.vector_store import VectorStore, read_arrays, write_arrays
from actions.agreement.words import Words, bigrams, normalise
from embedding.e5 import Vectors

# Chosen by leave-one-out over topics.yml and by tests/fixtures/clause_dev.tsv.
DENSE_WEIGHT = 2.0
DENSE_SHARPNESS = 2.0
BIGRAM_WEIGHT = 0.5
WORD_WEIGHT = 0.5
CHARACTER_WEIGHT = 0.5
RIDGE = 0.5

Matrix = NDArray[np.float32]
KEPT_FILES = 20


@dataclass(frozen=True)
class Question:
    """A question ready for comparison: corrected text, vector, terms."""

    text: str
    vector: Vectors  # shape (dimension,)
    words: list[str]


class QuestionReader:
    """Turns what a customer typed into a `Question`.

    Args:
        store: encodes and keeps vectors.
        words: cuts words.
        knowledge: typos and synonyms.
    """

    def __init__(self, store: VectorStore, words: Words, knowledge: Knowledge) -> None:
        self.store = store
        self.words = words
        self.knowledge = knowledge

    def text(self, raw: str) -> str:
        """Normal form with known misspellings corrected."""
        return self.knowledge.correct(normalise(raw))

    def read(self, raw: str, max_chars: int) -> Question | None:
        """Read a question; None when nothing comparable is left of it."""
        text = self.text(raw[: max_chars * 4])[:max_chars]
        words = self.words.terms(text)
        if not words and not bigrams(text):
            return None
        return Question(text, self.store.encoder.encode([text], "query")[0], words)

    def read_all(self, raws: Sequence[str]) -> list[Question]:
        """Read many questions, their vectors from the cache."""
        texts = [self.text(raw) for raw in raws]
        vectors = self.store.vectors(texts, "query")
        return [
            Question(text, vector, self.words.terms(text))
            for text, vector in zip(texts, vectors, strict=True)
        ]


class Examples:
    """Example questions and their classes.

    Args:
        questions: n questions.
        classes: classes of each, 0 ≤ class < count.
        count: number of classes.
        folder: keeps what was learned, so that only the first start solves it;
            None keeps nothing.
    """

    def __init__(
        self,
        questions: Sequence[Question],
        classes: Sequence[Sequence[int]],
        count: int,
        folder: Path | None = None,
    ) -> None:
        self.count = count
        self._vectors = np.stack([q.vector for q in questions])
        self._mean = self._vectors.mean(axis=0)
        self._vectors = centred(self._vectors, self._mean)
        self._bigrams = TfIdf([bigrams(q.text) for q in questions])
        self._words = TfIdf([q.words for q in questions])
        self._characters = TfIdf([list(q.text) for q in questions])
        self._weights = self._learn(questions, classes, folder)

    def _learn(
        self,
        questions: Sequence[Question],
        classes: Sequence[Sequence[int]],
        folder: Path | None,
    ) -> Matrix:
        path = (
            folder / f"learned-{self._digest(questions, classes)}.npz"
            if folder
            else None
        )
        kept = read_arrays(path).get("weights") if path else None
        if kept is not None and kept.shape == (len(questions), self.count):
            return kept
        targets = np.zeros((len(questions), self.count), dtype=np.float32)
        for row, columns in zip(targets, classes, strict=True):
            row[list(columns)] = 1.0
        gram = self._gram(questions)
        gram[np.diag_indices_from(gram)] += np.float32(RIDGE)
        weights: Matrix = np.linalg.solve(gram, targets)
        if path:
            write_arrays(path, weights=weights)
            discard_old(path.parent, "learned-*.npz")
        return weights

    def _digest(
        self, questions: Sequence[Question], classes: Sequence[Sequence[int]]
    ) -> str:
        parts = (DENSE_WEIGHT, DENSE_SHARPNESS, BIGRAM_WEIGHT, WORD_WEIGHT)
        digest = blake2b(
            repr((*parts, CHARACTER_WEIGHT, RIDGE)).encode(), digest_size=12
        )
        digest.update(self._mean.tobytes())  # stands for the encoder and all texts
        for question, columns in zip(questions, classes, strict=True):
            line = f"{question.text}\t{' '.join(question.words)}\t{sorted(columns)}\n"
            digest.update(line.encode("utf-8", "replace"))
        return digest.hexdigest()

    def scores(self, question: Question) -> Matrix:
        """Score of each class, about 0–1, shape (count,)."""
        vector = centred(question.vector[None, :], self._mean)[0]
        likeness = self._kernel(self._vectors @ vector, question)
        result: Matrix = likeness @ self._weights
        return result

    def _kernel(self, cosines: NDArray[np.float32], question: Question) -> Matrix:
        return np.asarray(
            DENSE_WEIGHT * np.exp(DENSE_SHARPNESS * (cosines - 1.0))
            + BIGRAM_WEIGHT * self._bigrams.likeness(bigrams(question.text))
            + WORD_WEIGHT * self._words.likeness(question.words)
            + CHARACTER_WEIGHT * self._characters.likeness(list(question.text)),
            dtype=np.float32,
        )

    def _gram(self, questions: Sequence[Question]) -> Matrix:
        cosines = self._vectors @ self._vectors.T
        rows = [self._kernel(row, q) for row, q in zip(cosines, questions, strict=True)]
        return np.stack(rows)


def discard_old(folder: Path, pattern: str) -> None:
    """Delete all but the newest files of a pattern."""
    files = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime)
    for path in files[:-KEPT_FILES]:
        path.unlink(missing_ok=True)


def centred(vectors: Vectors, mean: Vectors) -> Vectors:
    """Take away what all texts share and bring the rest to length 1.

    The vectors of this encoder fill a narrow cone; without its axis they differ.
    """
    moved = vectors - mean
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    result: Vectors = (moved / np.maximum(lengths, 1e-6)).astype(np.float32)
    return result
