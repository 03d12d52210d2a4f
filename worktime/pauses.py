"""Times in which the clock of a promise stands still.

In: pauses as they were noted, in any order. Out: the same ones in Beijing time, in order
and apart from each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

BEIJING = ZoneInfo("Asia/Shanghai")
Span = tuple[datetime, datetime | None]  # from, until; None: until further notice


def to_beijing(moment: datetime) -> datetime:
    """Return a moment in Beijing time.

    Raises:
        ValueError: It has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(BEIJING)


def in_order(
    pauses: Iterable[tuple[datetime, datetime | None]],
) -> Sequence[Span]:
    """Return pauses in order, those that touch made one, empty ones left out.

    Raises:
        ValueError: A pause ends before it begins, or a moment has no time zone.
    """
    spans = [
        (to_beijing(since), None if until is None else to_beijing(until))
        for since, until in pauses
    ]
    if any(until is not None and until < since for since, until in spans):
        raise ValueError("a pause must not end before it begins")
    merged: list[Span] = []
    for since, until in sorted(spans, key=lambda span: span[0]):
        if until == since:
            continue
        if not merged or _is_over(merged[-1], since):
            merged.append((since, until))
        elif (before := merged[-1][1]) is not None:
            longer = None if until is None else max(before, until)
            merged[-1] = (merged[-1][0], longer)
    return merged


def _is_over(span: Span, moment: datetime) -> bool:
    return span[1] is not None and span[1] < moment


def span_at(spans: Sequence[Span], moment: datetime) -> Span | None:
    """Return the pause a moment lies in; its end does not belong to it."""
    for since, until in spans:
        if since <= moment and (until is None or moment < until):
            return since, until
    return None
