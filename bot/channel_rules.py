"""What each platform allows, as data, and how text is cut to it.

In: channel_rules.yml. Out: rules by channel name, and pieces that end where people do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml


class LengthUnit(StrEnum):
    """What a platform counts."""

    CHARACTERS = "characters"
    UTF8_BYTES = "utf8_bytes"
    UTF16_UNITS = "utf16_units"


_MEASURES: Mapping[LengthUnit, Callable[[str], int]] = {
    LengthUnit.CHARACTERS: len,
    LengthUnit.UTF8_BYTES: lambda text: len(text.encode()),
    LengthUnit.UTF16_UNITS: lambda text: len(text.encode("utf-16-le")) // 2,
}
# Where a cut hurts least, best first: paragraphs, lines, sentences, clauses, words.
_BORDERS = ("\n\n", "\n", "。！？!?…", "；;", "，,、：:", " \u3000")


@dataclass(frozen=True)
class Allowance:
    """Pieces that may be pushed after something the customer did, and how long."""

    pushes: int
    valid: timedelta


@dataclass(frozen=True)
class ChannelRules:
    """Limits of one channel; None where there is none.

    Attributes:
        max_length: Of one piece of text, in ``length_unit``.
        merge: The messages of one turn are sent as few pieces as possible.
        allowances: allowances[what the customer did]; empty: push at any time.
        per_second: Pieces a second to all customers, in each process.
        recipient_pause: Between two pieces to one customer.
        tries: Of one piece when the platform asks for patience.
    """

    max_length: int | None = None
    length_unit: LengthUnit = LengthUnit.CHARACTERS
    merge: bool = False
    allowances: Mapping[str, Allowance] = field(default_factory=dict)
    per_second: float | None = None
    recipient_pause: timedelta = timedelta(0)
    tries: int = 6

    def length(self, text: str) -> int:
        """Measure a text as the platform does."""
        return _MEASURES[self.length_unit](text)

    def split(self, text: str) -> tuple[str, ...]:
        """Cut a text into pieces that fit, at the best border within reach."""
        if self.max_length is None:
            return (text,)
        return split_text(text, self.max_length, self.length)


def split_text(text: str, limit: int, measure: Callable[[str], int]) -> tuple[str, ...]:
    """Cut ``text`` into pieces of at most ``limit``; nothing but blanks is dropped.

    Raises:
        ValueError: A single character is longer than the limit.
    """
    pieces: list[str] = []
    rest = text.strip()
    while measure(rest) > limit:
        head = rest[: _fitting(rest, limit, measure)]
        if not head:
            raise ValueError(f"no character fits into {limit}")
        cut = _cut(head)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return (*pieces, rest) if rest else tuple(pieces)


def _fitting(text: str, limit: int, measure: Callable[[str], int]) -> int:
    """Return how many characters fit."""
    low, high = 0, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle]) <= limit:
            low = middle
        else:
            high = middle - 1
    return low


def _cut(head: str) -> int:
    """Return where to cut: the best border that leaves no tiny piece."""
    shortest = len(head) // 3
    for marks in _BORDERS:
        if marks == "\n\n":
            at = head.rfind(marks) + len(marks) if marks in head else 0
        else:
            at = max(head.rfind(mark) for mark in marks) + 1
        if at > shortest:
            return at
    return len(head)


def load_rules(path: Path | None = None) -> Mapping[str, ChannelRules]:
    """Read channel_rules.yml, or another file of its shape.

    Raises:
        ValueError: Names the channel and what is wrong with it.
    """
    source = path or Path(__file__).with_name("channel_rules.yml")
    raw = yaml.safe_load(source.read_text(encoding="utf-8")) or {}
    return {name: _read(source.name, name, fields) for name, fields in raw.items()}


def _read(source: str, name: str, fields: Mapping[str, Any]) -> ChannelRules:
    values = dict(fields)
    try:
        if "allowances" in values:
            values["allowances"] = {
                trigger: Allowance(
                    int(each["pushes"]), timedelta(minutes=each["minutes"])
                )
                for trigger, each in values["allowances"].items()
            }
        if "recipient_pause" in values:
            pause = timedelta(seconds=values["recipient_pause"])
            values["recipient_pause"] = pause
        if "length_unit" in values:
            values["length_unit"] = LengthUnit(values["length_unit"])
        return ChannelRules(**values)
    except (AttributeError, KeyError, TypeError, ValueError) as err:
        raise ValueError(f"{source}, {name}: {err}") from err
