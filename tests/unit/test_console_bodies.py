"""What the desk's API is sent: no text in it that a database cannot keep."""

import pytest
from pydantic import BaseModel, ValidationError

from bot.errors import BadInput
from channels.console import bodies
from channels.links import hook_door

GOOD = {
    bodies.Login: {"name": "wang", "password": "correct horse"},
    bodies.Presence: {"ready": True},
    bodies.Clause: {"document": "service", "ref": "第三条"},
    bodies.Words: {"text": "您好", "key": "k"},
    bodies.NoteWords: {"text": "客户着急"},
    bodies.Step: {"key": "k"},
    bodies.Closing: {"key": "k", "summary": "已办", "category": "理赔"},
    bodies.Taking: {"key": "k", "found": "agent", "held_by": "wang"},
    bodies.Reveal: {"reason": "核对姓名"},
    bodies.Transfer: {"key": "k", "to": "wang", "skill": "理赔", "memo": "请接"},
    bodies.CaseStep: {"step": "decide", "told": {"text": "补付", "refs": ["一", "二"]}},
    hook_door.Who: {"name": "zhao", "title": "小赵"},
    hook_door.Call: {
        "id": "h1",
        "action": "close",
        "sender_id": "web:a",
        "agent": {"name": "zhao", "title": "小赵"},
        "text": "您好",
        "summary": "已办",
        "category": "理赔",
        "skill": "理赔",
    },
}


def spoiled(value, mark):
    """Return a value once for each text in it, with the mark in that text."""
    match value:
        case str():
            yield value[:1] + mark + value[1:]
        case list():
            for number, each in enumerate(value):
                for bad in spoiled(each, mark):
                    yield [*value[:number], bad, *value[number + 1 :]]
        case dict():
            for key, each in value.items():
                for bad in spoiled(each, mark):
                    yield {**value, key: bad}


def test_that_every_body_is_looked_at():
    shapes = {
        value
        for module in (bodies, hook_door)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseModel)
    }
    assert shapes - {BaseModel} == set(GOOD)
    for shape, good in GOOD.items():
        assert set(good) | {"clause"} >= set(shape.model_fields), shape


@pytest.mark.parametrize("mark", ["\x00", "\ud800", "\udfff"])
@pytest.mark.parametrize("shape", GOOD)
def test_that_no_text_has_what_no_store_can_keep(shape, mark):
    shape(**GOOD[shape])
    for body in spoiled(GOOD[shape], mark):
        with pytest.raises(ValidationError):
            shape(**body)


def test_that_the_name_of_what_is_told_is_looked_at_too():
    with pytest.raises(ValidationError):
        bodies.CaseStep(step="decide", told={"te\x00xt": "补付"})


def test_that_other_signs_are_kept():
    text = "第一行\n第二行\t😀 \u200b"
    assert bodies.NoteWords(text=text).text == text


@pytest.mark.parametrize(
    "blank",
    ["  ", "\u3000\u3000", "\u200b\u200b\u200b", "\u3164\u3164", "..", "a", "——"],
)
def test_that_a_reason_to_look_has_words(blank):
    with pytest.raises(BadInput, match="reveal_reason"):
        bodies.Reveal(reason=blank).check()
    bodies.Reveal(reason="理赔").check()
