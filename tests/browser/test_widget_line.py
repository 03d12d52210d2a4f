"""The widget when the line is bad: nothing lost, nothing twice, in order."""

import pytest
from chat_page import Chat
from fake_edge import text

pytestmark = pytest.mark.browser

GO_ON = "dispatchEvent(new Event('online'))"  # what the browser says after a break


@pytest.fixture
def chat(page, served):
    return Chat(page, served.url)


def test_that_a_reconnect_brings_what_was_missed_once_and_in_order(chat, edge):
    chat.open().say("一")
    chat.wait_for("答：一")
    edge.down = True
    edge.drop()
    chat.wait_for_state("连接已断开")
    missed = [f"漏{number}" for number in range(60)]  # more than a history's length
    for words in missed:
        edge.say("bot", text(words))
    edge.down = False
    chat.page.evaluate(GO_ON)
    chat.wait_for(missed[-1])
    chat.wait_for_state("智能客服在线")
    assert chat.texts() == ["一", "答：一", *missed]
    # 62 when REST, which tries at the same time, was first.
    assert [wish.get("after") for wish in edge.wishes] in ([None, 2], [None, 62])
    chat.say("二")
    chat.wait_for("答：二")
    assert chat.texts()[-2:] == ["二", "答：二"]


def test_that_words_said_while_the_line_is_down_are_sent_later(chat, edge):
    chat.open().say("一")
    chat.wait_for("答：一")
    edge.down = True
    edge.drop()
    chat.page.get_by_text("连接已断开，正在重新连接").first.wait_for()
    chat.say("二")
    chat.say("三")
    assert chat.deliveries() == ["等待网络，恢复后自动发送"] * 2
    edge.down = False
    # An event instead of a click: it may have come back by itself just now.
    chat.page.get_by_text("立即重试").dispatch_event("click")
    chat.wait_for("答：三")
    assert edge.own_texts() == ["一", "二", "三"]
    assert chat.texts() == edge.all_texts()
    chat.page.get_by_role("button", name="立即重试").wait_for(state="hidden")


def test_that_a_message_without_acknowledgement_is_repeated_not_doubled(chat, edge):
    chat.open()
    edge.deaf = 1
    edge.mute = 1
    chat.say("只说一次")
    while not edge.heard:
        chat.page.wait_for_timeout(20)
    edge.drop()
    chat.wait_for("答：只说一次")
    chat.page.get_by_text("已送达").wait_for()
    assert edge.own_texts() == ["只说一次"]
    assert chat.texts() == ["只说一次", "答：只说一次"]


def test_that_a_missing_number_is_fetched(chat, edge):
    chat.open().say("一")
    chat.wait_for("答：一")
    edge.mute = 1
    edge.say("bot", text("丢在路上的"))
    edge.say("bot", text("随后的"))
    chat.wait_for("丢在路上的")
    assert chat.texts() == ["一", "答：一", "丢在路上的", "随后的"]


def test_that_history_is_there_after_a_reload(chat, edge):
    chat.open().say("一")
    chat.wait_for("答：一")
    edge.say("agent", text("您好"))
    chat.wait_for("您好")
    chat.page.reload()
    chat.wait_for("您好")
    assert chat.panel.is_visible()
    assert chat.texts() == ["一", "答：一", "您好"]
    assert len(edge.visitors) == 1


def test_that_earlier_messages_can_be_fetched(chat, edge):
    chat.open()
    for number in range(1, 71):
        edge.say("bot", text(f"第{number}句"))
    chat.wait_for("第70句")
    chat.page.reload()
    chat.wait_for("第70句")
    assert chat.texts()[0] == "第21句"
    chat.page.get_by_role("button", name="查看更早的消息").click()
    chat.wait_for("第1句", state="attached")
    assert chat.texts() == [f"第{number}句" for number in range(1, 71)]
    assert not chat.page.get_by_role("button", name="查看更早的消息").is_visible()


def test_that_an_expired_token_starts_a_clean_session(chat, edge):
    chat.open().say("一")
    chat.wait_for("答：一")
    edge.expire()
    chat.page.reload()
    chat.wait_for("上一次会话已过期，已为您开始新的会话。")
    chat.wait_for_state("智能客服在线")
    chat.say("二")
    chat.wait_for("答：二")
    assert chat.texts() == ["二", "答：二"]
    assert len(edge.visitors) == 2


def test_that_words_on_their_way_move_to_the_new_session(chat, edge):
    chat.open().say("一")
    chat.wait_for("答：一")
    edge.down = True
    edge.drop()
    chat.wait_for_state("连接已断开")
    chat.say("不能丢")
    edge.expire()
    edge.down = False
    chat.page.evaluate(GO_ON)
    chat.wait_for("答：不能丢")
    assert edge.own_texts() == ["不能丢"]
    assert chat.texts() == ["不能丢", "答：不能丢"]


def test_that_rest_takes_over_where_sockets_are_blocked(chat, edge):
    edge.blocked = True
    chat.visit().launcher.click()
    chat.page.evaluate(GO_ON)
    chat.wait_for_state("智能客服在线")
    chat.say("一")
    chat.wait_for("答：一")
    chat.press("我要报案")
    chat.wait_for("答：/report_claim")
    edge.say("agent", text("您好"))
    chat.wait_for("您好")
    assert chat.texts() == ["一", "答：一", "我要报案", "答：/report_claim", "您好"]
    assert chat.deliveries() == ["已送达"]
    edge.blocked = False
    chat.page.evaluate(GO_ON)
    while not edge.visitor.sids:
        chat.page.wait_for_timeout(50)
    chat.say("二")
    chat.wait_for("答：二")
    assert chat.texts()[5:] == ["二", "答：二"]
    assert len(edge.visitors) == 1


def test_that_two_windows_show_the_same_conversation(chat, edge, context, served):
    chat.open().say("一")
    chat.wait_for("答：一")
    other = Chat(context.new_page(), served.url).open()
    other.wait_for("答：一")
    other.say("二")
    chat.wait_for("答：二")
    other.wait_for("答：二")
    assert chat.texts() == other.texts() == ["一", "答：一", "二", "答：二"]
    chat.page.get_by_role("button", name="更多操作").click()
    chat.page.get_by_role("button", name="结束会话并清除记录").click()
    chat.page.get_by_role("button", name="结束并清除").click()
    other.wait_for("会话已结束，本浏览器中的记录已清除。您再发消息就会开始新的会话。")
    assert other.texts() == []


def test_that_a_refused_message_says_why_and_can_be_sent_again(chat, edge):
    edge.refusal = "payload_refused"
    chat.open().say("一")
    again = chat.page.get_by_role("button", name="重新发送")
    again.wait_for()
    assert "发送失败：您发送得太快了，请稍等。" in chat.deliveries()[0]
    again.click()
    chat.wait_for("答：一")
    assert chat.texts() == ["一", "答：一"]
    assert chat.deliveries() == ["已送达"]


def test_that_a_passing_refusal_is_tried_again_by_itself(chat, edge):
    edge.refusal = "rate_limited"
    chat.open().say("一")
    chat.wait_for("答：一")
    assert edge.heard == ["一", "一"]
    assert chat.texts() == ["一", "答：一"]
