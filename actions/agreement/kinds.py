"""Judges what kind of document was read: service agreement, product clauses, neither.

In: a parsed document and the words of kinds.yml. Out: a judgement with its reason. The
title and the contents must say the same; otherwise the kind is doubtful.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from actions.agreement.clauses import ParsedDocument
from actions.agreement.documents import read_yaml
from actions.agreement.errors import AgreementError
from actions.agreement.words import normalise

Kind = Literal["service", "product", "doubtful"]
FILE = "kinds.yml"
_HEADING = 16  # characters; longer first lines name nothing
_TITLE = 30  # characters; longer lines are no title
_NAMED = 6  # marks a reason names at most


@dataclass(frozen=True)
class Judgement:
    """A kind, and how it was told in words for an operator."""

    kind: Kind
    reason: str


@dataclass(frozen=True)
class KindWords:
    """kinds.yml."""

    titles: Mapping[str, Sequence[str]]
    endings: Sequence[str]
    plain: Sequence[str]
    insurance: Sequence[str]
    marks: Mapping[str, Sequence[str]]
    least: Mapping[str, int]


def read_kind_words(folder: Path) -> KindWords:
    """Read kinds.yml.

    Raises:
        AgreementError: when it is missing or misshapen.
    """
    data: Any = read_yaml(folder / FILE)
    try:
        return KindWords(
            titles={str(k): [str(w) for w in v] for k, v in data["titles"].items()},
            endings=[str(word) for word in data["product_endings"]],
            plain=[str(word) for word in data["plain"]],
            insurance=[str(word) for word in data["insurance"]],
            marks={str(k): [str(w) for w in v] for k, v in data["marks"].items()},
            least={str(k): int(v) for k, v in data["min_marks"].items()},
        )
    except (KeyError, TypeError, AttributeError, ValueError) as err:
        raise AgreementError(f"{folder / FILE}: misshapen: {err!r}") from err


def judge(parsed: ParsedDocument, words: KindWords) -> Judgement:
    """Tell the kind of a document by its title and its contents."""
    title, titled = _title(parsed, words)
    text = normalise("\n".join(c.text for c in parsed.clauses))
    headings = {heading for c in parsed.clauses if (heading := _heading(c.text))}
    speaks = [word for word in words.marks["service"] if word in text]
    names = [w for w in words.marks["product"] if any(w in h for h in headings)]
    found = (
        f"title {title or '(none)'!s} says {titled or 'nothing'}; it speaks of "
        f"{len(speaks)} matters of a service agreement{_some(speaks)} and its headings "
        f"name {len(names)} of product clauses{_some(names)}"
    )
    kind = _weigh(titled, len(speaks), len(names), words.least)
    if kind == "service" and title not in words.plain:
        rest = title + text
        if not any(word in rest for word in words.insurance):
            return Judgement("doubtful", f"{found}; nothing in it speaks of insurance")
    return Judgement(kind, found)


def _weigh(
    titled: str | None, speaks: int, names: int, least: Mapping[str, int]
) -> Kind:
    many = names >= least["product"]
    if titled == "service":
        return "service" if speaks >= least["service"] and not many else "doubtful"
    if titled == "product":
        return "product" if names or speaks < least["service"] else "doubtful"
    if titled is None and many:
        return "product"
    if titled is None and speaks >= least["untitled_service"]:
        return "service"
    return "doubtful"


def _title(parsed: ParsedDocument, words: KindWords) -> tuple[str, str | None]:
    """The title, or the first short line before the articles that says a kind."""
    title = normalise(str(parsed.front_matter.get("name") or parsed.title))
    if title:
        return title, _titled(title, words)
    first = min((c.lines[0] for c in parsed.clauses if c.lines), default=0)
    notes = sorted(
        (note.line, note.text)
        for note in (*parsed.parties, *parsed.skipped, *parsed.unplaced)
        if note.line is not None and note.line < first
    )
    for _, text in notes:
        line = normalise(text)
        if len(line) <= _TITLE and (kind := _titled(line, words)):
            return line, kind
    return "", None


def _titled(title: str, words: KindWords) -> str | None:
    for kind, said in words.titles.items():
        if any(word in title for word in said):
            return kind
    return "product" if title.endswith(tuple(words.endings)) else None


def _heading(text: str) -> str:
    """The part of a clause that names what it is about, if it is short."""
    first = normalise(text.partition("\n")[0])
    name = first.partition(":")[0]
    return name if len(name) <= _HEADING else ""


def _some(marks: Sequence[str]) -> str:
    if not marks:
        return ""
    more = ", …" if len(marks) > _NAMED else ""
    return f" ({', '.join(marks[:_NAMED])}{more})"
