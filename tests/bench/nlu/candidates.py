"""Intent classifiers on the same features: ours, its ablations, and other learners.

In: normalised sentences, their words, vectors and labels. Out: objects with
``predict(texts, words, vectors) -> probabilities`` of shape (n, labels).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from components.intent_model import Features, Hyperparameters, IntentModel

Words = Sequence[Sequence[str]]
NEIGHBOURS = 10


class Linear:
    """`IntentModel` with some hyperparameters: a linear SVM, calibrated."""

    def __init__(self, **changes: Any) -> None:
        self._settings = replace(Hyperparameters(), **changes)

    def fit(self, texts: Sequence[str], words: Words, vectors: Any, labels: Any) -> Any:
        """Train."""
        self._model = IntentModel.train(texts, words, vectors, labels, self._settings)
        self.labels = self._model.labels
        return self

    def predict(self, texts: Sequence[str], words: Words, vectors: Any) -> Any:
        """Probabilities, shape (n, labels)."""
        return np.array(
            [
                _in_order(self._model.rank(t, w, v), self.labels)
                for t, w, v in zip(texts, words, vectors, strict=True)
            ]
        )


class Logistic:
    """Logistic regression on exactly our features."""

    def fit(self, texts: Sequence[str], words: Words, vectors: Any, labels: Any) -> Any:
        """Train."""
        from sklearn.linear_model import LogisticRegression

        self._features = Features.fit(texts, words, vectors, Hyperparameters())
        self._model = LogisticRegression(
            C=10.0, solver="liblinear", class_weight="balanced"
        ).fit(self._features.matrix(texts, words, vectors), labels)
        self.labels = list(self._model.classes_)
        return self

    def predict(self, texts: Sequence[str], words: Words, vectors: Any) -> Any:
        """Probabilities, shape (n, labels)."""
        return self._model.predict_proba(self._features.matrix(texts, words, vectors))


class Nearest:
    """The nearest examples by cosine of our features vote, weighted by closeness."""

    def fit(self, texts: Sequence[str], words: Words, vectors: Any, labels: Any) -> Any:
        """Remember the examples."""
        from sklearn.preprocessing import normalize

        self._features = Features.fit(texts, words, vectors, Hyperparameters())
        self._known = normalize(self._features.matrix(texts, words, vectors))
        self.labels = sorted(set(labels))
        place = {label: i for i, label in enumerate(self.labels)}
        self._votes = np.array([place[label] for label in labels])
        return self

    def predict(self, texts: Sequence[str], words: Words, vectors: Any) -> Any:
        """Probabilities, shape (n, labels)."""
        from sklearn.preprocessing import normalize

        asked = normalize(self._features.matrix(texts, words, vectors))
        near = np.asarray((asked @ self._known.T).todense())
        out = np.zeros((len(texts), len(self.labels)))
        for row, closeness in enumerate(near):
            for index in np.argpartition(-closeness, NEIGHBOURS)[:NEIGHBOURS]:
                weight = np.exp(12 * closeness[index])
                out[row, self._votes[index]] += weight
        return out / out.sum(axis=1, keepdims=True)


CANDIDATES: dict[str, Callable[[], Any]] = {
    "ours: n-grams, syllables, words, e5; linear SVM": Linear,
    "without homophones' syllables": lambda: Linear(sound_weight=0.0),
    "without e5": lambda: Linear(dense_weight=0.0),
    "e5 only, linear SVM": lambda: Linear(sparse_weight=0.0, sound_weight=0.0),
    "our features, logistic regression": Logistic,
    "our features, kNN over examples (k=10)": Nearest,
}


def _in_order(ranking: Any, labels: Sequence[str]) -> Any:
    found = dict(ranking)
    return [found[label] for label in labels]
