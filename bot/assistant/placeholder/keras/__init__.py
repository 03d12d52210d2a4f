"""Stand-in for Keras; see the placeholder ``tensorflow`` beside it."""

from typing import Any

from tensorflow import _placeholder


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return _placeholder(f"keras.{name}")
