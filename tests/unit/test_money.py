"""Sums of money as customers write them, in fen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.money import LARGEST, amount, amount_fen

CASES = {
    "三千块": 300000, "1.2万元": 1200000, "8600元": 860000, "8,600.00元": 860000,
    "￥3000": 300000, "两万八": 2800000, "一百二": 12000, "五十来块": 5000,
    "8千多块": 800000, "三万五千元": 3500000, "50w": 50000000, "50万": 50000000,
    "1.5千": 150000, "两百五十块": 25000, "十二万": 12000000, "五块钱": 500,
    "3块5": 350, "三块五": 350, "一千零五十元": 105000, "一万零五百": 1050000,
    "2万3": 2300000, "两千三": 230000, "100人民币": 10000, "RMB 200": 20000,
    "一亿": 10000000000, "12k": 1200000, "六毛钱": 60, "半万": 500000,
    "100元整": 10000, "１２３元": 12300, "三百块钱左右": 30000, "1万2千元": 1200000,
    "0.5元": 50, "两块二毛五": 225, "五元三分": 503, "八分钱": 8, "0元": 0,
}  # fmt: skip


@pytest.mark.parametrize(("text", "fen"), CASES.items())
def test_that_a_sum_is_read(text: str, fen: int) -> None:
    assert amount_fen(text) == fen


@pytest.mark.parametrize(
    "text",
    ["", "元", "-300元", "三百美元", "$20", "车险", "1.2.3元", "0.001元", "九" * 40 + "元",
     "1e400", "nan元", "inf", "abc", "，", "万万万"],
)  # fmt: skip
def test_that_what_is_no_sum_of_yuan_is_refused(text: str) -> None:
    assert amount_fen(text) is None


@given(
    st.text(
        alphabet="零一二两三十百千万亿半0123456789.,块元毛角分钱多w￥ -", max_size=16
    )
)
def test_that_anything_is_a_sum_or_nothing(text: str) -> None:
    fen = amount_fen(text)
    assert fen is None or 0 <= fen < LARGEST


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("两三千块", 200000, 300000),
        ("三五百块", 30000, 50000),
        ("三两千块", 200000, 300000),
        ("一两万", 1000000, 2000000),
        ("十七八万", 17000000, 18000000),
        ("二三十万", 20000000, 30000000),
        ("一千二三百块", 120000, 130000),
        ("七八块钱", 700, 800),
        ("2-3千", 200000, 300000),
        ("5、6万", 5000000, 6000000),
        ("5000到8000元", 500000, 800000),
    ],
)
def test_that_a_range_is_an_estimate_with_its_ends(
    text: str, least: int, most: int
) -> None:
    found = amount(text)
    assert found is not None
    assert (found.fen, found.most, found.estimate) == (least, most, True)
    assert amount_fen(text) is None


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("三千左右", True),
        ("8千多", True),
        ("五十来块", True),
        ("三千", False),
        ("100元整", False),
    ],
)
def test_that_words_of_estimate_are_kept(text: str, about: bool) -> None:
    found = amount(text)
    assert found is not None
    assert found.estimate is about


@pytest.mark.parametrize("text", ["几千块", "好几万", "几十块", "十几块", "几百"])
def test_that_a_sum_nobody_named_is_asked_back(text: str) -> None:
    assert amount(text) is None
