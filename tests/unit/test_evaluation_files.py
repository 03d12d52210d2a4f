"""Evaluation files: what is read, and how a broken one is refused."""

import csv
import json
from pathlib import Path

import pytest

from channels.evaluation_files import (
    BadEvaluationFile,
    IntentRow,
    Span,
    read_entity_rows,
    read_intent_rows,
    read_sentences,
)

INTENTS = ("greet", "thank", "track_claim")
ENTITIES = ("date", "product")


def written(folder: Path, *lines: str) -> Path:
    path = folder / "file.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_that_columns_are_found_by_name_and_others_ignored(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "id\ttext\tintent\tnote\tacceptable",
        "1\t你好\tgreet\tx\tthank | track_claim",
        "",
        "2\t谢谢\tthank\t\t",
    )
    assert read_intent_rows(path, INTENTS) == [
        IntentRow("你好", "greet", frozenset({"thank", "track_claim"})),
        IntentRow("谢谢", "thank"),
    ]


def test_that_a_row_may_end_before_optional_columns(tmp_path: Path) -> None:
    path = written(tmp_path, "text\tintent\tacceptable", "你好\tgreet")
    assert read_intent_rows(path, INTENTS) == [IntentRow("你好", "greet")]


def test_that_intent_none_leaves_a_row_out(tmp_path: Path) -> None:
    path = written(tmp_path, "text\tintent", "P123\tnone", "你好\tgreet")
    assert [row.text for row in read_intent_rows(path, INTENTS)] == ["你好"]


def test_that_windows_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file.tsv"
    path.write_bytes("\ufefftext\tintent\r\n你好\tgreet\r\n".encode())
    assert read_intent_rows(path, INTENTS) == [IntentRow("你好", "greet")]


def test_that_a_customers_own_quotes_stay(tmp_path: Path) -> None:
    path = written(tmp_path, "text\tintent", '"犹豫期"是什么\tgreet')
    assert read_intent_rows(path, INTENTS)[0].text == '"犹豫期"是什么'


def test_that_a_file_quoted_by_a_program_is_read_the_same(tmp_path: Path) -> None:
    found = [{"entity": "date", "value": "明天", "start": 0, "end": 2}]
    path = tmp_path / "file.tsv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["text", "entities_json"])
        writer.writerow(["明天", json.dumps(found)])
    assert read_entity_rows(path, ENTITIES)[0].spans == {Span("date", 0, 2)}


def refused(read: object, path: Path, known: tuple[str, ...]) -> str:
    with pytest.raises(BadEvaluationFile) as caught:
        read(path, known)  # type: ignore[operator]
    return str(caught.value).removeprefix(str(path))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("text\tlabel", "你好\tgreet"), ":1: no column intent"),
        (("你好\tgreet",), ":1: no column text, intent"),
        (("text\tintent", "你好\tgreet", "再见\tbye"), ":3: unknown intent 'bye'"),
        (("text\tintent\tacceptable", "你好\tgreet\tbye"), ":2: unknown intent 'bye'"),
        (("text\tintent", "你好\t"), ":2: no intent"),
        (("text\tintent", "你好 greet"), ":2: 1 columns, at least 2"),
        (("text\tintent",), ":1: there is no row"),
    ],
)
def test_that_a_bad_intent_file_is_refused_with_its_line(
    tmp_path: Path, lines: tuple[str, ...], expected: str
) -> None:
    path = written(tmp_path, *lines)
    assert refused(read_intent_rows, path, INTENTS).startswith(expected)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("[{", "Expecting property name"),
        ('{"entity": "date"}', "not a list"),
        ('["date"]', "must be an object"),
        ('[{"entity": "day", "start": 0, "end": 2}]', "unknown entity 'day'"),
        ('[{"entity": ["date"], "start": 0, "end": 2}]', "unknown entity"),
        ('[{"entity": "date", "start": 0}]', "whole numbers"),
        ('[{"entity": "date", "start": 1, "end": 9}]', "outside the text"),
        (
            '[{"entity": "date", "value": "明天", "start": 1, "end": 3}]',
            "'天来'",
        ),
    ],
)
def test_that_bad_entities_are_refused_with_their_line(
    tmp_path: Path, cell: str, expected: str
) -> None:
    path = written(tmp_path, "text\tentities_json", "明天来\t[]", f"明天来\t{cell}")
    problem = refused(read_entity_rows, path, ENTITIES)
    assert problem.startswith(":3: ")
    assert expected in problem


def test_that_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.tsv"
    path.write_bytes(b"text\tintent\n" + "你好".encode("gbk") + b"\tgreet\n")
    assert refused(read_intent_rows, path, INTENTS) == ":2: not UTF-8"


def test_that_sentences_come_from_lines_or_from_a_text_column(tmp_path: Path) -> None:
    plain = written(tmp_path, "你好", "", "我要报案")
    assert read_sentences(plain) == ["你好", "我要报案"]
    table = written(tmp_path, "intent\ttext", "greet\t你好")
    assert read_sentences(table) == ["你好"]
