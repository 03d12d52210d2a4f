"""`baoke train`: when it trains, what it keeps, how it fails."""

import os
from pathlib import Path

import pytest
from checkout_kit import NLU, make_checkout

from channels.training import (
    Model,
    NoModel,
    TrainingFailed,
    content_hash,
    current_model,
    is_fresh,
    read_model,
    train,
)
from channels.training_data import BadTrainingData

ENV = dict(os.environ)


def quiet(_: str) -> None:
    """Progress nobody reads."""


def calls(folder: Path) -> list[str]:
    path = folder / "bot" / "assistant" / "calls"
    return path.read_text().splitlines() if path.exists() else []


def test_that_the_first_call_trains_and_the_second_reuses(tmp_path: Path) -> None:
    places = make_checkout(tmp_path)
    said: list[str] = []
    model, reused = train(places, ENV, said.append)
    assert not reused
    assert (places.models / model.file).read_text() == "model"
    assert "training Jieba" in said
    assert train(places, ENV, quiet) == (model, True)
    assert len(calls(tmp_path)) == 1


@pytest.mark.parametrize(
    "name",
    [
        "bot/assistant/config.yml",
        "bot/assistant/domain/new.yml",
        "bot/assistant/components/model.py",
        "bot/assistant/lexicon/words.txt",
        "data/nlu/deep/er.yml",
        "data/rules/greet.yml",
        "data/stories/first.yml",
        "embedding/e5.py",
        "requirements/rasa.txt",
    ],
)
def test_that_any_source_makes_the_model_old(tmp_path: Path, name: str) -> None:
    places = make_checkout(tmp_path)
    model, _ = train(places, ENV, quiet)
    assert is_fresh(places, model)
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("changed: true")
    assert not is_fresh(places, model)


def test_that_a_moved_line_between_files_counts_too(tmp_path: Path) -> None:
    places = make_checkout(tmp_path)
    before = content_hash(places.root)
    (tmp_path / "data/nlu/greet.yml").rename(tmp_path / "data/nlu/hello.yml")
    assert content_hash(places.root) != before


def test_that_bytecode_does_not_count(tmp_path: Path) -> None:
    places = make_checkout(tmp_path)
    before = content_hash(places.root)
    cache = tmp_path / "bot/assistant/components/__pycache__"
    cache.mkdir()
    (cache / "model.cpython-311.pyc").write_bytes(b"x")
    assert content_hash(places.root) == before


@pytest.mark.parametrize("fault", ["broken", "empty"])
def test_that_a_failing_training_leaves_the_model_in_use(
    tmp_path: Path, fault: str
) -> None:
    places = make_checkout(tmp_path)
    model, _ = train(places, ENV, quiet)
    (places.assistant / fault).touch()
    (tmp_path / "data/nlu/greet.yml").write_text(NLU.replace("你好", "您好"))
    with pytest.raises(TrainingFailed) as caught:
        train(places, ENV, quiet)
    assert current_model(places) == model
    if fault == "broken":
        assert "data/nlu/greet.yml, line 3, column 5" in str(caught.value)
        assert "Reading data" not in str(caught.value)
    assert not list(places.models.glob(".draft*"))


def test_that_two_models_are_kept(tmp_path: Path) -> None:
    places = make_checkout(tmp_path)
    for name in ("20200101-000000-a", "20200101-000001-b", "20200101-000002-c"):
        (places.models).mkdir(parents=True, exist_ok=True)
        (places.models / f"{name}.tar.gz").touch()
    model, _ = train(places, ENV, quiet)
    kept = sorted(path.name for path in places.models.glob("*.tar.gz"))
    assert kept == ["20200101-000002-c.tar.gz", model.file]


def test_that_force_trains_anew_past_rasas_cache(tmp_path: Path) -> None:
    places = make_checkout(tmp_path)
    train(places, ENV, quiet)
    _, reused = train(places, ENV, quiet, force=True)
    assert not reused
    assert ["--force" in call for call in calls(tmp_path)] == [False, True]


def test_that_a_lost_model_file_means_no_model(tmp_path: Path) -> None:
    places = make_checkout(tmp_path)
    model, _ = train(places, ENV, quiet)
    (places.models / model.file).unlink()
    assert current_model(places) is None


def test_that_a_cut_model_file_means_no_model(tmp_path: Path) -> None:
    places = make_checkout(tmp_path)
    model, _ = train(places, ENV, quiet)
    (places.models / model.file).write_bytes(b"mo")
    assert current_model(places) is None
    with pytest.raises(NoModel, match=r"damaged.*baoke train"):
        read_model(places)
    again, reused = train(places, ENV, quiet)
    assert not reused
    assert current_model(places) == again


def test_that_contradictory_data_is_told_before_rasa_starts(tmp_path: Path) -> None:
    places = make_checkout(tmp_path)
    model, _ = train(places, ENV, quiet)
    (tmp_path / "data/nlu/greet.yml").write_text(NLU.replace("谢谢", "你好"))
    with pytest.raises(BadTrainingData, match=r"data/nlu/greet.yml:7: '你好'"):
        train(places, ENV, quiet)
    assert current_model(places) == model
    assert len(calls(tmp_path)) == 1


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"file": "x"}'])
def test_that_a_damaged_note_means_no_model(tmp_path: Path, note: str) -> None:
    places = make_checkout(tmp_path)
    places.models.mkdir(parents=True)
    (places.models / "current.json").write_text(note)
    assert current_model(places) is None


def test_that_stories_are_trained_only_when_there_are_any(tmp_path: Path) -> None:
    places = make_checkout(tmp_path)
    model, _ = train(places, ENV, quiet)
    assert isinstance(model, Model)
    (tmp_path / "data/stories").mkdir()
    (tmp_path / "data/stories/a.yml").write_text("stories: []")
    train(places, ENV, quiet)
    first, second = calls(tmp_path)
    assert "--data ../../data/nlu ../../data/rules --out" in first
    assert "--data ../../data/nlu ../../data/rules ../../data/stories --out" in second
