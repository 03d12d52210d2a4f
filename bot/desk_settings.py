"""What an insurer sets for its desk, from data/desk/settings.yml.

In: the file. Out: `DeskSettings`; the defaults when there is no file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml

SETTINGS_FILE = Path("data/desk/settings.yml")  # below the project root
_LONGEST_LINE = 40  # code points of a phone number with a word beside it


@dataclass(frozen=True)
class DeskSettings:
    """Values of one insurer.

    Attributes:
        crisis_line: Phone for psychological aid, told to somebody in despair.
    """

    crisis_line: str = "12356"

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            ValueError: Names the file and what cannot be used in it.
        """
        if not path.is_file():
            return cls()
        try:
            raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            line = str(raw.get("crisis_line") or cls.crisis_line).strip()
        except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError) as err:
            raise ValueError(f"{path}: {err}") from err
        if not any(c.isdigit() for c in line) or len(line) > _LONGEST_LINE:
            raise ValueError(f"{path}: crisis_line is no phone number")
        return cls(line)
