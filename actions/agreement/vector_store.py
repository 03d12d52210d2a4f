"""Keeps the vectors of texts on disk, so that no start encodes a text twice.

In: texts. Out: their vectors, kept or freshly encoded. One file an encoder and kind;
a text is found by its hash, so a changed line costs one encoding. A damaged file is
made again.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import threading
import zipfile
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np

from actions.agreement.encoder import Encoder
from embedding.e5 import Kind, Vectors

MAX_KEPT = 40_000  # texts a file; the oldest go first (60 MB)
KEY_BYTES = 16
_log = logging.getLogger(__name__)


class VectorStore:
    """Vectors by text, encoder and kind.

    Args:
        encoder: makes the missing ones.
        folder: where files are kept; None keeps nothing.
    """

    def __init__(self, encoder: Encoder, folder: Path | None) -> None:
        self.encoder = encoder
        self.folder = folder
        self._lock = threading.Lock()

    def vectors(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """Vectors of texts, shape (n, dimension)."""
        if self.folder is None or not texts:
            return self.encoder.encode(texts, kind)
        name = re.sub(r"[^\w.-]", "_", f"vectors-{self.encoder.name}-{kind}.npz")
        path = self.folder / name
        keys = [_key(text) for text in texts]
        with self._lock:
            kept = _read(path)
            missing = {
                key: text
                for key, text in zip(keys, texts, strict=True)
                if key not in kept
            }
            if missing:
                made = self.encoder.encode(list(missing.values()), kind)
                kept.update(zip(missing, made, strict=True))
                _write(path, kept)
        return np.stack([kept[key] for key in keys])


def _key(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "replace"), digest_size=KEY_BYTES).digest()


def _read(path: Path) -> dict[bytes, Vectors]:
    arrays = read_arrays(path)
    keys, rows = arrays.get("keys"), arrays.get("vectors")
    if keys is None or rows is None or keys.shape != (len(rows), KEY_BYTES):
        return {}
    rows = rows.astype(np.float32, copy=False)
    return {key.tobytes(): row for key, row in zip(keys, rows, strict=True)}


def _write(path: Path, kept: Mapping[bytes, Vectors]) -> None:
    newest = list(kept.items())[-MAX_KEPT:]
    keys = np.frombuffer(b"".join(key for key, _ in newest), dtype=np.uint8)
    rows = np.stack([row for _, row in newest])
    write_arrays(path, keys=keys.reshape(-1, KEY_BYTES), vectors=rows)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read a file of named arrays; {} when it is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as data:
            return {name: data[name] for name in data.files}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as err:
        _log.warning("cache.unreadable path=%s error=%s", path, err)
        return {}


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write a file of named arrays in one step; a full disk is only logged."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, suffix=".tmp", delete=False
        ) as stream:
            np.savez(stream, allow_pickle=False, **arrays)
        os.replace(stream.name, path)  # noqa: PTH105 - atomic on purpose
    except OSError as err:
        _log.warning("cache.not_kept path=%s error=%s", path, err)
