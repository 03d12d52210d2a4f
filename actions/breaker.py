"""Keeps a system that does not answer from holding up everything that needs it.

In: how calls went. Out: whether to call at all. Shared by all threads of the process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from actions.errors import ActionsError


class Breaker:
    """Stops asking a system that fails again and again, for a while.

    Args:
        away: Raised instead of asking.
        failures: In a row, after which nobody asks.
        pause: Seconds; then one call may try.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        away: type[ActionsError],
        failures: int = 5,
        pause: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._away = away
        self._limit = failures
        self._pause = pause
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0
        self._lock = threading.Lock()

    def check(self) -> None:
        """Let a call through.

        Raises:
            ActionsError: Not now; of the kind ``away``.
        """
        with self._lock:
            if self._failures < self._limit:
                return
            if self._clock() < self._open_until:
                raise self._away("not asked: it failed again and again")
            self._open_until = self._clock() + self._pause  # one may try

    def note(self, *, good: bool) -> None:
        """Note how a call went."""
        with self._lock:
            self._failures = 0 if good else self._failures + 1
            if self._failures >= self._limit:
                self._open_until = self._clock() + self._pause
