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
    "one_time_code",
    "phone",
    "plate_no",
    "policy_no",
    "sends",
    "when",
    "yes_no",
]

_ID_TAIL = re.compile(r"(?<![0-9A-Z])([0-9]{3}[0-9X])(?![0-9A-Z])")
# What stands between the digits of a number; they are read past, never taken away
# first: "P2024013100018 8871" is a number and something else.
_GAP = r"[\s\-—–()·•.+]*"
_SEPARATORS = re.compile(_GAP)


def _digits(count: str) -> str:
    return rf"(?:{_GAP}[0-9]){{{count}}}"


_MOBILE = re.compile(
    rf"(?<![0-9])(?:(?:00)?86{_GAP})?(1{_GAP}[3-9]{_digits('9')})(?![0-9])"
)
_LANDLINE = re.compile(
    rf"(?<![0-9])(0{_digits('2,3')}{_GAP}[2-8]{_digits('6,7')})(?![0-9])"
)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
    r"[A-HJ-NP-Z][A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9学警挂港澳](?![0-9A-Z])"
)
_NUMBER = re.compile(rf"(?<![0-9A-Z])[0-9](?:{_GAP}[0-9])*(?![0-9A-Z])")
_CODE_DIGITS = 6
_OPEN_QUESTION = "有没有"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).upper()


def _numbered(letter: str, text: str) -> str | None:
    number = rf"(?<![0-9A-Z]){letter}{_digits('13')}(?![0-9])"
    found = re.search(number, _plain(text))
    return _SEPARATORS.sub("", found.group()) if found else None


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


def one_time_code(text: str) -> str | None:
    """Six digits that stand alone: ``验证码是１２３ 456`` → ``123456``."""
    numbers = (_SEPARATORS.sub("", n) for n in _NUMBER.findall(_plain(text)))
    codes = [number for number in numbers if len(number) == _CODE_DIGITS]
    return codes[0] if len(codes) == 1 else None


def phone(text: str) -> str | None:
    """A mobile or landline number as digits; None for anything else."""
    plain = _plain(text)
    found = _MOBILE.search(plain) or _LANDLINE.search(plain)
    return _SEPARATORS.sub("", found.group(1)) if found else None


def plate_no(text: str) -> str | None:
    """``京a·12345`` → ``京A12345``."""
    compact = _SEPARATORS.sub("", _plain(text))
    found = _PLATE.search(compact)
    return found.group() if found else None


def yes_no(text: str, intent: str) -> bool | None:
    """Yes or no, by the words first and by the intent for everything else."""
    said = unicodedata.normalize("NFKC", text).strip().strip("。.!~, ").lower()
    known = words()["yes_no"]
    if said in known["no"]:
        return False
    if said in known["yes"]:
        return True
    return {"deny": False, "affirm": True}.get(intent)


def sends(text: str) -> bool | None:
    """Whether a message says that something is to be sent in: 赶紧报！, 先别交.

    Args:
        text: Answers "shall I send it?".

    Returns:
        None when a clause of it says anything else, or yes and no stand together.
    """
    said = unicodedata.normalize("NFKC", text).lower()
    heard = words()["sending"]["heard"]
    clauses = [c for c in re.split(r"[\s,。.!~、;；]+", said) if c and c not in heard]
    meant = set()
    for clause in clauses:
        for answer, key in ((True, "yes"), (False, "no")):
            if clause in (*words()["sending"][key], *words()["yes_no"][key]):
                meant.add(answer)
                break
        else:
            return None
    return meant.pop() if len(meant) == 1 else None


def mentions_injury(text: str) -> bool | None:
    """Whether a text says somebody is hurt; None when it says neither."""
    cues = words()["injury"]
    if _OPEN_QUESTION in text:
        return None
    # 我没事，对方骨折了: what is left when the denials are taken away counts.
    rest = text
    for cue in sorted(cues["none"], key=len, reverse=True):
        rest = rest.replace(cue, " ")
    some = "|".join(map(re.escape, cues["some"]))
    rest = re.sub(rf"(?:没有?|未|无)(?:{some})", " ", rest)
    if re.search(some, rest):
        return True
    return False if rest != text else None
