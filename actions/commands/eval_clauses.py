"""``python -m actions eval-clauses FILE [--agreement FILE]``: measure clause search.

With ``--agreement`` the text is only parsed, never stored, and has no questions of its
own: what counts is how a text never seen before is searched.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from actions.agreement.clauses import Clause, DocumentVersion
from actions.agreement.documents import fill_clauses
from actions.agreement.encoder import use_all_cores
from actions.agreement.evaluating import Search, evaluate, read_rows, unknown_refs
from actions.agreement.importing import import_file
from actions.agreement.library import LibraryOpener
from actions.agreement.search import ClauseSearch
from actions.agreement.shelf import SERVICE
from actions.agreement.teaching import service_lessons
from actions.clock import SystemClock
from actions.errors import ActionsError
from actions.settings import read_settings


def register(subparsers: Any) -> None:
    """Add ``eval-clauses`` to the commands of ``python -m actions``."""
    parser = subparsers.add_parser("eval-clauses", help="measure clause search")
    parser.add_argument("file", type=Path, help="TSV with the columns question, ref")
    parser.add_argument("--agreement", type=Path, help="search this text instead")
    parser.add_argument(
        "--document", default=SERVICE, help="document to search (default: service)"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON document",
    )


def run(args: argparse.Namespace) -> int:
    """Measure; 0, or 1 when a file cannot be used."""
    use_all_cores()
    try:
        rows = read_rows(args.file)
        search, clauses = _search(args.agreement, args.document)
        for warning in unknown_refs(rows, clauses):
            sys.stderr.write(f"eval-clauses: {args.file}:{warning}\n")
        figures = evaluate(rows, search)
    except (ActionsError, ValueError) as err:
        sys.stderr.write(f"eval-clauses: {err}\n")
        return 1
    if getattr(args, "json", False):
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")
        return 0
    for error in figures.pop("errors"):
        shown = ", ".join(error["found"]) or "-"
        sys.stdout.write(f"{error['question']}\t{error['ref'] or '-'}\t{shown}\n")
    sys.stdout.write("".join(f"{name}: {value}\n" for name, value in figures.items()))
    return 0


def _search(agreement: Path | None, document: str) -> tuple[Search, Sequence[Clause]]:
    settings = read_settings()
    opener = LibraryOpener(settings)
    if agreement is None:
        library = opener.at(SystemClock(settings.clock).now())
        clauses = library.clauses(document)
        return lambda question: library.search(question, document), clauses
    parsed = import_file(agreement)
    source = DocumentVersion(SERVICE, parsed.title, "-", date(1970, 1, 1))
    filled = fill_clauses(parsed.clauses, source, {})
    reader = opener.reader()
    search = ClauseSearch(filled, service_lessons(filled, {}, reader), reader)
    return search.search, filled
