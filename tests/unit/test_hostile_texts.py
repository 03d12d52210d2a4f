"""No text holds the service: every pattern over customers' words is linear or bounded.

Patterns are found by walking the modules, so a new one is tried without being named here.
"""

# ruff: noqa: E402 (the assistant is no package)

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from action_kit import turn_of
from hostile import ENDS, UNITS, Growth, assert_linear, near_misses, strings

ROOT = Path(__file__).resolve().parents[2]
ASSISTANT = ROOT / "bot" / "assistant"
if str(ASSISTANT) not in sys.path:
    sys.path.append(str(ASSISTANT))

from components.entity_patterns import EntityPatterns
from components.homophones import trade_homophones
from components.searching import Budget
from components.text import MAX_CHARACTERS, normalise

import bot.payloads
import bot.rating
from actions import normalise as numbers
from actions.fields import open_text, substance_of
from actions.forms import Field, _said_of
from actions.moments import when
from actions.money import amount
from actions.report_claim import read_when
from bot.inbox import clean_text
from bot.payloads import defuse
from bot.triggers import TRIGGERS_FILE, Triggers
from channels.wechat import reading as wechat

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
ROOMS = ("actions", "bot", "channels", "embedding", "worktime")
# They read the insurer's own documents or the output of programs, not customers' words.
NOT_CUSTOMERS = (
    *("actions.migrations", "actions.commands", "bot.ledger.migrations"),
    *(
        f"actions.agreement.{name}"
        for name in (
            *(
                "aligning",
                "blanks",
                "commitments",
                "documents",
                "docx_reading",
                "draft",
            ),
            *(
                "furniture",
                "importing",
                "margins",
                "markers",
                "number_formats",
                "reading",
            ),
            *("structure", "tables", "word_numbering", "cite", "clauses", "shelf"),
        )
    ),
    *("channels.training", "channels.training_data", "channels.commands"),
)
_CALLS = {
    "compile",
    "search",
    "match",
    "fullmatch",
    "sub",
    "split",
    "findall",
    "finditer",
}


