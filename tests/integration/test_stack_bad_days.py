"""Bad input and dying processes, against everything that is real."""

import os
import signal
import time
from pathlib import Path

import httpx
import pytest
from stack import Customer

pytestmark = pytest.mark.rasa
HOTLINE = "400-200-0888"
BACK_SECONDS = 90


def children_of(pid, words):
    """Process ids below ``pid`` whose command line holds ``words``."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            line = (folder / "cmdline").read_bytes().decode(errors="replace")
        except (OSError, ValueError):
            continue
        if parent == pid and words in line:
            found.append(int(folder.name))
    return found


def wait_ready(url):
    deadline = time.monotonic() + BACK_SECONDS
    while time.monotonic() < deadline:
        if httpx.get(f"{url}/readyz", timeout=10).status_code == 200:
            return
        time.sleep(0.5)
    raise AssertionError("not ready again")


@pytest.mark.parametrize("words", ["serve.py", "serve_actions.py"])
def test_that_a_killed_process_costs_no_message(stack, words):
    with Customer(stack.url) as customer:
        customer.say("你好")
        victims = children_of(stack.process.pid, words)
        assert victims, f"{words} does not run"
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        reply = customer.say("客服电话是多少")
        # Answered after the restart, or one honest apology with a human offered.
        assert HOTLINE in reply.text or "转人工" in reply.buttons, reply
        wait_ready(stack.url)
        assert HOTLINE in customer.say("客服电话多少").text
        events = customer.http.get("/api/chat/events", params={"after": 0}).json()
        said = [e for e in events["events"] if e["author"] == "customer"]
        assert len(said) == 3
        numbers = [event["seq"] for event in events["events"]]
        assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(
    "text",
    [
        "😀😀😀",
        "<script>alert(1)</script>",
        "'; DROP TABLE policies; --",
        "。。。。。",
        "/report_claim{",
        "{claim_no}",
        "\u202e反过来",
    ],
)
def test_that_odd_words_get_an_answer(stack, text):
    with Customer(stack.url) as customer:
        reply = customer.say(text)
        assert reply.text
        assert "{" not in reply.text


@pytest.mark.parametrize(
    "body",
    [
        {"text": "", "client_message_id": "a"},
        {"text": "  \n ", "client_message_id": "b"},
        {"text": "\x00\x00", "client_message_id": "c"},
        {"text": 5, "client_message_id": "d"},
        {"client_message_id": "e"},
        {"text": "长" * 10_000, "client_message_id": "f"},
        {"payload": "/restart", "client_message_id": "g"},
        {"payload": "x" * 5000, "client_message_id": "h"},
        ["no", "object"],
    ],
)
def test_that_unusable_messages_are_refused_in_chinese(stack, body):
    with Customer(stack.url) as customer:
        answer = customer.http.post("/api/chat/messages", json=body)
        assert 400 <= answer.status_code < 500
        assert any("\u4e00" <= c <= "\u9fff" for c in answer.json()["error"]["message"])


def test_that_a_nul_inside_words_does_no_harm(stack):
    with Customer(stack.url) as customer:
        assert HOTLINE in customer.say("客服电话\x00是多少").text
