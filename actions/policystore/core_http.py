"""The insurer's core system over HTTP: customers, policies and claims live there.

In: ``BAOKE_POLICY_STORE_URL``. Out: the same repositories as over our own tables. What
comes back is checked before anything is made of it; a core system that does not answer,
or answers nonsense, is `CoreAway`, never a wrong sentence. Contract:
docs/core-system.openapi.json.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter, ValidationError

from actions.calling import SECONDS, TRY_AGAIN, Breaker, tries
from actions.errors import (
    CoreAway,
    IllegalStep,
    RepeatedTurn,
    StoreError,
    UnknownPolicy,
)
from actions.policystore.model import Claim, ClaimFile, ClaimReport, Customer, Policy
from actions.policystore.plain import MAX_SHORT, plain, spelled, turn_key

MAX_ANSWER_BYTES = 4 * 1024 * 1024

T = TypeVar("T")
_CUSTOMER: TypeAdapter[Customer | None] = TypeAdapter(Customer | None)
_POLICY, _POLICIES = TypeAdapter(Policy), TypeAdapter(list[Policy])
_CLAIM, _CLAIMS = TypeAdapter(Claim), TypeAdapter(list[Claim])
_REPORT, _FILE = TypeAdapter(ClaimReport), TypeAdapter(ClaimFile)
MAX_FILE_NAME = 200


class CoreSystem:
    """Calls the core system.

    Args:
        url: Its address, without ``/v1``.
        token: Sent as a bearer token, when there is one.
        breaker: Shared by all calls of the process.
        transport: Instead of the network, for tests.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        breaker: Breaker | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.url = url
        self._client = httpx.Client(
            base_url=f"{url.rstrip('/')}/v1/",
            headers=headers,
            timeout=SECONDS,
            transport=transport,
        )
        self._breaker = breaker or Breaker(CoreAway)

    def check_identity(self, policy_no: str, id_tail: str) -> Customer | None:
        """Return the holder of a policy whose ID number ends so.

        Raises:
            CoreAway: It did not say.
        """
        body = {"policy_no": policy_no, "id_tail": spelled(id_tail)}
        found = self._call("POST", "identity-checks", json=body)
        customer = _read(_CUSTOMER, _field(found, "customer"))
        if customer is not None and not _fits(customer):
            raise CoreAway("answered with a customer that cannot be kept")
        return customer

    def policies(self, customer_id: str) -> list[Policy]:
        """Return a customer's policies, see ``check_identity``."""
        rows = self._all(customer_id, "policies", _POLICIES)
        return sorted(rows, key=lambda row: row.policy_no)

    def policy(self, customer_id: str, policy_no: str) -> Policy | None:
        """Return one policy of a customer, see ``check_identity``."""
        return self._one(customer_id, "policies", policy_no, _POLICY, "policy_no")

    def claims(self, customer_id: str) -> list[Claim]:
        """Return a customer's claims, newest first, see ``check_identity``."""
        rows = self._all(customer_id, "claims", _CLAIMS)
        return sorted(
            rows, key=lambda row: (-row.reported_at.timestamp(), row.claim_no)
        )

    def claim(self, customer_id: str, claim_no: str) -> Claim | None:
        """Return one claim of a customer, see ``check_identity``."""
        return self._one(customer_id, "claims", claim_no, _CLAIM, "claim_no")

    def _all(self, customer_id: str, kind: str, shape: TypeAdapter[list[T]]) -> list[T]:
        """Return all of a kind; nobody's are none."""
        found = self._call("GET", f"customers/{_part(customer_id)}/{kind}")
        return [] if found is None else _read(shape, _field(found, kind))

    def _one(
        self, customer_id: str, kind: str, number: str, shape: TypeAdapter[T], key: str
    ) -> T | None:
        """Return the one of this number, which stands in its field ``key``."""
        wanted = spelled(number)
        path = f"customers/{_part(customer_id)}/{kind}/{_part(wanted)}"
        found = self._call("GET", path)
        if found is None:
            return None
        row = _read(shape, found)
        if getattr(row, key) != wanted:
            raise CoreAway(f"answered with another {key}")
        return row

    def report(
        self, customer_id: str, report: ClaimReport, turn_id: str, now: datetime
    ) -> Claim:
        """Report a claim; the same turn gets the same claim again.

        Raises:
            UnknownPolicy: The customer has no such policy.
            RepeatedTurn: Another customer's claim was made in this turn.
            CoreAway: Nobody knows whether it was taken; the same turn may ask again.
        """
        body = {
            "report": _REPORT.dump_python(_cleaned(report), mode="json"),
            "reported_at": now.isoformat(),
        }
        headers = {"Idempotency-Key": _part(turn_key(turn_id))}
        path = f"customers/{_part(customer_id)}/claims"
        taken = RepeatedTurn("this turn made a claim of another customer")
        found = self._call("POST", path, taken, json=body, headers=headers)
        if found is None:
            raise UnknownPolicy("the customer has no such policy")
        return _read(_CLAIM, found)

    def receive_paper(
        self, customer_id: str, claim_no: str, paper: str, file: ClaimFile
    ) -> Claim | None:
        """Tie a file to a paper; None for a claim the customer does not have.

        Raises:
            IllegalStep: ``not_taken``: the claim or this paper takes no more files.
            CoreAway: Nobody knows whether it was taken; it may be sent again.
        """
        wanted = spelled(claim_no)
        kept = replace(file, paper=paper, name=plain(file.name, MAX_FILE_NAME))
        path = f"customers/{_part(customer_id)}/claims/{_part(wanted)}/files"
        body = _FILE.dump_python(kept, mode="json")
        found = self._call("POST", path, json=body, taken=IllegalStep("not_taken"))
        return None if found is None else _read(_CLAIM, found)

    def close(self) -> None:
        """Give the lines back."""
        self._client.close()

    def _call(
        self, method: str, path: str, taken: Exception | None = None, **rest: Any
    ) -> Any:
        """Return the answer's JSON; None for 404. Every call may be repeated.

        ``taken`` is raised for 409.
        """
        self._breaker.check()
        for _ in tries():
            try:
                status, raw = self._once(method, path, **rest)
            except httpx.HTTPError as err:
                why = type(err).__name__
                continue
            if status not in TRY_AGAIN:
                self._breaker.note(good=True)
                return _answer(status, raw, taken)
            why = f"HTTP {status}"
        self._breaker.note(good=False)
        raise CoreAway(why)

    def _once(self, method: str, path: str, **rest: Any) -> tuple[int, bytes]:
        with self._client.stream(method, path, **rest) as answer:
            raw = b""
            for chunk in answer.iter_bytes():
                raw += chunk
                if len(raw) > MAX_ANSWER_BYTES:
                    raise CoreAway("answered too much")
            return answer.status_code, raw


