"""Requests and replies of WeChat's documents: ours have their shape, their errors a meaning."""

import json
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

from bot.channel_rules import load_rules
from bot.errors import Retryable
from bot.message import Author, Button, ButtonsPart, StoredMessage, TextPart
from bot.notices import Notices
from channels.wechat.api import WeChatError, _check
from channels.wechat.door import Reply
from channels.wechat.platform import WeChatPlatform, _receipt
from channels.wechat.reading import Callback
from channels.wechat.routes import render

FIXTURES = Path(__file__).parents[1] / "fixtures" / "platforms"
CALLS = {c["id"]: c for c in json.loads(
    (FIXTURES / "wechat_customer_message_api.json").read_text()
)}  # fmt: skip
REPLIES = {
    r["id"]: r
    for r in json.loads((FIXTURES / "wechat_replies_official_docs.json").read_text())
}
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
RULES = load_rules()["wechat"]


class Clock:
    def now(self):
        return NOW


@pytest.fixture
def platform():
    return WeChatPlatform(None, RULES, Path(), Notices.load(), None, Clock())


def message(*parts, author=Author.AGENT, seq=3):
    return StoredMessage("wechat:OPENID", seq, author, NOW, parts)


def body(platform, *messages, menu=True):
    (piece,) = platform.render(messages)
    return platform._body("wechat:OPENID", piece, menu and bool(piece.buttons))


def test_that_words_are_sent_as_documented(platform):
    said = body(platform, message(TextPart("Hello World")))
    assert said == CALLS["text"]["request"]
    by_bot = body(platform, message(TextPart("..."), author=Author.BOT))
    assert by_bot == CALLS["text_ai_label"]["request"]


def test_that_buttons_are_sent_as_documented(platform):
    buttons = ButtonsPart((Button("满意", "/affirm"), Button("不满意", "/deny")))
    said = body(platform, message(TextPart("您对本次服务是否满意呢?"), buttons))
    wanted = CALLS["msgmenu"]["request"]
    assert said.keys() == wanted.keys()
    assert said["msgmenu"].keys() == wanted["msgmenu"].keys()
    titles = [item["content"] for item in said["msgmenu"]["list"]]
    assert titles == [item["content"] for item in wanted["msgmenu"]["list"]]
    assert all(isinstance(item["id"], str) for item in said["msgmenu"]["list"])


@pytest.mark.parametrize("name", [k for k, v in CALLS.items() if "response" in v])
def test_that_every_documented_answer_has_a_meaning(name):
    answer = httpx.Response(200, json=CALLS[name]["response"])
    code = CALLS[name]["response"]["errcode"]
    if code == 0:
        _check(answer)
        return
    with pytest.raises((WeChatError, Retryable)) as told:
        _check(answer)
    if isinstance(told.value, WeChatError):
        assert _receipt(told.value).reason
    assert isinstance(told.value, Retryable) == (name in ("busy", "quota", "ip"))


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("reply:text", Reply("你好")),
        ("reply:transfer_customer_service", Reply(transfer=True)),
    ],
)
def test_that_replies_are_written_as_documented(name, reply):
    wanted = ElementTree.fromstring(REPLIES[name]["xml"])
    names = ("ToUserName", "FromUserName")
    customer, account = (wanted.findtext(each) for each in names)
    callback = Callback(customer, account, "k")
    found = ElementTree.fromstring(render(reply, callback, Clock()))
    shape = {child.tag: child.text for child in found}
    expected = {child.tag: child.text for child in wanted}
    assert shape.pop("CreateTime").isdigit()
    expected.pop("CreateTime")
    assert shape == expected


def test_that_every_piece_leaves_room_for_the_closing_words(platform):
    text = "保险条款。" * 900
    buttons = ButtonsPart(tuple(Button(f"选项{n}", "/greet") for n in range(9)))
    pieces = platform.render([message(TextPart(text), buttons, author=Author.BOT)])
    assert len(pieces) > 6
    assert "".join(piece.text for piece in pieces).startswith(text[:4000])
    for piece in pieces:
        closed = platform.flat(platform.close(piece))
        assert RULES.length(closed) <= 2048
        assert "回复任意文字" in closed
    assert pieces[-1].buttons and not any(piece.buttons for piece in pieces[:-1])
