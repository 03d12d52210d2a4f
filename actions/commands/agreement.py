"""``python -m actions agreement import | show | index``: the insurer's own texts."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from actions.agreement.clauses import Clause, DocumentVersion, Note, ParsedDocument
from actions.agreement.commitments import commitments_of
from actions.agreement.documents import as_date, fill_clauses, read_insurer_settings
from actions.agreement.encoder import use_all_cores
from actions.agreement.errors import AgreementError
from actions.agreement.importing import import_file
from actions.agreement.library import ZONE, LibraryOpener
from actions.agreement.repository import AgreementRepository
from actions.agreement.shelf import SERVICE
from actions.clock import SystemClock
from actions.commands import add_json
from actions.database import build_engine
from actions.errors import ActionsError
from actions.promises import PROMISES
from actions.settings import Settings, read_settings


def register(subparsers: Any) -> None:
    """Add ``agreement`` to the commands of ``python -m actions``."""
    parser = subparsers.add_parser("agreement", help="texts that may be quoted")
    steps = parser.add_subparsers(dest="step", required=True)
    step = steps.add_parser("import", help="read a docx, txt or md file as a version")
    step.add_argument("file", type=Path)
    step.add_argument("--effective-from", help="first day in force, YYYY-MM-DD")
    step.add_argument("--document", default=SERVICE, help="service or a product code")
    step.add_argument("--label", help="name of the version, such as 2026.1")
    step.add_argument("--dry-run", action="store_true", help="report, store nothing")
    show = steps.add_parser("show", help="clauses of the version in force")
    show.add_argument("ref", nargs="?", help="such as 第三条(四)2; all when absent")
    show.add_argument("--document", default=SERVICE, help="service or a product")
    index = steps.add_parser("index", help="prepare the search, so no customer waits")
    for each in (step, show, index):
        add_json(each)


def run(args: argparse.Namespace) -> int:
    """Do the step; 0, or 1 when a file or the database failed."""
    settings = read_settings()
    steps = {"import": _import, "show": _show, "index": _index}
    try:
        done, lines = steps[args.step](args, settings)
    except (ActionsError, ValueError, OSError) as err:
        sys.stderr.write(f"agreement {args.step}: {err}\n")
        return 1
    if getattr(args, "json", False):
        sys.stdout.write(json.dumps(done, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _import(args: argparse.Namespace, settings: Settings) -> tuple[Any, list[str]]:
    now = SystemClock(settings.clock).now()
    parsed = import_file(args.file)
    source = _source(args, parsed, now.astimezone(ZONE).date())
    commitments = _commitments(parsed, source, settings)
    open_blanks = {blank.ref for blank in parsed.blanks}
    unreadable = [r for r in commitments["missing_commitments"] if r in open_blanks]
    reused = False
    if not args.dry_run:
        if unreadable:
            raise AgreementError(
                f"{args.file.name}: nothing was stored: {', '.join(unreadable)} promises "
                "no time that can be read; give its blank a number of hours or days in "
                "data/agreement/settings.yml"
            )
        repository = AgreementRepository(build_engine(settings))
        if not repository.is_ready():
            raise AgreementError("the tables are missing: run `db upgrade` first")
        explicit = args.effective_from is not None
        source, reused = repository.save(
            parsed, source, args.file.name, now, explicit_date=explicit
        )
    done = {
        "document": source.document,
        "version": source.version,
        "title": source.title,
        "effective_from": source.effective_from.isoformat(),
        "stored": not args.dry_run and not reused,
        "reused": reused,
        "clauses": [
            {"ref": c.ref, "text": c.text, "title": c.title} for c in parsed.clauses
        ],
        "blanks": [{"ref": b.ref, "text": b.text} for b in parsed.blanks],
        "parties": [_note(note) for note in parsed.parties],
        "skipped": [_note(note) for note in parsed.skipped],
        "unplaced": [_note(note) for note in parsed.unplaced],
        "truncated": parsed.truncated,
        **commitments,
    }
    for ref in commitments["missing_commitments"]:
        sys.stderr.write(
            f"agreement import: {ref} promises no time; fill its blank in "
            "data/agreement/settings.yml, until then nothing is promised by it\n"
        )
    return done, _report(done)


def _commitments(
    parsed: ParsedDocument, source: DocumentVersion, settings: Settings
) -> dict[str, Any]:
    """The time limits of the text with the insurer's blanks filled in, and the gaps."""
    if source.document != SERVICE:
        return {"commitments": [], "missing_commitments": []}
    insurer = read_insurer_settings(settings.data / "agreement" / "settings.yml")
    filled = fill_clauses(parsed.clauses, source, insurer.blanks)
    found = [one for clause in filled for one in commitments_of(clause)]
    promised = {one.ref for one in found}
    return {
        "commitments": [
            {
                "ref": one.ref,
                "trigger": one.trigger,
                "amount": one.amount,
                "unit": one.unit,
            }
            for one in found
        ],
        "missing_commitments": [ref for ref in PROMISES if ref not in promised],
    }


def _source(
    args: argparse.Namespace, parsed: ParsedDocument, today: date
) -> DocumentVersion:
    meta = parsed.front_matter
    wanted = args.effective_from or meta.get("effective_from") or today
    day = as_date(wanted, args.file.name)
    label = (
        args.label or meta.get("version") or f"{day.year}.{day.month:02}{day.day:02}"
    )
    title = str(meta.get("name") or parsed.title or args.file.stem)
    return DocumentVersion(args.document, title[:200], str(label)[:60], day)


def _note(note: Note) -> dict[str, Any]:
    shown: dict[str, Any] = {"text": note.text, "reason": note.reason}
    if note.line is not None:
        shown["line"] = note.line + 1
    if note.ref is not None:
        shown["ref"] = note.ref
    return shown


def _report(done: dict[str, Any]) -> list[str]:
    lines = [
        f"{name}: {done[name]}"
        for name in ("document", "version", "title", "effective_from", "stored")
    ]
    lines.append(f"clauses: {len(done['clauses'])}, truncated: {done['truncated']}")
    lines += [f"blank {b['ref']}: {b['text']}" for b in done["blanks"]]
    for name in ("skipped", "unplaced"):
        lines += [
            f"{name} ({n['reason']}): {n.get('ref') or n['text']}" for n in done[name]
        ]
    return lines


def _show(args: argparse.Namespace, settings: Settings) -> tuple[Any, list[str]]:
    library = LibraryOpener(settings).at(SystemClock(settings.clock).now())
    found: Sequence[Clause] = library.clauses(args.document)
    if args.ref is not None:
        clause = library.clause(args.ref, args.document)
        if clause is None:
            raise AgreementError(f"no clause {args.ref} in {args.document}")
        found = [clause]
    if not found:
        raise AgreementError(f"no document {args.document}")
    source = found[0].source
    done = {
        "document": source.document,
        "version": source.version,
        "title": source.title,
        "effective_from": source.effective_from.isoformat(),
        "clauses": [
            {
                "ref": clause.ref,
                "text": clause.text,
                "title": clause.title,
                "original": clause.original,
                "open_blanks": list(clause.open_blanks),
            }
            for clause in found
        ],
    }
    return done, [f"{clause.ref} {clause.text}" for clause in found]


def _index(args: argparse.Namespace, settings: Settings) -> tuple[Any, list[str]]:
    use_all_cores()
    started = time.monotonic()
    library = LibraryOpener(settings).at(SystemClock(settings.clock).now())
    library.warm()
    seconds = round(time.monotonic() - started, 1)
    done = {"documents": library.documents(), "seconds": seconds}
    return done, [f"indexed {len(library.documents())} documents in {seconds} s"]
