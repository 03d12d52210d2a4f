"""Rasa component that keeps the evened-out text of a message (`components.text`).

In: messages. Out: the same with `NORMALISED` set, and `NEGATED` where a customer's words
negate a wish; the text as typed is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Dict, List, Optional

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from actions.negation import Reading, read_negation
from components.homophones import trade_homophones
from components.text import is_payload, normalise

NORMALISED = "normalised_text"
NEGATED = "negated_wishes"


def normalised(message: Message) -> str:
    """Text of ``message`` after `TextNormaliser`, or evened out now."""
    return message.get(NORMALISED) or understandable(message.get(TEXT) or "")


def negated(message: Message) -> Optional[Reading]:
    """Wishes that ``message`` negates; None when it negates none."""
    return message.get(NEGATED)


def understandable(text: str) -> str:
    """``text`` as the classifier reads it: evened out, misspelt words led back."""
    return trade_homophones().correct(normalise(text))


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False
)
class TextNormaliser(GraphComponent):
    """Keeps the evened-out text beside the original for later components."""

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> GraphComponent:
        """Create the component; it has no settings."""
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        """Add `NORMALISED` and `NEGATED` to each message."""
        for message in self._evened_out(messages):
            reading = read_negation(normalised(message))
            if reading.wishes:
                message.set(NEGATED, reading)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add `NORMALISED` to each training example: it is learned as a whole."""
        for _ in self._evened_out(training_data.training_examples):
            pass
        return training_data

    def _evened_out(self, messages: Iterable[Message]) -> Iterator[Message]:
        for message in messages:
            text = message.get(TEXT)
            if text and not is_payload(text):
                message.set(NORMALISED, understandable(text))
                yield message
