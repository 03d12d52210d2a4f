"""Opens the agreement and the product sheets in force at a moment.

In: settings and a moment. Out: a `Library` to look up, search and cite; the same
object as long as nothing it was made of has changed. Imported versions win over the
bundled demo texts of the same document.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from actions.agreement.clauses import Clause, DocumentVersion, Product
from actions.agreement.documents import (
    InsurerSettings,
    fill_clauses,
    product_of,
    read_insurer_settings,
    read_questions,
    read_yaml,
)
from actions.agreement.encoder import Encoder, open_encoder
from actions.agreement.errors import AgreementError
from actions.agreement.examples import QuestionReader
from actions.agreement.importing import import_file
from actions.agreement.plain import read_plain
from actions.agreement.repository import (
    ZONE,
    AgreementRepository,
    StoredVersion,
    beijing_day,
)
from actions.agreement.shelf import SERVICE, Library, Shelf
from actions.agreement.topics import read_knowledge
from actions.agreement.vector_store import VectorStore
from actions.agreement.words import Words
from actions.database import build_engine
from actions.settings import Settings

__all__ = ["ZONE", "Library", "LibraryOpener", "open_library"]

DEFAULT_ENCODER = "e5-small"
LEXICON = Path("bot/assistant/lexicon/insurance.txt")  # relative to the project root
_log = logging.getLogger(__name__)


class LibraryOpener:
    """Keeps the library of one process and notices when another is in force.

    Args:
        settings: folders and database.
        encoder: for tests; otherwise the one the settings name.
        seconds: A clock that never goes back; changes are looked for once a second.
    """

    def __init__(
        self,
        settings: Settings,
        encoder: Encoder | None = None,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._settings = settings
        self._folder = settings.data / "agreement"
        self._repository = AgreementRepository(build_engine(settings))
        self._encoder = encoder
        self._lock = threading.Lock()
        self._kept: tuple[object, Library] | None = None
        self._seconds = seconds
        self._looked: tuple[date, int] | None = None  # day and second of the last look

    def at(self, now: datetime) -> Library:
        """The library in force at a moment.

        Raises:
            AgreementError: when a data file cannot be used.
            StoreError: when the database fails.
        """
        day = beijing_day(now)
        with self._lock:
            look = (day, int(self._seconds()))
            if self._kept is not None and self._looked == look:
                return self._kept[1]
            ready = self._repository.is_ready()
            ids = self._repository.ids_in_force(day) if ready else ()
            key = (ids, self._files_state())
            if self._kept is None or self._kept[0] != key:
                stored = {doc: self._repository.in_force(doc, day) for doc, _ in ids}
                shelf = self._shelf({k: v for k, v in stored.items() if v})
                self._kept = (key, Library(shelf, self.reader))
                _log.info("library.opened day=%s documents=%s", day, len(shelf.clauses))
            self._looked = look
            return self._kept[1]

    def bundled(self, document: str = SERVICE) -> tuple[Clause, ...]:
        """Clauses of the text that comes with the checkout, blanks filled.

        Raises:
            AgreementError: when there is no such document or it cannot be used.
        """
        if document == SERVICE:
            insurer = read_insurer_settings(self._folder / "settings.yml")
            return self._service(None, insurer)
        path = next((p for p in self._sheets() if p.stem == document), None)
        if path is None:
            raise AgreementError(f"no document {document}")
        return self._sheet(path, None)[2]

    def reader(self) -> QuestionReader:
        """Encoder, words and knowledge of this process."""
        if self._encoder is None:
            self._encoder = open_encoder(
                getattr(self._settings, "encoder", DEFAULT_ENCODER)
            )
        knowledge = read_knowledge(self._folder)
        cache = self._settings.var / "cache"
        words = Words(self._settings.root / LEXICON, cache=cache)
        store = VectorStore(self._encoder, cache)
        return QuestionReader(store, words, knowledge)

    def _files(self) -> list[Path]:
        return [*sorted(self._folder.glob("*.*")), *self._sheets()]

    def _sheets(self) -> list[Path]:
        return sorted((self._folder / "products").glob("*.md"))

    def _files_state(self) -> tuple[tuple[str, int], ...]:
        return tuple((p.name, p.stat().st_mtime_ns) for p in self._files())

    def _shelf(self, stored: Mapping[str, StoredVersion]) -> Shelf:
        insurer = read_insurer_settings(self._folder / "settings.yml")
        asked = read_questions(self._folder / "questions.yml")
        plain = read_plain(self._folder / "plain.yml")
        service = stored.get(SERVICE)
        clauses: dict[str, tuple[Clause, ...]] = {
            SERVICE: plain.explain(SERVICE, self._service(service, insurer))
        }
        written_for = service.source.version if service else None
        questions = {SERVICE: asked.service if asked.version == written_for else {}}
        products: list[Product] = []
        for path in self._sheets():
            product, label, filled = self._sheet(path, stored.get(path.stem))
            products.append(product)
            clauses[product.code] = plain.explain(label, filled)
            questions[product.code] = asked.products.get(label, {})
        return Shelf(insurer.facts, self._papers(), tuple(products), clauses, questions)

    def _service(
        self, stored: StoredVersion | None, insurer: InsurerSettings
    ) -> tuple[Clause, ...]:
        if stored is not None:
            return fill_clauses(stored.clauses, stored.source, insurer.blanks)
        parsed = import_file(self._folder / "service_agreement.md")
        source = DocumentVersion(
            SERVICE, insurer.title, insurer.version, insurer.effective_from
        )
        return fill_clauses(parsed.clauses, source, insurer.blanks)

    def _sheet(
        self, path: Path, stored: StoredVersion | None
    ) -> tuple[Product, str, tuple[Clause, ...]]:
        parsed = import_file(path)
        product, label = product_of(path.stem, parsed, path)
        if stored is None:
            return product, label, fill_clauses(parsed.clauses, product.source, {})
        product = Product(
            product.code, product.name, product.label, product.aliases, stored.source
        )
        return product, label, fill_clauses(stored.clauses, stored.source, {})

    def _papers(self) -> Mapping[str, Any]:
        path = self._folder / "papers.yml"
        papers = read_yaml(path) if path.exists() else {}
        if not isinstance(papers, dict):
            raise AgreementError(f"{path}: expected claim type → list of papers")
        return papers


_openers: dict[Settings, LibraryOpener] = {}
_openers_lock = threading.Lock()


def open_library(settings: Settings, now: datetime) -> Library:
    """Open the library in force; cheap to call every turn.

    Args:
        settings: of the action server.
        now: aware moment; its Beijing day decides which version is in force.

    Raises:
        AgreementError: when a data file cannot be used.
        StoreError: when the database fails.
    """
    with _openers_lock:
        opener = _openers.get(settings)
        if opener is None:
            opener = _openers[settings] = LibraryOpener(settings)
    return opener.at(now)
