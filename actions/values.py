"""What a customer's data is read as: 三千块 → 3,000.00元, 昨晚 → 2026-11-22 晚上.

In: a turn. Out: one `Value` per piece of data, as the forms take it and as "why this
answer" shows it; data that could not be read has None and is asked back by whoever needs
it. An estimate (两三天前, 两三千块) says so and has a least and a most.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from actions import normalise, show
from actions.moments import When, when
from actions.money import Amount, amount
from actions.turn import Entity, Turn

# Read without the clock; identity numbers are secrets and stay out.
_READERS = {
    "policy_no": normalise.policy_no,
    "claim_no": normalise.claim_no,
    "complaint_no": normalise.complaint_no,
    "phone": normalise.phone,
    "plate_no": normalise.plate_no,
}
_CLAUSE_END = re.compile("[，。；！？,;!?\\n]")
_OR = re.compile(r"\s?(?:或者?|还是|、|到|至|[-~—–])\s?")
_ABOUT_BEFORE = re.compile("(?:大概|大约|差不多|估计|将近|不到|[近约小快])$")
_ABOUT_AFTER = re.compile(r"\s?(?:左右|上下|出头|多|来)")
_NEAR = 12  # characters beside a date that may say what it is


@dataclass(frozen=True)
class Value:
    """One piece of data and what it was read as.

    Attributes:
        kind: of the entity: date, amount, policy_no ….
        text: the customer's words.
        value: normal form; of an estimate the first or least it can mean; None when it
            is asked back.
        estimate: only about so.
        why: how it was read, for whoever looks into it.
        until: the last or most an estimate can mean; None when that is `value`.
        shown: what is read back to the customer.
    """

    kind: str
    text: str
    value: str | None
    estimate: bool
    why: str
    until: str | None = None
    shown: str | None = None


def values_of(turn: Turn, now: datetime) -> list[Value]:
    """Read all data of a message; the date also where no entity marks it.

    Args:
        turn: the message.
        now: when it is answered; dates count from when it was written, if that is known.
    """
    written = turn.received_at or now
    found = []
    for entity in turn.entities:
        if entity.kind in _READERS:
            found.append(_plain(entity, _READERS[entity.kind](entity.value)))
        elif entity.kind == "amount":
            found.append(_amount(entity, _amount_of(turn, entity)))
        elif entity.kind == "date":
            found.append(_date(entity.value, _date_of(turn, entity, written)))
    if not any(value.kind == "date" and value.value for value in found):
        said = date_said(turn, written)
        if said:
            found.append(_date(turn.text, said))
    return found


def read_values(turn: Turn, now: datetime) -> list[dict[str, Any]]:
    """Read the turn's data for "why this answer".

    Args:
        turn: the message.
        now: when it is answered; dates count from when it was written, if that is known.
    """
    kinds = {"amount", "date", *_READERS}
    marked = sum(entity.kind in kinds for entity in turn.entities)
    return [
        {"entity": value.kind, "said": value.text, "value": value.shown}
        | ({"estimate": True} if value.estimate else {})
        for value in values_of(turn, now)[:marked]
    ]


def date_said(turn: Turn, now: datetime) -> When | None:
    """The date a message tells: of its entities the first that is one, else of its text.

    Args:
        turn: the message.
        now: when it was written.
    """
    for entity in turn.entities:
        if entity.kind == "date" and (found := _date_of(turn, entity, now)):
            return found
    return None if turn.is_payload else when(turn.text, now)


def _date_of(turn: Turn, entity: Entity, now: datetime) -> When | None:
    """The date an entity stands for, read with the words beside it.

    They say whether it is one (1-2个人), whether it is meant exactly (大概三天前) and
    whether it may be another (周三或周四).
    """
    place = _place(turn.text, entity)
    if place is None:
        return when(entity.value, now)
    start, end = place
    text = turn.text
    others = [o for o in turn.entities if o.kind == "date" and o is not entity]
    for other in others:
        if other.start >= end and _OR.fullmatch(text[end : other.start]):
            end = other.end
            break
    first = max([0, start - _NEAR, *(o.end for o in others if o.end <= start)])
    last = min([len(text), end + _NEAR, *(o.start for o in others if o.start >= end)])
    before = _CLAUSE_END.split(text[first:start])[-1]
    after = _CLAUSE_END.split(text[end:last], maxsplit=1)[0]
    said = text[start:end]
    found = when(before + said + after, now)
    return replace(found, said=said) if found else None


def _amount_of(turn: Turn, entity: Entity) -> Amount | None:
    """The sum an entity stands for; words beside it may make it an estimate: 近两万."""
    found, place = amount(entity.value), _place(turn.text, entity)
    if found is None or place is None:
        return found
    start, end = place
    before, after = turn.text[max(0, start - 4) : start], turn.text[end : end + 3]
    about = _ABOUT_BEFORE.search(before) or _ABOUT_AFTER.match(after)
    return replace(found, estimate=found.estimate or about is not None)


def _place(text: str, entity: Entity) -> tuple[int, int] | None:
    """Where the entity stands; None when its words are not in the text (a button)."""
    if not entity.value:
        return None
    if text[entity.start : entity.end] == entity.value:
        return entity.start, entity.end
    start = text.find(entity.value)
    return (start, start + len(entity.value)) if start >= 0 else None


def _plain(entity: Entity, value: str | None) -> Value:
    why = "its form" if value else "not of the form of such a number"
    return Value(entity.kind, entity.value, value, False, why, shown=value)


def _amount(entity: Entity, found: Amount | None) -> Value:
    if found is None:
        return Value("amount", entity.value, None, False, "no sum of yuan: asked back")
    least, most = show.money(found.fen), show.money(found.most)
    why = "said as an estimate" if found.estimate else "said as a sum"
    until = most if found.most > found.fen else None
    shown = show.amount(found)
    return Value("amount", entity.value, least, found.estimate, why, until, shown)


def _date(said: str, found: When | None) -> Value:
    if found is None:
        return Value("date", said, None, False, "no day can be told: asked back")
    why = {
        "minute": "a clock time was said",
        "part": "a part of the day was said, no hour",
        "day": "a day was said, no hour",
    }[found.precision]
    if found.estimate:
        why += "; said as an estimate"
    until = show.exactly(found.until, found) if found.until else None
    first = show.exactly(found.start, found)
    return Value("date", said, first, found.estimate, why, until, show.moment(found))
