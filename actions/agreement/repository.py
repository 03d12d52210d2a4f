"""The only place that reads and writes imported agreements in the database.

In: a parsed document or a day. Out: the stored version, or the one in force.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, inspect, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from actions.agreement.clauses import DocumentVersion, ParsedClause, ParsedDocument
from actions.agreement.errors import AgreementError
from actions.agreement.rows import clause_of, row_of, source_of
from actions.agreement.tables import AgreementUseRow, AgreementVersionRow
from actions.database import WRITES, store_error

SERVICE = "service"
BUNDLED = "bundled"  # names the bundled text; no import gets this label
RACES = 3  # attempts of imports that run into one another
ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class StoredVersion:
    """An imported version with its clauses."""

    id: int
    source: DocumentVersion
    clauses: tuple[ParsedClause, ...]


@dataclass(frozen=True)
class ListedVersion:
    """An imported version without its clauses."""

    id: int
    source: DocumentVersion
    source_name: str
    imported_at: datetime


@dataclass(frozen=True)
class Use:
    """A version taken into force; without one the bundled text."""

    document: str
    version_id: int | None
    from_day: date


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
        """Store a parsed document as a new version and take it into force.

        A text that is stored already is taken into force again when another one is:
        from its first day, or from today when that has passed.

        Args:
            parsed: what the importer read.
            source: document key, title, wished version label, first day in force.
            source_name: name of the file.
            now: moment of the import.
            explicit_date: the operator named the first day; otherwise a text that
                is already stored keeps its own.

        Returns:
            The version and whether it was stored before.

        Raises:
            StoreError: when the database fails.
        """
        last = RACES - 1
        for race in range(RACES):
            try:
                return self._save(parsed, source, source_name, now, explicit_date)
            except IntegrityError as err:  # another import took the label or the text
                if race == last:
                    raise store_error(err) from err
        raise AssertionError("unreachable")

    def _save(
        self,
        parsed: ParsedDocument,
        source: DocumentVersion,
        source_name: str,
        now: datetime,
        explicit_date: bool,
    ) -> tuple[DocumentVersion, bool]:
        fingerprint = text_hash(parsed)
        with self._writing() as session:
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
                day = max(row.effective_from, beijing_day(now))
                current = _use_on(session, source.document, day)
                if current is None or current.version_id != row.id:
                    session.add(_use(source.document, row.id, day, now))
                return source_of(row), True
            row = row_of(parsed, source, source_name, now, fingerprint)
            row.version = self._free_label(session, source)
            session.add(row)
            session.flush()
            session.add(_use(source.document, row.id, row.effective_from, now))
            return source_of(row), False

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with _errors(), Session(self._engine) as session, session.begin():
            session.connection(execution_options={WRITES: True})
            yield session

    def _free_label(self, session: Session, source: DocumentVersion) -> str:
        taken = {
            BUNDLED,
            *session.scalars(
                select(AgreementVersionRow.version).where(
                    AgreementVersionRow.document == source.document
                )
            ),
        }
        label, number = source.version, 1
        while label in taken:
            number += 1
            label = f"{source.version}-{number}"
        return label

    def use(
        self, document: str, version: str | None, from_day: date, now: datetime
    ) -> None:
        """Take a stored version into force from a day on.

        Args:
            document: its key.
            version: its label; None: the bundled text again.
            from_day: Beijing day; a version taken later for the same day holds.
            now: moment of the choice.

        Raises:
            AgreementError: when there is no such version.
            StoreError: when the database fails.
        """
        with self._writing() as session:
            key = None
            if version is not None:
                row = _labelled(session, document, version)
                if row is None:
                    raise AgreementError(f"no version {version} of {document}")
                key = row.id
            session.add(_use(document, key, from_day, now))

    def in_force(self, document: str, day: date) -> StoredVersion | None:
        """The version that holds on a day; None when it is the bundled text."""
        with _errors(), Session(self._engine) as session:
            use = _use_on(session, document, day)
            if use is None or use.version_id is None:
                return None
            row = session.get_one(AgreementVersionRow, use.version_id)
            stored = _stored(row)
            first = min(row.effective_from, use.from_day)
            return replace(stored, source=replace(stored.source, effective_from=first))

    def find(self, document: str, version: str) -> StoredVersion | None:
        """A version by its label, whether it is in force or not."""
        with _errors(), Session(self._engine) as session:
            row = _labelled(session, document, version)
            return _stored(row) if row is not None else None

    def listed(self) -> list[ListedVersion]:
        """All versions without their clauses, in the order of their import."""
        with _errors(), Session(self._engine) as session:
            rows = session.scalars(
                select(AgreementVersionRow).order_by(AgreementVersionRow.id)
            )
            return [
                ListedVersion(row.id, source_of(row), row.source_name, row.imported_at)
                for row in rows
            ]

    def uses(self) -> list[Use]:
        """Every choice of a version, in the order in which they count."""
        with _errors(), Session(self._engine) as session:
            rows = session.scalars(
                select(AgreementUseRow).order_by(
                    AgreementUseRow.from_day, AgreementUseRow.id
                )
            )
            return [Use(row.document, row.version_id, row.from_day) for row in rows]

    def ids_in_force(self, day: date) -> tuple[tuple[str, int], ...]:
        """(document, version id) pairs that hold on a day: cheap change check.

        Id 0 stands for the bundled text.
        """
        held = {
            use.document: use.version_id or 0
            for use in self.uses()
            if use.from_day <= day
        }
        return tuple(sorted(held.items()))


def beijing_day(now: datetime) -> date:
    """The day in Beijing, where first days in force begin."""
    return now.astimezone(ZONE).date()


def _use_on(session: Session, document: str, day: date) -> AgreementUseRow | None:
    return session.scalars(
        select(AgreementUseRow)
        .where(AgreementUseRow.document == document, AgreementUseRow.from_day <= day)
        .order_by(AgreementUseRow.from_day.desc(), AgreementUseRow.id.desc())
    ).first()


def _labelled(
    session: Session, document: str, version: str
) -> AgreementVersionRow | None:
    return session.scalars(
        select(AgreementVersionRow).where(
            AgreementVersionRow.document == document,
            AgreementVersionRow.version == version,
        )
    ).first()


def _use(
    document: str, version_id: int | None, day: date, now: datetime
) -> AgreementUseRow:
    return AgreementUseRow(
        document=document, version_id=version_id, from_day=day, chosen_at=now
    )


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except SQLAlchemyError as err:
        raise store_error(err) from err


def _stored(row: AgreementVersionRow) -> StoredVersion:
    return StoredVersion(row.id, source_of(row), tuple(map(clause_of, row.clauses)))
