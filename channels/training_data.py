"""Looks at the training data before Rasa does, for errors with file and line.

In: data/nlu and the domain of a checkout. Out: nothing, or every problem found. Rasa
itself trains happily on an intent that the domain lacks and names no line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.errors import BaokeError
from channels.places import Places

MAX_TOLD = 20  # problems in one error
_KINDS = ("intent", "synonym", "regex", "lookup")
_MARKS = re.compile(r"[^\w]")


class BadTrainingData(BaokeError):
    """The data cannot be trained on; the text names files and lines."""


@dataclass(frozen=True)
class Example:
    """One sentence of the training data."""

    text: str
    intent: str
    path: Path
    line: int


@dataclass(frozen=True)
class _Block:
    """One entry of an NLU file: its kind and name, and where its examples begin."""

    kind: str
    name: str
    line: int
    examples: Any  # yaml.Node | None


def check_training_data(places: Places) -> None:
    """Look for what would spoil a training.

    Raises:
        BadTrainingData: Files that are no YAML or of another shape, intents the domain
            lacks or that have no example, sentences that stand under two intents.
    """
    problems: list[str] = []
    domain = _domain_intents(places, problems)
    examples = list(_read(places, problems))
    if not problems:  # a file that could not be read would make all this wrong
        problems += _disagreements(places, domain, examples)
    if problems:
        more = len(problems) - MAX_TOLD
        shown = problems[:MAX_TOLD] + ([f"and {more} more"] if more > 0 else [])
        raise BadTrainingData("\n".join(shown))


def _disagreements(
    places: Places, domain: dict[str, str], examples: list[Example]
) -> Iterator[str]:
    used = _first_of_each(examples)
    for name, first in used.items():
        if name not in domain:
            where = _where(places, first.path, first.line)
            yield f"{where}: intent '{name}' is not in the domain"
    for name, where in domain.items():
        if name not in used:
            yield f"{where}: intent '{name}' has no example below data/nlu"
    for example in examples:
        if example.text.startswith("/"):
            where = _where(places, example.path, example.line)
            yield f"{where}: '{example.text}' reads as a button's payload, not as words"
    yield from _contradictions(places, examples)


def _read(places: Places, problems: list[str]) -> Iterator[Example]:
    for path in sorted((places.root / "data" / "nlu").rglob("*.yml")):
        try:
            blocks = list(_blocks(path))
        except (OSError, ValueError, yaml.YAMLError) as err:
            problems.append(f"{_where(places, path, _line_of(err))}: {_brief(err)}")
            continue
        for block in blocks:
            if block.kind == "intent":
                yield from _examples(path, block)


def _blocks(path: Path) -> Iterator[_Block]:
    root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    if root is None:
        return
    for key, value in _pairs(root, "a file"):
        if key.value != "nlu":
            continue
        if not isinstance(value, yaml.SequenceNode):
            raise _Misshaped("'nlu' must be a list", value)
        for item in value.value:
            entries = {k.value: v for k, v in _pairs(item, "an entry of 'nlu'")}
            kind = next((k for k in _KINDS if k in entries), None)
            if kind is None:
                raise _Misshaped(f"an entry needs one of {', '.join(_KINDS)}", item)
            line = item.start_mark.line + 1
            yield _Block(kind, entries[kind].value, line, entries.get("examples"))


def _pairs(node: Any, what: str) -> list[tuple[Any, Any]]:
    if not isinstance(node, yaml.MappingNode):
        raise _Misshaped(f"{what} must be a mapping", node)
    pairs: list[tuple[Any, Any]] = node.value
    return pairs


def _examples(path: Path, block: _Block) -> Iterator[Example]:
    node = block.examples
    if not isinstance(node, yaml.ScalarNode):
        return
    first = node.start_mark.line + 2  # the text begins below its mark "|"
    for offset, line in enumerate(node.value.split("\n")):
        text = line.strip().removeprefix("-").strip()
        if text:
            yield Example(text, block.name, path, first + offset)


def _domain_intents(places: Places, problems: list[str]) -> dict[str, str]:
    """Return the domain's intents and where each stands."""
    found: dict[str, str] = {}
    for path in sorted((places.assistant / "domain").rglob("*.yml")):
        try:
            root = yaml.compose(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
            pairs = _pairs(root, "a domain file") if root else []
        except (OSError, ValueError, yaml.YAMLError) as err:
            problems.append(f"{_where(places, path, _line_of(err))}: {_brief(err)}")
            continue
        for key, value in pairs:
            if key.value != "intents" or not isinstance(value, yaml.SequenceNode):
                continue
            for item in value.value:
                # An intent is a name, or a name with settings.
                named = item.value[0][0] if not isinstance(item.value, str) else item
                line = item.start_mark.line + 1
                found[named.value] = _where(places, path, line)
    return found


def _first_of_each(examples: list[Example]) -> dict[str, Example]:
    found: dict[str, Example] = {}
    for example in examples:
        found.setdefault(example.intent, example)
    return found


def _contradictions(places: Places, examples: list[Example]) -> Iterator[str]:
    seen: dict[str, Example] = {}
    for example in examples:
        plain = _MARKS.sub("", example.text).lower() or example.text
        other = seen.setdefault(plain, example)
        if other.intent != example.intent:
            yield (
                f"{_where(places, example.path, example.line)}: '{example.text}' is "
                f"{example.intent} here and {other.intent} at "
                f"{_where(places, other.path, other.line)}"
            )


class _Misshaped(ValueError):
    def __init__(self, problem: str, node: Any) -> None:
        super().__init__(problem)
        self.line = node.start_mark.line + 1


def _line_of(err: Exception) -> int:
    mark = getattr(err, "problem_mark", None)
    return int(getattr(err, "line", 0)) or (mark.line + 1 if mark else 1)


def _brief(err: Exception) -> str:
    if isinstance(err, UnicodeDecodeError):
        return "not UTF-8"
    return str(getattr(err, "problem", None) or err)


def _where(places: Places, path: Path, line: int) -> str:
    return f"{path.relative_to(places.root)}:{line}"
