"""Words that bring a human."""

from pathlib import Path

import pytest

from bot.desk_rules import Handoff, Priority
from bot.desk_settings import SETTINGS_FILE, DeskSettings
from bot.triggers import CRISIS, TRIGGERS_FILE, Triggers

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
    assert found.reason == reason
    critical = reason == "despair"
    assert found.priority is (Priority.CRITICAL if critical else Priority.HIGH)


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
        "triggers: [{reason: a, words: [b], answer: song}]",
        "{triggers: [{reason: a, words: [b]}], negated: 3}",
    ],
)
def test_that_a_wrong_file_is_told(tmp_path, text):
    path = tmp_path / "triggers.yml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"triggers\.yml"):
        Triggers.load(path)
    assert Triggers.load(tmp_path / "none.yml").of(("去法院告",)) is None


OURS = Triggers.load(ROOT / TRIGGERS_FILE)


@pytest.mark.parametrize(
    "text",
    [
        "不想活了",
        "我想死",
        "活着没意思",
        "不如死了算了",
        "想从楼上跳下去",
        "我要自杀",
        "撑不下去了不想活",
        "轻生",
        "割腕",
        "喝农药",
        "你们逼死我吧",
        "死了一了百了",
        "你们再不赔我就跳楼",
        "不赔吗？那我就跳楼",
        "我不是说说，我不想活了",
        "一点希望都没有不想活了",
        "我老公不想活了",
        "不 想 活 了",
        "我真的快撑不下去了",
        "没有活下去的勇气了",
        "再不理赔我就喝农药",
        "自杀算了",
    ],
)
def test_that_despair_in_any_words_is_answered_as_a_crisis(text):
    found = OURS.find((text,))
    assert found is not None
    assert (found.answer, found.handoff.priority) == (CRISIS, Priority.CRITICAL)


@pytest.mark.parametrize(
    "text",
    [
        "自杀赔吗",
        "我想问自杀赔吗",
        "被保险人两年后自杀能赔吗",
        "跳楼机",
        "坐跳楼机受伤了赔吗",
        "笑死",
        "累死了",
        "死亡赔偿金多少",
        "我爸去世了",
        "我爸喝农药去世了寿险赔吗",
        "儿子轻生未遂",
        "割腕住院能报销吗",
        "工人从楼上跳下去摔断腿",
        "想死你们了",
        "不想活动",
        "公司撑不下去了想退保",
        "没有不想活",
        "我不会自杀的",
        "我不想死",
    ],
)
def test_that_words_of_death_alone_are_no_despair(text):
    assert OURS.find((text,)) is None


@pytest.mark.parametrize(
    "text",
    ["不是起诉你们", "我不想去法院告你们", "没打算找媒体", "我不会曝光你们的"],
)
def test_that_a_negated_threat_brings_nobody(text):
    assert OURS.find((text,)) is None


def test_that_a_threat_said_beside_a_negation_still_counts():
    assert OURS.of(("我不是不想起诉你们",)).reason == "lawsuit"
    assert OURS.of(("没人理我，我要起诉你们",)).reason == "lawsuit"


def test_that_of_several_triggers_the_strongest_counts():
    assert OURS.of(("我要起诉你们", "我不想活了")).reason == "despair"


def test_that_the_stronger_wish_for_a_human_counts_with_what_the_other_knows():
    plain = Handoff("customer_asked", skill="理赔", summary="一句话")
    strong = Handoff("lawsuit", Priority.HIGH)
    expected = Handoff("lawsuit", Priority.HIGH, "理赔", "一句话")
    assert plain.joined(strong) == strong.joined(plain) == expected
    assert plain.joined(None) == plain
    assert plain.joined(Handoff("upset")).reason == "customer_asked"


@pytest.mark.parametrize(
    "text", ["[", "- a", "crisis_line: 没有", "crisis_line: " + "1" * 41]
)
def test_that_wrong_settings_of_the_desk_are_told(tmp_path, text):
    path = tmp_path / "settings.yml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"settings\.yml"):
        DeskSettings.load(path)


def test_that_the_crisis_line_is_set_by_the_insurer(tmp_path):
    path = tmp_path / "settings.yml"
    assert DeskSettings.load(path).crisis_line == "12356"
    path.write_text("crisis_line: 010-82951332")
    assert DeskSettings.load(path).crisis_line == "010-82951332"
    assert DeskSettings.load(ROOT / SETTINGS_FILE).crisis_line == "12356"


@pytest.mark.parametrize(
    "text",
    [
        "割腕了 血止不住",
        "喝了农药 现在难受",
        "老公想不开 把自己锁屋里了",
        "今晚就结束了 谢谢你们",
        "跟孩子说了再见 就这样吧",
        "我先走一步 你们慢慢审",
        "不如一了百了",
        "不想醒过来了",
        "我撑不下去了 谁来救救我",
        "药都买好了",
        "唔想做人啦",
        "没了我家里还轻松些",
        "想鼠",
        "zs的话会疼吗",
        "我妈留了纸条不见了",
        "莫得活头咯",
        "欠这么多 死了能还债吧",
        "日子没法过了",
    ],
)
def test_that_despair_in_other_words_is_heard(text):
    found = OURS.of([text])
    assert found is not None and (found.reason, found.priority) == (
        "despair",
        Priority.CRITICAL,
    )


@pytest.mark.parametrize(
    "text",
    [
        "不想过户了 怎么办",
        "药买好了能报销吗",
        "我先走一步 改天再聊",
        "活动今晚就结束吗",
        "烧炭取暖中毒 意外险赔吗",
        "我爸走了 怎么理赔",
        "死了赔多少",
        "喝农药住院给报吗",
        "这台车撑不下去了 要报废",
        "不想坚持交了 保单能停吗",
        "笑死我了",
        "两年内自杀赔不赔",
    ],
)
def test_that_what_only_sounds_like_despair_is_not(text):
    found = OURS.of([text])
    assert found is None or found.reason != "despair"
