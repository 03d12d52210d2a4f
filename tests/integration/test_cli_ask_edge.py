"""`baoke ask` against the real edge: the intent comes from the ledger."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from edge_kit import FakeRasa, make_edge, make_settings, served

from channels.asking import Asked, ask
from channels.cli import main
from channels.commands.ask import explain_from


async def test_that_intent_and_confidence_come_from_the_ledger(tmp_path: Path) -> None:
    def run(url: str) -> dict[str, object]:
        with httpx.Client(base_url=url) as client:
            explain = explain_from(make_settings(tmp_path))
            return ask(Asked(client, None, 30.0), {"text": "你好"}, explain)

    async with served(FakeRasa().app()) as rasa:
        edge = make_edge(tmp_path, rasa_url=rasa)
        async with served(edge) as url:
            found = await asyncio.to_thread(run, url)
    assert (found["intent"], found["confidence"]) == ("greet", 0.98)
    assert found["replies"] == [
        {"text": "您好", "buttons": [], "citations": [], "author": "bot"}
    ]
    assert found["status"] == "bot"


async def test_that_the_command_prints_one_document_and_keeps_the_sender(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BAOKE_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("BAOKE_DATABASE_URL", f"sqlite:///{tmp_path / 'baoke.db'}")
    rasa = FakeRasa()
    async with (
        served(rasa.app()) as rasa_url,
        served(make_edge(tmp_path, rasa_url=rasa_url)) as url,
    ):
        words = ["ask", "你好", "--json", "--sender", "me", "--url", url]
        codes = [await asyncio.to_thread(main, words) for _ in range(2)]
    assert codes == [0, 0]
    printed = capsys.readouterr().out.splitlines()  # the edge logs there too
    lines = [json.loads(line) for line in printed if line.startswith("{")]
    assert [line["intent"] for line in lines] == ["greet", "greet"]
    first, second = (asked["sender_id"] for asked in rasa.asked)
    assert first == second


def test_that_an_instance_with_another_ledger_stays_unexplained(
    tmp_path: Path,
) -> None:
    explain = explain_from(make_settings(tmp_path))
    assert explain("somebody else's session", 1) == (None, None)
    assert not (tmp_path / "secret_key").exists()
