"""Arguments of `baoke`: wrong usage is 2, said in a line, never a traceback."""

import pytest

from channels.cli import build_parser, main

COMMANDS = (
    ["up"],
    ["train"],
    ["parse", "x"],
    ["ask", "x"],
    ["eval", "nlu", __file__],
    ["eval", "entities", __file__],
    ["eval", "clauses", __file__],
    ["agreement", "import", __file__],
    ["agreement", "show"],
    ["complaints", "verify"],
    ["why", "web:1", "2"],
    ["complaints", "export"],
    ["db", "upgrade"],
    ["db", "seed"],
    ["prepare"],
    ["doctor"],
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_that_every_command_takes_json(words: list[str]) -> None:
    assert not build_parser(words[0]).parse_args(words).json
    assert build_parser(words[0]).parse_args([*words, "--json"]).json


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nothing"],
        ["train", "--nothing"],
        ["eval"],
        ["eval", "nlu"],
        ["eval", "nlu", "/no/such/file"],
        ["agreement", "import", __file__, "--effective-from", "yesterday"],
        ["complaints", "export", "--format", "pdf"],
        ["up", "--port", "70000"],
        ["up", "--port", "x"],
        ["parse"],
        ["parse", "text", "--file", __file__],
        ["ask", "hello", "--url", "nowhere"],
        ["why", "web:1", "first"],
        ["--json", "train", "--nothing"],
    ],
    ids=" ".join,
)
def test_that_wrong_usage_is_two(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "baoke" in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize("words", [["--help"], ["up", "--help"], ["db", "--help"]])
def test_that_help_is_shown(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("usage: baoke")


def test_that_json_may_stand_in_front(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "parse"]) == 2  # taken, then refused for another reason
    assert "either TEXT or --file" in capsys.readouterr().err


def test_that_a_bad_setting_is_said_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BAOKE_PORT", "eighty")
    assert main(["doctor"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("baoke: settings: BAOKE_PORT: ")


def test_that_nobody_there_is_said_with_the_address(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["ask", "你好", "--url", "http://127.0.0.1:9", "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "http://127.0.0.1:9 does not answer" in printed.err
