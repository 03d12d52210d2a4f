"""`baoke parse` and `eval`: one process for a whole file, clear refusals."""

import json
from pathlib import Path

import pytest
from checkout_kit import make_checkout

from channels.cli import main
from channels.training import train

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a model, and the current folder in it."""
    places = make_checkout(tmp_path)
    train(places, {}, lambda _: None)
    monkeypatch.chdir(tmp_path)
    for name in ("BAOKE_RASA_URL", "BAOKE_DATABASE_URL", "BAOKE_VAR_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_that_parse_prints_one_json_line_a_text(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["parse", "--json", "你好", " "]) == 0
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert lines[0] == {
        "text": "你好",
        "intent": "greet",
        "confidence": 0.5,
        "ranking": [{"intent": "greet", "confidence": 0.5}],
        "entities": [],
    }
    assert (lines[1]["text"], lines[1]["intent"]) == (" ", None)
    assert printed.err == ""


def test_that_eval_prints_one_document(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = checkout / "held-out.tsv"
    path.write_text("text\tintent\n你好\tgreet\n谢谢\tthank\n", encoding="utf-8")
    assert main(["eval", "nlu", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n"], found["accuracy"]) == (2, 0.5)


def test_that_the_figures_can_be_read_by_people(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = checkout / "held-out.tsv"
    path.write_text("text\tintent\n你好\tgreet\n谢谢\tthank\n", encoding="utf-8")
    assert main(["eval", "nlu", str(path)]) == 0
    said = capsys.readouterr().out
    assert "accuracy                0.5" in said
    assert "谢谢: thank, not greet" in said


def test_that_a_bad_file_is_one_line_with_its_place(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = checkout / "bad.tsv"
    path.write_text("text\tintent\n你好\tbye\n", encoding="utf-8")
    assert main(["eval", "nlu", str(path), "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"baoke: {path}:2: unknown intent 'bye'\n"


def test_that_a_damaged_model_is_said(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "bot/assistant/broken").touch()
    assert main(["parse", "你好"]) == 1
    assert "ModelNotFound: the model is damaged" in capsys.readouterr().err


def test_that_a_missing_model_is_said(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "var/models/current.json").unlink()
    assert main(["parse", "你好"]) == 1
    assert "run `baoke train`" in capsys.readouterr().err


def test_that_train_prints_model_seconds_and_reused(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["reused"] is True
    assert Path(found["model"]).is_file()
    assert found["seconds"] == 0.0


def test_that_a_failed_training_prints_nothing_on_standard_output(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "bot/assistant/broken").touch()
    assert main(["train", "--force", "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "line 3, column 5" in printed.err


@pytest.fixture
def checkout_with_actions(checkout: Path) -> Path:
    """The checkout with the real action server's code and data beside it."""
    for room in ("actions", "worktime", "embedding", "data"):
        if not (checkout / room).exists():
            (checkout / room).symlink_to(ROOT / room)
    return checkout


def test_that_parse_shows_values_as_the_forms_read_them(
    checkout_with_actions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["两三天前被追尾了", "有1-2个人受了轻伤", "昨晚的事", "不知道"]
    at = ["--values", "--at", "2026-12-01T10:00"]
    assert main(["parse", "--json", *at, *texts]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["text"] for line in lines] == texts
    [two_days], none, [evening], nothing = (line["values"] for line in lines)
    assert two_days["kind"] == "date"
    assert (two_days["value"], two_days["until"]) == ("2026-11-28", "2026-11-29")
    assert two_days["estimate"] is True
    assert (evening["value"], evening["estimate"]) == ("2026-11-30 晚上", False)
    assert none == nothing == []


def test_that_the_moment_is_beijings_unless_a_zone_is_given(
    checkout_with_actions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = ["parse", "--json", "--values", "今天", "--at"]
    assert main([*late, "2026-11-30T23:30+00:00"]) == 0
    [found] = json.loads(capsys.readouterr().out)["values"]
    assert found["value"] == "2026-12-01"


@pytest.mark.parametrize(
    "wrong", [["--at", "2026-12-01T10:00"], ["--values", "--at", "gestern"]]
)
def test_that_a_moment_that_is_none_is_refused(
    checkout: Path, wrong: list[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        raise SystemExit(main(["parse", "你好", *wrong]))
    assert end.value.code == 2
