"""``python -m actions agreement import``: reads a file and takes it into force."""

from __future__ import annotations

import argparse
import re
from datetime import date
from pathlib import Path
from typing import Any

from actions.agreement.clauses import Clause, DocumentVersion, Note, ParsedDocument
from actions.agreement.commitments import commitments_of
from actions.agreement.comparing import (
    Contents,
    Loss,
    contents_of_product,
    contents_of_service,
    loss,
)
from actions.agreement.documents import (
    InsurerSettings,
    as_date,
    fill_clauses,
    read_insurer_settings,
)
from actions.agreement.errors import AgreementError
from actions.agreement.examples import QuestionReader
from actions.agreement.importing import import_file
from actions.agreement.kinds import judge, read_kind_words
from actions.agreement.library import LibraryOpener
from actions.agreement.repository import AgreementRepository, beijing_day
from actions.agreement.shelf import SERVICE
from actions.clock import SystemClock
from actions.commands.agreement_choice import document_of
from actions.database import build_engine
from actions.promises import PROMISES
from actions.settings import Settings

KINDS = ("service", "product")
_COMPANY = re.compile(
    r"[\u4e00-\u9fff()（）]{2,20}(?:保险|人寿)[\u4e00-\u9fff]{0,12}公司"
)


def import_document(
    args: argparse.Namespace, settings: Settings
) -> tuple[Any, list[str]]:
    """Read a file, say what it is and what changes, and store it.

    Raises:
        AgreementError: when it cannot be read or its kind is doubtful.
        StoreError: when the database fails.
    """
    now = SystemClock(settings.clock).now()
    today = beijing_day(now)
    parsed = import_file(args.file)
    folder = settings.data / "agreement"
    insurer = read_insurer_settings(folder / "settings.yml")
    opener = LibraryOpener(settings)
    library = opener.at(now)
    judged = judge(parsed, read_kind_words(folder))
    warnings: list[str] = []
    refused = ""
    try:
        document = document_of(args, parsed, judged, library, warnings)
    except AgreementError as err:
        if not args.dry_run:
            raise AgreementError(f"{args.file.name}: {err}") from err
        refused = str(err)
        document = SERVICE if judged.kind != "product" else "product"
    source = _source(args, parsed, document, today)
    before = library.clauses(document)
    blanks = insurer.blanks if document == SERVICE else {}
    after = fill_clauses(parsed.clauses, source, blanks)
    reader = opener.reader()
    contents = _contents(document, after, reader, warnings)
    lost = _lost(document, before, contents, reader)
    commitments = _commitments(after, contents) if document == SERVICE else _NONE
    open_blanks = {blank.ref for blank in parsed.blanks}
    unreadable = [
        ref
        for ref in commitments["missing_commitments"]
        if ref in open_blanks and ref not in commitments["promised"]
    ]
    reused = in_force = False
    if not args.dry_run:
        if unreadable:
            raise AgreementError(
                f"{args.file.name}: nothing was stored: {', '.join(unreadable)} promises "
                "no time that can be read; give its blank a number of hours or days in "
                "data/agreement/settings.yml"
            )
        repository = ready_repository(settings)
        explicit = args.effective_from is not None
        source, reused = repository.save(
            parsed, source, args.file.name, now, explicit_date=explicit
        )
        held = repository.in_force(source.document, today)
        in_force = held is not None and held.source.version == source.version
        warnings += _not_in_force(source, in_force, before, today)
    replaced = before[0].source if before else None
    changes = replaced is not None and not _same_text(before, after)
    if document == SERVICE:
        warnings += _another_insurer(parsed, insurer)
    warnings += [
        f"{ref} {why}; the bot makes promises by it"
        for ref, why in contents.unkept.items()
    ]
    if changes and lost:
        warnings += loss_lines(lost)
    done = {
        "document": source.document,
        "kind": _kind(source.document),
        "judged": judged.kind,
        "reason": judged.reason,
        "refused": refused,
        "version": source.version,
        "title": source.title,
        "effective_from": source.effective_from.isoformat(),
        "stored": not args.dry_run and not reused,
        "reused": reused,
        "in_force": in_force,
        "replaces": _version(replaced) if replaced and changes else None,
        "clauses": [
            {"ref": c.ref, "text": c.text, "title": c.title} for c in parsed.clauses
        ],
        "blanks": [{"ref": b.ref, "text": b.text} for b in parsed.blanks],
        "parties": [_note(note) for note in parsed.parties],
        "skipped": [_note(note) for note in parsed.skipped],
        "unplaced": [_note(note) for note in parsed.unplaced],
        "truncated": parsed.truncated,
        "topics": dict(contents.topics),
        "lost_topics": list(lost.topics) if changes else [],
        "commitments": commitments["commitments"],
        "missing_commitments": commitments["missing_commitments"],
        "warnings": warnings,
    }
    return done, _report(done)


_NONE: dict[str, Any] = {"commitments": [], "missing_commitments": [], "promised": []}


