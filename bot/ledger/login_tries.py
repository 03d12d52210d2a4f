"""How often somebody may try to log in: budgets that every edge shares.

In: who tries and from where. Out: counted, or how long to wait. A budget allows a few
tries at once and then one each time ``every`` has passed; of what it is for, only a hash
is kept. A try is counted in one statement, so of many at once none is looked at beyond
the budget.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.ledger.database import Database
from bot.ledger.desk_tables import login_tries

_HALF = 32  # hex digits that stand for a name or an address
_MILLISECOND = timedelta(milliseconds=1)


class Scope(StrEnum):
    """What a budget is for."""

    DEVICE = "device"  # a browser that was logged in before, and a name
    PAIR = "pair"  # a name from an address
    ADDRESS = "address"
    NAME = "name"


@dataclass(frozen=True)
class Budget:
    """Tries of one subject.

    Attributes:
        scope: What it is for.
        subject: Hashes, see ``budget_for``.
        at_once: Tries that need not wait.
        every: One more after each.
    """

    scope: Scope
    subject: str
    at_once: int
    every: timedelta


def budget_for(
    scope: Scope, parts: Sequence[str], at_once: int, every: timedelta
) -> Budget:
    """Return a budget; where a name is one of its parts, it is the first."""
    subject = "".join(_hash(part) for part in parts)
    return Budget(scope, subject, at_once, every)


class _Spent(Exception):
    def __init__(self, wait: timedelta) -> None:
        self.wait = wait


class LoginTries:
    """The budgets of all names and addresses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, budgets: Sequence[Budget], now: datetime) -> timedelta | None:
        """Count a try in all of them; when one is spent, in none.

        Returns:
            None, or how long to wait for the one that is spent.
        """
        moment = _milliseconds(now)

        def write(connection: Connection) -> None:
            for budget in budgets:
                _take(connection, budget, moment)

        try:
            await self._database.write(write)
        except _Spent as spent:
            return spent.wait
        return None

    async def give_back(self, budgets: Sequence[Budget]) -> None:
        """Undo a try that was none, or that was right."""

        def write(connection: Connection) -> None:
            for each in budgets:
                left = login_tries.c.until_ms - each.every // _MILLISECOND
                change = update(login_tries).where(*_is(each)).values(until_ms=left)
                connection.execute(change)

        await self._database.write(write)

    async def forgive(self, budgets: Sequence[Budget], now: datetime) -> None:
        """Make these whole again, and forget all that are whole anyway."""

        def write(connection: Connection) -> None:
            for each in budgets:
                connection.execute(delete(login_tries).where(*_is(each)))
            whole = login_tries.c.until_ms <= _milliseconds(now)
            connection.execute(delete(login_tries).where(whole))

        await self._database.write(write)


def forgive_name(connection: Connection, name: str) -> None:
    """Make whole again what counts tries with a name, from wherever."""
    mine = login_tries.c.subject.startswith(_hash(name))
    wanted = login_tries.c.scope.in_([Scope.DEVICE, Scope.PAIR, Scope.NAME])
    connection.execute(delete(login_tries).where(wanted, mine))


def _take(connection: Connection, budget: Budget, now: int) -> None:
    postgres = connection.dialect.name == "postgresql"
    insert = postgresql.insert if postgres else sqlite.insert
    every = budget.every // _MILLISECOND
    most = (budget.at_once - 1) * every
    until = login_tries.c.until_ms
    taken = connection.execute(
        insert(login_tries)
        .values(scope=budget.scope, subject=budget.subject, until_ms=now + every)
        .on_conflict_do_update(
            index_elements=[login_tries.c.scope, login_tries.c.subject],
            set_={"until_ms": case((until > now, until), else_=now) + every},
            where=until <= now + most,
        )
        .returning(until)
    ).first()
    if taken is None:
        found = connection.execute(select(until).where(*_is(budget))).scalar_one()
        raise _Spent(_MILLISECOND * max(1, found - most - now))


def _is(budget: Budget) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    columns = login_tries.c
    return (columns.scope == budget.scope, columns.subject == budget.subject)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_HALF]
