"""Pieces of one question, sent one after the other to everything that is real."""

import uuid

import pytest
from stack import Customer

pytestmark = pytest.mark.rasa


def post(customer, text):
    body = {"text": text, "client_message_id": uuid.uuid4().hex}
    sent = customer.http.post("/api/chat/messages", json=body)
    assert sent.status_code == 202, sent.text
    return sent.json()["seq"]


def test_that_a_greeting_and_a_question_get_one_answer(stack):
    with Customer(stack.url) as customer:
        post(customer, "你好")
        post(customer, "在吗")
        last = post(customer, "重疾险的等待期有多久")
        reply = customer.wait_for_answer(last)
        page = customer.http.get("/api/chat/events", params={"after": 0}).json()
    assert "九十日" in reply.text
    assert [event["author"] for event in page["events"]].count("customer") == 3
    assert {event["in_reply_to"] for event in reply.events} == {last}
    answers = [event for event in page["events"] if event["author"] == "bot"]
    assert answers == reply.events


def test_that_a_greeting_alone_is_answered(stack):
    with Customer(stack.url) as customer:
        assert "智能客服" in customer.say("你好").text
