"""Demo customers for a fresh store, read from ``data/demo/policies.yml``.

What is there already, by number, stays as it is: running it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Engine, Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from actions.database import WRITES, Base, store_error
from actions.policystore.id_tail import hash_tail
from actions.policystore.numbers import BEIJING
from actions.policystore.tables import (
    CalculationRow,
    ClaimHistoryRow,
    ClaimRow,
    CoverageRow,
    CustomerRow,
    PaperRow,
    PolicyRow,
    PremiumRow,
)

PAID_AT = "10:00"  # of the day an instalment was due


@dataclass(frozen=True)
class Seeded:
    """How many rows of each kind are new."""

    customers: int
    policies: int
    claims: int


def seed(engine: Engine, file: Path, now: datetime) -> Seeded:
    """Add the customers of a file that are missing.

    Args:
        engine: A database with the newest tables.
        file: Customers with policies and claims; see its own head for days.
        now: Present moment; days such as ``today+20`` count from it in Beijing.

    Raises:
        StoreError: The database failed; nothing was added.
        OSError: The file cannot be read.
        ValueError: A day in it cannot be read.
    """
    found = yaml.safe_load(file.read_text(encoding="utf-8"))["customers"]
    try:
        with engine.connect() as connection:
            writing = connection.execution_options(**{WRITES: True})
            with Session(writing) as session, session.begin():
                if engine.dialect.name == "postgresql":  # SQLite has one writer anyway
                    session.execute(text("LOCK TABLE customers IN EXCLUSIVE MODE"))
                return _Seeder(session, now.astimezone(BEIJING).date()).add(found)
    except SQLAlchemyError as err:
        raise store_error(err) from err


class _Seeder:
    def __init__(self, session: Session, today: date) -> None:
        self._session = session
        self._today = today
        self._is_sqlite = session.get_bind().dialect.name == "sqlite"

    def add(self, customers: list[dict[str, Any]]) -> Seeded:
        new = {"customers": 0, "policies": 0, "claims": 0}
        for one in customers:
            new["customers"] += self._customer(one)
            for policy in one["policies"]:
                new["policies"] += self._policy(one, policy)
                for claim in policy.get("claims", ()):
                    new["claims"] += self._claim(one, policy, claim)
        return Seeded(**new)

    def _customer(self, one: Mapping[str, Any]) -> bool:
        tail = hash_tail(one["id_tail"])
        return self._insert(
            CustomerRow,
            customer_id=one["customer_id"],
            name=one["name"],
            phone=one["phone"],
            id_tail_salt=tail.salt,
            id_tail_hash=tail.digest,
        )

    def _policy(self, customer: Mapping[str, Any], one: Mapping[str, Any]) -> bool:
        columns = {
            name: value
            for name, value in one.items()
            if name not in ("coverages", "premiums", "claims")
        }
        for name in DAYS & columns.keys():
            columns[name] = read_day(columns[name], self._today)
        columns["customer_id"] = customer["customer_id"]
        columns.setdefault("insured_name", customer["name"])
        if not self._insert(PolicyRow, **columns):
            return False
        for position, coverage in enumerate(one["coverages"], start=1):
            self._insert(
                CoverageRow, policy_no=one["policy_no"], position=position, **coverage
            )
        self._premiums(one, columns)
        return True

    def _premiums(self, one: Mapping[str, Any], columns: Mapping[str, Any]) -> None:
        """Yearly instalments; paid up to today, the next one open."""
        due = read_day(one["premiums"]["first"], self._today)
        last = columns.get("renewal_due") or columns["end"] - timedelta(days=1)
        while due <= last:
            is_paid = due < columns.get("renewal_due", date.max)
            self._insert(
                PremiumRow,
                policy_no=one["policy_no"],
                due_on=due,
                amount_fen=one["premiums"]["amount_fen"],
                paid_at=read_moment(f"{due} {PAID_AT}") if is_paid else None,
            )
            due = due.replace(year=due.year + 1)

    def _claim(
        self,
        customer: Mapping[str, Any],
        policy: Mapping[str, Any],
        one: Mapping[str, Any],
    ) -> bool:
        clause = one.get("decision_clause", {})
        is_new = self._insert(
            ClaimRow,
            customer_id=customer["customer_id"],
            policy_no=policy["policy_no"],
            reported_at=read_moment(one["history"][0]["at"]),
            happened_at=read_moment(one["happened_at"]),
            contact_phone=customer["phone"],
            decision_clause_product=clause.get("product"),
            decision_clause_ref=clause.get("ref"),
            **{name: one.get(name) for name in CLAIM_COLUMNS},
        )
        if is_new:
            self._history(one)
            for position, line in enumerate(one.get("calculation", ()), start=1):
                self._insert(
                    CalculationRow, claim_no=one["claim_no"], position=position, **line
                )
        return is_new

    def _history(self, claim: Mapping[str, Any]) -> None:
        for position, change in enumerate(claim["history"], start=1):
            row = {**change, "at": read_moment(change["at"])}
            self._insert(
                ClaimHistoryRow, claim_no=claim["claim_no"], position=position, **row
            )
        for position, paper in enumerate(claim["papers"], start=1):
            received = paper.get("received_at")
            self._insert(
                PaperRow,
                claim_no=claim["claim_no"],
                position=position,
                name=paper["name"],
                required=True,
                received_at=read_moment(received) if received else None,
            )

    def _insert(self, row: type[Base], **columns: object) -> bool:
        """Add a row when its key is new."""
        make = sqlite.insert if self._is_sqlite else postgresql.insert
        table = row.__table__
        assert isinstance(table, Table)
        named = {row.__mapper__.columns[name]: one for name, one in columns.items()}
        key = table.primary_key.columns.values()[0]
        added = self._session.execute(
            make(table).values(named).on_conflict_do_nothing().returning(key)
        )
        return added.first() is not None


DAYS = {
    "start",
    "end",
    "renewal_due",
    "waiting_until",
    "cooling_off_until",
    "lapsed_on",
}
CLAIM_COLUMNS = (
    "claim_no",
    "kind",
    "status",
    "what",
    "happened_text",
    "place",
    "injured",
    "amount_fen",
    "decision_reason",
)


def read_day(said: str, today: date) -> date:
    """Return the day meant by ``2024-01-31``, ``today+20`` or ``next 08-08``.

    Raises:
        ValueError: It is none of the forms in the head of the demo file.
    """
    if said.startswith("year before "):
        return _year(read_day(said.removeprefix("year before "), today), -1)
    if said.startswith("today"):
        return today + timedelta(days=int(said.removeprefix("today") or 0))
    if said.startswith("next "):
        found = date.fromisoformat(f"{today.year}-{said.removeprefix('next ')}")
        return found if found >= today else _year(found, 1)
    return date.fromisoformat(said)


def read_moment(said: str) -> datetime:
    """Return a moment written in Beijing time, ``2026-10-15 14:05``."""
    return datetime.fromisoformat(said).replace(tzinfo=BEIJING)


def _year(day: date, years: int) -> date:
    year = day.year + years
    if (day.month, day.day) == (2, 29):
        return date(year, 3, 1)
    return day.replace(year=year)
