"""JSON from outside, read strictly: one object of finite numbers, or a refusal.

In: bytes that a stranger sent. Out: a dict that can be stored, compared and written down
again. ``json.loads`` alone takes ``NaN``, ``1e999`` and a thousand brackets, and keeps the
last of two fields of one name where other readers keep the first.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

from bot.errors import BadInput

MAX_DEPTH = 32  # of lists and objects in each other; the deepest real update has 9

Json = dict[str, Any]


def read_object(raw: bytes) -> Json:
    """Read a JSON object; the body's size is limited before.

    Raises:
        BadInput: It is no UTF-8, no JSON object, nested too deeply, has a field twice or
            a number that is none (status 400).
    """
    try:
        data = json.loads(
            raw.decode("utf-8-sig"),
            parse_float=_finite,
            parse_constant=_refuse,
            object_pairs_hook=_once,
        )
    except (ValueError, RecursionError) as err:
        raise BadInput("bad_json", status=400) from err
    if not isinstance(data, dict) or _is_deep(data):
        raise BadInput("bad_json", status=400)
    return data


def read_answer(raw: bytes) -> Any:
    """Read what a service we asked answers; a number that is none becomes None.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return json.loads(raw, parse_float=_finite_or_none, parse_constant=_nothing)
    except RecursionError as err:
        raise ValueError("nested too deeply") from err


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("no finite number")
    return value


def _finite_or_none(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _nothing(_: str) -> None:
    return None


def _once(pairs: Sequence[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field stands twice")
    return found


def _is_deep(data: Any) -> bool:
    level = [data]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for each in level
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
