"""Which wishes a message negates; the words are those of the product."""

# ruff: noqa: E402 (the assistant is no package)

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
ASSISTANT = str(ROOT / "bot" / "assistant")
if ASSISTANT not in sys.path:
    sys.path.append(ASSISTANT)

from components.negated import settled

from actions.negation import LONGEST_TEXT, NOTHING, Reading, read_negation

WISHES = (
    "report_claim",
    "surrender_policy",
    "change_policy",
    "request_document",
    "file_complaint",
    "withdraw_complaint",
    "request_handoff",
    "manage_notice",
    "manage_privacy",
    "dispute_claim",
)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("我不想退保", "surrender_policy"),
        ("不想退了", "surrender_policy"),
        ("我又不退保", "surrender_policy"),
        ("我没说要退保", "surrender_policy"),
        ("算了不退了", "surrender_policy"),
        ("不是退保，你弄反了", "surrender_policy"),
        ("别把我的保单退了", "surrender_policy"),
        ("保单我不退了", "surrender_policy"),
        ("我没有要退保的意思", "surrender_policy"),
        ("我不想退保，我再考虑一下", "surrender_policy"),
        ("不需要转人工", "request_handoff"),
        ("不需要轉人工", "request_handoff"),
        ("别给我转", "request_handoff"),
        ("不要人工", "request_handoff"),
        ("你不用给我转人工客服了", "request_handoff"),
        ("不是来投诉的", "file_complaint"),
        ("我不是要投诉你们", "file_complaint"),
        ("不投诉了", "file_complaint"),
        ("暂时不想报案", "report_claim"),
        ("不用帮我报案", "report_claim"),
        ("不想撤诉了", "withdraw_complaint"),
        ("别撤我的投诉", "withdraw_complaint"),
        ("不用改手机号了", "change_policy"),
        ("受益人先不换", "change_policy"),
        ("不要发票", "request_document"),
        ("发票不要了", "request_document"),
        ("不要关掉续保提醒", "manage_notice"),
        ("不想解绑", "manage_privacy"),
        ("不打算申诉", "dispute_claim"),
        ("不办了", "any"),
        ("退保这事儿我压根没想过", "surrender_policy"),
        ("退保的事我没考虑过", "surrender_policy"),
        ("甭给俺退", "surrender_policy"),
        ("别给俺退了", "surrender_policy"),
        ("莫退莫退", "surrender_policy"),
        ("别退别退", "surrender_policy"),
        ("不退不退不退", "surrender_policy"),
        ("谁要退保了？", "surrender_policy"),
        ("谁说我要退了？", "surrender_policy"),
        ("我退什么保啊", "surrender_policy"),
        ("好端端的退它干啥", "surrender_policy"),
        ("好好的退保干嘛？", "surrender_policy"),
        ("我老婆说别退", "surrender_policy"),
        ("我妈叫我别退保", "surrender_policy"),
        ("人工就免了吧", "request_handoff"),
        ("不麻烦人工了", "request_handoff"),
        ("不劳烦人工客服了", "request_handoff"),
        ("我干嘛要找人工", "request_handoff"),
        ("我找什么人工", "request_handoff"),
        ("提醒短信别关", "manage_notice"),
        ("短信通知别关了", "manage_notice"),
        ("保单我还要的 不是来退的", "surrender_policy"),
        ("投诉就不必了", "file_complaint"),
        ("报案就免了", "report_claim"),
        ("不至于投诉 算了", "file_complaint"),
        ("不想闹大 不投诉", "file_complaint"),
        ("我投什么诉", "file_complaint"),
        ("别把我投诉给撤了", "withdraw_complaint"),
    ],
)
def test_that_a_negated_wish_is_read(text: str, wish: str) -> None:
    reading = read_negation(text)
    assert reading.is_all
    assert wish in reading.wishes


