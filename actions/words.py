"""Short Chinese names and cues the actions use; read from ``words.zh.yml``.

In: the file beside this module. Out: a mapping, loaded once per process.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).with_name("words.zh.yml")


@cache
def words() -> dict[str, Any]:
    """The whole file."""
    loaded: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return loaded


def title_of(intent: str) -> str:
    """What a button calls a wish; the intent's own name when the file has none."""
    return str(words()["intents"].get(intent, intent))


def is_upset(text: str) -> bool:
    """Whether a text is angry or helpless: its writer is not asked again."""
    return any(cue in text for key in ("upset", "insults") for cue in words()[key])


def is_upset_with_us(text: str) -> bool:
    """Whether its anger is about us: 垃圾分类怎么扔 is not."""
    if any(cue in text for cue in words()["upset"]):
        return True
    return is_upset(text) and any(cue in text for cue in words()["addressed"])
