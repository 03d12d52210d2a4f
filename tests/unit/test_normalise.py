"""What customers write, as values: numbers, phones, plates, yes and no, injuries."""

# ruff: noqa: RUF001 (full-width letters are what is tested)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import normalise

NUMBER = "2024013100018"


@pytest.mark.parametrize(
    ("read", "letter"),
    [
        (normalise.policy_no, "P"),
        (normalise.claim_no, "C"),
        (normalise.complaint_no, "T"),
    ],
)
@pytest.mark.parametrize(
    "written",
    [
        "{L}2024013100018",
        "{l}2024013100018",
        "{L} 2024013100018",
        "{L}2024 0131 00018",
        "{L}-20240131-00018",
        "{L}２０２４０１３１０００１８",
        "我的是{l}2024013100018，谢谢",
        "no {L}2024013100018",
        "{L}2024013100018 8871",
        "（{L}2024013100018）",
    ],
)
def test_that_a_number_is_read_however_it_is_written(
    read: object, letter: str, written: str
) -> None:
    text = written.replace("{L}", letter).replace("{l}", letter.lower())
    assert read(text) == letter + NUMBER  # type: ignore[operator]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024013100018",
        "P202401310001",
        "P20240131000188",
        "XP2024013100018",
        "9P2024013100018",
        "C2024013100018",
        "P٢٠٢٤٠١٣١٠٠٠١٨",
    ],
)
def test_that_what_is_no_policy_number_is_none(text: str) -> None:
    assert normalise.policy_no(text) is None


@pytest.mark.parametrize(
    ("text", "tail"),
    [
        ("8871", "8871"),
        ("后四位是887x", "887X"),
        ("８８７Ｘ", "887X"),
        ("尾号 0012。", "0012"),
        ("P2024013100018 8871", "8871"),
        ("是8871没错", "8871"),
    ],
)
def test_that_an_id_tail_is_read(text: str, tail: str) -> None:
    assert normalise.id_tail(text) == tail


@pytest.mark.parametrize(
    "text", ["", "887", "88712", "88X1", "A8871", "110101199001018871", "8871X"]
)
def test_that_what_is_no_id_tail_is_none(text: str) -> None:
    assert normalise.id_tail(text) is None


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("13912345678", "13912345678"),
        ("139 1234 5678", "13912345678"),
        ("139-1234-5678", "13912345678"),
        ("１３９１２３４５６７８", "13912345678"),
        ("+86 139 1234 5678", "13912345678"),
        ("0086-13912345678", "13912345678"),
        ("8613912345678", "13912345678"),
        ("打13912345678找我", "13912345678"),
        ("8871 13912345678", "13912345678"),
        ("010-88886666", "01088886666"),
        ("（010）8888 6666", "01088886666"),
        ("0571-8888666", "05718888666"),
        ("010-88886666-801", "01088886666"),
        ("010-88886666转801", "01088886666"),
    ],
)
def test_that_a_phone_is_read(text: str, phone: str) -> None:
    assert normalise.phone(text) == phone


@pytest.mark.parametrize(
    "text",
    [
        "",
        "95500",
        "400-820-8820",
        "1391234567",
        "139123456789",
        "12012345678",
        "88886666",
        "110101199001018871",
        "P2024013100018",
        "2024013100018",
    ],
)
def test_that_what_is_no_phone_is_none(text: str) -> None:
    assert normalise.phone(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("012345", "012345"),
        (" 123 456 ", "123456"),
        ("１２３　４５６", "123456"),
        ("1-2-3-4-5-6", "123456"),
        ("验证码是123456。", "123456"),
        ("【保客】验证码：123456，5分钟内有效。", "123456"),
    ],
)
def test_that_a_one_time_code_is_read(text: str, code: str) -> None:
    assert normalise.one_time_code(text) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12345",
        "1234567",
        "123456 7",
        "12 34567 8",
        "1234 567890",
        "123456或654321",
        "P123456",
        "12345X",
        "abcdef",
        "１３９ 1234 5678",
        "P2024013100018",
        "1" * 300,
        "1 " * 3000,
        " " * 20_000,
        "\0",
        "12\x0034567",
        "٠١٢٣٤٥",
    ],
)
def test_that_what_is_no_one_time_code_is_none(text: str) -> None:
    assert normalise.one_time_code(text) is None


@pytest.mark.parametrize(
    ("text", "plate"),
    [
        ("京A12345", "京A12345"),
        ("京a·12345", "京A12345"),
        ("粤B 12345", "粤B12345"),
        ("沪ＡＤ１２３４５", "沪AD12345"),
        ("苏E1234学", "苏E1234学"),
        ("车牌是浙A8888B", "浙A8888B"),
        ("粤Z1234港", "粤Z1234港"),
    ],
)
def test_that_a_plate_is_read(text: str, plate: str) -> None:
    assert normalise.plate_no(text) == plate


@pytest.mark.parametrize(
    "text", ["", "京A1234", "京A1234567", "京I12345", "是A12345", "A12345", "京12345"]
)
def test_that_what_is_no_plate_is_none(text: str) -> None:
    assert normalise.plate_no(text) is None


@pytest.mark.parametrize(
    ("text", "intent", "answer"),
    [
        ("是的", "inform", True),
        ("是的。", "inform", True),
        (" 对！ ", "inform", True),
        ("ＯＫ", "inform", True),
        ("Yes", "inform", True),
        ("没错", "deny", True),
        ("不用", "affirm", False),
        ("没有", "inform", False),
        ("2", "inform", False),
        ("/affirm", "affirm", True),
        ("/deny", "deny", False),
        ("就按这个来吧", "affirm", True),
        ("可不是这样", "deny", False),
        ("/inform", "inform", None),
        ("昨天", "inform", None),
        ("", "nlu_fallback", None),
    ],
)
def test_that_words_decide_yes_and_no_before_the_intent(
    text: str, intent: str, answer: bool | None
) -> None:
    assert normalise.yes_no(text, intent) is answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("有人受伤", True),
        ("我骨折了", True),
        ("没有人受伤", False),
        ("人没事", False),
        ("没有骨折", False),
        ("未流血", False),
        ("我没事，对方骨折了", True),
        ("没人受伤，就是司机擦伤了一点", True),
        ("车没事，人受伤了", True),
        ("不知道有没有人受伤", None),
        ("车撞坏了", None),
        ("", None),
    ],
)
def test_that_injuries_are_read_from_what_is_not_denied(
    text: str, answer: bool | None
) -> None:
    assert normalise.mentions_injury(text) is answer


READERS = (
    normalise.policy_no,
    normalise.claim_no,
    normalise.complaint_no,
    normalise.id_tail,
    normalise.phone,
    normalise.plate_no,
    normalise.mentions_injury,
)
PIECES = st.sampled_from(
    [*"PCTpct0123456789０１xX京粤AB- ·—()（）+，没伤有", "受伤", "86"]
)


@given(st.text(max_size=80) | st.lists(PIECES, max_size=30).map("".join))
def test_that_no_text_ever_raises_and_a_value_is_its_own_normal_form(text: str) -> None:
    for read in READERS:
        value = read(text)
        if isinstance(value, str):
            assert read(value) == value
    assert normalise.yes_no(text, "inform") in (True, False, None)


@given(st.lists(st.sampled_from(["", " ", "-", "  "]), min_size=13, max_size=13))
def test_that_gaps_inside_a_number_do_not_matter(gaps: list[str]) -> None:
    spelled = "P" + "".join(gap + d for gap, d in zip(gaps, NUMBER, strict=True))
    assert normalise.policy_no(spelled) == "P" + NUMBER
