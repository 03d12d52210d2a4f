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
    """Return pauses in order, those that touch made one, empty ones left out."""
    merged: list[Span] = []
    for since, until in sorted(
        ((to_beijing(a), None if b is None else to_beijing(b)) for a, b in pauses),
        key=lambda span: span[0],
    ):
        if until is not None and until < since:
            raise ValueError("a pause must not end before it begins")
        if until == since:
            continue
        if merged and (merged[-1][1] is None or merged[-1][1] >= since):
            before = merged[-1]
            ends = None if None in (before[1], until) else max(before[1], until)  # type: ignore[type-var]
            merged[-1] = (before[0], ends)
        else:
            merged.append((since, until))
    return merged


def span_at(spans: Sequence[Span], moment: datetime) -> Span | None:
    """Return the pause a moment lies in; its end does not belong to it."""
    for since, until in spans:
        if since <= moment and (until is None or moment < until):
            return since, until
    return None
