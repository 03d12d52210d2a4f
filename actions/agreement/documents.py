"""The bundled data files: settings, questions, papers, product sheets, topics.

In: the folder data/agreement. Out: plain values. An `AgreementError` names the file
and what is wrong with it; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from actions.agreement.blanks import fill_blanks
from actions.agreement.clauses import (
    Clause,
    DocumentVersion,
    ParsedClause,
    ParsedDocument,
    Product,
)
from actions.agreement.errors import AgreementError

Blanks = Mapping[str, Sequence[tuple[str, str]]]  # ref → [(blank, value)]


@dataclass(frozen=True)
class InsurerSettings:
    """settings.yml: version, first day, title, facts and the blanks' values."""

    version: str
    effective_from: date
    title: str
    facts: Mapping[str, Any]
    blanks: Blanks


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        AgreementError: when it is missing or not YAML.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as err:
        raise AgreementError(f"{path}: {err.strerror or err}") from err
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise AgreementError(f"{path}: not valid YAML: {err}") from err


def read_insurer_settings(path: Path) -> InsurerSettings:
    """Read settings.yml.

    Raises:
        AgreementError: when it is missing or a key is missing or wrong.
    """
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise AgreementError(f"{path}: expected keys and values")
    blanks: dict[str, list[tuple[str, str]]] = {}
    try:
        for entry in data.get("blanks") or []:
            value = "" if entry.get("value") is None else str(entry["value"])
            blanks.setdefault(str(entry["ref"]), []).append(
                (str(entry["blank"]), value)
            )
        return InsurerSettings(
            version=str(data["version"]),
            effective_from=as_date(data["effective_from"], path),
            title=str(data["title"]),
            facts=dict(data.get("facts") or {}),
            blanks=blanks,
        )
    except (KeyError, TypeError, AttributeError) as err:
        raise AgreementError(f"{path}: missing or misshapen: {err}") from err


def as_date(value: object, where: Path | str) -> date:
    """Read an ISO date from YAML or the command line.

    Raises:
        AgreementError: when it is none.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as err:
        raise AgreementError(f"{where}: {value!r} is no date (YYYY-MM-DD)") from err


@dataclass(frozen=True)
class QuestionFile:
    """questions.yml: customers' questions by clause.

    Args:
        version: imported version the service questions are written for; None: the
            bundled text. References of another text may mean something else.
        service: ref → questions of the service agreement.
        products: product → ref → questions.
    """

    version: str | None = None
    service: Mapping[str, list[str]] = field(default_factory=dict)
    products: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)


def read_questions(path: Path) -> QuestionFile:
    """Read questions.yml; empty when it does not exist: search works without it.

    Raises:
        AgreementError: when the file is not what it should be.
    """
    if not path.exists():
        return QuestionFile()
    data = read_yaml(path) or {}
    try:
        version = data.pop("version", None)
        products = {
            str(product): _string_lists(refs)
            for product, refs in (data.pop("products", None) or {}).items()
        }
        service = _string_lists(data)
    except (AttributeError, TypeError) as err:
        raise AgreementError(
            f"{path}: expected ref → list of questions ({err})"
        ) from err
    return QuestionFile(None if version is None else str(version), service, products)


def _string_lists(data: Mapping[Any, Any]) -> dict[str, list[str]]:
    return {
        str(key): [str(item) for item in items or []] for key, items in data.items()
    }


def product_of(code: str, parsed: ParsedDocument, path: Path) -> tuple[Product, str]:
    """Read a product's front matter.

    Args:
        code: document key, the file's stem.
        parsed: the parsed sheet.
        path: for messages.

    Returns:
        The product and the key its questions have in questions.yml.

    Raises:
        AgreementError: when the front matter lacks a key.
    """
    meta = parsed.front_matter
    try:
        source = DocumentVersion(
            code,
            str(meta["name"]),
            str(meta["version"]),
            as_date(meta["effective_from"], path),
        )
        label = str(meta.get("product") or meta["name"])
        aliases = tuple(str(alias) for alias in meta.get("aliases") or [])
        return Product(code, str(meta["name"]), label, aliases, source), label
    except KeyError as err:
        raise AgreementError(f"{path}: front matter lacks {err}") from err


def fill_clauses(
    parsed: Sequence[ParsedClause], source: DocumentVersion, blanks: Blanks
) -> tuple[Clause, ...]:
    """Make quotable clauses: fill blanks, keep the original wording beside."""
    clauses = []
    for clause in parsed:
        text, left = fill_blanks(clause.text, blanks.get(clause.ref, ()))
        clauses.append(
            Clause(
                source=source,
                ref=clause.ref,
                text=text,
                original=clause.text,
                title=clause.title,
                path=clause.path,
                parent=clause.parent,
                level=clause.level,
                has_children=clause.has_children,
                open_blanks=left,
            )
        )
    return tuple(clauses)
