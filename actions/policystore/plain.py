"""Text from outside made fit for a database and for comparing.

In: whatever somebody typed. Out: text every database takes, or a number's one spelling.
"""

from __future__ import annotations

import unicodedata

MAX_TEXT = 10_000  # characters of free text kept
MAX_SHORT = 40  # characters of a number, a phone, a category
MAX_KEY = 200  # characters of a sender id; a turn id has half of it


def plain(text: str, limit: int = MAX_TEXT) -> str:
    """Return the text without NUL and lone surrogates, at most ``limit`` characters.

    PostgreSQL refuses NUL in text; no database takes half a surrogate pair.
    """
    kept = "".join(c for c in text if c != "\0" and not "\ud800" <= c <= "\udfff")
    return kept[:limit]


def spelled(number: str) -> str:
    """Return one spelling of a number or ID tail: half width, upper case, no blanks."""
    folded = unicodedata.normalize("NFKC", plain(number, MAX_TEXT))
    return "".join(folded.split()).upper()[:MAX_SHORT]


def key(text: str, limit: int = MAX_KEY) -> str:
    """Return an id unchanged; two ids must never become one by cleaning.

    Raises:
        ValueError: It is empty, too long, or no database could keep it.
    """
    if not text or text != plain(text, limit):
        raise ValueError("an id is empty, too long or has unusable characters")
    return text


def turn_key(turn_id: str) -> str:
    """Return a turn id unchanged; see `key`."""
    return key(turn_id, MAX_KEY // 2)
