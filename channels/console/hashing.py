"""Argon2 in a thread of its own: slow on purpose, so it may hold up nobody else.

In: passwords. Out: whether they fit. One is hashed after the other, behind everything
else the machine has to do; more than a few that wait are refused.
"""

import asyncio
import contextlib
import os
import secrets
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot.errors import Overloaded

MIN_PASSWORD_CHARS = 8
MAX_PASSWORD_CHARS = 200
MAX_WAITING = 32  # some seconds' work on a small machine
_BUSY_PAUSE = timedelta(seconds=5)
_NICE = 5  # a third of the time of others that want the same core

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


class PasswordChecks:
    """Compares passwords with hashes.

    Args:
        most: Checks that run or wait; more are refused.
    """

    def __init__(self, most: int = MAX_WAITING) -> None:
        self._most = most
        self._open = 0
        self._thread = ThreadPoolExecutor(1, "passwords", initializer=_step_back)

    async def fits(self, hashed: str | None, password: str) -> bool:
        """Say whether a password fits; without a hash it takes as long and does not.

        Raises:
            Overloaded: Too many wait; nothing was compared.
        """
        if self._open >= self._most:
            raise Overloaded("login_busy", _BUSY_PAUSE)
        self._open += 1
        work = self._thread.submit(_fits, hashed or _NOBODY, password)
        # Whoever hangs up leaves the work behind; it counts until it is done.
        loop = asyncio.get_running_loop()
        work.add_done_callback(lambda _: self._leave(loop))
        return await asyncio.wrap_future(work) and hashed is not None

    def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(self._close_one)

    def _close_one(self) -> None:
        self._open -= 1


def _step_back() -> None:
    """Let the rest of the process go first; argon2's own threads inherit that."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def _fits(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password[:MAX_PASSWORD_CHARS])
    except (VerificationError, InvalidHashError):
        return False
