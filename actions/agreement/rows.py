"""Turns documents into rows of `tables.py` and back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from actions.agreement.clauses import DocumentVersion, ParsedClause, ParsedDocument
from actions.agreement.tables import AgreementClauseRow, AgreementVersionRow


def row_of(
    parsed: ParsedDocument,
    source: DocumentVersion,
    source_name: str,
    now: datetime,
    fingerprint: str,
) -> AgreementVersionRow:
    """A version and its clauses, not yet stored."""
    return AgreementVersionRow(
        document=source.document,
        version=source.version,
        title=source.title,
        effective_from=source.effective_from,
        imported_at=now,
        text_hash=fingerprint,
        source_name=source_name,
        truncated=parsed.truncated,
        report={
            "parties": [asdict(note) for note in parsed.parties],
            "skipped": [asdict(note) for note in parsed.skipped],
            "unplaced": [asdict(note) for note in parsed.unplaced],
        },
        clauses=[
            AgreementClauseRow(
                position=position,
                ref=clause.ref,
                parent=clause.parent,
                level=clause.level,
                has_children=clause.has_children,
                title=clause.title,
                path=list(clause.path),
                text=clause.text,
            )
            for position, clause in enumerate(parsed.clauses)
        ],
    )


def source_of(row: AgreementVersionRow) -> DocumentVersion:
    """Which text a row is."""
    return DocumentVersion(row.document, row.title, row.version, row.effective_from)


def clause_of(row: AgreementClauseRow) -> ParsedClause:
    """A clause in its original wording; the lines it came from are not kept."""
    return ParsedClause(
        ref=row.ref,
        text=row.text,
        title=row.title,
        path=tuple(row.path),
        parent=row.parent,
        level=row.level,
        lines=(),
        has_children=row.has_children,
    )
