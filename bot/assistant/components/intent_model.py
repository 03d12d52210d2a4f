"""The intent model itself: sparse n-grams and a sentence vector under one linear layer.

Plain numpy and scikit-learn, no Rasa: the graph component, the bench and the ablations
use the same class. Stored as numbers and JSON, never as pickled objects.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from components.homophones import sounds

# Runs of Latin letters or digits are one unit; digits lose their value, not their length.
_UNIT = re.compile(r"[a-z]+|\d+|\S")
_WORD = re.compile(r"\w")
# What is none of our business is more varied than any examples of it: it gets a bonus.
OUTSIDE = "out_of_scope"
HEARD = "p:"  # marks an n-gram of syllables


@dataclass(frozen=True)
class Hyperparameters:
    """What `IntentModel.train` may be told; chosen by `tests/bench/bench_nlu.py`."""

    char_ngrams: tuple[int, int] = (1, 3)
    word_ngrams: int = 1
    sound_ngrams: tuple[int, int] = (1, 3)
    min_count: int = 2
    inverse_regularisation: float = 1.0
    sparse_weight: float = 1.0  # of the n-grams; 0 leaves them out
    sound_weight: float = 1.0  # of the n-grams of syllables
    dense_weight: float = 1.0
    calibration_folds: int = 3
    outside_bonus: float = 0.8  # added to the log-odds of `OUTSIDE`


@dataclass
class Features:
    """What the classifier sees of a sentence: tf-idf of n-grams beside its vector."""

    vocabulary: dict[str, int]
    idf: np.ndarray  # shape (ngrams,)
    centre: np.ndarray  # shape (384,)
    scale: float  # mean length of a centred vector
    settings: Hyperparameters

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        words: Sequence[Sequence[str]],
        vectors: np.ndarray,
        settings: Hyperparameters,
    ) -> Features:
        """Learn vocabulary, weights and the vectors' centre from normalised texts."""
        bags = [
            grams(text, cut, settings) + heard_grams(text, settings)
            for text, cut in zip(texts, words, strict=True)
        ]
        counts = Counter(gram for bag in bags for gram in set(bag))
        kept = sorted(g for g, n in counts.items() if n >= settings.min_count)
        idf = [np.log((1 + len(texts)) / (1 + counts[gram])) + 1 for gram in kept]
        centre = vectors.mean(axis=0)
        scale = float(np.linalg.norm(vectors - centre, axis=1).mean())
        return cls(
            {gram: index for index, gram in enumerate(kept)},
            np.array(idf, dtype=np.float32),
            centre.astype(np.float32),
            scale,
            settings,
        )

    def sparse(self, text: str, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Indices and values of the known n-grams.

        Written and heard ones are weighed apart, each to its own length.
        """
        known: dict[bool, list[tuple[int, int]]] = {False: [], True: []}
        bag = grams(text, words, self.settings) + heard_grams(text, self.settings)
        for gram, count in Counter(bag).items():
            if gram in self.vocabulary:
                place = (self.vocabulary[gram], count)
                known[gram.startswith(HEARD)].append(place)
        indices, values = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
        for heard, found in known.items():
            weight = (
                self.settings.sound_weight if heard else self.settings.sparse_weight
            )
            if found and weight:
                index = np.array([i for i, _ in found])
                value = (1 + np.log([n for _, n in found])) * self.idf[index]
                indices.append(index)
                values.append(value * (weight / np.linalg.norm(value)))
        return np.concatenate(indices), np.concatenate(values).astype(np.float32)

    def dense(self, vectors: np.ndarray) -> np.ndarray:
        """Centred vectors of about length `dense_weight`, shape (n, 384)."""
        return (vectors - self.centre) * (self.settings.dense_weight / self.scale)

    def matrix(
        self,
        texts: Sequence[str],
        words: Sequence[Sequence[str]],
        vectors: np.ndarray,
    ) -> Any:
        """Both kinds side by side, scipy CSR of shape (n, ngrams + 384)."""
        from scipy.sparse import csr_matrix, hstack

        rows = [self.sparse(t, w) for t, w in zip(texts, words, strict=True)]
        sparse = csr_matrix(
            (
                np.concatenate([value for _, value in rows]),
                np.concatenate([index for index, _ in rows]),
                np.cumsum([0] + [len(index) for index, _ in rows]),
            ),
            shape=(len(rows), len(self.idf)),
        )
        return hstack([sparse, csr_matrix(self.dense(vectors))]).tocsr()


@dataclass
class IntentModel:
    """A trained model; `rank` is the only thing a server needs."""

    labels: list[str]
    features: Features
    weights: np.ndarray  # shape (ngrams + 384, labels), float32
    bias: np.ndarray  # shape (labels,)
    sharpness: float = 1.0  # margins times this, through softmax, are probabilities

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
        features = Features.fit(texts, words, vectors, settings)
        matrix, wanted = features.matrix(texts, words, vectors), np.array(labels)
        classifier = _fit(matrix, wanted, settings)
        return cls(
            [str(label) for label in classifier.classes_],
            features,
            np.ascontiguousarray(classifier.coef_.T, dtype=np.float32),
            classifier.intercept_.astype(np.float32),
            _sharpness(matrix, wanted, settings),
        )

    def rank(
        self, text: str, words: Sequence[str], vector: np.ndarray
    ) -> list[tuple[str, float]]:
        """Intents with their probabilities, best first; they sum to 1."""
        logits = self.bias.copy()
        index, value = self.features.sparse(text, words)
        if len(index):
            logits += value @ self.weights[index]
        dense = self.features.dense(vector[None, :])[0]
        logits += dense @ self.weights[len(self.features.idf) :]
        logits *= self.sharpness
        if OUTSIDE in self.labels:
            logits[self.labels.index(OUTSIDE)] += self.features.settings.outside_bonus
        probabilities = np.exp(logits - logits.max())
        probabilities /= probabilities.sum()
        order = np.argsort(-probabilities)
        return [(self.labels[i], float(probabilities[i])) for i in order]

    def save(self, folder: Path) -> None:
        """Write the model into ``folder`` (two files)."""
        features = self.features
        np.savez(
            folder / "intent_model.npz",
            idf=features.idf,
            weights=self.weights,
            bias=self.bias,
            centre=features.centre,
        )
        described = {
            "labels": self.labels,
            "vocabulary": sorted(
                features.vocabulary, key=features.vocabulary.__getitem__
            ),
            "scale": features.scale,
            "sharpness": self.sharpness,
            "settings": vars(features.settings),
        }
        (folder / "intent_model.json").write_text(
            json.dumps(described, ensure_ascii=False), encoding="utf-8"
        )

    @classmethod
    def load(cls, folder: Path) -> IntentModel:
        """Read what `save` wrote.

        Raises:
            OSError: a file is missing.
            ValueError, KeyError: a file is not whole.
        """
        described = json.loads(
            (folder / "intent_model.json").read_text(encoding="utf-8")
        )
        settings = described["settings"]
        for key in ("char_ngrams", "sound_ngrams"):
            settings[key] = tuple(settings[key])
        with np.load(folder / "intent_model.npz") as arrays:
            features = Features(
                {g: i for i, g in enumerate(described["vocabulary"])},
                arrays["idf"],
                arrays["centre"],
                described["scale"],
                Hyperparameters(**settings),
            )
            return cls(
                described["labels"],
                features,
                arrays["weights"],
                arrays["bias"],
                described["sharpness"],
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
    """N-grams of written units and of words, marked apart."""
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


def heard_grams(text: str, settings: Hyperparameters) -> list[str]:
    """N-grams of syllables, marked: 理陪 and 理赔 have the same."""
    heard = ["^", *sounds(text), "$"]
    shortest, longest = settings.sound_ngrams
    return [
        HEARD + "-".join(heard[start : start + size])
        for size in range(shortest, longest + 1)
        for start in range(len(heard) - size + 1)
    ]
