"""The core's plain rules: values, words, payloads, questions, the desk."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.desk_rules import LEGAL_MOVES, Status, check_move
from bot.errors import IllegalMove
from bot.inbox import clean_text
from bot.ledger.values import Turn
from bot.message import (
    Attachment,
    Author,
    Button,
    ButtonsPart,
    CitationPart,
    FilePart,
    ImagePart,
    Inbound,
    Kind,
    Outbound,
    StoredMessage,
    TextPart,
    part_from_json,
)
from bot.notices import Notices
from bot.payloads import PayloadRules, defuse, is_payload
from bot.settings import Settings, find_project_root, read_settings
from bot.turn import MAX_QUESTION_CHARS, question_text

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def test_that_values_survive_json():
    inbound = Inbound(
        "web:a",
        "k",
        NOW,
        Kind.ATTACHMENT,
        attachments=(Attachment("id", "报告.pdf", "application/pdf", 7),),
        metadata={"a": 1},
    )
    assert Inbound.from_json(inbound.to_json()) == inbound
    outbound = Outbound(
        "web:a",
        Author.BOT,
        (
            TextPart("您好"),
            ButtonsPart((Button("理赔", "/claim"),)),
            CitationPart("第三条", "原文", "协议", "1", "2026-01-01"),
            CitationPart("第四条", "原文"),
            ImagePart("http://a/b.png", "图"),
            FilePart("id", "a.pdf"),
        ),
        "key",
        4,
    )
    assert Outbound.from_json(outbound.to_json()) == outbound
    with pytest.raises(ValueError, match="video"):
        part_from_json({"type": "video"})


def test_that_every_sentence_can_be_filled_in():
    notices = Notices.load()
    values = {
        "max_chars": 1,
        "ahead": 2,
        "next_open": "x",
        "wait": "",
        "what": "w",
        "title": "t",
        "latitude": "1",
        "longitude": "2",
        "name": "n",
        "agent": "a",
        "field": "f",
        "max_megabytes": 10,
        "number": "T2026112300001",
        "words": "w",
        "crisis_line": "12356",
        "due": "d",
        "status": "s",
    }
    for key in notices.spoken:
        assert "{" not in notices.say(key, **values)
    for key in notices.desk:
        assert "{" not in notices.tell(key, agent="a", skill="s")
    for code in notices.refused:
        assert "{" not in notices.refusal(code, **values)
    assert notices.refusal("never_heard_of") == notices.refused["bad_request"]


def test_that_a_missing_sentence_is_found_at_start(tmp_path):
    path = tmp_path / "notices.yml"
    path.write_text("spoken: {queued: x}", encoding="utf-8")
    with pytest.raises(ValueError, match="brain_failed"):
        Notices.load(path)


@pytest.mark.parametrize(
    ("hours", "said"),
    [(1, "今天 11:00"), (15, "明天 01:00"), (24 * 9, "2026年12月2日 10:00")],
)
def test_that_moments_are_told_in_beijing_time(hours, said):
    assert Notices.load().moment(NOW + timedelta(hours=hours), NOW) == said


def test_that_command_words_stand_alone():
    notices = Notices.load()
    assert notices.means("request_handoff", " 转人工！！ ")
    assert not notices.means("request_handoff", "人工智能是什么")
    assert not notices.means("cancel_handoff", "不等了吗我想问理赔")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("/affirm", True),
        ('/report_claim{"policy_no":"P1"}', True),
        ("/Affirm", False),
        ("/affirm 好", False),
        ("//affirm", False),
        ("affirm", False),
        ("/a{" + "x" * 2000 + "}", False),
        ("/restart;x", False),
    ],
)
def test_that_a_payload_has_one_shape(text, is_one):
    assert is_payload(text) is is_one


def test_that_unknown_payloads_are_refused_and_offered_ones_keep_their_title():
    rules = PayloadRules.load()
    offered = (Button("查这一张", '/query_policy{"policy_no":"P1"}'),)
    assert rules.admit('/query_policy{"policy_no":"P1"}', offered) == offered[0]
    assert rules.admit('/query_policy{"policy_no":"P2"}', offered) is None
    assert rules.admit("/query_policy", ()) == Button("/query_policy", "/query_policy")
    assert rules.admit("/get_started", ()).payload == "/greet"
    for evil in ("/session_start", "/restart", "/back", "/action_listen", "/inform"):
        assert rules.admit(evil, offered) is None


def test_that_typed_commands_mean_nothing_to_rasa():
    for text in ("/restart x", " /Restart", "\n/ x", "/"):
        assert not defuse(text).strip().startswith("/")
    assert defuse("a/b") == "a/b"


def test_that_text_is_cleaned_of_what_nobody_types():
    assert clean_text("a\0b\x1b[1m\u202ec\r\nd\te\ud800 ") == "ab[1mc\nd\te"
    assert clean_text("👩‍👩‍👧 保单") == "👩‍👩‍👧 保单"


def customer(seq: int, text: str | None, payload: str | None = None) -> StoredMessage:
    return StoredMessage(
        "web:a", seq, Author.CUSTOMER, NOW, (), text=text, payload=payload
    )


@pytest.mark.parametrize(
    ("texts", "asked"),
    [
        (["你好"], "你好"),
        (["你好", "在吗"], "你好，在吗"),
        (["你好。", "在吗？", "有人吗"], "你好。在吗？有人吗"),
        (["/restart", "x"], "／restart，x"),
    ],
)
def test_that_a_burst_is_asked_as_one_question(texts, asked):
    messages = tuple(customer(i, text) for i, text in enumerate(texts, 1))
    turn = Turn("t", "web:a", Status.BOT, messages)
    assert question_text(turn) == asked
    assert turn.last_seq == len(texts)


@pytest.mark.parametrize("texts", [["长" * 2000] * 3, ["/" * 2000] * 20, ["a" * 4001]])
def test_that_a_burst_of_any_length_can_be_asked(texts):
    messages = tuple(customer(i, text) for i, text in enumerate(texts, 1))
    asked = question_text(Turn("t", "web:a", Status.BOT, messages))
    connector = (ROOT / "bot/assistant/connector.py").read_text(encoding="utf-8")
    assert f"MAX_TEXT = {MAX_QUESTION_CHARS}\n" in connector
    assert len(asked) == MAX_QUESTION_CHARS
    assert asked[1:] == "，".join(texts)[1:MAX_QUESTION_CHARS]


def test_that_a_pressed_button_is_asked_as_its_payload():
    turn = Turn("t", "web:a", Status.BOT, (customer(1, "是的", "/affirm"),))
    assert question_text(turn) == "/affirm"


def test_that_the_desk_knows_no_other_moves():
    for origin in Status:
        for to in Status:
            if (origin, to) in LEGAL_MOVES:
                check_move(origin, to)
            else:
                with pytest.raises(IllegalMove):
                    check_move(origin, to)
    assert (Status.BOT, Status.AGENT) not in LEGAL_MOVES
    assert (Status.BOT, Status.CLOSED) not in LEGAL_MOVES


def test_that_a_moved_clock_runs_on():
    start = datetime(2030, 1, 1, tzinfo=UTC)
    clock = SystemClock(start)
    first = clock.now()
    assert start <= first < start + timedelta(minutes=5)
    assert clock.now() >= first
    assert SystemClock(start.replace(tzinfo=None)).now() >= start


def test_that_settings_come_from_the_environment_before_the_file(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / ".env").write_text("BAOKE_PORT=9001\nBAOKE_HOST=0.0.0.0\n")
    monkeypatch.setenv("BAOKE_PORT", "9002")
    monkeypatch.setenv("BAOKE_WIDGET_ORIGINS", "https://a.cn/, https://b.cn")
    monkeypatch.setenv("BAOKE_SECRET_KEY", "do-not-print-this-key")
    settings = read_settings(root=tmp_path)
    assert (settings.port, settings.host) == (9002, "0.0.0.0")
    assert settings.widget_origins == ("https://a.cn", "https://b.cn")
    assert "do-not-print" not in repr(settings)
    assert settings.attachments_dir == tmp_path / "var/attachments"
    (tmp_path / "deep/er").mkdir(parents=True)
    assert find_project_root(tmp_path / "deep/er") == tmp_path
    monkeypatch.setenv("BAOKE_PORT", "high")
    with pytest.raises(ValueError, match="port"):
        read_settings(root=tmp_path)


def test_that_settings_cannot_be_changed_afterwards():
    settings = Settings(root=".")
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1
