# ruff: noqa: RUF001 - full width on purpose
from datetime import date

import pytest

from actions.agreement.blanks import fill_blanks, find_blanks
from actions.agreement.cite import cite, sentences
from actions.agreement.clauses import Clause, DocumentVersion
from actions.agreement.commitments import commitments_of
from actions.agreement.numerals import chinese_to_int, int_to_chinese

SOURCE = DocumentVersion("service", "服务协议", "2026.1", date(2026, 1, 1))


def clause(text: str, *values: tuple[str, str]) -> Clause:
    filled, left = fill_blanks(text, values)
    return Clause(SOURCE, "第三条(四)2", filled, text, open_blanks=left)


def test_that_blanks_of_every_kind_are_found():
    text = "[热线]或【网址】，编号____，第［三］项，见[官网](http://a)、（　　）"
    assert find_blanks(text) == ["[热线]", "【网址】", "____", "［三］", "（　　）"]


def test_that_file_numbers_and_article_titles_are_no_blanks():
    assert find_blanks("保监发〔2026〕15号") == []
    assert find_blanks("【服务内容】甲方应当及时答复。") == []
    assert find_blanks("【公司全称】提供服务。") == ["【公司全称】"]


def test_that_nested_brackets_are_one_blank():
    assert find_blanks("在[例如：[十五]个]工作日内") == ["[例如：[十五]个]"]


def test_that_values_fill_blanks_and_unknown_ones_stay_visible():
    filled, left = fill_blanks(
        "拨打[热线]或[网址]。", [("热线", "400"), ("邮箱", "a@b")]
    )
    assert filled == "拨打400或[网址]。"
    assert left == ("[网址]",)


def test_that_equal_blanks_take_their_values_in_order():
    filled, left = fill_blanks("____年____月", [("____", "2026"), ("____", "5")])
    assert (filled, left) == ("2026年5月", ())


def test_that_an_empty_value_leaves_the_blank_open():
    assert fill_blanks("[热线]", [("热线", " ")]) == ("[热线]", ("[热线]",))


def test_that_a_quote_is_a_part_of_the_clause_and_names_the_version():
    whole = clause("甲方应当及时答复。乙方应当配合。")
    citation = cite(whole, "乙方应当配合。")
    assert citation.quote in whole.text
    assert (
        citation.ref,
        citation.title,
        citation.version,
        citation.effective_from,
    ) == (
        "第三条(四)2",
        "服务协议",
        "2026.1",
        "2026-01-01",
    )
    with pytest.raises(ValueError, match="not part"):
        cite(whole, "别的话")


def test_that_a_long_quote_ends_after_a_sentence():
    whole = clause("一二三四五。六七八九十。甲乙丙丁戊。")
    assert cite(whole, max_chars=13).quote == "一二三四五。六七八九十。"
    assert cite(clause("没有标点" * 10), max_chars=10).quote in "没有标点" * 10


def test_that_open_blanks_in_the_quote_are_flagged():
    whole = clause("拨打[热线]。在[天数]个工作日内答复。", ("热线", "400"))
    assert cite(whole).open_blanks == ("[天数]",)
    assert cite(whole, "拨打400。").open_blanks == ()


def test_that_sentences_joined_are_the_text():
    text = "甲。乙！\n丙；丁"
    assert "".join(sentences(text)) == text
    assert len(sentences(text)) == 4


@pytest.mark.parametrize(
    ("text", "amount", "unit", "trigger"),
    [
        ("自收到投诉之日起十五(15)个工作日内处理。", 15, "工作日", "自收到投诉之日起"),
        ("应在收到请求后2个工作小时内回应。", 2, "工作小时", "应在收到请求后"),
        ("自核实之日起五个工作日内退还。", 5, "工作日", "自核实之日起"),
        ("最迟不超过30日。", 30, "自然日", ""),
        ("应当至少提前三十日通知乙方。", 30, "自然日", ""),
        ("自送达之日起10个自然日内支付。", 10, "自然日", "自送达之日起"),
        ("变动后三十天内通知甲方。", 30, "自然日", "变动后"),
    ],
)
def test_that_time_limits_are_read(text, amount, unit, trigger):
    (found,) = commitments_of(clause(text))
    assert (found.amount, found.unit, found.trigger) == (amount, unit, trigger)
    assert found.quote in text


@pytest.mark.parametrize(
    "text",
    [
        "自收到之日起[例如：十五(15)]个工作日内处理。",
        "自2026年5月30日起执行。",
        "在工作日提供服务，每日九点开始。",
        "不满十四周岁的，由监护人同意。",
        "出生满二十八日的可以投保。",
    ],
)
def test_that_blanks_dates_and_ages_are_no_commitments(text):
    assert commitments_of(clause(text)) == []


def test_that_a_filled_blank_becomes_a_commitment():
    text = "自收到投诉之日起[例如：十五(15)]个工作日内处理。"
    assert commitments_of(clause(text, ("例如：十五(15)", "十(10)")))[0].amount == 10


def test_that_numerals_go_both_ways():
    for number in (1, 9, 10, 11, 20, 99, 100, 101, 110, 999, 1000, 1005, 9999):
        assert chinese_to_int(int_to_chinese(number)) == number
    assert chinese_to_int("壹拾伍") == 15
    assert chinese_to_int("二〇二六") == 2026
    assert chinese_to_int("三十X") is None
