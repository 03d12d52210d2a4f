"""Sums of money as customers write them, in fen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.money import LARGEST, amount_fen

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
