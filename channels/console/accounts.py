"""Agents' passwords and sessions: argon2, lock-out, cookies that scripts cannot read.

In: a name and a password, or a cookie. Out: the agent behind it, or the same refusal for
every reason there may be.
"""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot.errors import Overloaded, Unauthorized
from bot.ledger.agents import Agents, DeskSession

SESSION_TTL = timedelta(hours=12)
MAX_FAILURES = 5  # in a row, then the account is locked for a while
LOCK = timedelta(minutes=10)
MIN_PASSWORD_CHARS = 8
MAX_PASSWORD_CHARS = 200

_hasher = PasswordHasher()
# Checked for names that do not exist, so that they take as long as those that do.
_NOBODY = _hasher.hash(secrets.token_hex(16))


def hash_password(password: str, least: int = MIN_PASSWORD_CHARS) -> str:
    """Return the argon2id hash of a password of at least ``least`` characters.

    Raises:
        ValueError: It is too short or too long.
    """
    if not least <= len(password) <= MAX_PASSWORD_CHARS:
        raise ValueError(f"a password has {least} to {MAX_PASSWORD_CHARS} characters")
    return _hasher.hash(password)


def _matches(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password[:MAX_PASSWORD_CHARS])
    except (VerificationError, InvalidHashError):
        return False


@dataclass(frozen=True)
class LoggedIn:
    """A new session.

    Attributes:
        token: For the cookie; kept nowhere.
    """

    token: str
    session: DeskSession


class Accounts:
    """Lets agents in."""

    def __init__(self, agents: Agents) -> None:
        self._agents = agents

    async def login(self, name: str, password: str, now: datetime) -> LoggedIn:
        """Open a session.

        Raises:
            Unauthorized: No such account, a closed one, or a wrong password.
            Overloaded: Too many wrong passwords; says when to try again.
        """
        agent = await self._agents.get(name[:50])
        hashed = agent.password_hash if agent is not None else _NOBODY
        if agent is not None and agent.locked_until and agent.locked_until > now:
            raise Overloaded("login_locked", agent.locked_until - now)
        good = await asyncio.to_thread(_matches, hashed, password)
        if agent is None or not agent.active:
            raise Unauthorized
        if not good:
            failures = agent.failures + 1
            locked = now + LOCK if failures >= MAX_FAILURES else None
            kept = 0 if locked else failures
            await self._agents.note_login(agent.name, kept, locked)
            await self._agents.log(agent.name, "login_failed", now)
            raise Unauthorized
        await self._agents.note_login(agent.name, 0, None)
        await self._agents.log(agent.name, "login", now)
        token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
        until = now + SESSION_TTL
        await self._agents.open_session(_digest(token), agent.name, csrf, now, until)
        return LoggedIn(token, DeskSession(agent, csrf, until))

    async def enter(self, token: str | None, now: datetime) -> DeskSession:
        """Return the session of a cookie.

        Raises:
            Unauthorized: There is none, or it has ended.
        """
        if not token or len(token) > 100:
            raise Unauthorized
        found = await self._agents.session(_digest(token), now)
        if found is None:
            raise Unauthorized
        return found

    async def leave(self, token: str) -> None:
        """End a session."""
        await self._agents.close_session(_digest(token))


def may_write(session: DeskSession, given: str | None) -> bool:
    """Say whether a request that changes something comes from our own page."""
    return hmac.compare_digest(session.csrf.encode(), (given or "").encode())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
