"""Words that bring a human."""

from pathlib import Path

import pytest

from bot.desk_rules import Priority
from bot.triggers import TRIGGERS_FILE, Triggers

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("再不赔我就去法院告你们", "lawsuit"),
        ("我要请律师告你们!!", "lawsuit"),
        ("信不信我发抖音曝光", "media"),
        ("我真的不想活了", "despair"),
        ("刚有人冒充你们打电话", "fraud_warning"),
    ],
)
def test_that_our_own_words_bring_a_human(text, reason):
    found = Triggers.load(ROOT / TRIGGERS_FILE).of((None, text))
    assert (found.reason, found.priority) == (reason, Priority.HIGH)


@pytest.mark.parametrize(
    "text", ["自杀赔不赔", "12378是什么电话", "怎么投诉", "官司费用保不保", "你好", ""]
)
def test_that_plain_questions_bring_nobody(text):
    assert Triggers.load(ROOT / TRIGGERS_FILE).of((text,)) is None


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "x: 1",
        "triggers: [3]",
        "triggers: [{reason: a, words: []}]",
        "triggers: [{words: [a]}]",
        "triggers: [{reason: a, words: ['']}]",
        "triggers: [{reason: a, words: [b], priority: urgent}]",
    ],
)
def test_that_a_wrong_file_is_told(tmp_path, text):
    path = tmp_path / "triggers.yml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"triggers\.yml"):
        Triggers.load(path)
    assert Triggers.load(tmp_path / "none.yml").of(("去法院告",)) is None
