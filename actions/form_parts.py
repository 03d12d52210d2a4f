"""What a form is made of: its questions, what an answer may be, what a turn did to it.

In: nothing. Out: the plain values that `actions.forms` and the capabilities use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from actions.turn import Turn

REQUESTED_SLOT = "requested_slot"
FORM_EXIT = "form_exit"
FORM_MISSES = "form_misses"
# "denied" after a no to what was offered, so that the form asks what is right instead;
# "adding" when the customer only said that something is to be added.
FORM_NOTE = "form_note"
DENIED = "denied"
ADDING = "adding"


@dataclass(frozen=True)
class Filled:
    """A usable answer: the value for the slot (JSON) and how it is read back."""

    value: Any


@dataclass(frozen=True)
class Unusable:
    """An answer to the question that cannot be taken, and the response that says why."""

    response: str
    values: Mapping[str, Any] = field(default_factory=dict)


Parse = Callable[[Turn], Filled | Unusable | None]


@dataclass(frozen=True)
class Field:
    """One question of a form.

    Attributes:
        slot: slot the answer goes to.
        parse: reads an answer to this very question; None when it is none.
        spot: finds a value in a message about something else; None to not look.
        cues: words by which a customer names this field when correcting it.
        is_open: the answer is free text, so nearly everything is an answer.
        takes_refusals: a refused wish may be the answer: 我没说要退保, 不用换.
        adds_to: this is the read-back, and free words are added to that slot.
        grows: what is added may turn this field's no into a yes: 我老婆也受伤了.
    """

    slot: str
    parse: Parse
    spot: Parse | None = None
    cues: tuple[str, ...] = ()
    is_open: bool = False
    takes_refusals: bool = False
    adds_to: str | None = None
    grows: bool = False


@dataclass(frozen=True)
class Outcome:
    """What one turn did to a form.

    Attributes:
        noted: a response that takes note; the form then asks again.
        note: what the question is to be asked again in the light of.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    leave: str | None = None
    question: str | None = None
    unusable: Unusable | None = None
    noted: str | None = None
    note: str | None = None


def spotted(fields: Sequence[Field], turn: Turn) -> dict[str, Any]:
    """Values for these fields in a message about something else."""
    values: dict[str, Any] = {}
    for candidate in fields:
        found = candidate.spot(turn) if candidate.spot else None
        if isinstance(found, Filled):
            values[candidate.slot] = found.value
    return values
