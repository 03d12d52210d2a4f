"""`baoke ask` against an edge that is a function."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.asking import Asked, AskFailed, answers, ask, keep_file

CITED = {
    "type": "citation",
    "ref": "第三条(四)2",
    "quote": "十五个工作日",
    "title": "协议",
    "version": "2026.1",
    "effective_from": "2026-01-01",
}
REPLY = {
    "seq": 2,
    "author": "bot",
    "in_reply_to": 1,
    "parts": [
        {"type": "text", "text": "十五日内。"},
        CITED,
        {"type": "buttons", "buttons": [{"title": "转人工", "payload": "/human"}]},
    ],
}


class FakeEdge:
    """Keeps what it was asked; answers from a list of event pages."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = list(pages)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        match request.url.path:
            case "/api/chat/sessions":
                return httpx.Response(200, json={"session_id": "s", "token": "t1"})
            case "/api/chat/messages":
                return httpx.Response(202, json={"seq": 1})
        return httpx.Response(200, json=self.pages.pop(0))


def door(edge: Callable[[httpx.Request], httpx.Response], **more: Any) -> Asked:
    transport = httpx.MockTransport(edge)
    client = httpx.Client(base_url="http://edge", transport=transport)
    return Asked(client, more.get("keep"), more.get("timeout", 30.0))


def explained(session_id: str, seq: int) -> tuple[str | None, float | None]:
    return {("s", 1): ("ask_complaint_process", 0.9)}[session_id, seq]


def test_that_the_answer_has_intent_text_buttons_and_citations() -> None:
    edge = FakeEdge({"events": [], "status": "bot"}, {"events": [REPLY]})
    found = ask(door(edge), {"text": "多久答复"}, explained)
    assert found["intent"] == "ask_complaint_process"
    assert found["confidence"] == 0.9
    (reply,) = found["replies"]
    assert reply["text"] == "十五日内。"
    assert reply["buttons"] == [{"title": "转人工", "payload": "/human"}]
    assert reply["citations"] == [{k: v for k, v in CITED.items() if k != "type"}]


def test_that_the_text_is_sent_with_the_sessions_token_and_an_own_id() -> None:
    edge = FakeEdge({"events": [REPLY]})
    ask(door(edge), {"text": "你好"}, explained)
    said = edge.asked[1]
    assert said.headers["Authorization"] == "Bearer t1"
    body = json.loads(said.content)
    assert body["text"] == "你好"
    assert body["client_message_id"].startswith("ask-")


def test_that_a_named_sender_goes_on_with_its_session(tmp_path: Path) -> None:
    keep = keep_file(tmp_path / "ask", "me", "http://edge")
    ask(door(FakeEdge({"events": [REPLY]}), keep=keep), {"text": "你好"}, explained)
    assert keep.stat().st_mode & 0o077 == 0
    edge = FakeEdge({"events": [REPLY]})
    ask(door(edge, keep=keep), {"text": "再来"}, explained)
    assert edge.asked[0].headers["Authorization"] == "Bearer t1"
    other = keep_file(tmp_path / "ask", "you", "http://edge")
    assert other != keep


def test_that_an_older_turns_late_reply_is_not_taken_for_the_answer() -> None:
    late = {**REPLY, "in_reply_to": 4}
    assert not answers(late, 5)
    assert answers({**REPLY, "in_reply_to": 6}, 5)
    assert not answers({**REPLY, "author": "customer"}, 1)


def test_that_a_human_who_holds_the_talk_ends_the_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("channels.asking._QUIET_SECONDS", 0.0)
    edge = FakeEdge({"events": [], "status": "agent"})
    found = ask(door(edge), {"text": "在吗"}, lambda *_: (None, None))
    assert found == {
        "intent": None,
        "confidence": None,
        "replies": [],
        "status": "agent",
    }


def test_that_silence_is_a_failure() -> None:
    with pytest.raises(AskFailed, match="no answer within 0 s"):
        ask(door(FakeEdge(), timeout=0.0), {"text": "你好"}, explained)


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (httpx.Response(200, text="<html>"), "no baoke at this address"),
        (httpx.Response(404, json={"detail": "x"}), "HTTP 404"),
        (
            httpx.Response(429, json={"error": {"code": "x", "message": "太快了"}}),
            "HTTP 429: 太快了",
        ),
        (httpx.Response(200, json={"session": 1}), "unexpected answer"),
    ],
)
def test_that_another_answer_than_ours_is_said(
    response: httpx.Response, said: str
) -> None:
    with pytest.raises(AskFailed, match=said):
        ask(door(lambda _: response), {"text": "你好"}, explained)


def test_that_nobody_there_is_said() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(AskFailed, match="http://edge does not answer"):
        ask(door(refuse), {"text": "你好"}, explained)