@pytest.mark.parametrize(
    "text",
    [
        "没赔过，第一次怎么赔",
        "没收到保单怎么办",
        "不能报销吗",
        "我不想要了怎么退",
        "不想保了",
        "不要这份保险了",
        "为什么不赔",
        "不想等了转人工",
        "不想跟机器人说",
        "不满意",
        "不退保能拿回多少钱",
        "能不能不退保",
        "你们不给退保",
        "你们不退钱",
        "不给我转人工",
        "还不转人工",
        "你不是真人吧",
        "不想收短信",
        "别再提醒我了",
        "没报案能赔吗",
        "怎么还不报案",
        "我老公不想退保",
        "不转人工我就投诉",
        "不用登记的电话",
        "没说不退啊 退",
        "非投诉不可",
        "不投诉不行了",
        "我不愿意再交下去了 退掉",
        "为什么要报案？",
        "退保不用本人去吗",
        "不退保干什么",
        "退保不用？",
        "退保",
        "",
        "/deny",
        "不想" * LONGEST_TEXT,
    ],
)
def test_that_a_negated_fact_or_a_question_is_no_negated_wish(text: str) -> None:
    assert read_negation(text) == NOTHING


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("我不想退保，我想问下现金价值", "我想问下现金价值"),
        ("不是投诉，是想问理赔进度", "是想问理赔进度"),
        ("我不是投诉是想问理赔进度", "是想问理赔进度"),
        ("发票不要了，直接给我办退款走人", "直接给我办退款走人"),
        ("不用转人工，你帮我查一下保单", "你帮我查一下保单"),
    ],
)
def test_that_the_second_half_is_the_wish(text: str, rest: str) -> None:
    reading = read_negation(text)
    assert (reading.rest, reading.is_all) == (rest, False)


def _examples() -> list[tuple[str, str]]:
    found = []
    for path in sorted((ROOT / "data/nlu").rglob("*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            for line in block.get("examples", "").splitlines():
                said = re.sub(r"\[([^\]]*)\][({][^)}]*[)}]", r"\1", line.strip()[2:])
                found.append((block.get("intent", ""), said))
    return found


def test_that_no_real_wish_of_the_training_data_is_read_as_negated() -> None:
    """A part may be negated (不投诉，给我找个人); the wish itself never is."""
    refused = {
        (intent, text)
        for intent, text in _examples()
        if intent in WISHES and read_negation(text).is_all
    }
    # Both are the wish to take a complaint back, and stay it: see the next test.
    assert refused == {
        ("withdraw_complaint", "我不投诉了"),
        ("withdraw_complaint", "投诉不弄嘞"),
    }


LED_ASTRAY = [("surrender_policy", 0.9), ("deny", 0.1)]


def test_that_a_wish_that_was_negated_becomes_a_no() -> None:
    ranking = settled(read_negation("我不想退保"), LED_ASTRAY)
    assert ranking[0][0] == "deny"
    assert sum(share for _, share in ranking) == pytest.approx(1)


def test_that_who_knows_already_that_nothing_is_wished_is_believed() -> None:
    for known in ("deny", "cancel"):
        assert settled(read_negation("不退了"), [(known, 0.6)])[0] == (known, 0.6)


def test_that_giving_a_complaint_up_may_be_the_wish_to_take_it_back() -> None:
    taken_back = [("withdraw_complaint", 0.9), ("deny", 0.1)]
    assert settled(read_negation("我不投诉了"), taken_back) == taken_back
    for text in ("我不是要投诉", "不想退保"):
        assert settled(read_negation(text), taken_back)[0][0] == "deny"


def test_that_the_rest_decides_only_where_the_negated_word_led_astray() -> None:
    reading = read_negation("我不想退保，我想问下现金价值多少")
    rest = [("ask_definition", 0.8)]
    assert settled(reading, LED_ASTRAY, rest) == rest
    unmoved = [("ask_premium", 0.5)]
    assert settled(reading, unmoved, rest) == unmoved


@pytest.mark.parametrize(
    "text", ["不改地址 改电话", "不改手机号，改地址", "不换受益人，换银行卡"]
)
def test_that_the_same_may_be_wished_of_something_else(text: str) -> None:
    known = [("deny", 0.9), ("change_policy", 0.1)]
    rest = [("change_policy", 0.9), ("deny", 0.1)]
    assert settled(read_negation(text), known, rest) == rest


def test_that_a_surrender_that_is_put_off_is_not_wished_anew() -> None:
    reading = read_negation("我不想退保，要退再说")
    known, rest = [("deny", 0.9)], [("surrender_policy", 0.9)]
    assert settled(reading, known, rest) == known


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("我不想退保，退了太亏", "surrender_policy"),
        ("不用转人工，我要跟机器人说", "request_handoff"),
    ],
)
def test_that_an_echo_of_the_negated_wish_is_none(text: str, rest: str) -> None:
    reading = read_negation(text)
    assert settled(reading, [(rest, 0.9)], [(rest, 0.9)])[0][0] == "deny"


@given(st.text(alphabet="我不想别退保转人工投诉，。？了的再先把", max_size=400))
def test_that_any_text_is_read(text: str) -> None:
    reading = read_negation(text)
    assert isinstance(reading, Reading)
    assert reading.wishes or not reading.rest
