"""The trained model and the real search engine, on texts made to hold them."""

# ruff: noqa: E402 (the strings of the unit tests)

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "unit"))

from hostile import strings

ASSISTANT = ROOT / "bot" / "assistant"
PYTHON = ASSISTANT / ".venv" / "bin" / "python"
pytestmark = pytest.mark.rasa

RUNAWAY = """
import re, sys
import launch; launch.use_placeholder_when_missing(); launch.find_our_own()
from rasa.shared.nlu.training_data.message import Message
from components import entity_patterns as patterns, searching
from components.entities import InsuranceEntityExtractor
assert searching.regex is not None, "Rasa's environment has the package regex"
component = InsuranceEntityExtractor(None, None, [])
searching.SECONDS = 0.2
patterns._RE_DATE = searching.compiled("(?:(?:一|一一)+)+x")
patterns.Budget = lambda: searching.Budget(0.2)
def found(text):
    [message] = component.process([Message(data={"text": text})])
    return [e["entity"] for e in message.get("entities")]
print(found("一" * 2000), found("电话13912345678"))
"""
SAME = """
import json, re, sys
import launch; launch.find_our_own()
from components import entity_patterns as ours, searching
texts = json.load(sys.stdin)
words = ["车险", "重疾险"]
def spans():
    finder = ours.EntityPatterns(words)
    return [[(s.entity, s.start, s.end) for s in finder.find(t)] for t in texts]
quick = spans()
assert searching.regex is not None
from importlib import reload
sys.modules["regex"] = None
reload(searching); reload(ours)
assert searching.regex is None
print(quick == spans(), sum(map(len, quick)) > 100)
"""


def run(script: str, given: str = "") -> str:
    done = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", script],
        cwd=ASSISTANT,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_that_a_pattern_that_runs_away_costs_the_entities_and_not_the_turn() -> None:
    assert run(RUNAWAY) == "[] ['phone']"


def test_that_both_engines_find_the_same() -> None:
    lines = (ROOT / "tests" / "nlu" / "entities.tsv").read_text(encoding="utf-8")
    texts = [line.partition("\t")[0] for line in lines.splitlines()[1:]]
    texts += list(strings(40))
    assert run(SAME, json.dumps(texts)) == "True True"


def test_that_the_model_answers_every_hostile_text() -> None:
    models = sorted((ROOT / "var" / "models").glob("*.tar.gz"))
    assert models, "run `make setup` first"
    some = islice(strings(2000), 0, None, 4)
    texts = ["一" * 2000, *(text[:4000] for text in some), "昨天被追尾了"]
    texts = [text for text in texts if text.strip()]
    given = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    done = subprocess.run(
        [PYTHON, "-W", "ignore", "parse_lines.py", str(models[-1])],
        cwd=ASSISTANT,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(texts)
    assert answers[-1]["intent"]["name"] == "report_claim"
    assert [e["value"] for e in answers[-1]["entities"]] == ["昨天"]
