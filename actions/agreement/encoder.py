"""Sentence encoders: text to unit vectors, behind one small protocol.

In: texts. Out: float32 arrays (n, dimension), every row of length 1. `embedding.e5`
ships with the product; `ENCODERS` is the place to add another one by name.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from actions.agreement.errors import AgreementError
from embedding.e5 import NAME, E5Small, Kind, Vectors

CACHED_QUERIES = 512


class Encoder(Protocol):
    """Turns texts into vectors whose dot product is their similarity."""

    @property
    def name(self) -> str:
        """Identity of model and version: part of every cache key."""

    def encode(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """Encode texts.

        Args:
            texts: n texts.
            kind: "query" for questions, "passage" for clauses.

        Returns:
            Shape (n, dimension), rows of length 1.
        """


class CachedE5:
    """multilingual-e5-small, loaded at first use; remembers the last questions.

    Args:
        threads: Cores for one call; None leaves it to OMP_NUM_THREADS, else one.
    """

    name = NAME

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads
        self._model: E5Small | None = None
        self._cache: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """See `Encoder.encode`; single queries are kept in a small cache."""
        if kind == "query" and len(texts) == 1:
            return self._cached(texts[0])
        return self._run(texts, kind)

    def _cached(self, text: str) -> Vectors:
        with self._lock:
            if text in self._cache:
                self._cache.move_to_end(text)
                return self._cache[text]
        vector = self._run([text], "query")
        with self._lock:
            self._cache[text] = vector
            if len(self._cache) > CACHED_QUERIES:
                self._cache.popitem(last=False)
        return vector

    def _run(self, texts: Sequence[str], kind: Kind) -> Vectors:
        clean = [text.replace("\x00", " ") or " " for text in texts]
        with self._lock:
            if self._model is None:
                self._model = E5Small(self._threads)
        return self._model.encode(clean, kind)


def use_all_cores() -> None:
    """Let an encoder loaded later use every core: for commands that encode in bulk."""
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))


ENCODERS: dict[str, Callable[[], Encoder]] = {"e5-small": CachedE5}


def open_encoder(name: str) -> Encoder:
    """Open an encoder by the name the settings give.

    Raises:
        AgreementError: when no encoder has this name.
    """
    try:
        return ENCODERS[name]()
    except KeyError:
        known = ", ".join(sorted(ENCODERS))
        raise AgreementError(f"unknown encoder {name!r}; known: {known}") from None
