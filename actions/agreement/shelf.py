"""Looking up, searching and naming things in the texts in force.

In: clauses, questions, products and facts as plain values. Out: `Library`, which the
actions use; `library.py` opens it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from actions.agreement.asking import without_asking
from actions.agreement.clauses import Clause, Hit, Product, fold_ref
from actions.agreement.commitments import Commitment, commitments_of
from actions.agreement.events import EventFinder
from actions.agreement.examples import QuestionReader
from actions.agreement.search import PRODUCT_WEIGHTS, ClauseSearch
from actions.agreement.teaching import product_lessons, sections_of, service_lessons
from actions.agreement.words import normalise

SERVICE = "service"


@dataclass(frozen=True)
class Shelf:
    """What a library is made of: plain values, read before."""

    facts: Mapping[str, Any]
    papers: Mapping[str, Any]
    products: tuple[Product, ...]
    clauses: Mapping[str, tuple[Clause, ...]]  # document key → clauses in order
    questions: Mapping[str, Mapping[str, list[str]]]  # document → ref → questions


class Library:
    """Clauses by reference and by question.

    Args:
        shelf: the texts in force.
        reader: makes the question reader at the first search.
    """

    def __init__(self, shelf: Shelf, reader: Callable[[], QuestionReader]) -> None:
        self._shelf = shelf
        self._make_reader = reader
        self._searches: dict[str, ClauseSearch] = {}
        self._finders: dict[str, EventFinder] = {}
        self._lock = threading.RLock()

    @property
    def facts(self) -> Mapping[str, Any]:
        """Facts of settings.yml: hotline, hours, outlets and so on."""
        return self._shelf.facts

    @property
    def papers(self) -> Mapping[str, Any]:
        """papers.yml: claim type → list of papers with their clause."""
        return self._shelf.papers

    def products(self) -> list[Product]:
        """All product sheets in force."""
        return list(self._shelf.products)

    def documents(self) -> list[str]:
        """Keys of all documents: "service" and the product codes."""
        return list(self._shelf.clauses)

    def clauses(self, document: str = SERVICE) -> tuple[Clause, ...]:
        """All clauses of a document in order; empty for an unknown document."""
        return self._shelf.clauses.get(self._key(document), ())

    def clause(self, ref: str, document: str = SERVICE) -> Clause | None:
        """Look up a clause.

        Args:
            ref: such as 第三条(四)2; width of brackets and spaces do not matter.
            document: "service", a product code or a product's short word.
        """
        return self._by_ref.get((self._key(document), fold_ref(ref)))

    def commitment(self, ref: str, document: str = SERVICE) -> Commitment | None:
        """First time limit of a clause; None while its number is still a blank."""
        clause = self.clause(ref, document)
        found = commitments_of(clause) if clause else []
        return found[0] if found else None

    def resolve_product(self, text: str) -> Product | None:
        """Find the product a text names, by code, name, short word or alias.

        Returns:
            The product of the longest name found; None when none or when names of
            different products are found and none contains the other.
        """
        folded = without_asking(normalise(text).replace(" ", ""))
        found = [
            (start, start + len(name), product)
            for name, product in self._names
            for start in _places(name, folded)
        ]
        longest = [
            item
            for item in found
            if not any(
                o[0] <= item[0] and item[1] <= o[1] and o[1] - o[0] > item[1] - item[0]
                for o in found
            )
        ]
        products = {product.code: product for _, _, product in longest}
        return next(iter(products.values())) if len(products) == 1 else None

    def search(
        self,
        question: str,
        document: str | None = None,
        limit: int = 3,
        within: Collection[str] | None = None,
    ) -> list[Hit]:
        """Find the clauses that answer a question.

        Args:
            question: as the customer typed it.
            document: where to look; None looks into the sheet of the product the
                question names and into the service agreement, otherwise only there.
            limit: most hits wanted.
            within: only these references of `document`, whose section the caller
                already knows: the best of them, nothing refused.

        Returns:
            Hits, best first, those of a named product before those of the service
            agreement; empty when the question is refused.
        """
        if document is not None:
            return self._search_in(self._key(document), question, limit, within)
        product = self.resolve_product(question)
        hits = self._search_in(product.code, question, limit) if product else []
        if len(hits) < limit:
            hits = hits + self._search_in(SERVICE, question, limit)
        return hits[:limit]

    def terms(self, text: str) -> list[str]:
        """The words of a text, misspelt ones corrected, without stop words."""
        return self._reader.words.terms(self._reader.text(text))

    def warm(self) -> None:
        """Build every index now, so that no customer waits for it."""
        for document in self.documents():
            self.searcher(document)

    def searcher(self, document: str) -> ClauseSearch:
        """The index of a document, built at first use.

        Raises:
            KeyError: when there is no such document.
        """
        with self._lock:
            if document not in self._searches:
                build = self._service_search
                if any(p.code == document for p in self._shelf.products):
                    build = self._product_search
                self._searches[document] = build(document)
            return self._searches[document]

    def events(self, code: str) -> EventFinder:
        """What a product's sheet names under its benefits and its exclusions.

        Args:
            code: product code.

        Raises:
            KeyError: when there is no such product.
        """
        with self._lock:
            if code not in self._finders:
                product = next(
                    (p for p in self._shelf.products if p.code == code), None
                )
                if product is None:
                    raise KeyError(code)
                self._finders[code] = EventFinder(
                    self._shelf.clauses[code],
                    self._reader,
                    (product.name, product.label, *product.aliases),
                )
            return self._finders[code]

    def _service_search(self, document: str) -> ClauseSearch:
        clauses = self._shelf.clauses[document]
        questions = self._shelf.questions.get(document, {})
        return ClauseSearch(
            clauses, service_lessons(clauses, questions, self._reader), self._reader
        )

    def _product_search(self, document: str) -> ClauseSearch:
        clauses = self._shelf.clauses[document]
        siblings: dict[str, list[str]] = {}
        for product in self._shelf.products:
            questions = self._shelf.questions.get(product.code, {})
            if product.code == document:
                names = (product.name, product.label, *product.aliases)
                own = questions
                continue
            others = self._shelf.clauses[product.code]
            places = sections_of(others, self._reader.knowledge.sections)
            for clause, section in zip(others, places, strict=True):
                if section is not None:
                    siblings.setdefault(section, []).extend(
                        questions.get(clause.ref, ())
                    )
        lessons = product_lessons(clauses, own, siblings, self._reader)
        return ClauseSearch(clauses, lessons, self._reader, names, PRODUCT_WEIGHTS)

    @cached_property
    def _reader(self) -> QuestionReader:
        return self._make_reader()

    def _search_in(
        self,
        document: str,
        question: str,
        limit: int,
        within: Collection[str] | None = None,
    ) -> list[Hit]:
        if document not in self._shelf.clauses:
            return []
        return self.searcher(document).search(question, limit, within)

    def _key(self, document: str) -> str:
        if document in self._shelf.clauses:
            return document
        named = (p.code for p in self._shelf.products if document in (p.label, p.name))
        return next(named, document)

    @cached_property
    def _by_ref(self) -> dict[tuple[str, str], Clause]:
        return {
            (document, fold_ref(clause.ref)): clause
            for document, clauses in self._shelf.clauses.items()
            for clause in clauses
        }

    @cached_property
    def _names(self) -> list[tuple[str, Product]]:
        return [
            (normalise(name).replace(" ", ""), product)
            for product in self._shelf.products
            for name in (product.code, product.name, product.label, *product.aliases)
            if name
        ]


def _places(name: str, text: str) -> list[int]:
    return [match.start() for match in re.finditer(re.escape(name), text)]
