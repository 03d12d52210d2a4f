"""Evaluation files (TSV): sentences with the right intent, or with their entities.

In: a path. Out: rows. A file that cannot be right is refused with its line number.
"""

import csv
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bot.errors import BaokeError

Row = TypeVar("Row")
LEFT_OUT = "none"  # a row with this intent is not counted


class BadEvaluationFile(BaokeError):
    """The file cannot be used; the text names it and the line."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}:{line}: {problem}")


@dataclass(frozen=True)
class IntentRow:
    """One sentence.

    Attributes:
        text: What the customer said.
        intent: The right intent.
        acceptable: Further ones that are right too.
    """

    text: str
    intent: str
    acceptable: frozenset[str] = frozenset()


@dataclass(frozen=True, order=True)
class Span:
    """One entity in a text; ``end`` is exclusive, both count code points."""

    entity: str
    start: int
    end: int


@dataclass(frozen=True)
class EntityRow:
    """One sentence and the entities in it."""

    text: str
    spans: frozenset[Span]


def read_intent_rows(path: Path, intents: Collection[str]) -> list[IntentRow]:
    """Read columns ``text, intent[, acceptable]``; further ones are ignored.

    Args:
        path: UTF-8, tab separated, first line names the columns.
        intents: The names the assistant knows.

    Raises:
        BadEvaluationFile: A column or value is missing, or an intent is unknown.
    """
    known = {*intents, LEFT_OUT}
    rows: list[IntentRow] = []
    for line, row in _read_table(path, ("text", "intent")):
        intent = row["intent"].strip()
        others = [x.strip() for x in row.get("acceptable", "").split("|") if x.strip()]
        for name in (intent, *others):
            if name not in known:
                said = f"unknown intent {name!r}" if name else "no intent"
                raise BadEvaluationFile(path, line, said)
        if intent != LEFT_OUT:
            rows.append(IntentRow(row["text"], intent, frozenset(others)))
    return _some(path, rows)


def read_entity_rows(path: Path, entities: Collection[str]) -> list[EntityRow]:
    """Read columns ``text, entities_json``; further ones are ignored.

    ``entities_json`` is a list of ``{"entity", "value", "start", "end"}``.

    Args:
        path: UTF-8, tab separated, first line names the columns.
        entities: The names that are scored.

    Raises:
        BadEvaluationFile: A column is missing, the JSON is broken, an entity is
            unknown, or a value is not what stands between its offsets.
    """
    rows: list[EntityRow] = []
    for line, row in _read_table(path, ("text", "entities_json")):
        try:
            found = json.loads(row["entities_json"] or "[]")
            if not isinstance(found, list):
                raise ValueError("entities_json is not a list")
            spans = [_read_span(row["text"], item, entities) for item in found]
        except ValueError as err:
            raise BadEvaluationFile(path, line, str(err)) from err
        rows.append(EntityRow(row["text"], frozenset(spans)))
    return _some(path, rows)


def _read_span(text: str, item: Any, entities: Collection[str]) -> Span:
    if not isinstance(item, dict):
        raise ValueError(f"an entity must be an object, not {item!r}")
    entity, start, end = (item.get(key) for key in ("entity", "start", "end"))
    if not isinstance(entity, str) or entity not in entities:
        raise ValueError(f"unknown entity {entity!r}")
    if type(start) is not int or type(end) is not int:
        raise ValueError(f"{entity}: start and end must be whole numbers")
    if not 0 <= start < end <= len(text):
        raise ValueError(f"{entity}: {start}-{end} lies outside the text")
    value = item.get("value")
    if value is not None and value != text[start:end]:
        raise ValueError(
            f"{entity}: value {value!r} is not what stands at {start}-{end}: "
            f"{text[start:end]!r}"
        )
    return Span(entity, start, end)


def read_sentences(path: Path) -> list[str]:
    """Read one sentence a line, or the ``text`` column of a TSV file with one.

    Raises:
        BadEvaluationFile: It cannot be read or holds nothing.
    """
    lines = _read_lines(path)
    if lines and "text" in lines[0][1].split("\t"):
        return _some(path, [row["text"] for _, row in _read_table(path, ("text",))])
    return _some(path, [text for _, text in lines if text.strip()])


def _some(path: Path, rows: list[Row]) -> list[Row]:
    if not rows:
        raise BadEvaluationFile(path, 1, "there is no row to work on")
    return rows


def _read_lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as err:
        line = path.read_bytes()[: err.start].count(b"\n") + 1
        raise BadEvaluationFile(path, line, "not UTF-8") from err
    except OSError as err:
        raise BadEvaluationFile(path, 0, err.strerror or str(err)) from err
    # Not splitlines(): a customer's text may hold U+2028 or a form feed.
    lines = text.replace("\r\n", "\n").split("\n")
    return [(number, line) for number, line in enumerate(lines, start=1) if line]


def _read_table(
    path: Path, required: tuple[str, ...]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and row by column name."""
    lines = _read_lines(path)
    quoted = _is_quoted(lines)
    header: list[str] | None = None
    for number, line in lines:
        cells = _unquote(line) if quoted else line.split("\t")
        if header is None:
            header = [cell.strip() for cell in cells]
            if missing := [name for name in required if name not in header]:
                raise BadEvaluationFile(
                    path,
                    number,
                    f"no column {', '.join(missing)}; the first line must name the "
                    f"columns {', '.join(required)}, separated by tabs",
                )
            continue
        wanted = max(header.index(name) for name in required) + 1
        if len(cells) < wanted:
            raise BadEvaluationFile(
                path, number, f"{len(cells)} columns, at least {wanted} are needed"
            )
        yield number, dict(zip(header, cells, strict=False))


def _is_quoted(lines: list[tuple[int, str]]) -> bool:
    """Whether a program put quotes round cells, doubling those inside.

    A customer's own quotes are not doubled, so they are told apart.
    """
    cells = [cell for _, line in lines for cell in line.split("\t")]
    opened = [cell for cell in cells if cell.startswith('"')]
    return any('""' in cell for cell in opened) and all(
        len(cell) > 1
        and cell.endswith('"')
        and not cell[1:-1].replace('""', "").count('"')
        for cell in opened
    )


def _unquote(line: str) -> list[str]:
    return next(csv.reader([line], delimiter="\t"))
