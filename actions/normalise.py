"""Turns what customers write into values: numbers, phones, yes and no.

In: a piece of the customer's text. Out: the normal form, or None when it is not one; a
misreading is asked back by the form, never guessed. Dates: `actions.moments`.
"""

from __future__ import annotations

import re
import unicodedata

from actions.moments import When, when
from actions.words import words

__all__ = [
    "When",
    "claim_no",
    "complaint_no",
    "id_tail",
    "mentions_injury",
    "phone",
    "plate_no",
    "policy_no",
    "when",
    "yes_no",
]

_ID_TAIL = re.compile(r"(?<![0-9A-Z])(\d{3}[\dX])(?![0-9A-Z])")
_MOBILE = re.compile(r"(?<!\d)(?:86)?(1[3-9]\d{9})(?!\d)")
_LANDLINE = re.compile(r"(?<!\d)(0\d{2,3}[2-8]\d{6,7})(?!\d)")
_SEPARATORS = re.compile(r"[\s\-—()（）·•．.]+")


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).upper()


def _numbered(letter: str, text: str) -> str | None:
    compact = _SEPARATORS.sub("", _plain(text))
    found = re.search(rf"(?<![0-9A-Z]){letter}\d{{13}}(?!\d)", compact)
    return found.group() if found else None


def policy_no(text: str) -> str | None:
    """``p2024013100018`` → ``P2024013100018``."""
    return _numbered("P", text)


def claim_no(text: str) -> str | None:
    """A claim number, upper case."""
    return _numbered("C", text)


def complaint_no(text: str) -> str | None:
    """A complaint number, upper case."""
    return _numbered("T", text)


def id_tail(text: str) -> str | None:
    """The last four characters of an ID number: ``后四位是887x`` → ``887X``."""
    found = _ID_TAIL.search(_plain(text))
    return found.group(1) if found else None


def phone(text: str) -> str | None:
    """A mobile or landline number as digits; None for anything else."""
    compact = re.sub(r"[\s\-—()（）+]+", "", _plain(text))
    found = _MOBILE.search(compact) or _LANDLINE.search(compact)
    return found.group(1) if found else None


def plate_no(text: str) -> str | None:
    """``京a·12345`` → ``京A12345``."""
    compact = _SEPARATORS.sub("", _plain(text))
    found = re.search(
        r"[\u4e00-\u9fff][A-HJ-NP-Z][A-HJ-NP-Z0-9]{4,5}[A-Z0-9学警挂港澳]", compact
    )
    return found.group() if found else None


def yes_no(text: str, intent: str) -> bool | None:
    """Yes or no, by the words first and by the intent for everything else."""
    said = text.strip().strip("。.!！~～,， ")
    if said.startswith("/"):
        said = ""
    known = words()["yes_no"]
    if said in known["no"] or intent == "deny":
        return False
    if said in known["yes"] or intent == "affirm":
        return True
    return None


def mentions_injury(text: str) -> bool | None:
    """Whether a text says somebody is hurt; None when it says neither."""
    cues = words()["injury"]
    if any(cue in text for cue in cues["none"]):
        return False
    if any(cue in text for cue in cues["some"]):
        return True
    return None