def _modules() -> Iterator[tuple[str, Path]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if parts[:2] != ("bot", "assistant"):
                yield ".".join(parts).removesuffix(".__init__"), path
    for path in sorted((ASSISTANT / "components").glob("*.py")):
        yield f"components.{path.stem}".removesuffix(".__init__"), path
    for path in sorted(ASSISTANT.glob("*.py")):
        yield path.stem, path


def _held(value: Any, depth: int = 3) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        for each in [*value.keys(), *value.values()]:
            yield from _held(each, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _held(each, depth - 1)


def _written(path: Path) -> Iterator[re.Pattern[str]]:
    """Patterns that stand in a call: ``re.search("…", text)``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.func.attr in _CALLS
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            yield re.compile(node.args[0].value)


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    found: dict[str, re.Pattern[str]] = {}
    for name, path in _modules():
        if name.startswith(NOT_CUSTOMERS):
            continue
        source = path.read_text(encoding="utf-8")
        if not re.search(r"^(?:import re$|from components\.searching)", source, re.M):
            continue
        held = list(_written(path))
        if not re.search(r"^(?:import|from) (?:rasa|jieba)\b", source, re.M):
            held += _held(list(vars(importlib.import_module(name)).values()))
        for pattern in held:
            if isinstance(pattern.pattern, str):
                found.setdefault(pattern.pattern, pattern)
    return {
        f"{number}:{text[:24]}": p for number, (text, p) in enumerate(found.items())
    }


# Only ever held against a whole text, from its beginning.
WHOLE = (bot.payloads._SHAPE, bot.rating._SHAPE, wechat._NUMBER)


def _search(pattern: re.Pattern[str]) -> Any:
    def work(text: str) -> None:
        if pattern not in WHOLE:
            for _ in pattern.finditer(text):
                pass
        pattern.match(text)
        pattern.fullmatch(text)

    return work


def test_that_the_patterns_are_found() -> None:
    found = [pattern.pattern for pattern in _patterns().values()]
    assert len(found) > 80
    for known in ("components.entity_patterns", "actions.moments", "actions.normalise"):
        held = list(_held(list(vars(importlib.import_module(known)).values())))
        assert held
        assert all(pattern.pattern in found for pattern in held)


@pytest.mark.parametrize("name", sorted(_patterns()))
def test_that_a_pattern_is_linear_in_any_text(name: str) -> None:
    pattern = _patterns()[name]
    work = _search(pattern)
    for unit in (*UNITS, *near_misses(pattern)):
        for end in ENDS:
            assert_linear(work, unit, end)


@pytest.mark.parametrize(
    ("pattern", "unit"),
    [
        (r"[一二]*万", "一"),
        (r"(?:一+)+万", "一"),
        (r"(?:先不办了|先|不办了)+$", "先不办了"),
        (r"\s*的?\s*号", " "),
    ],
)
def test_that_a_bad_pattern_would_be_noticed(pattern: str, unit: str) -> None:
    with pytest.raises(Growth):
        assert_linear(_search(re.compile(pattern)), unit, "x")


PATTERNS = EntityPatterns(["车险", "重疾险"])
TRIGGERS = Triggers.load(ROOT / TRIGGERS_FILE)
STORY = Field("what", open_text, cues=("经过", "情况"), is_open=True)
READERS = {
    "moments": lambda text: when(text, NOW),
    "money": amount,
    "policy_no": numbers.policy_no,
    "phone": numbers.phone,
    "plate_no": numbers.plate_no,
    "id_tail": numbers.id_tail,
    "one_time_code": numbers.one_time_code,
    "injury": numbers.mentions_injury,
    "yes_no": lambda text: numbers.yes_no(text, "inform"),
    "claim_when": lambda text: read_when(turn_of(text), NOW),
    "open_text": lambda text: open_text(turn_of(text)),
    "substance": lambda text: substance_of(turn_of(text)),
    "correction": lambda text: _said_of(STORY, turn_of(f"经过{text}")),
    "entities": PATTERNS.find,
    "normalise": lambda text: normalise.__wrapped__(text),
    "homophones": lambda text: trade_homophones().correct(normalise.__wrapped__(text)),
    "triggers": lambda text: TRIGGERS.of([text]),
    "clean_text": clean_text,
    "defuse": defuse,
}


@pytest.mark.parametrize("name", READERS)
def test_that_a_reader_is_linear_in_any_text(name: str) -> None:
    for unit in UNITS:
        assert_linear(READERS[name], unit)


@pytest.mark.parametrize("repeats", [300, 600, 1200, 2400, 20_000])
def test_that_entities_of_a_hostile_text_are_found_in_its_first_part(
    repeats: int,
) -> None:
    for text in strings(repeats):
        found = PATTERNS.find(text)
        assert all(span.end <= MAX_CHARACTERS for span in found)
        assert all(text[span.start : span.end] == span.value for span in found)


def test_that_a_long_text_keeps_what_stands_at_its_beginning() -> None:
    text = "昨天下午三点京A12345被撞，" + "一" * 20_000
    assert [s.value for s in PATTERNS.find(text)][:2] == ["昨天下午三点", "京A12345"]


def test_that_evened_out_text_is_never_longer_than_promised() -> None:
    for text in islice(strings(MAX_CHARACTERS), 0, None):
        assert len(normalise(text)) <= MAX_CHARACTERS
    assert len(normalise("ﷺ" * 300)) <= MAX_CHARACTERS  # NFKC makes 18 of one


def test_that_a_message_has_no_more_time_than_its_budget() -> None:
    times = iter([0.0, 0.4, 1.2])
    budget = Budget(seconds=1.0, spent=lambda: next(times))
    assert [m.group() for m in budget.finditer(re.compile("a"), "aba")] == ["a", "a"]
    with pytest.raises(TimeoutError):
        budget.finditer(re.compile("a"), "aba")