def ready_repository(settings: Settings) -> AgreementRepository:
    """The stored versions.

    Raises:
        AgreementError: when the tables are missing.
        StoreError: when the database fails.
    """
    repository = AgreementRepository(build_engine(settings))
    if not repository.is_ready():
        raise AgreementError("the tables are missing: run `db upgrade` first")
    return repository


def loss_lines(lost: Loss) -> list[str]:
    """What is lost, in words for an operator."""
    lines = []
    if lost.topics:
        lines.append(
            f"{len(lost.topics)} topics that the text before has are not in it: "
            + ", ".join(lost.topics)
        )
    return lines + [f"another time limit: {line}" for line in lost.limits]


def _kind(document: str) -> str:
    return "service" if document == SERVICE else "product"


def _contents(
    document: str,
    clauses: tuple[Clause, ...],
    reader: QuestionReader,
    warnings: list[str],
) -> Contents:
    try:
        if document == SERVICE:
            return contents_of_service(clauses, reader)
        return contents_of_product(clauses, reader)
    except (AgreementError, OSError) as err:
        warnings.append(f"its topics were not compared: {err}")
        return Contents({}, {}, {})


def _lost(
    document: str,
    before: tuple[Clause, ...],
    contents: Contents,
    reader: QuestionReader,
) -> Loss:
    if not before or not contents.topics:
        return Loss((), ())
    return loss(_contents(document, before, reader, []), contents)


def _commitments(clauses: tuple[Clause, ...], contents: Contents) -> dict[str, Any]:
    """The time limits of the filled text, and the promises it does not give."""
    found = [one for clause in clauses for one in commitments_of(clause)]
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
        "missing_commitments": [
            ref for ref in PROMISES if ref not in promised or ref in contents.unkept
        ],
        "promised": sorted(promised),
    }


def _source(
    args: argparse.Namespace, parsed: ParsedDocument, document: str, today: date
) -> DocumentVersion:
    meta = parsed.front_matter
    wanted = args.effective_from or meta.get("effective_from") or today
    day = as_date(wanted, args.file.name)
    label = (
        args.label or meta.get("version") or f"{day.year}.{day.month:02}{day.day:02}"
    )
    title = str(meta.get("name") or parsed.title or Path(args.file).stem)
    return DocumentVersion(document, title[:200], str(label)[:60], day)


def _not_in_force(
    source: DocumentVersion, in_force: bool, before: tuple[Clause, ...], today: date
) -> list[str]:
    if in_force:
        return []
    held = before[0].source.version if before else "none"
    if source.effective_from > today:
        first = source.effective_from.isoformat()
        return [
            f"version {held} stays in force until {source.version} begins on {first}"
        ]
    return [
        f"version {held} stays in force, its first day is later; "
        f"`agreement use {source.version}` takes {source.version} into force"
    ]


def _same_text(before: tuple[Clause, ...], after: tuple[Clause, ...]) -> bool:
    return [(c.ref, c.original) for c in before] == [(c.ref, c.original) for c in after]


def _another_insurer(parsed: ParsedDocument, insurer: InsurerSettings) -> list[str]:
    """Whether the parties name another company than settings.yml."""
    own = str(insurer.facts.get("company") or "")
    short = str(insurer.facts.get("company_short") or own)
    said = "\n".join([parsed.title, *(note.text for note in parsed.parties)])
    named = _COMPANY.findall(said)
    if not own or not named or own in said or short in said:
        return []
    return [
        f"it names {named[0]} as the insurer, data/agreement/settings.yml names {own}: "
        "its hotline, hours and blanks are those of settings.yml"
    ]


def _version(source: DocumentVersion) -> dict[str, str]:
    return {
        "version": source.version,
        "title": source.title,
        "effective_from": source.effective_from.isoformat(),
    }


def _note(note: Note) -> dict[str, Any]:
    shown: dict[str, Any] = {"text": note.text, "reason": note.reason}
    if note.line is not None:
        shown["line"] = note.line + 1
    if note.ref is not None:
        shown["ref"] = note.ref
    return shown


def _report(done: dict[str, Any]) -> list[str]:
    named = (
        "document",
        "kind",
        "version",
        "title",
        "effective_from",
        "stored",
        "reused",
    )
    lines = [f"{name}: {done[name]}" for name in (*named, "in_force")]
    if done["refused"]:
        lines.append(f"would be refused: {done['refused']}")
    if done["replaces"]:
        old = done["replaces"]
        verb = "replaces" if done["in_force"] else "would replace"
        lines.append(f"{verb} version {old['version']}: {old['title']}")
    lines.append(f"clauses: {len(done['clauses'])}, truncated: {done['truncated']}")
    lines += [f"blank {b['ref']}: {b['text']}" for b in done["blanks"]]
    for name in ("skipped", "unplaced"):
        lines += [
            f"{name} ({n['reason']}): {n.get('ref') or n['text']}" for n in done[name]
        ]
    return lines
