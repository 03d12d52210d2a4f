"""How customers' spelling is evened out before it is understood; no Rasa here.

In: the text as typed. Out: simplified characters, half-width letters, lower case,
repeated marks squeezed. Entities are cut from the original text, never from this one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

# Past this the rest of a message adds noise, not meaning (code points).
MAX_CHARACTERS = 300
_MOST_UNFOLDED = 4 * MAX_CHARACTERS
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202f\ufeff]+")
_REPEATED = re.compile(r"([^\w\s])\1+|([\u4e00-\u9fff])\2{2,}")
_SPACE = re.compile(r"\s+")


@cache
def _to_simplified() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


@lru_cache(maxsize=4096)
def normalise(text: str) -> str:
    """Return ``text`` evened out for features; never longer than `MAX_CHARACTERS`."""
    text = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS])[:_MOST_UNFOLDED]
    text = _CONTROL.sub(" ", text)
    text = _to_simplified().convert(text).lower()
    text = _REPEATED.sub(lambda found: found.group(1) or found.group(2), text)
    # One sign may stand for many: ﷺ is 18 letters.
    return _SPACE.sub(" ", text)[:MAX_CHARACTERS].strip()


def is_payload(text: str) -> bool:
    """Whether ``text`` is a button payload such as ``/affirm``."""
    return text.startswith("/")
