"""Words that bring a human whatever the bot answers, from data/desk/triggers.yml.

In: a customer's words. Out: the wish for a human that they stand for, or none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml

from bot.desk_rules import Handoff, Priority

TRIGGERS_FILE = Path("data/desk/triggers.yml")  # below the project root


@dataclass(frozen=True)
class Triggers:
    """All triggers, in the order of the file; the first that fits counts."""

    rows: tuple[tuple[tuple[str, ...], Handoff], ...] = ()

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
            return cls(tuple(_read(row, n) for n, row in enumerate(rows, 1)))
        except (KeyError, TypeError, ValueError) as err:
            raise ValueError(f"{path}: {type(err).__name__}: {err}") from err

    def of(self, texts: Iterable[str | None]) -> Handoff | None:
        """Return the wish that a customer's words stand for."""
        said = "\n".join(text for text in texts if text)
        for words, handoff in self.rows:
            if any(word in said for word in words):
                return handoff
        return None


def _read(row: object, number: int) -> tuple[tuple[str, ...], Handoff]:
    if not isinstance(row, dict) or not isinstance(row.get("words"), list):
        raise ValueError(f"trigger {number} has a reason and a list of words")
    words = tuple(str(word).strip() for word in row["words"])
    if not words or not all(words):
        raise ValueError(f"trigger {number} has an empty word")
    priority = Priority(row.get("priority", "normal"))
    skill = row.get("skill")
    return words, Handoff(str(row["reason"]), priority, skill and str(skill))
