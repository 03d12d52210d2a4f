"""Searching customers' text with patterns, and never for longer than a moment.

In: a pattern and a text. Out: matches. `re` cannot be interrupted and holds the whole
process meanwhile, so in Rasa the package `regex` searches, which minds a time limit; where
it is missing (tests outside Rasa's environment) `re` does, without a limit. No Rasa here.
"""

from __future__ import annotations

import re
from time import process_time
from typing import Any, Callable, Iterator, List, Optional

try:
    import regex
except ImportError:  # the root environment, which only tests use for this file
    regex = None

# Processor time for all patterns of one message; ordinary ones take about a millisecond.
SECONDS = 1.0
Pattern = Any  # re.Pattern or regex.Pattern


def compiled(pattern: str, flags: int = 0) -> Pattern:
    """Compile for `Budget.finditer`; ``re.IGNORECASE`` is the only flag known to both."""
    if regex is None:
        return re.compile(pattern, flags)
    return regex.compile(pattern, regex.IGNORECASE if flags & re.IGNORECASE else 0)


class Budget:
    """The processor time that one message may take.

    Args:
        seconds: for all searches together.
        spent: tells processor time, in seconds.
    """

    def __init__(
        self, seconds: float = SECONDS, spent: Callable[[], float] = process_time
    ) -> None:
        self._spent = spent
        self._until = spent() + seconds

    def finditer(self, pattern: Pattern, text: str) -> List[Any]:
        """All matches.

        Raises:
            TimeoutError: the time is used up.
        """
        left = self._until - self._spent()
        if left <= 0:
            raise TimeoutError("no time left for this message")
        return list(_found(pattern, text, left))


def _found(pattern: Pattern, text: str, seconds: Optional[float]) -> Iterator[Any]:
    if isinstance(pattern, re.Pattern):
        return pattern.finditer(text)
    return pattern.finditer(text, timeout=seconds)
