"""Weighted words: BM25 over documents and TF-IDF likeness between short texts.

In: lists of terms. Out: score vectors, one value a document. Plain inverted lists in
numpy: 2,000 clauses take well under a millisecond.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
K1 = 1.2
B = 0.6


class Bm25:
    """BM25 over n documents given as terms.

    Args:
        documents: terms of each document.
    """

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self.size = len(documents)
        counts = [Counter(terms) for terms in documents]
        lengths = [max(1, len(terms)) for terms in documents]
        mean = sum(lengths) / max(1, self.size)
        frequency = Counter(term for count in counts for term in count)
        self._unseen = math.log(1 + self.size + 0.5)
        self.idf = {
            term: math.log(1 + (self.size - n + 0.5) / (n + 0.5))
            for term, n in frequency.items()
        }
        rows: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for index, (count, length) in enumerate(zip(counts, lengths, strict=True)):
            norm = K1 * (1 - B + B * length / mean)
            for term, n in count.items():
                rows[term].append((index, self.idf[term] * n * (K1 + 1) / (n + norm)))
        self._postings = {
            term: (
                np.array([i for i, _ in row], dtype=np.int64),
                np.array([w for _, w in row], dtype=np.float32),
            )
            for term, row in rows.items()
        }

    def scores(self, terms: Iterable[tuple[str, float]]) -> Scores:
        """Score all documents.

        Args:
            terms: (term, weight) pairs of the question.

        Returns:
            Shape (n,), divided by what a perfect document could get: 0 to about 1.
        """
        total = np.zeros(self.size, dtype=np.float32)
        possible = 0.0
        for term, weight in terms:
            possible += weight * self.idf.get(term, self._unseen) * (K1 + 1) / 2
            if (posting := self._postings.get(term)) is not None:
                total[posting[0]] += weight * posting[1]
        return total / max(possible, 1e-6)


class TfIdf:
    """Cosine likeness of short texts by their terms.

    Args:
        documents: terms of each of n texts.
    """

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self.size = len(documents)
        frequency = Counter(term for terms in documents for term in set(terms))
        self._idf = {term: math.log(1 + self.size / n) for term, n in frequency.items()}
        self._unseen = math.log(1 + self.size)
        rows: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for index, terms in enumerate(documents):
            for term, weight in self._vector(terms).items():
                rows[term].append((index, weight))
        self._postings = {
            term: (
                np.array([i for i, _ in row], dtype=np.int64),
                np.array([w for _, w in row], dtype=np.float32),
            )
            for term, row in rows.items()
        }

    def _vector(self, terms: Sequence[str]) -> dict[str, float]:
        raw = {
            term: (1 + math.log(n)) * self._idf.get(term, self._unseen)
            for term, n in Counter(terms).items()
        }
        length = math.sqrt(sum(value * value for value in raw.values())) or 1.0
        return {term: value / length for term, value in raw.items()}

    def likeness(self, terms: Sequence[str]) -> Scores:
        """Cosine of a text with each of the n texts, shape (n,)."""
        total = np.zeros(self.size, dtype=np.float32)
        for term, weight in self._vector(terms).items():
            if (posting := self._postings.get(term)) is not None:
                total[posting[0]] += np.float32(weight) * posting[1]
        return total
