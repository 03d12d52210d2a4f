"""The intent model with hand-made numbers; nothing is trained here."""

# ruff: noqa: E402 (the assistant is no package)

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

ASSISTANT = str(Path(__file__).resolve().parents[2] / "bot" / "assistant")
if ASSISTANT not in sys.path:
    sys.path.append(ASSISTANT)

from components.intent_model import (
    Features,
    Hyperparameters,
    IntentModel,
    grams,
    heard_grams,
)

SIZE = 4  # of the sentence vectors here


def _model(sharpness: float = 1.0) -> IntentModel:
    """保 speaks for the first intent, 赔 for the second, the vector for the third."""
    weights = np.zeros((2 + SIZE, 3), np.float32)
    weights[0, 0] = weights[1, 1] = 4.0
    weights[2, 2] = 4.0
    return IntentModel(
        labels=["query_policy", "track_claim", "greet"],
        features=Features(
            vocabulary={"保": 0, "赔": 1},
            idf=np.array([1.0, 2.0], np.float32),
            centre=np.zeros(SIZE, np.float32),
            scale=1.0,
            settings=Hyperparameters(char_ngrams=(1, 2), dense_weight=0.5),
        ),
        weights=weights,
        bias=np.array([0.0, 0.0, 0.1], np.float32),
        sharpness=sharpness,
    )


def test_that_what_is_outside_gets_its_bonus() -> None:
    model = _model()
    before = dict(model.rank("", [], NOTHING))
    model.labels = ["query_policy", "out_of_scope", "greet"]
    after = dict(model.rank("", [], NOTHING))
    odds = after["out_of_scope"] / after["query_policy"]
    assert odds == pytest.approx(
        np.exp(0.8) * before["track_claim"] / before["query_policy"], rel=1e-5
    )


NOTHING = np.zeros(SIZE, np.float32)


def test_that_units_are_characters_latin_words_and_numbers() -> None:
    found = grams("p2保 ab", [], Hyperparameters(char_ngrams=(1, 1), word_ngrams=0))
    assert found == ["^", "p", "<1>", "保", "ab", "$"]


def test_that_digits_keep_only_their_number() -> None:
    settings = Hyperparameters()
    assert grams("尾号8871", [], settings) == grams("尾号1234", [], settings)
    assert grams("尾号887", [], settings) != grams("尾号1234", [], settings)


def test_that_ngrams_know_where_a_sentence_begins_and_ends() -> None:
    found = grams("保单", [], Hyperparameters(char_ngrams=(2, 3), word_ngrams=0))
    assert found == ["^保", "保单", "单$", "^保单", "保单$"]


def test_that_words_are_marked_and_marks_are_no_words() -> None:
    settings = Hyperparameters(char_ngrams=(1, 1), word_ngrams=2)
    found = grams("", ["查", "，", "保单"], settings)
    assert found == ["^", "$", "w:查", "w:保单", "w:查_保单"]


def test_that_syllables_are_the_same_however_they_are_written() -> None:
    settings = Hyperparameters(sound_ngrams=(1, 2))
    assert heard_grams("理陪", settings) == heard_grams("理赔", settings)
    assert "p:li-pei" in heard_grams("理赔", settings)


def test_that_an_empty_text_has_grams() -> None:
    assert grams("", [], Hyperparameters(char_ngrams=(1, 1))) == ["^", "$"]


@pytest.mark.parametrize("text", ["", "保单", "赔款保单", "😀" * 50, "1" * 300])
def test_that_the_ranking_names_every_intent_and_sums_to_one(text: str) -> None:
    ranking = _model().rank(text, [], NOTHING)
    assert {name for name, _ in ranking} == {"query_policy", "track_claim", "greet"}
    assert sum(p for _, p in ranking) == pytest.approx(1.0)
    assert [p for _, p in ranking] == sorted((p for _, p in ranking), reverse=True)


def test_that_characters_and_the_vector_decide() -> None:
    assert _model().rank("保", [], NOTHING)[0][0] == "query_policy"
    assert _model().rank("赔", [], NOTHING)[0][0] == "track_claim"
    towards_greet = np.array([10, 0, 0, 0], np.float32)
    assert _model().rank("赔", [], towards_greet)[0][0] == "greet"


def test_that_without_known_characters_the_bias_decides() -> None:
    assert _model().rank("xyz", [], NOTHING)[0][0] == "greet"


def test_that_sharpness_makes_the_same_order_more_certain() -> None:
    mild, sharp = (_model(s).rank("保", [], NOTHING) for s in (1.0, 5.0))
    assert [name for name, _ in mild] == [name for name, _ in sharp]
    assert sharp[0][1] > mild[0][1]


def test_that_large_margins_do_not_overflow() -> None:
    ranking = _model(1e6).rank("保", [], NOTHING)
    assert ranking[0] == ("query_policy", pytest.approx(1.0))


def test_that_ranking_leaves_the_model_as_it_was() -> None:
    model = _model()
    first = model.rank("保赔", [], NOTHING)
    assert model.rank("保赔", [], NOTHING) == first


def test_that_a_stored_model_ranks_the_same(tmp_path: Path) -> None:
    model = _model(sharpness=2.5)
    model.save(tmp_path)
    loaded = IntentModel.load(tmp_path)
    assert loaded.features.settings == model.features.settings
    assert loaded.features.vocabulary == model.features.vocabulary
    vector = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    assert loaded.rank("保赔", ["保"], vector) == model.rank("保赔", ["保"], vector)


def test_that_a_model_is_stored_without_pickled_objects(tmp_path: Path) -> None:
    _model().save(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["intent_model.json", "intent_model.npz"]
    with np.load(tmp_path / "intent_model.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"idf", "weights", "bias", "centre"}
    described = json.loads((tmp_path / "intent_model.json").read_text("utf-8"))
    assert described["vocabulary"] == ["保", "赔"]


def test_that_a_missing_file_is_told(tmp_path: Path) -> None:
    _model().save(tmp_path)
    (tmp_path / "intent_model.npz").unlink()
    with pytest.raises(OSError):
        IntentModel.load(tmp_path)
