"""What agents write often, from data/desk/templates.yml."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml

TEMPLATES_FILE = Path("data/desk/templates.yml")  # below the project root
CATEGORIES_FILE = Path("data/desk/categories.yml")
_SAMPLE = "x"
_Row = TypeVar("_Row")


@dataclass(frozen=True)
class Template:
    """A sentence with a shortcut; ``{agent}`` stands for the agent's title."""

    shortcut: str
    text: str

    def filled(self, agent: str) -> str:
        """Return the sentence for one agent."""
        return self.text.format(agent=agent)


def load_templates(path: Path) -> tuple[Template, ...]:
    """Read the file; none when there is no file.

    Raises:
        ValueError: Names the file and the template that cannot be used.
    """
    return _load(path, "templates", _template)


def _template(row: object, number: int) -> Template:
    if not isinstance(row, dict):
        raise ValueError(f"template {number} has a shortcut and a text")
    found = Template(str(row["shortcut"]), str(row["text"]))
    try:
        found.filled(_SAMPLE)
    except (KeyError, IndexError, ValueError) as err:
        raise ValueError(f"template {number}: only {{agent}} can be filled in") from err
    return found


def load_categories(path: Path) -> tuple[str, ...]:
    """Read what a conversation can have been about; none when there is no file.

    Raises:
        ValueError: Names the file that cannot be used.
    """
    return _load(path, "categories", lambda row, _: str(row))


def _load(
    path: Path, key: str, read: Callable[[object, int], _Row]
) -> tuple[_Row, ...]:
    """Read the list under a key, each row with its number from 1 on."""
    if not path.is_file():
        return ()
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))[key]
        return tuple(read(row, number) for number, row in enumerate(rows, 1))
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as err:
        raise ValueError(f"{path}: {type(err).__name__}: {err}") from err


def shown(templates: Sequence[Template], agent: str) -> list[dict[str, str]]:
    """Return the templates as the console gets them."""
    return [{"shortcut": t.shortcut, "text": t.filled(agent)} for t in templates]
