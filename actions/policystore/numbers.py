"""Numbers of claims (C), complaints (T) and service requests (R).

A letter, the day in Beijing (yyyymmdd), five random digits: nobody can tell from a
number how many there are, or guess the next one. The primary key keeps them unique; a
collision is drawn again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from actions.errors import StoreError

Prefix = Literal["C", "T", "R"]
Draw = Callable[[], int]

BEIJING = ZoneInfo("Asia/Shanghai")
DIGITS = 5
# With a day nine tenths full one claim in 40 million would be refused.
MAX_DRAWS = 160


def draw_digits() -> int:
    """Return an unforeseeable number below 10 to the power of `DIGITS`."""
    return secrets.randbelow(10**DIGITS)


def new_number(prefix: Prefix, now: datetime, draw: Draw = draw_digits) -> str:
    """Return a candidate such as ``C2026101500012``; it may be taken already."""
    return f"{prefix}{now.astimezone(BEIJING):%Y%m%d}{draw():0{DIGITS}d}"


def insert_numbered(
    session: Session,
    number_column: InstrumentedAttribute[str],
    same_turn: ColumnElement[bool],
    values: Mapping[str, Any],
    candidate: Callable[[], str],
) -> tuple[str, bool]:
    """Insert a row under a new number, once per turn.

    Two runs of the same turn may be here at once: the unique turn id lets one in, the
    other finds the first one's row.

    Args:
        session: In a writing transaction.
        number_column: The primary key that takes the number.
        same_turn: Finds the row this turn has made before.
        values: All other columns by attribute name.
        candidate: Draws a number.

    Returns:
        The row's number, and whether this call made it.

    Raises:
        IntegrityError: The row is refused for another reason.
        StoreError: The day's numbers are used up.
    """
    row = number_column.class_
    earlier = select(number_column).where(same_turn)
    if (number := session.scalar(earlier)) is not None:
        return number, False
    for _ in range(MAX_DRAWS):
        drawn = candidate()
        try:
            with session.begin_nested():
                session.execute(
                    insert(row).values({number_column.key: drawn, **values})
                )
            return drawn, True
        except IntegrityError:
            if (number := session.scalar(earlier)) is not None:
                return number, False
            taken = select(number_column).where(number_column == drawn)
            if session.scalar(taken) is None:
                raise
    raise StoreError("no free number left for this day")
