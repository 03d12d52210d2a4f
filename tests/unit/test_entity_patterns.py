"""Which data stands where in a message; spans are code points of the typed text."""

# ruff: noqa: E402, RUF001 (the assistant is no package; full-width letters are tested)

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

ASSISTANT = str(Path(__file__).resolve().parents[2] / "bot" / "assistant")
if ASSISTANT not in sys.path:
    sys.path.append(ASSISTANT)

from components.entity_patterns import EntityPatterns, folded
from components.text import MAX_CHARACTERS, is_payload, normalise

PATTERNS = EntityPatterns(["重疾险", "重疾", "百万医疗险", "百万医疗", "车险", "e生保"])


def _found(text: str) -> list[tuple[str, str]]:
    return [(span.entity, span.value) for span in PATTERNS.find(text)]


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("保单号P2024013100018", [("policy_no", "P2024013100018")]),
        ("p2024013100018查一下", [("policy_no", "p2024013100018")]),
        (
            "Ｐ２０２４０１３１０００１８",
            [("policy_no", "Ｐ２０２４０１３１０００１８")],
        ),
        ("C20261001 00001到哪了", [("claim_no", "C20261001 00001")]),
        ("投诉T2026100100001", [("complaint_no", "T2026100100001")]),
        ("电话13912345678", [("phone", "13912345678")]),
        ("139 1234 5678", [("phone", "139 1234 5678")]),
        ("+86 13912345678", [("phone", "+86 13912345678")]),
        ("座机010-88886666", [("phone", "010-88886666")]),
        ("座机88886666", [("phone", "88886666")]),
        ("车牌京A12345", [("plate_no", "京A12345")]),
        ("沪AD12345被撞", [("plate_no", "沪AD12345")]),
        ("110101199001018871", [("id_number", "110101199001018871")]),
        ("8871", [("id_tail", "8871")]),
        ("身份证后四位是887x", [("id_tail", "887x")]),
        (
            "P2024013100018，8871",
            [("policy_no", "P2024013100018"), ("id_tail", "8871")],
        ),
        ("我的重疾险", [("product", "重疾险")]),
        ("百万医疗险续保", [("product", "百万医疗险")]),
        ("百万医疗怎么续", [("product", "百万医疗")]),
        ("我买了E生保", [("product", "E生保")]),
        ("花了3.5万元", [("amount", "3.5万元")]),
        ("赔了两万块", [("amount", "两万块")]),
        ("￥1,200.50", [("amount", "￥1,200.50")]),
        ("昨天下午三点", [("date", "昨天下午三点")]),
        ("10月2号出的险", [("date", "10月2号")]),
        ("上周三晚上被追尾", [("date", "上周三晚上")]),
        ("2026-10-02", [("date", "2026-10-02")]),
        ("三天前", [("date", "三天前")]),
        ("23年买的", [("date", "23年")]),
        (
            "昨天京A12345被撞，修了2000元，打13912345678",
            [
                ("date", "昨天"),
                ("plate_no", "京A12345"),
                ("amount", "2000元"),
                ("phone", "13912345678"),
            ],
        ),
    ],
)
def test_that_data_is_found_as_typed(
    text: str, entities: list[tuple[str, str]]
) -> None:
    assert _found(text) == entities


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("住院30天", "date"),
        ("等待期90天", "date"),
        ("要3个工作日", "date"),
        ("24小时内", "date"),
        ("保20年", "date"),
        ("交费二十年", "date"),
        ("住在3号楼", "date"),
        ("坐10号线", "date"),
        ("打95500", "phone"),
        ("热线400-820-8820", "phone"),
        ("快递单号13912345678", "phone"),
        ("订单号：13912345678", "phone"),
        ("我今年35岁", "amount"),
        ("35岁", "id_tail"),
        ("赔80%", "amount"),
        ("百万医疗险", "amount"),
        ("百万医疗", "amount"),
        ("跑了3万公里", "amount"),
        ("第一元素", "amount"),
        ("银行卡尾号8871", "id_tail"),
        ("手机尾号5678", "id_tail"),
        ("XP2024013100018", "policy_no"),
        ("P20240131000188", "policy_no"),
        ("京I12345", "plate_no"),
        ("京A1234567", "plate_no"),
        ("早就交了", "date"),
        ("有一点问题", "date"),
    ],
)
def test_that_lookalikes_are_left_alone(text: str, kind: str) -> None:
    assert kind not in {entity for entity, _ in _found(text)}


@pytest.mark.parametrize("before", ["😀", "👨‍👩‍👧", "𠮷", "🇨🇳 ", "é"])
def test_that_spans_count_code_points(before: str) -> None:
    text = f"{before}保单P2024013100018"
    (span,) = PATTERNS.find(text)
    assert (span.start, span.end) == (len(before) + 2, len(text))
    assert span.value == "P2024013100018"


def test_that_folding_keeps_one_code_point_for_one() -> None:
    text = "Ｐ１２３㎏①…ﬁ　京"
    assert len(folded(text)) == len(text)
    assert folded("Ｐ１２３　") == "P123 "


def test_that_without_product_words_nothing_is_a_product() -> None:
    assert EntityPatterns([]).find("我的重疾险") == []


