"""Rasa component round `components.entity_patterns`: which data a message holds.

In: messages; the product words come from the lookup table ``product`` of the training
data. Out: ``entities`` with exact spans of the typed text, however words are cut.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Optional

import structlog
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from components.entity_patterns import EntityPatterns, Span
from components.text import is_payload

LOOKUP = "product"

logger = structlog.get_logger()


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True
)
class InsuranceEntityExtractor(EntityExtractorMixin, GraphComponent):
    """Regular expressions and a lookup table, with code-point spans."""

    def __init__(
        self,
        model_storage: ModelStorage,
        resource: Resource,
        products: Optional[List[str]] = None,
    ) -> None:
        self._model_storage = model_storage
        self._resource = resource
        self._patterns = EntityPatterns(products or [])

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> GraphComponent:
        """Create an untrained component."""
        return cls(model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Keep the product words of the lookup table."""
        products: List[str] = []
        for table in training_data.lookup_tables:
            if table["name"] == LOOKUP and isinstance(table["elements"], list):
                products += table["elements"]
        self._patterns = EntityPatterns(products)
        with self._model_storage.write_to(self._resource) as folder:
            stored = json.dumps(products, ensure_ascii=False)
            (Path(folder) / "products.json").write_text(stored, encoding="utf-8")
        return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> GraphComponent:
        """Load the stored product words."""
        with model_storage.read_from(resource) as folder:
            stored = (Path(folder) / "products.json").read_text(encoding="utf-8")
        return cls(model_storage, resource, json.loads(stored))

    def _spans(self, text: str) -> List[Span]:
        """The spans; none when the text takes too long, so that it is answered once."""
        try:
            return self._patterns.find(text)
        except TimeoutError:
            logger.warning("entities.timeout", characters=len(text))
            return []

    def process(self, messages: List[Message]) -> List[Message]:
        """Add the entities found to each message."""
        for message in messages:
            text = message.get(TEXT)
            if not text or is_payload(text):
                continue
            found = [
                {
                    "entity": span.entity,
                    "start": span.start,
                    "end": span.end,
                    "value": span.value,
                    "confidence_entity": 1.0,
                }
                for span in self._spans(text)
            ]
            found = self.add_extractor_name(found)
            entities = message.get(ENTITIES, []) + found
            message.set(ENTITIES, entities, add_to_output=True)
        return messages
