"""`baoke why`: one turn's reasons, read from the ledger of a real edge and a real stack."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from edge_kit import FakeBrain, make_edge, served, visiting
from stack import ROOT, Customer

from bot.message import CitationPart, TextPart
from bot.ports import Answer, Question
from channels.cli import main

QUOTE = CitationPart("第六条(一)", "九十日", "重疾险", "2026.1", "2026-01-01")


async def reasoned(question: Question) -> Answer:
    searched = {"document": "critical_illness", "refused": False}
    searched["clauses"] = [{"ref": "第六条(一)", "score": 0.93}]
    return Answer(
        ((TextPart("等待期九十日"), QUOTE),),
        intent="ask_waiting_period",
        confidence=0.91,
        trace={
            "ranking": [{"name": "ask_waiting_period", "confidence": 0.91}],
            "searched": [searched],
            "responses": ["utter_waiting_period"],
        },
    )


@pytest.fixture
async def conversation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAOKE_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("BAOKE_DATABASE_URL", f"sqlite:///{tmp_path / 'baoke.db'}")
    edge = make_edge(tmp_path, FakeBrain(reasoned))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("等待期多久")
        await visitor.until(2)


def baoke(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(["why", *words]) == 0
    return capsys.readouterr().out


async def test_that_a_turn_tells_its_reasons(conversation, capsys) -> None:
    [listed] = json.loads(baoke(capsys, "--json"))
    sender = listed["sender_id"]
    spoken = json.loads(baoke(capsys, sender, "--json"))
    assert [m["text"] for m in spoken] == ["等待期多久", "等待期九十日"]
    asked, answered = (json.loads(baoke(capsys, sender, n, "--json")) for n in "12")
    assert asked["turn_id"] == answered["turn_id"]
    assert asked["asked"] == [{"seq": 1, "text": "等待期多久", "payload": None}]
    assert asked["ranking"] == [{"intent": "ask_waiting_period", "confidence": 0.91}]
    assert asked["searched"][0]["clauses"] == [{"ref": "第六条(一)", "score": 0.93}]
    assert asked["replies"][0]["citations"] == ["第六条(一)"]
    assert asked["outcome"] == "answered"


async def test_that_a_person_can_read_it(conversation, capsys) -> None:
    sender = baoke(capsys).split()[-1]
    assert "等待期多久" in baoke(capsys, sender[:8])
    told = baoke(capsys, sender[:8], "1")
    assert "91.0%  ask_waiting_period" in told
    assert "93.0%  第六条(一)" in told


@pytest.mark.parametrize(
    ("words", "code"), [(["nobody"], 1), (["web:", "99"], 1), (["web:", "x"], 2)]
)
async def test_that_what_is_not_there_is_said(conversation, capsys, words, code):
    capsys.readouterr()
    assert main(["why", *words]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err


def test_that_no_ledger_is_said(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("BAOKE_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    assert main(["why"]) == 1
    assert not (tmp_path / "none.db").exists()


@pytest.mark.rasa
def test_that_the_real_stack_keeps_scores_and_never_shows_them(stack) -> None:
    with Customer(stack.url) as customer:
        reply = customer.say("重疾险的等待期有多久")
        assert "searched" not in json.dumps(reply.events)
    env = {
        **os.environ,
        "BAOKE_VAR_DIR": str(stack.var),
        "BAOKE_DATABASE_URL": f"sqlite:///{stack.var}/baoke.db",
    }

    def why(*words: str):
        command = [sys.executable, "-m", "channels.cli", "why", "--json", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, check=True, text=True
        )
        return json.loads(done.stdout)

    sender = why()[0]["sender_id"]
    told = why(sender, "1")
    assert told["intent"] == "ask_waiting_period"
    assert told["searched"][0]["document"] == "critical_illness"
    assert told["searched"][0]["clauses"][0]["score"] > 0.5
    assert told["responses"] == ["utter_waiting_period"]
    assert told["actions"][0]["policy"] == "RulePolicy"