class CorePolicies:
    """Policies of a verified customer, from the core system."""

    def __init__(self, core: CoreSystem) -> None:
        self._core = core

    def all_of(self, customer_id: str) -> list[Policy]:
        """Return the customer's policies, by number."""
        return self._core.policies(customer_id)

    def get(self, customer_id: str, policy_no: str) -> Policy | None:
        """Return one policy; None for a foreign number and an invented one alike."""
        return self._core.policy(customer_id, policy_no)


class CoreClaims:
    """Claims of a verified customer, from the core system."""

    def __init__(self, core: CoreSystem) -> None:
        self._core = core

    def all_of(self, customer_id: str) -> list[Claim]:
        """Return the customer's claims, newest first."""
        return self._core.claims(customer_id)

    def get(self, customer_id: str, claim_no: str) -> Claim | None:
        """Return one claim; None for a foreign number and an invented one alike."""
        return self._core.claim(customer_id, claim_no)

    def report(
        self, customer_id: str, report: ClaimReport, turn_id: str, now: datetime
    ) -> Claim:
        """Report a claim, see ``CoreSystem.report``."""
        moments = (now, report.happened_at)
        if any(each is not None and each.tzinfo is None for each in moments):
            raise StoreError("a moment without a zone")
        return self._core.report(customer_id, report, turn_id, now)

    def receive_paper(
        self, customer_id: str, claim_no: str, paper: str, file: ClaimFile
    ) -> Claim | None:
        """Tie a file to a paper, see ``CoreSystem.receive_paper``."""
        return self._core.receive_paper(customer_id, claim_no, paper, file)


def _cleaned(report: ClaimReport) -> ClaimReport:
    """Return a report without what no database takes, as our own tables keep it."""
    return replace(
        report,
        policy_no=spelled(report.policy_no),
        what=plain(report.what),
        happened_text=plain(report.happened_text),
        place=plain(report.place),
        contact_phone=plain(report.contact_phone, MAX_SHORT),
        papers=tuple(plain(paper) for paper in report.papers),
        kind=None if report.kind is None else plain(report.kind, MAX_SHORT),
    )


def _fits(customer: Customer) -> bool:
    """Whether our own tables can remember the customer."""
    sizes = ((customer.customer_id, 40), (customer.name, 100), (customer.phone, 32))
    return all(0 < len(text) <= most and "\0" not in text for text, most in sizes)


def _answer(status: int, raw: bytes, taken: Exception | None) -> Any:
    if status == httpx.codes.NOT_FOUND:
        return None
    if status == httpx.codes.CONFLICT and taken is not None:
        raise taken
    if status >= 300:
        raise CoreAway(f"HTTP {status}")
    try:
        return httpx.Response(status, content=raw).json()
    except (ValueError, RecursionError) as err:
        raise CoreAway("answered no JSON") from err


def _field(found: Any, name: str) -> Any:
    if not isinstance(found, dict) or name not in found:
        raise CoreAway(f"answered without {name}")
    return found[name]


def _read(kind: TypeAdapter[T], found: Any) -> T:
    """Turn JSON into a value of ours.

    Raises:
        CoreAway: It is not one; says which field, never what stood in it.
    """
    try:
        value = kind.validate_python(found)
    except ValidationError as err:
        where = ".".join(str(step) for step in err.errors()[0]["loc"])
        raise CoreAway(f"answered with a wrong {where or 'shape'}") from None
    _check(value)
    return value


def _check(value: Any) -> None:
    """Refuse moments without a zone and sums below nothing, however deep."""
    if isinstance(value, (list, tuple)):
        for each in value:
            _check(each)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            found = getattr(value, field.name)
            if isinstance(found, datetime) and found.tzinfo is None:
                raise CoreAway(f"{field.name} has no zone")
            if field.name.endswith("_fen") and found is not None and found < 0:
                raise CoreAway(f"{field.name} is below nothing")
            _check(found)


def _part(text: str) -> str:
    """Return a text as one part of a path."""
    return quote(text, safe="") or "-"
