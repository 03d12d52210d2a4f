"""How other systems are called: how long, how often, and when not at all.

In: how calls went. Out: whether to call (again). One that does not answer must not hold
up everything that needs it. Shared by all threads of the process.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator

from actions.errors import ActionsError

SECONDS = 4.0  # one call
# What may pass; everything else is an answer.
TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_TRIES = 3
_PAUSE = 0.2  # seconds before the second try, doubled before the third


def tries() -> Iterator[int]:
    """Yield 0, 1, 2, with a pause of random length before each try but the first."""
    for number in range(_TRIES):
        if number:
            time.sleep(_PAUSE * 2 ** (number - 1) * random.uniform(0.5, 1.5))
        yield number


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
