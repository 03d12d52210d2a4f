"""Channel rules: cutting text as platforms count, and what the file may say."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channel_rules import Allowance, ChannelRules, LengthUnit, load_rules
from bot.pace import Pace

TEXTS = st.text(
    st.sampled_from("保险理赔，。！？；、 \n abcé😀𠮷"), min_size=1, max_size=400
)


@given(TEXTS, st.sampled_from(list(LengthUnit)), st.integers(8, 90))
def test_that_pieces_fit_and_nothing_but_blanks_is_lost(text, unit, limit):
    rules = ChannelRules(max_length=limit, length_unit=unit)
    pieces = rules.split(text)
    assert all(rules.length(piece) <= limit for piece in pieces)
    assert all(piece == piece.strip() and piece for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_that_a_cut_is_made_where_people_pause():
    rules = ChannelRules(max_length=20)
    text = "第一句话说完了。第二句，比较长一点点。第三句"
    assert rules.split(text) == ("第一句话说完了。第二句，比较长一点点。", "第三句")
    assert rules.split("甲" * 15 + "\n" + "乙" * 15) == ("甲" * 15, "乙" * 15)
    assert rules.split("甲" * 45) == ("甲" * 20, "甲" * 20, "甲" * 5)


def test_that_a_piece_is_measured_as_the_platform_counts():
    text = "保😀"
    assert ChannelRules().length(text) == 2
    assert ChannelRules(length_unit=LengthUnit.UTF8_BYTES).length(text) == 7
    assert ChannelRules(length_unit=LengthUnit.UTF16_UNITS).length(text) == 3


def test_that_the_rules_of_the_platforms_are_read():
    rules = load_rules()
    assert rules["wechat"].split("保" * 1000)[0] == "保" * 682  # 2,048 bytes
    allowances = rules["wechat"].allowances
    assert allowances["message"] == Allowance(5, timedelta(hours=48))
    assert allowances["menu"] == Allowance(3, timedelta(minutes=1))
    assert rules["telegram"].recipient_pause.total_seconds() == 1


@pytest.mark.parametrize(
    "text",
    ["x: {max_lenght: 3}", "x: {length_unit: inches}", "x: {allowances: {a: 3}}"],
)
def test_that_a_wrong_rule_is_told_with_its_channel(tmp_path, text):
    (tmp_path / "rules.yml").write_text(text)
    with pytest.raises(ValueError, match=r"rules.yml, x: "):
        load_rules(tmp_path / "rules.yml")


def test_that_the_pace_is_kept_for_all_and_for_each():
    seconds = 0.0
    pace = Pace(lambda: seconds)
    rules = load_rules()["telegram"]
    assert pace.reserve("telegram", "telegram:1", rules) == 0
    assert pace.reserve("telegram", "telegram:2", rules) == pytest.approx(0.04)
    seconds = 0.05
    assert pace.reserve("telegram", "telegram:2", rules) == 0
    seconds = 0.2
    assert pace.reserve("telegram", "telegram:1", rules) == pytest.approx(0.8)
    seconds = 1.1
    assert pace.reserve("telegram", "telegram:1", rules) == 0
