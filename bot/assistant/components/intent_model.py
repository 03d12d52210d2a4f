"""The intent model itself: sparse n-grams and a sentence vector under one linear layer.

Plain numpy and scikit-learn, no Rasa: the graph component, the bench and the ablations
use the same class. Stored as numbers and JSON, never as pickled objects.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, Sequence

import numpy as np

# Runs of Latin letters or digits are one unit; digits lose their value, not their length.
_UNIT = re.compile(r"[a-z]+|\d+|\S")
_WORD = re.compile(r"\w")


@dataclass(frozen=True)
class Hyperparameters:
    """What `IntentModel.train` may be told; chosen by `tests/bench/bench_nlu.py`."""

    char_ngrams: tuple[int, int] = (1, 3)
    word_ngrams: int = 1
    min_count: int = 2
    inverse_regularisation: float = 1.0
    dense_weight: float = 1.0
    calibration_folds: int = 3


@dataclass
class IntentModel:
    """A trained model; `rank` is the only thing a server needs."""

    labels: list[str]
    vocabulary: dict[str, int]
    idf: np.ndarray  # shape (features,)
    weights: np.ndarray  # shape (features + 384, labels), float32
    bias: np.ndarray  # shape (labels,)
    centre: np.ndarray  # shape (384,)
    scale: float
    sharpness: float = 1.0  # margins times this, through softmax, are probabilities
    settings: Hyperparameters = field(default_factory=Hyperparameters)

    @classmethod
    def train(
        cls,
        texts: Sequence[str],
        words: Sequence[Sequence[str]],
        vectors: np.ndarray,
        labels: Sequence[str],
        settings: Hyperparameters | None = None,
    ) -> IntentModel:
        """Fit on normalised texts.

        Args:
            texts: n normalised sentences.
            words: their words, from the tokenizer.
            vectors: sentence vectors, shape (n, 384).
            labels: n intent names.
            settings: hyperparameters; the measured defaults when None.

        Raises:
            ValueError: fewer than two intents.
        """
        settings = settings or Hyperparameters()
        bags = [grams(t, w, settings) for t, w in zip(texts, words, strict=True)]
        counts = Counter(gram for bag in bags for gram in set(bag))
        kept = sorted(g for g, n in counts.items() if n >= settings.min_count)
        vocabulary = {gram: index for index, gram in enumerate(kept)}
        idf = np.array(
            [np.log((1 + len(texts)) / (1 + counts[gram])) + 1 for gram in kept],
            dtype=np.float32,
        )
        centre = vectors.mean(axis=0)
        scale = float(np.linalg.norm(vectors - centre, axis=1).mean())
        model = cls(
            sorted(set(labels)),
            vocabulary,
            idf,
            np.zeros((0, 0), np.float32),
            np.zeros(0, np.float32),
            centre.astype(np.float32),
            scale,
            settings=settings,
        )
        matrix = model._matrix(bags, vectors)
        wanted = np.array(labels)
        classifier = _fit(matrix, wanted, settings)
        model.labels = [str(label) for label in classifier.classes_]
        model.weights = np.ascontiguousarray(classifier.coef_.T, dtype=np.float32)
        model.bias = classifier.intercept_.astype(np.float32)
        model.sharpness = _sharpness(matrix, wanted, settings)
        return model

    def rank(
        self, text: str, words: Sequence[str], vector: np.ndarray
    ) -> list[tuple[str, float]]:
        """Intents with their probabilities, best first; they sum to 1."""
        bag = Counter(grams(text, words, self.settings))
        logits = self.bias.copy()
        index, value = self._sparse(bag)
        if len(index):
            logits += value @ self.weights[index]
        logits += self._dense(vector[None, :])[0] @ self.weights[len(self.idf) :]
        logits *= self.sharpness
        probabilities = np.exp(logits - logits.max())
        probabilities /= probabilities.sum()
        order = np.argsort(-probabilities)
        return [(self.labels[i], float(probabilities[i])) for i in order]

    def _sparse(self, bag: Counter) -> tuple[np.ndarray, np.ndarray]:
        known = [
            (self.vocabulary[g], n) for g, n in bag.items() if g in self.vocabulary
        ]
        if not known:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        index = np.array([i for i, _ in known])
        value = (1 + np.log([n for _, n in known])) * self.idf[index]
        return index, (value / np.linalg.norm(value)).astype(np.float32)

    def _dense(self, vectors: np.ndarray) -> np.ndarray:
        return (vectors - self.centre) * (self.settings.dense_weight / self.scale)

    def _matrix(self, bags: Iterable[list[str]], vectors: np.ndarray):
        from scipy.sparse import csr_matrix, hstack

        rows = [self._sparse(Counter(bag)) for bag in bags]
        sparse = csr_matrix(
            (
                np.concatenate([value for _, value in rows]),
                np.concatenate([index for index, _ in rows]),
                np.cumsum([0] + [len(index) for index, _ in rows]),
            ),
            shape=(len(rows), len(self.idf)),
        )
        return hstack([sparse, csr_matrix(self._dense(vectors))]).tocsr()

    def save(self, folder: Path) -> None:
        """Write the model into ``folder`` (two files)."""
        np.savez(
            folder / "intent_model.npz",
            idf=self.idf,
            weights=self.weights,
            bias=self.bias,
            centre=self.centre,
        )
        described = {
            "labels": self.labels,
            "vocabulary": sorted(self.vocabulary, key=self.vocabulary.__getitem__),
            "scale": self.scale,
            "sharpness": self.sharpness,
            "settings": vars(self.settings),
        }
        (folder / "intent_model.json").write_text(
            json.dumps(described, ensure_ascii=False), encoding="utf-8"
        )

    @classmethod
    def load(cls, folder: Path) -> IntentModel:
        """Read what `save` wrote.

        Raises:
            OSError: a file is missing.
        """
        described = json.loads(
            (folder / "intent_model.json").read_text(encoding="utf-8")
        )
        settings = described["settings"]
        settings["char_ngrams"] = tuple(settings["char_ngrams"])
        with np.load(folder / "intent_model.npz") as arrays:
            return cls(
                labels=described["labels"],
                vocabulary={g: i for i, g in enumerate(described["vocabulary"])},
                idf=arrays["idf"],
                weights=arrays["weights"],
                bias=arrays["bias"],
                centre=arrays["centre"],
                scale=described["scale"],
                sharpness=described["sharpness"],
                settings=Hyperparameters(**settings),
            )


def _fit(matrix, labels, settings):
    from sklearn.svm import LinearSVC

    classifier = LinearSVC(
        C=settings.inverse_regularisation, class_weight="balanced", random_state=7
    )
    return classifier.fit(matrix, labels)


def _sharpness(matrix, labels: np.ndarray, settings: Hyperparameters) -> float:
    """Factor that makes margins honest probabilities on sentences not trained on."""
    order = np.random.default_rng(7).permutation(len(labels))
    margins, right = [], []
    for fold in range(settings.calibration_folds):
        held = order[fold :: settings.calibration_folds]
        rest = np.setdiff1d(order, held)
        classifier = _fit(matrix[rest], labels[rest], settings)
        index = {label: i for i, label in enumerate(classifier.classes_)}
        known = [i for i in held if labels[i] in index]
        if known and len(index) > 2:
            margins.append(classifier.decision_function(matrix[known]))
            right += [index[labels[i]] for i in known]
    if not margins or len({m.shape[1] for m in margins}) > 1:
        return 1.0  # too few examples to calibrate on
    scores = np.concatenate(margins)
    factors = np.geomspace(0.5, 20, 60)
    losses = [_log_loss(scores * factor, right) for factor in factors]
    return float(factors[int(np.argmin(losses))])


def _log_loss(logits: np.ndarray, right: list[int]) -> float:
    top = logits.max(axis=1)
    total = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    return float((total - logits[np.arange(len(right)), right]).mean())


def grams(text: str, words: Sequence[str], settings: Hyperparameters) -> list[str]:
    """Character n-grams over units and word n-grams, marked apart."""
    units = [
        f"<{len(unit)}>" if unit.isdigit() else unit for unit in _UNIT.findall(text)
    ]
    units = ["^", *units, "$"]
    low, high = settings.char_ngrams
    found = [
        "".join(units[start : start + size])
        for size in range(low, high + 1)
        for start in range(len(units) - size + 1)
    ]
    spoken = [word for word in words if _WORD.search(word)]
    for size in range(1, settings.word_ngrams + 1):
        found += [
            "w:" + "_".join(spoken[start : start + size])
            for start in range(len(spoken) - size + 1)
        ]
    return found
