"""Words that bring a human whatever the bot answers, from data/desk/triggers.yml.

In: a customer's words. Out: the wish for a human that they stand for, or none.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml

from bot.desk_rules import Handoff, Priority

TRIGGERS_FILE = Path("data/desk/triggers.yml")  # below the project root
CRISIS = "crisis"  # an answer of the desk's own instead of the bot's
_MARKS = re.compile(r"[，,。.；;：:！!？?、…~～—\n]+")
_SPACES = re.compile(r"(?<![a-z])\s+|\s+(?![a-z])")
_GAPS = re.compile(r"[ \u3000\t]{1,8}")
# A message is looked at so far (code points), and a negation this far before a word.
_LONGEST = 2000
_PREFIX = 20
_GONE = "□"  # in place of harmless words


@dataclass(frozen=True)
class Trigger:
    """One entry of the file; see there.

    Attributes:
        answer: `CRISIS`, or None where the bot's own answer is given.
    """

    handoff: Handoff
    words: tuple[str, ...]
    harmless: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    not_with: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    alone: bool = False
    answer: str | None = None


@dataclass(frozen=True)
class Triggers:
    """All triggers; of those that fit the strongest counts, of equals the first."""

    rows: tuple[Trigger, ...] = ()
    negation: re.Pattern[str] | None = None
    beside: re.Pattern[str] = field(default=re.compile(""))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file; none when there is no file.

        Raises:
            ValueError: Names the file and the trigger that cannot be used.
        """
        if not path.is_file():
            return cls()
        try:
            raw = yaml.safe_load(path.read_text(encoding="utf-8"))
            rows = raw["triggers"] or ()
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
            raise ValueError(f"{path}: {err}") from err
        except (KeyError, TypeError) as err:
            raise ValueError(f"{path}: there is no list named triggers") from err
        try:
            read = tuple(_read(row, n) for n, row in enumerate(rows, 1))
            return cls(read, _negation(raw.get("negated")), _beside(raw.get("beside")))
        except (KeyError, TypeError, ValueError, AttributeError) as err:
            raise ValueError(f"{path}: {type(err).__name__}: {err}") from err

    def of(self, texts: Iterable[str | None]) -> Handoff | None:
        """Return the wish that a customer's words stand for."""
        found = self.find(texts)
        return None if found is None else found.handoff

    def find(self, texts: Iterable[str | None]) -> Trigger | None:
        """Return the strongest trigger in a customer's words."""
        # Customers part words with spaces (不想 活了) and clauses too (割腕了 血止不住).
        said = [(_even(t), _even(_GAPS.sub("，", t))) for t in texts if t]
        fitting = [
            row
            for row in self.rows
            if any(
                self._fits(row, parted if row.alone else text) for text, parted in said
            )
        ]
        return max(fitting, key=lambda r: r.handoff.priority.rank, default=None)

    def _fits(self, row: Trigger, text: str) -> bool:
        if any(word in text for word in row.unless):
            return False
        return any(self._stands(row, clause) for clause in _MARKS.split(text))

    def _stands(self, row: Trigger, clause: str) -> bool:
        """Whether one of the words stands in a clause as it is meant."""
        if any(word in clause for word in row.not_with):
            return False
        for harmless in row.harmless:
            clause = clause.replace(harmless, _GONE)
        return any(
            self._counts(row, clause[:start], clause[start + len(word) :])
            for word in row.words
            for start in _places(word, clause)
        )

    def _counts(self, row: Trigger, before: str, behind: str) -> bool:
        if row.before and not before.endswith(row.before):
            return False
        if row.alone and not all(map(self.beside.fullmatch, (before, behind))):
            return False
        near = self.negation and len(before) <= _PREFIX
        return not (near and self.negation and self.negation.fullmatch(before))


def _places(word: str, clause: str) -> Iterator[int]:
    start = clause.find(word)
    while start >= 0:
        yield start
        start = clause.find(word, start + 1)


def _even(text: str) -> str:
    """Half-width, lower case, without the spaces between Chinese characters."""
    plain = unicodedata.normalize("NFKC", text[:_LONGEST]).lower()
    return _SPACES.sub("", plain.replace("\n", "，"))


def _read(row: object, number: int) -> Trigger:
    if not isinstance(row, dict) or not isinstance(row.get("words"), list):
        raise ValueError(f"trigger {number} has a reason and a list of words")
    words = _list(row, "words")
    if not words or not all(words):
        raise ValueError(f"trigger {number} has an empty word")
    priority = Priority(row.get("priority", "normal"))
    skill, answer = row.get("skill"), row.get("answer")
    if answer not in (None, CRISIS):
        raise ValueError(f"trigger {number} has an unknown answer")
    return Trigger(
        Handoff(str(row["reason"]), priority, skill and str(skill)),
        words,
        _list(row, "harmless"),
        _list(row, "before"),
        _list(row, "not_with"),
        _list(row, "unless"),
        bool(row.get("alone")),
        answer,
    )


def _list(row: dict[str, Any], key: str) -> tuple[str, ...]:
    return tuple(str(word).strip() for word in row.get(key) or ())


def _one_of(words: Iterable[object]) -> str:
    ordered = sorted((str(word) for word in words), key=len, reverse=True)
    return "(?:" + "|".join(map(re.escape, ordered)) + ")"


def _negation(raw: dict[str, Any] | None) -> re.Pattern[str] | None:
    """What stands before a word that is negated; every repeat is bounded."""
    if not raw:
        return None
    lead, words, filler = (_one_of(raw[k]) for k in ("lead", "words", "filler"))
    return re.compile(rf"{lead}{{0,4}}{words}{filler}{{0,3}}")


def _beside(raw: list[Any] | None) -> re.Pattern[str]:
    return re.compile(rf"{_one_of(raw)}{{0,5}}" if raw else "")
