"""The only place that reads and writes imported agreements in the database.

In: a parsed document or a day. Out: the stored version, or the one in force.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256

from sqlalchemy import Engine, inspect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from actions.agreement.clauses import DocumentVersion, ParsedClause, ParsedDocument
from actions.agreement.tables import AgreementClauseRow, AgreementVersionRow
from actions.database import WRITES, store_error

SERVICE = "service"


@dataclass(frozen=True)
class StoredVersion:
    """An imported version with its clauses."""

    id: int
    source: DocumentVersion
    clauses: tuple[ParsedClause, ...]


def text_hash(parsed: ParsedDocument) -> str:
    """Fingerprint of a text: references and wording, nothing else."""
    digest = sha256()
    for note in parsed.parties:
        digest.update(f"{note.text}\n".encode())
    for clause in parsed.clauses:
        digest.update(f"{clause.ref}\t{clause.text}\n".encode())
    return digest.hexdigest()


class AgreementRepository:
    """Versions of the agreement and of product sheets.

    Args:
        engine: the action server's engine.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ready = False

    def is_ready(self) -> bool:
        """Tell whether the tables exist (`db upgrade` has run).

        Raises:
            StoreError: when the database cannot be reached.
        """
        if not self._ready:  # tables never go away again
            with _errors():
                name = AgreementVersionRow.__tablename__
                self._ready = inspect(self._engine).has_table(name)
        return self._ready

    def documents(self) -> set[str]:
        """Keys of the documents that have at least one imported version."""
        with _errors(), Session(self._engine) as session:
            rows = session.scalars(select(AgreementVersionRow.document).distinct())
            return set(rows)

    def save(
        self,
        parsed: ParsedDocument,
        source: DocumentVersion,
        source_name: str,
        now: datetime,
        explicit_date: bool,
    ) -> tuple[DocumentVersion, bool]:
        """Store a parsed document as a new version.

        Args:
            parsed: what the importer read.
            source: document key, title, wished version label, first day in force.
            source_name: name of the file.
            now: moment of the import.
            explicit_date: the operator named the first day; otherwise a text that
                is already stored keeps its own.

        Returns:
            The version and whether it was stored before (then nothing is written).

        Raises:
            StoreError: when the database fails.
        """
        fingerprint = text_hash(parsed)
        with _errors(), Session(self._engine) as session, session.begin():
            session.connection(execution_options={WRITES: True})
            known = select(AgreementVersionRow).where(
                AgreementVersionRow.document == source.document,
                AgreementVersionRow.text_hash == fingerprint,
            )
            if explicit_date:
                known = known.where(
                    AgreementVersionRow.effective_from == source.effective_from
                )
            row = session.scalars(known.order_by(AgreementVersionRow.id.desc())).first()
            if row is not None:
                return _source(row), True
            row = _row(parsed, source, source_name, now, fingerprint)
            row.version = self._free_label(session, source)
            session.add(row)
            session.flush()
            return _source(row), False

    def _free_label(self, session: Session, source: DocumentVersion) -> str:
        taken = set(
            session.scalars(
                select(AgreementVersionRow.version).where(
                    AgreementVersionRow.document == source.document
                )
            )
        )
        label, number = source.version, 1
        while label in taken:
            number += 1
            label = f"{source.version}-{number}"
        return label

    def in_force(self, document: str, day: date) -> StoredVersion | None:
        """The version of a document that holds on a day; later imports win ties."""
        with _errors(), Session(self._engine) as session:
            row = session.scalars(
                select(AgreementVersionRow)
                .where(
                    AgreementVersionRow.document == document,
                    AgreementVersionRow.effective_from <= day,
                )
                .order_by(
                    AgreementVersionRow.effective_from.desc(),
                    AgreementVersionRow.id.desc(),
                )
            ).first()
            if row is None:
                return None
            clauses = tuple(_clause(clause) for clause in row.clauses)
            return StoredVersion(row.id, _source(row), clauses)

    def ids_in_force(self, day: date) -> tuple[tuple[str, int], ...]:
        """(document, version id) pairs that hold on a day: cheap change check."""
        with _errors(), Session(self._engine) as session:
            rows = session.execute(
                select(AgreementVersionRow.document, AgreementVersionRow.id)
                .where(AgreementVersionRow.effective_from <= day)
                .order_by(AgreementVersionRow.effective_from, AgreementVersionRow.id)
            )
            return tuple(sorted({str(doc): int(key) for doc, key in rows}.items()))


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as err:
        raise store_error(err) from err


def _row(
    parsed: ParsedDocument,
    source: DocumentVersion,
    source_name: str,
    now: datetime,
    fingerprint: str,
) -> AgreementVersionRow:
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


def _source(row: AgreementVersionRow) -> DocumentVersion:
    return DocumentVersion(row.document, row.title, row.version, row.effective_from)


def _clause(row: AgreementClauseRow) -> ParsedClause:
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
