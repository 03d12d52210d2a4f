"""Words misspelt by sound; the real lexicon, Jieba's real frequencies."""

# ruff: noqa: E402 (the assistant is no package)

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

ASSISTANT = str(Path(__file__).resolve().parents[2] / "bot" / "assistant")
if ASSISTANT not in sys.path:
    sys.path.append(ASSISTANT)

from components.homophones import Homophones, read_words, sounds, trade_homophones


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("理陪进度", "理赔进度"),
        ("腿保怎么办", "退保怎么办"),
        ("我要投述你们", "我要投诉你们"),
        ("转任工", "转人工"),
        ("油预期过了一天还算不算数", "犹豫期过了一天还算不算数"),
        ("既王症算不算", "既往症算不算"),
        ("你豪", "你好"),
    ],
)
def test_that_misspelt_words_are_led_back(typed: str, meant: str) -> None:
    assert trade_homophones().correct(typed) == meant


@pytest.mark.parametrize(
    "text",
    [
        "理赔进度",
        "我想报销医药费",
        "他是小区保安",
        "有位姓孙的老师",
        "房子是小产权",
        "保到六十和保到七十",
        "这款消费型跟返还型怎么选",
        "ok lipei 123",
        "保",
        "",
    ],
)
def test_that_what_is_right_stays(text: str) -> None:
    assert trade_homophones().correct(text) == text


def test_that_a_common_word_across_the_edge_is_left_whole() -> None:
    frequency = {"理由": 5000, "由欲": 0}.get
    corrector = Homophones(["犹豫"], lambda word: frequency(word) or 0)
    assert corrector.correct("由欲") == "犹豫"
    assert corrector.correct("理由欲") == "理由欲"


@given(st.text(alphabet="理陪赔保但单投述诉 abc，。1是的", max_size=30))
def test_that_length_and_other_signs_stay(text: str) -> None:
    corrected = trade_homophones().correct(text)
    assert len(corrected) == len(text)
    kept = [(a, b) for a, b in zip(text, corrected, strict=True) if a != b]
    assert all("\u4e00" <= a <= "\u9fff" and b >= "\u4e00" for a, b in kept)
    assert trade_homophones().correct(corrected) == corrected


def test_that_sounds_often_mixed_up_are_one() -> None:
    assert sounds("投诉") == sounds("投述")
    assert sounds("人") == sounds("仁") == ("ren",)
    assert sounds("宁") == sounds("林")


def test_that_lists_and_lexicons_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("保单 20000 n\n# nothing\n退保 9 v\n", "utf-8")
    (tmp_path / "b.txt").write_text("你好 再见  # two\n", "utf-8")
    words = read_words(tmp_path / "a.txt", tmp_path / "b.txt")
    assert words == ["保单", "退保", "你好", "再见"]
