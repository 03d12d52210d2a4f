"""What an action may know of the running turn, as plain values.

In: Rasa's tracker. Out: `Turn`, which the plain functions behind the actions take; they
never see the tracker itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rasa_sdk import Tracker

# Below this the classifier itself does not know (share of probability, 0 to 1).
SURE = 0.6


@dataclass(frozen=True)
class Entity:
    """A piece of the customer's text; ``value == text[start:end]`` for typed text."""

    kind: str
    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Turn:
    """One message of the customer as Rasa understood it."""

    sender_id: str
    turn_id: str
    text: str
    intent: str
    confidence: float
    entities: tuple[Entity, ...]
    slots: Mapping[str, Any]
    received_at: datetime | None = (
        None  # by the edge, aware; None from Rasa's own tools
    )
    origin: str = ""  # hash of the customer's network; empty off the web

    @property
    def is_payload(self) -> bool:
        """Whether a button was pressed instead of words typed."""
        return self.text.startswith("/")

    def is_surely(self, *intents: str) -> bool:
        """Whether the intent is one of these and the classifier is sure of it."""
        return self.intent in intents and self.confidence >= SURE

    def values(self, kind: str) -> list[str]:
        """Surface texts of one kind of entity, in order of appearance."""
        return [entity.value for entity in self.entities if entity.kind == kind]

    def first(self, kind: str) -> str | None:
        """First entity of a kind, or None."""
        found = self.values(kind)
        return found[0] if found else None

    def slot(self, name: str) -> Any:
        """Value of a slot, None when empty."""
        return self.slots.get(name)


def read_turn(tracker: Tracker) -> Turn:
    """Read the latest message of the tracker."""
    message = tracker.latest_message or {}
    intent = message.get("intent") or {}
    ranking = message.get("intent_ranking") or []
    metadata = message.get("metadata") or {}
    turn_id = metadata.get("turn_id")
    return Turn(
        sender_id=str(tracker.sender_id),
        # A turn started by Rasa's own tools has no id: its message id serves.
        turn_id=str(turn_id or message.get("message_id") or ""),
        text=str(message.get("text") or ""),
        intent=str(intent.get("name") or "nlu_fallback"),
        confidence=float(intent.get("confidence") or 0.0)
        if not ranking
        else float(ranking[0].get("confidence") or 0.0),
        entities=tuple(
            Entity(
                str(entity.get("entity")),
                str(entity.get("value")),
                int(entity.get("start") or 0),
                int(entity.get("end") or 0),
            )
            for entity in message.get("entities") or []
        ),
        slots=dict(tracker.slots),
        received_at=_moment(metadata.get("received_at")),
        origin=str(metadata.get("origin") or ""),
    )


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


@dataclass(frozen=True)
class Guess:
    """An intent the classifier thought of, and its share of probability."""

    intent: str
    confidence: float


def guesses(tracker: Tracker) -> list[Guess]:
    """What the classifier thought of, best first, without fallback."""
    ranking = (tracker.latest_message or {}).get("intent_ranking") or []
    return [
        Guess(str(guess.get("name")), float(guess.get("confidence") or 0.0))
        for guess in ranking
        if guess.get("name") != "nlu_fallback"
    ]
