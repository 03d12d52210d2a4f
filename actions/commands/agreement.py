"""``python -m actions agreement``: the insurer's own texts, and which is in force."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from actions.agreement.clauses import Clause, DocumentVersion, fold_ref
from actions.agreement.comparing import (
    contents_of_product,
    contents_of_service,
    loss,
)
from actions.agreement.documents import (
    as_date,
    fill_clauses,
    read_insurer_settings,
)
from actions.agreement.encoder import use_all_cores
from actions.agreement.errors import AgreementError
from actions.agreement.library import LibraryOpener
from actions.agreement.repository import (
    BUNDLED,
    AgreementRepository,
    ListedVersion,
    beijing_day,
)
from actions.agreement.shelf import SERVICE, Library
from actions.clock import SystemClock
from actions.commands import add_json
from actions.commands.agreement_choice import product_code
from actions.commands.agreement_import import (
    KINDS,
    import_document,
    loss_lines,
    ready_repository,
)
from actions.database import build_engine
from actions.errors import ActionsError
from actions.settings import Settings, read_settings

_DOCUMENT = "service, or a product's code or short word"


def register(subparsers: Any) -> None:
    """Add ``agreement`` to the commands of ``python -m actions``."""
    parser = subparsers.add_parser("agreement", help="texts that may be quoted")
    steps = parser.add_subparsers(dest="step", required=True)
    step = steps.add_parser("import", help="read a docx, txt or md file as a version")
    step.add_argument("file", type=Path)
    step.add_argument("--effective-from", help="first day in force, YYYY-MM-DD")
    step.add_argument("--kind", choices=KINDS, help="when the text does not tell")
    step.add_argument("--product", help="which product's sheet it is")
    step.add_argument("--document", help="service or a product code")
    step.add_argument("--label", help="name of the version, such as 2026.1")
    step.add_argument("--dry-run", action="store_true", help="report, store nothing")
    use = steps.add_parser("use", help="take a version into force again")
    use.add_argument("version", help=f"its label; {BUNDLED} for the bundled text")
    use.add_argument("--document", help=_DOCUMENT)
    use.add_argument("--effective-from", help="first day, YYYY-MM-DD; today if absent")
    listed = steps.add_parser("list", help="all versions, and which is in force")
    listed.add_argument("--document", help=_DOCUMENT)
    show = steps.add_parser("show", help="clauses of the version in force")
    show.add_argument("ref", nargs="?", help="such as 第三条(四)2; all when absent")
    show.add_argument("--document", default=SERVICE, help=_DOCUMENT)
    show.add_argument("--version", help="a version that need not be in force")
    check = steps.add_parser("check", help="what the text in force lacks")
    index = steps.add_parser("index", help="prepare the search, so no customer waits")
    for each in (step, use, listed, show, check, index):
        add_json(each)


def run(args: argparse.Namespace) -> int:
    """Do the step; 0, or 1 when a file or the database failed."""
    settings = read_settings()
    steps = {
        "import": import_document,
        "use": _use,
        "list": _list,
        "show": _show,
        "check": _check,
        "index": _index,
    }
    try:
        done, lines = steps[args.step](args, settings)
    except (ActionsError, ValueError, OSError) as err:
        sys.stderr.write(f"agreement {args.step}: {err}\n")
        return 1
    if isinstance(done, dict):
        for warning in done.get("warnings") or []:
            sys.stderr.write(f"agreement {args.step}: {warning}\n")
    if getattr(args, "json", False):
        sys.stdout.write(json.dumps(done, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _use(args: argparse.Namespace, settings: Settings) -> tuple[Any, list[str]]:
    now = SystemClock(settings.clock).now()
    today = beijing_day(now)
    repository = ready_repository(settings)
    opener = LibraryOpener(settings)
    library = opener.at(now)
    document, listed = _chosen(args, repository, library, settings)
    first = listed.source.effective_from if listed else today
    if args.effective_from:
        day = max(today, as_date(args.effective_from, "--effective-from"))
    elif first > today:
        raise AgreementError(
            f"version {args.version} is not in force before {first.isoformat()}; "
            "--effective-from DAY takes it earlier"
        )
    else:
        day = today
    if day < today:
        raise AgreementError(
            f"{day.isoformat()} is past; the day may be today or later"
        )
    before = library.clauses(document)
    label = listed.source.version if listed else None
    repository.use(document, label, day, now)
    after = LibraryOpener(settings).at(now).clauses(document)
    warnings = _next(repository, document, day)
    done = {
        "document": document,
        "version": label or BUNDLED,
        "in_force": day <= today,
        "from": day.isoformat(),
        "before": before[0].source.version if before else None,
        "warnings": warnings,
    }
    lines = [f"{document}: version {done['version']} from {done['from']}"]
    if day <= today and after:
        lines.append(f"before: version {done['before']}; now: {after[0].source.title}")
        read = contents_of_service if document == SERVICE else contents_of_product
        try:
            lost = loss(read(before, opener.reader()), read(after, opener.reader()))
            warnings += loss_lines(lost)
        except (AgreementError, OSError) as err:
            warnings.append(f"the texts were not compared: {err}")
    return done, lines


def _chosen(
    args: argparse.Namespace,
    repository: AgreementRepository,
    library: Library,
    settings: Settings,
) -> tuple[str, ListedVersion | None]:
    """Document and version an operator names; None: the bundled text.

    Raises:
        AgreementError: when there is none, or it does not say of which document.
    """
    wanted = _document(args.document, library)
    found = [
        version
        for version in repository.listed()
        if version.source.version == args.version
        and wanted in (None, version.source.document)
    ]
    service = [version for version in found if version.source.document == SERVICE]
    if len(found) == 1 or service:
        version = (service or found)[0]
        return version.source.document, version
    if found:
        names = ", ".join(version.source.document for version in found)
        raise AgreementError(f"{args.version} is a version of {names}: give --document")
    document = wanted or SERVICE
    if args.version in (BUNDLED, _bundled(document, settings).version):
        return document, None
    known = [
        version.source.version
        for version in repository.listed()
        if version.source.document == document
    ]
    raise AgreementError(
        f"no version {args.version} of {document}; there are "
        + ", ".join([*known, BUNDLED])
    )


def _next(repository: AgreementRepository, document: str, day: date) -> list[str]:
    """Versions that take over later; an operator who goes back may not want them."""
    names = {version.id: version.source.version for version in repository.listed()}
    return [
        f"version {names.get(use.version_id or 0, BUNDLED)} takes over on "
        f"{use.from_day.isoformat()}; `agreement use VERSION --effective-from "
        f"{use.from_day.isoformat()}` changes that"
        for use in repository.uses()
        if use.document == document and use.from_day > day
    ]


def _document(named: str | None, library: Library) -> str | None:
    if named is None or named == SERVICE:
        return named
    return product_code(library, named)


def _bundled(document: str, settings: Settings) -> DocumentVersion:
    """The text that comes with the checkout and holds until one is imported."""
    return LibraryOpener(settings).bundled(document)[0].source


def _list(args: argparse.Namespace, settings: Settings) -> tuple[Any, list[str]]:
    now = SystemClock(settings.clock).now()
    today = beijing_day(now)
    repository = AgreementRepository(build_engine(settings))
    library = LibraryOpener(settings).at(now)
    wanted = _document(args.document, library)
    stored = repository.listed() if repository.is_ready() else []
    uses = repository.uses() if repository.is_ready() else []
    held = {use.document: use.version_id for use in uses if use.from_day <= today}
    rows = []
    for document in library.documents():
        if wanted not in (None, document):
            continue
        later = [
            use for use in uses if use.document == document and use.from_day > today
        ]
        source = _bundled(document, settings)
        rows.append(_row(source, None, held.get(document) is None, later))
        rows += [
            _row(version.source, version, held.get(document) == version.id, later)
            for version in stored
            if version.source.document == document
        ]
    return rows, [_row_line(row) for row in rows]


def _row(
    source: DocumentVersion,
    version: ListedVersion | None,
    in_force: bool,
    later: Sequence[Any],
) -> dict[str, Any]:
    key = version.id if version else None
    return {
        "document": source.document,
        "kind": "service" if source.document == SERVICE else "product",
        "version": source.version,
        "bundled": version is None,
        "title": source.title,
        "file": version.source_name if version else None,
        "effective_from": source.effective_from.isoformat(),
        "imported_at": version.imported_at.isoformat() if version else None,
        "in_force": in_force,
        "planned": [u.from_day.isoformat() for u in later if u.version_id == key],
    }


def _row_line(row: dict[str, Any]) -> str:
    mark = "*" if row["in_force"] else " "
    planned = f", again from {', '.join(row['planned'])}" if row["planned"] else ""
    file = BUNDLED if row["bundled"] else row["file"]
    return (
        f"{mark} {row['document']}  {row['version']}  from {row['effective_from']}"
        f"{planned}  {row['title']}  ({row['kind']}, {file})"
    )


def _check(args: argparse.Namespace, settings: Settings) -> tuple[Any, list[str]]:
    opener = LibraryOpener(settings)
    library = opener.at(SystemClock(settings.clock).now())
    clauses = library.clauses()
    contents = contents_of_service(clauses, opener.reader())
    # The bundled form has no clause on some matters either; what it has is wanted.
    form = contents_of_service(opener.bundled(), opener.reader())
    missing = list(loss(form, contents).topics)
    done = {
        "document": SERVICE,
        "version": clauses[0].source.version if clauses else None,
        "topics": dict(contents.topics),
        "missing_topics": missing,
        "missing_commitments": [
            {"ref": ref, "why": why} for ref, why in contents.unkept.items()
        ],
    }
    lines = [f"{ref}: {why}" for ref, why in contents.unkept.items()]
    lines += [f"no clause speaks of {key}" for key in missing]
    return done, lines or ["nothing is missing"]


def _show(args: argparse.Namespace, settings: Settings) -> tuple[Any, list[str]]:
    library = LibraryOpener(settings).at(SystemClock(settings.clock).now())
    document = _document(args.document, library) or SERVICE
    found: Sequence[Clause] = library.clauses(document)
    if args.version is not None and (
        not found or found[0].source.version != args.version
    ):
        found = _of_version(document, args.version, settings)
    if args.ref is not None:
        wanted = fold_ref(args.ref)
        clause = next((c for c in found if fold_ref(c.ref) == wanted), None)
        if clause is None:
            raise AgreementError(f"no clause {args.ref} in {document}")
        found = [clause]
    if not found:
        raise AgreementError(f"no document {document}")
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


def _of_version(document: str, label: str, settings: Settings) -> tuple[Clause, ...]:
    """Clauses of a version that need not be in force: what was cited once stays."""
    stored = ready_repository(settings).find(document, label)
    if stored is None:
        bundled = LibraryOpener(settings).bundled(document)
        if label in (BUNDLED, bundled[0].source.version):
            return bundled
        raise AgreementError(f"no version {label} of {document}")
    insurer = read_insurer_settings(settings.data / "agreement" / "settings.yml")
    blanks = insurer.blanks if document == SERVICE else {}
    return fill_clauses(stored.clauses, stored.source, blanks)


def _index(args: argparse.Namespace, settings: Settings) -> tuple[Any, list[str]]:
    use_all_cores()
    started = time.monotonic()
    library = LibraryOpener(settings).at(SystemClock(settings.clock).now())
    library.warm()
    seconds = round(time.monotonic() - started, 1)
    done = {"documents": library.documents(), "seconds": seconds}
    return done, [f"indexed {len(library.documents())} documents in {seconds} s"]
