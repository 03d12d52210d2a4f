"""Rasa component round `components.intent_model`: which intent a message has.

In: messages with normalised text, words and a sentence vector. Out: ``intent`` and
``intent_ranking`` with probabilities. Button payloads (``/affirm``) pass untouched.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Type

import jieba
import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from components.intent_model import Hyperparameters, IntentModel
from components.negated import settled
from components.normalising import negated, normalised
from components.sentence_encoder import REST_VECTOR
from components.text import is_payload

RANKING_LENGTH = 10


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True
)
class InsuranceIntentClassifier(IntentClassifier, GraphComponent):
    """Linear model over n-grams and the sentence vector."""

    @classmethod
    def required_components(cls) -> List[Type]:
        """At least one featurizer before this one."""
        return [Featurizer]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Hyperparameters of `IntentModel`; see `Hyperparameters` for meanings."""
        return {
            "inverse_regularisation": Hyperparameters.inverse_regularisation,
            "dense_weight": Hyperparameters.dense_weight,
        }

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        model: Optional[IntentModel] = None,
    ) -> None:
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._model = model

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> GraphComponent:
        """Create an untrained component."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Fit the model on all intent examples and store it."""
        examples = [e for e in training_data.intent_examples if e.get(TEXT)]
        self._model = IntentModel.train(
            texts=[normalised(e) for e in examples],
            words=[words_of(normalised(e)) for e in examples],
            vectors=np.stack([_vector(e) for e in examples]),
            labels=[e.get(INTENT) for e in examples],
            settings=Hyperparameters(
                inverse_regularisation=self._config["inverse_regularisation"],
                dense_weight=self._config["dense_weight"],
            ),
        )
        with self._model_storage.write_to(self._resource) as folder:
            self._model.save(Path(folder))
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
        """Load the stored model."""
        with model_storage.read_from(resource) as folder:
            model = IntentModel.load(Path(folder))
        return cls(config, model_storage, resource, model)

    def process(self, messages: List[Message]) -> List[Message]:
        """Set intent and ranking on each message."""
        for message in messages:
            text = message.get(TEXT)
            if not text or is_payload(text) or self._model is None:
                # Rasa's own reader of payloads comes last and sets the real intent.
                message.set(INTENT, {"name": None, "confidence": 1.0})
                continue
            ranking = [
                {"name": name, "confidence": confidence}
                for name, confidence in self._rank(message)[:RANKING_LENGTH]
            ]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def _rank(self, message: Message) -> List[Tuple[str, float]]:
        """Intents of a message, best first; a negated wish is none."""
        assert self._model is not None
        plain = normalised(message)
        ranking = self._model.rank(plain, words_of(plain), _vector(message))
        reading, vector = negated(message), message.get(REST_VECTOR)
        if reading is None:
            return ranking
        rest: List[Tuple[str, float]] = []
        if vector is not None:
            rest = self._model.rank(reading.rest, words_of(reading.rest), vector)
        return settled(reading, ranking, rest)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Classify the training examples (Rasa's evaluation asks for it)."""
        self.process(training_data.training_examples)
        return training_data


def words_of(text: str) -> List[str]:
    """Words of normalised ``text`` by Jieba with the insurance lexicon.

    `JiebaTokenizer` of the pipeline has loaded the lexicon into the same Jieba.
    """
    return [word for word in jieba.cut(text) if word.strip()]


def _vector(message: Message) -> np.ndarray:
    _, sentence = message.get_dense_features(TEXT, [])
    if sentence is None:
        raise ValueError("InsuranceIntentClassifier needs a dense sentence feature")
    return sentence.features[0]
