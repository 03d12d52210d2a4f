"""Rasa's own commands work without TensorFlow, and the real one wins when installed."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ASSISTANT = ROOT / "bot" / "assistant"
PYTHON = ASSISTANT / ".venv" / "bin" / "python"
pytestmark = pytest.mark.rasa

NAMES_THE_PATH = (
    "import launch; used = launch.use_placeholder_when_missing();"
    "import tensorflow; print(used, tensorflow.__version__)"
)


def run(*args, **environment):
    env = {
        **os.environ,
        "BAOKE_ACTIONS_URL": "http://127.0.0.1:9",
        "BAOKE_RASA_TRACKER_URL": "sqlite://",
        "RASA_TELEMETRY_ENABLED": "false",
        **environment,
    }
    return subprocess.run(
        [PYTHON, "-W", "ignore", *map(str, args)],
        cwd=ASSISTANT,
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.fixture(scope="module")
def model():
    models = sorted((ROOT / "var" / "models").glob("*.tar.gz"))
    assert models, "run `make setup` first"
    return models[-1]


def test_that_the_placeholder_serves_where_tensorflow_is_missing():
    found = run("-c", NAMES_THE_PATH)
    if "placeholder" not in found.stdout and found.returncode == 0:
        pytest.skip("TensorFlow is installed here")
    assert found.stdout.split() == ["True", "0.0.0+placeholder"], found.stderr


def test_that_an_installed_tensorflow_wins(tmp_path):
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text('__version__ = "2.12.0"\n')
    found = run("-c", NAMES_THE_PATH, PYTHONPATH=str(tmp_path))
    assert found.stdout.split() == ["False", "2.12.0"], found.stderr


def test_that_use_of_missing_tensorflow_says_what_to_do():
    found = run(
        "-c",
        "import launch; launch.use_placeholder_when_missing();"
        "import rasa.nlu.classifiers.diet_classifier as d; d.tf.constant(1)",
    )
    assert found.returncode == 1
    assert "RASA_FULL=1" in found.stderr


def test_that_the_data_is_valid_for_rasa():
    checked = run(
        "launch.py",
        *("data", "validate", "--domain", "domain", "--config", "config.yml"),
        *("--data", "../../data/nlu", "../../data/rules"),
    )
    assert checked.returncode == 0, checked.stderr[-2000:]
    assert "No story structure conflicts found" in checked.stdout + checked.stderr


def test_that_rasa_test_core_passes(model, tmp_path):
    stories = ROOT / "tests" / "conversations" / "rasa"
    tested = run(
        "launch.py",
        *("test", "core", "--model", model, "--stories", stories, "--out", tmp_path),
        *("--endpoints", "endpoints.yml", "--no-plot", "--fail-on-prediction-errors"),
    )
    assert tested.returncode == 0, (tested.stdout + tested.stderr)[-2000:]


def test_that_rasa_test_nlu_runs(model, tmp_path):
    data = tmp_path / "nlu.yml"
    examples = {"greet": "- 您好呀", "request_handoff": "- 麻烦转人工客服"}
    blocks = [{"intent": name, "examples": text} for name, text in examples.items()]
    data.write_text(
        yaml.safe_dump({"version": "3.1", "nlu": blocks}, allow_unicode=True),
        encoding="utf-8",
    )
    tested = run(
        "launch.py",
        *("test", "nlu", "--model", model, "--nlu", data, "--out", tmp_path / "out"),
        *("--no-plot", "--domain", "domain"),
    )
    assert tested.returncode == 0, (tested.stdout + tested.stderr)[-2000:]
    assert (tmp_path / "out" / "intent_report.json").is_file()
