"""A reference core system: the contract of ``BAOKE_POLICY_STORE_URL`` over our own tables.

For tests, demonstrations and as a starting point: an insurer puts a service of its own
with the same paths in front of its core system. Run: ``python scripts/reference_core.py
--database sqlite:///core.db --port 8090``; ``--openapi`` prints the contract.
"""

from __future__ import annotations

import argparse
import hmac
import json
import sys
from datetime import datetime
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import AwareDatetime, BaseModel, Field

from actions.errors import IllegalStep, RepeatedTurn, StoreError, UnknownPolicy
from actions.policystore.model import Claim, ClaimFile, ClaimReport, Customer, Policy
from actions.policystore.unit_of_work import Store, open_store
from actions.settings import read_settings


class IdentityCheck(BaseModel):
    """Do these two belong together?"""

    policy_no: str = Field(max_length=64)
    id_tail: str = Field(max_length=40)


class Identity(BaseModel):
    """The holder; null for a wrong tail and an unknown policy alike."""

    customer: Customer | None


class Policies(BaseModel):
    """A customer's policies."""

    policies: list[Policy]


class Claims(BaseModel):
    """A customer's claims."""

    claims: list[Claim]


class Report(BaseModel):
    """A claim as the customer tells it."""

    report: ClaimReport
    reported_at: AwareDatetime


def build_core(store: Store, token: str | None = None) -> FastAPI:
    """Return the reference server over a store."""

    def authorised(authorization: Annotated[str, Header()] = "") -> None:
        wanted = f"Bearer {token}" if token else ""
        if token and not hmac.compare_digest(authorization.encode(), wanted.encode()):
            raise HTTPException(401, "unauthorised")

    api = FastAPI(
        title="Core system of an insurer, as baoke asks it",
        version="1",
        description="Unknown and foreign things are both 404. Amounts are fen, moments "
        "have a zone, dates are days in Beijing. Every call may be repeated.",
        dependencies=[Depends(authorised)],
    )

    @api.exception_handler(StoreError)
    async def away(_: Any, __: Exception) -> Any:
        from fastapi.responses import JSONResponse

        return JSONResponse({"detail": "unavailable"}, status_code=503)

    @api.post("/v1/identity-checks")
    def identity(body: IdentityCheck) -> Identity:
        """Check an ID tail; limits on guessing are the caller's."""
        with store() as uow:
            customer = uow.identity.holder(body.policy_no, body.id_tail)
        return Identity(customer=customer)

    @api.get("/v1/customers/{customer_id}/policies")
    def policies(customer_id: str) -> Policies:
        """All policies of a customer; none for a customer who is unknown."""
        with store() as uow:
            return Policies(policies=uow.policies.all_of(customer_id))

    @api.get("/v1/customers/{customer_id}/policies/{policy_no}")
    def policy(customer_id: str, policy_no: str) -> Policy:
        """One policy of a customer."""
        with store() as uow:
            return _or_404(uow.policies.get(customer_id, policy_no))

    @api.get("/v1/customers/{customer_id}/claims")
    def claims(customer_id: str) -> Claims:
        """All claims of a customer."""
        with store() as uow:
            return Claims(claims=uow.claims.all_of(customer_id))

    @api.get("/v1/customers/{customer_id}/claims/{claim_no}")
    def claim(customer_id: str, claim_no: str) -> Claim:
        """One claim of a customer."""
        with store() as uow:
            return _or_404(uow.claims.get(customer_id, claim_no))

    @api.post("/v1/customers/{customer_id}/claims")
    def report(
        customer_id: str,
        body: Report,
        idempotency_key: Annotated[str, Header(min_length=1, max_length=300)],
    ) -> Claim:
        """Take a report; the same Idempotency-Key gets the same claim again.

        404: the customer has no such policy. 409: the key was another customer's.
        """
        moment: datetime = body.reported_at
        try:
            with store() as uow:
                return uow.claims.report(
                    customer_id, body.report, idempotency_key, moment
                )
        except UnknownPolicy as err:
            raise HTTPException(404, "not found") from err
        except RepeatedTurn as err:
            raise HTTPException(409, "another customer's") from err
        except ValueError as err:
            raise HTTPException(422, "cannot be taken") from err

    @api.post("/v1/customers/{customer_id}/claims/{claim_no}/files")
    def receive(customer_id: str, claim_no: str, body: ClaimFile) -> Claim:
        """Note a file for one paper of a claim; the same file_id again is no other.

        The file itself lies with baoke under this id. 404: no such claim of this
        customer. 409: the claim is decided, or needs no paper of this name.
        """
        try:
            with store() as uow:
                return _or_404(
                    uow.claims.receive_paper(customer_id, claim_no, body.paper, body)
                )
        except IllegalStep as err:
            raise HTTPException(409, err.why) from err

    return api


def contract(api: FastAPI) -> str:
    """Return the contract as docs/core-system.openapi.json has it."""
    return json.dumps(api.openapi(), ensure_ascii=False, indent=1) + "\n"


def _or_404(found: Any) -> Any:
    if found is None:
        raise HTTPException(404, "not found")
    return found


def main() -> None:
    """Serve, or print the contract."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", metavar="URL", help="core.db in BAOKE_VAR_DIR")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--token", help="wanted as a bearer token")
    parser.add_argument("--openapi", action="store_true", help="print the contract")
    args = parser.parse_args()
    settings = read_settings(policy_store_url=None)
    database = args.database or f"sqlite:///{settings.var / 'core.db'}"
    settings = settings.model_copy(update={"database_url": database})
    store = open_store(settings)
    api = build_core(store, args.token)
    if args.openapi:
        sys.stdout.write(contract(api))
        return
    uvicorn.run(api, host=args.host, port=args.port, log_level="warning")


if __name__ == "__main__":
    main()
