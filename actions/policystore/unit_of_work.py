"""One action run, one unit of work, one commit at its end.

In: settings. Out: a callable that opens units of work on one engine, which is built on
first use.
"""

from __future__ import annotations

import threading
from functools import partial
from types import TracebackType
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from actions.database import build_engine, store_error
from actions.policystore.claim_authority import ClaimAuthority
from actions.policystore.claim_cases import ClaimCaseRepository
from actions.policystore.claims import ClaimRepository
from actions.policystore.complaint_cases import ComplaintCaseRepository
from actions.policystore.complaint_recusal import RecusalRepository
from actions.policystore.complaints import ComplaintRepository
from actions.policystore.core_http import CoreClaims, CorePolicies, CoreSystem
from actions.policystore.facts import FactRepository
from actions.policystore.identity import IdentityRepository
from actions.policystore.news import NewsRepository
from actions.policystore.numbers import Draw, draw_digits, new_number
from actions.policystore.policies import PolicyRepository
from actions.policystore.service_requests import ServiceRequestRepository
from actions.policystore.store_session import StoreSession
from actions.settings import Settings


class UnitOfWork:
    """Repositories over one transaction; commits at a clean end, else rolls back.

    Args:
        engine: The store's database.
        settings: Limits and lifetimes.
        draw: Draws the digits of new numbers.
        core: The insurer's core system, when policies and claims live there.

    Attributes:
        identity: Who is asking.
        policies: Policies of a verified customer.
        claims: Claims of a verified customer.
        complaints: Complaints of a conversation or a verified customer.
        cases: The same complaints for those who handle them.
        recusal: Who may look into a complaint and who may not.
        claim_cases: Claims of our own tables for those who handle them.
        claim_authority: Who of them may decide and pay, and how much.
        news: What customers are still to be told about their cases.
        requests: Service requests.
        facts: What the store was last brought up to date with.

    Raises:
        StoreError: Inside or at the end of the block, when the database fails.
    """

    identity: IdentityRepository
    policies: PolicyRepository | CorePolicies
    claims: ClaimRepository | CoreClaims
    complaints: ComplaintRepository
    cases: ComplaintCaseRepository
    recusal: RecusalRepository
    claim_cases: ClaimCaseRepository
    claim_authority: ClaimAuthority
    news: NewsRepository
    requests: ServiceRequestRepository
    facts: FactRepository

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        draw: Draw = draw_digits,
        core: CoreSystem | None = None,
    ) -> None:
        self._engine = engine
        self._core = core
        self._settings = settings
        self._draw = draw

    def __enter__(self) -> Self:
        """Open the session; the database is reached at the first access."""
        self._session = Session(self._engine, expire_on_commit=False)
        store = StoreSession(self._session)
        draw = self._draw
        if self._core is not None:
            check = self._core.check_identity
            self.identity = IdentityRepository(store, self._settings, check)
            self.policies = CorePolicies(self._core)
            self.claims = CoreClaims(self._core)
        else:
            self.identity = IdentityRepository(store, self._settings)
            self.policies = PolicyRepository(store)
            self.claims = ClaimRepository(store, partial(new_number, "C", draw=draw))
        self.complaints = ComplaintRepository(
            store, partial(new_number, "T", draw=draw)
        )
        self.facts = FactRepository(store)
        self.cases = ComplaintCaseRepository(store)
        self.recusal = RecusalRepository(store)
        self.claim_cases = ClaimCaseRepository(store)
        limit = self._settings.claim_second_above
        self.claim_authority = ClaimAuthority(store, int(limit * 100))
        self.news = NewsRepository(store)
        self.requests = ServiceRequestRepository(
            store, partial(new_number, "R", draw=draw)
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit when the block ended well; give the connection back."""
        with self._session:
            if isinstance(error, SQLAlchemyError):
                raise store_error(error) from error
            if error is None:
                try:
                    self._session.commit()
                except SQLAlchemyError as err:
                    raise store_error(err) from err


class Store:
    """Opens units of work; calling it is all an action needs."""

    def __init__(self, settings: Settings, draw: Draw = draw_digits) -> None:
        self._settings = settings
        self._draw = draw
        self._engine: Engine | None = None
        self.core = _core_of(settings)
        self._lock = threading.Lock()

    def __call__(self) -> UnitOfWork:
        """Return a new unit of work, to be used in a ``with`` block."""
        return UnitOfWork(self.engine, self._settings, self._draw, self.core)

    @property
    def engine(self) -> Engine:
        """The engine, built once."""
        with self._lock:
            if self._engine is None:
                self._engine = build_engine(self._settings)
            return self._engine

    def close(self) -> None:
        """Give all connections back; the next use opens new ones."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None
            if self.core is not None:
                self.core.close()
                self.core = _core_of(self._settings)


def _core_of(settings: Settings) -> CoreSystem | None:
    if settings.policy_store_url is None:
        return None
    token = settings.policy_store_token
    secret = None if token is None else token.get_secret_value()
    return CoreSystem(settings.policy_store_url, secret)


def open_store(settings: Settings) -> Store:
    """Return the store of these settings; nothing is opened before its first use."""
    return Store(settings)