PIECES = st.sampled_from(
    [
        "P2024013100018",
        "C2026100100001",
        "t2026100100001",
        "13912345678",
        "010-88886666",
        "京A12345",
        "沪AD1234",
        "110101199001018871",
        "8871",
        "887x",
        "身份证后四位",
        "重疾险",
        "百万医疗险",
        "3.5万元",
        "两千块",
        "￥",
        "昨天下午三点",
        "10月2号",
        "上周三",
        "三天前",
        "2026-10-02",
        "早",
        "晚上",
        "😀",
        "１２",
        "Ｐ",
        "的",
        "，",
        " ",
        "-",
        "0",
        "99",
        "点",
        "号",
        "月",
    ]
)


@given(st.lists(PIECES, max_size=10).map("".join) | st.text(max_size=60))
def test_that_spans_are_true_sorted_and_apart(text: str) -> None:
    spans = PATTERNS.find(text)
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        assert span.value == text[span.start : span.end]
    for left, right in pairwise(spans):
        assert left.end <= right.start


# --- components/text.py ------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "even"),
    [
        ("我要報案", "我要报案"),
        ("ＡＢＣ１２３", "abc123"),
        ("怎么办！！！？？", "怎么办!?"),
        ("急急急急", "急"),
        ("谢谢", "谢谢"),
        ("你好\u200b\n  在吗", "你好 在吗"),
        ("", ""),
    ],
)
def test_that_spelling_is_evened_out(text: str, even: str) -> None:
    assert normalise(text) == even


@given(st.text(max_size=400))
def test_that_evening_out_never_raises(text: str) -> None:
    assert len(normalise(text)) <= MAX_CHARACTERS


def test_that_a_long_message_is_cut() -> None:
    assert len(normalise("保单" * 500)) == MAX_CHARACTERS


def test_that_a_button_is_told_from_words() -> None:
    assert is_payload("/affirm")
    assert not is_payload("保单/理赔")


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("定损才给两千八", "amount", "两千八"),
        ("换个灯一百二", "amount", "一百二"),
        ("修车得七八千", "amount", "七八千"),
        ("手机摔了2k多", "amount", "2k多"),
        ("有没有1万5", "amount", "1万5"),
        ("保费叁仟陆佰元", "amount", "叁仟陆佰元"),
        ("国庆第二天崴了脚", "date", "国庆第二天"),
        ("腊月二十八回家路上", "date", "腊月二十八"),
        ("正月初五撞的", "date", "正月初五"),
        ("前儿个刚签的字", "date", "前儿个"),
        ("身份证号610113 19710508 3790", "id_number", "610113 19710508 3790"),
        ("老身份证只有十五位，310106620715302", "id_number", "310106620715302"),
        ("身份证后六位181234", "id_tail", "181234"),
        ("牌照 津 B·66T02", "plate_no", "津 B·66T02"),
    ],
)
def test_that_further_forms_are_found(text: str, entity: str, value: str) -> None:
    found = EntityPatterns(["车险"]).find(text)
    assert [(span.entity, span.value) for span in found] == [(entity, value)]


@pytest.mark.parametrize(
    "text",
    ["得一块儿买吗", "三百多人", "交20年还是30年", "缴费期限选10年", "一千八百公里"],
)
def test_that_counts_and_durations_are_no_data(text: str) -> None:
    assert EntityPatterns(["车险"]).find(text) == []


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("两三天前撞的", "date", "两三天前"),
        ("大概2-3天前", "date", "2-3天前"),
        ("十来天前", "date", "十来天前"),
        ("前两三天的事", "date", "前两三天"),
        ("上个月十七八号", "date", "上个月十七八号"),
        ("昨天下午2-3点", "date", "昨天下午2-3点"),
        ("国庆前一天摔的", "date", "国庆前一天"),
        ("11.20出的事", "date", "11.20"),
        ("11/20下午", "date", "11/20下午"),
        ("花了两三千块", "amount", "两三千块"),
        ("花了三五千", "amount", "三五千"),
        ("两三百万", "amount", "两三百万"),
        ("二三十万", "amount", "二三十万"),
        ("大约2-3千", "amount", "2-3千"),
        ("修车5000到8000元", "amount", "5000到8000元"),
        ("一百二三十块", "amount", "一百二三十块"),
    ],
)
def test_that_an_estimate_is_marked_whole(text: str, entity: str, value: str) -> None:
    assert _found(text) == [(entity, value)]


@pytest.mark.parametrize(
    "text",
    [
        "1-2个人受了轻伤",
        "3/4的车门",
        "1.5米",
        "版本1.2",
        "10-20公里",
        "比例是3/7",
        "血糖7.2",
        "第2-3节",
        "v1.2",
        "体温8.5度",
    ],
)
def test_that_two_numbers_with_a_mark_are_no_date(text: str) -> None:
    assert _found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        *(
            "11.20出的事",
            "11.20",
            "时间是11/20",
            "11-20号",
            "3-4号",
            "1-2",
            "1-2个人",
            "3/4的车门",
        ),
        *(
            "比例是3/7",
            "5.20元",
            "v1.2",
            "11-12",
            "住院1-2天",
            "我是11/20在建国路被追尾的",
        ),
    ],
)
def test_that_both_rooms_keep_the_same_rule_for_short_days(text: str) -> None:
    from components import entity_patterns as marked

    from actions import short_days as read

    assert marked.SHORT_DAY.pattern == read.SHORT_DAY.pattern
    found = marked.SHORT_DAY.search(text)
    is_marked = found is not None and marked.is_day(text, found)
    assert is_marked is (read.short_day(text) is not None)
