"""How soon something is answered: the clause of what was asked, over the real text."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from action_kit import Ear, FakeStore, services_of, turn_of, with_services

from actions.agreement.library import Library, open_library
from actions.ask_service import ActionAskServiceHours
from actions.settings import read_settings

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/agreement.db"
    return open_library(read_settings(root=ROOT, database_url=url), NOW)


def ask(library: Library, text: str):
    services = replace(services_of(FakeStore()), library=lambda: library)
    ear = Ear()
    action = with_services(ActionAskServiceHours, services)
    action.answer(turn_of(text, "ask_service_hours"), ear.say)
    (said,) = ear.heard
    return said, library.clause(said.refs[0])


@pytest.mark.parametrize(
    ("text", "words", "response"),
    [
        ("你们多久回复投诉，周末算吗", "自收到投诉之日起", "working_days"),
        ("投诉几天有结果，周末算不算", "自收到投诉之日起", "working_days"),
        ("投述多久答复", "自收到投诉之日起", "working_days"),
        ("我要查阅个人信息多久给我", "查阅、复制其个人信息", "working_days"),
        ("多收的费用几天退还，节假日算吗", "费用退还", "working_days"),
    ],
)
def test_that_the_limit_of_what_was_asked_is_quoted(library, text, words, response):
    said, clause = ask(library, text)
    assert words in clause.text
    assert said.response == f"utter_service_limit_{response}"
    assert "调休" in said.values["working_days"]


@pytest.mark.parametrize(
    "text",
    [
        "你们多久回复，周末算吗",
        "咨询多久答复",
        "周末有人上班吗",
        "几点下班",
        "晚上提的问题什么时候处理",
    ],
)
def test_that_questions_for_hours_keep_the_clause_on_hours(library, text):
    said, clause = ask(library, text)
    assert said.response == "utter_service_hours"
    assert "个工作小时内" in clause.text
