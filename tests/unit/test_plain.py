"""Approved plain sentences: shown only for their version, never with a foreign number."""

from datetime import date
from pathlib import Path

import pytest

from actions.agreement.cite import cite
from actions.agreement.clauses import Clause, DocumentVersion
from actions.agreement.errors import AgreementError
from actions.agreement.plain import PlainFile, read_plain, strange_numbers
from actions.say import quoted

TEXT = "等待期：自合同生效起九十日为等待期，给付百分之六十，保费300元。"
SOURCE = DocumentVersion("critical_illness", "重疾险", "2026.1", date(2026, 1, 1))


def explained(sentence: str, version: str = "2026.1") -> Clause:
    clause = Clause(SOURCE, "第六条(一)", TEXT, TEXT)
    file = PlainFile({"重疾险": version}, {"重疾险": {"第六条(一)": sentence}})
    return file.explain("重疾险", [clause])[0]


def test_that_an_approved_sentence_stands_above_the_quotation() -> None:
    told = quoted([cite(explained("等待期是九十日。"))])
    first, second = told.split("\n")
    assert first == "简单说：等待期是九十日。"
    assert second == f"“{TEXT}”（第六条(一)）"


def test_that_without_one_the_clause_is_only_quoted() -> None:
    assert quoted([cite(explained(""))]) == f"“{TEXT}”（第六条(一)）"
    assert quoted([]) == ""


def test_that_a_sentence_of_another_version_is_left_out() -> None:
    assert explained("等待期是九十日。", version="2025.2").plain == ""


@pytest.mark.parametrize(
    "sentence", ["等待期是三十日。", "等待期是90天。", "给付六成。"]
)
def test_that_a_foreign_number_silences_the_sentence(sentence: str) -> None:
    assert explained(sentence).plain == ""


@pytest.mark.parametrize(
    ("sentence", "strange"),
    [
        ("等待期九十日，一般按百分之六十给付。", []),
        ("保费300元", []),
        ("保费3000元", ["3000"]),
        ("百分之六", ["百分之六"]),
    ],
)
def test_that_numbers_are_compared_whole(sentence: str, strange: list[str]) -> None:
    assert strange_numbers(sentence, TEXT) == strange


def test_that_a_missing_file_means_no_sentences(tmp_path: Path) -> None:
    assert read_plain(tmp_path / "plain.yml") == PlainFile()


@pytest.mark.parametrize("content", ["service: [a]", "- a", "products: {x: 1}"])
def test_that_a_misshapen_file_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "plain.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(AgreementError, match=r"plain\.yml"):
        read_plain(path)
