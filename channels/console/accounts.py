"""Agents' logins and sessions: budgets for tries, cookies that scripts cannot read.

In: a name and a password, or a cookie. Out: the agent behind it, or the same refusal for
every reason there may be.

Anybody can name a login, so a login as such is never locked. Tries are counted before
they are looked at, real names like invented ones: per name and address, per address, and
per name over all addresses. A browser that was logged in with the name before has a
budget of its own, which strangers cannot spend.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.errors import BadInput, Overloaded, Unauthorized
from bot.ledger.agents import Agents, DeskSession
from bot.ledger.login_tries import Budget, LoginTries, Scope, budget_for
from channels.console.hashing import (
    MAX_PASSWORD_CHARS,
    MIN_PASSWORD_CHARS,
    PasswordChecks,
    hash_password,
)
from channels.tokens import Doorkeeper

__all__ = [
    "MAX_PASSWORD_CHARS",
    "MIN_PASSWORD_CHARS",
    "Accounts",
    "LoggedIn",
    "Visitor",
    "hash_password",
    "may_write",
]

SESSION_TTL = timedelta(hours=12)
DEVICE_TTL = timedelta(days=180)  # a browser is known for so long
MAX_NAME_CHARS = 50
# Wrong tries at once; then one more each time the second has passed.
_PER_PAIR = (5, timedelta(minutes=10))  # also per known device
_PER_ADDRESS = (60, timedelta(seconds=10))  # an office behind one address
_PER_NAME = (60, timedelta(seconds=30))  # from everywhere


@dataclass(frozen=True)
class LoggedIn:
    """A new session.

    Attributes:
        token: For the cookie; kept nowhere.
        device: For the cookie by which the browser is known again.
    """

    token: str
    session: DeskSession
    device: str


@dataclass(frozen=True)
class Visitor:
    """Where somebody who wants in comes from.

    Attributes:
        network: Address, or its IPv6 /64.
        device: Cookie of an earlier login, from outside.
    """

    network: str
    device: str | None = None


class Accounts:
    """Lets agents in."""

    def __init__(
        self, agents: Agents, tries: LoginTries, doorkeeper: Doorkeeper
    ) -> None:
        self._agents = agents
        self._tries = tries
        self._doorkeeper = doorkeeper
        self._checks = PasswordChecks()

    async def login(
        self, name: str, password: str, visitor: Visitor, now: datetime
    ) -> LoggedIn:
        """Open a session.

        Raises:
            Unauthorized: No such account, a closed one, or a wrong password.
            Overloaded: Too many tries, whoever they are for; says when to try again.
        """
        name = name[:MAX_NAME_CHARS]
        own, shared = self._budgets(name, visitor, now)
        budgets = (*own, *shared)
        if wait := await self._tries.take(budgets, now):
            raise Overloaded("login_locked", wait)
        agent = await self._agents.get(name)
        hashed = agent.password_hash if agent is not None else None
        try:
            good = await self._checks.fits(hashed, password)
        except Overloaded:
            await self._tries.give_back(budgets)
            raise
        if agent is None or not agent.active or not good:
            # A line for invented names too, which takes as long; the name is not kept.
            known = agent.name if agent is not None else ""
            await self._agents.log(known, "login_failed", now)
            raise Unauthorized
        await self._tries.forgive(own, now)
        await self._tries.give_back(shared)
        await self._agents.log(agent.name, "login", now)
        token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
        until = now + SESSION_TTL
        await self._agents.open_session(_digest(token), agent.name, csrf, now, until)
        session = DeskSession(agent, csrf, until)
        return LoggedIn(token, session, self._device(agent.name, now))

    def _budgets(
        self, name: str, visitor: Visitor, now: datetime
    ) -> tuple[Sequence[Budget], Sequence[Budget]]:
        """Return the budgets of this browser, and those it shares with others.

        Always in this order: two logins can never wait for each other in a circle.
        """
        if self._knows(visitor.device, name, now):
            parts = (name, str(visitor.device))
            return (budget_for(Scope.DEVICE, parts, *_PER_PAIR),), ()
        pair = budget_for(Scope.PAIR, (name, visitor.network), *_PER_PAIR)
        address = budget_for(Scope.ADDRESS, (visitor.network,), *_PER_ADDRESS)
        return (pair,), (address, budget_for(Scope.NAME, (name,), *_PER_NAME))

    def _device(self, name: str, now: datetime) -> str:
        body = f"{int(now.timestamp()):x}.{secrets.token_hex(16)}"
        return f"{body}.{self._doorkeeper.mark('device', f'{name}:{body}')}"

    def _knows(self, device: str | None, name: str, now: datetime) -> bool:
        """Say whether a browser was logged in with this name before."""
        if not device or len(device) > 200 or not device.isascii():
            return False
        body, _, mark = device.rpartition(".")
        expected = self._doorkeeper.mark("device", f"{name}:{body}")
        if not hmac.compare_digest(mark, expected):
            return False
        made = int(body.partition(".")[0], 16)
        return now.timestamp() < made + DEVICE_TTL.total_seconds()

    async def enter(self, token: str | None, now: datetime) -> DeskSession:
        """Return the session of a cookie.

        Raises:
            Unauthorized: There is none.
            BadInput: It has ended; 401, the code says why.
        """
        if not token or len(token) > 100:
            raise Unauthorized
        found = await self._agents.session(_digest(token), now)
        if found is None:
            over = await self._agents.has_expired(_digest(token), now)
            raise BadInput("desk_expired" if over else "desk_left", 401)
        return found

    async def leave(self, token: str) -> None:
        """End a session."""
        await self._agents.close_session(_digest(token))


def may_write(session: DeskSession, given: str | None) -> bool:
    """Say whether a request that changes something comes from our own page."""
    return hmac.compare_digest(session.csrf.encode(), (given or "").encode())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
