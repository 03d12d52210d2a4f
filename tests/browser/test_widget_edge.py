"""The widget against the real edge, with a brain that only echoes."""

import pytest
from chat_page import Chat
from fake_edge import Served
from integration.edge_kit import FakeBrain, FakeHours, make_edge, say
from test_widget_chat import PNG

from bot.desk_rules import Handoff
from bot.ports import Answer

pytestmark = pytest.mark.browser


async def answer(question):
    if question.text == "/request_handoff":
        return Answer((), Handoff("customer_asked"), intent="request_handoff")
    return say(f"答：{question.text}")


class Restarting:
    """An edge that can be stopped and started again on its port and database."""

    def __init__(self, folder):
        self.folder = folder
        self.served = None
        self.port = 0

    @property
    def url(self):
        return self.served.url

    def start(self):
        edge = make_edge(self.folder, FakeBrain(answer), hours=FakeHours(open=False))
        self.served = Served(edge, self.port).__enter__()
        self.port = int(self.url.rpartition(":")[2])
        return self

    def stop(self):
        self.served.__exit__(None, None, None)


@pytest.fixture
def running(tmp_path):
    edge = Restarting(tmp_path).start()
    yield edge
    edge.stop()


@pytest.fixture
def chat(browser, running):
    context = browser.new_context(locale="zh-CN")
    yield Chat(context.new_page(), running.url)
    context.close()


def test_that_a_conversation_survives_a_restart_of_the_edge(chat, running):
    chat.open().say("一")
    chat.wait_for("答：一")
    running.stop()
    chat.wait_for_state("连接已断开")
    chat.say("二")
    running.start()
    chat.page.evaluate("dispatchEvent(new Event('online'))")
    chat.wait_for("答：二")
    assert chat.texts() == ["一", "答：一", "二", "答：二"]
    chat.page.reload()
    chat.wait_for("答：二")
    assert chat.texts() == ["一", "答：一", "二", "答：二"]


def test_that_the_menu_handoff_and_files_mean_to_the_edge_what_they_say(chat):
    chat.open().press("查理赔进度")
    chat.wait_for("答：/track_claim")
    chat.page.get_by_role("button", name="转人工", exact=True).first.click()
    chat.wait_for_state("正在排队等待人工")
    chat.log.get_by_text("已为您登记转人工").wait_for()
    chat.page.get_by_role("button", name="取消排队").first.click()
    chat.wait_for_state("智能客服在线")
    file = {"name": "现场.png", "mimeType": "image/png", "buffer": PNG}
    chat.page.locator("baoke-chat input[type=file]").set_input_files(file)
    chat.log.get_by_text("已收到您的文件“现场.png”").wait_for()
    chat.page.reload()
    with chat.page.expect_download() as got:
        chat.log.get_by_role("button", name="下载文件 现场.png").click()
    assert got.value.path().read_bytes() == PNG
    mine = [words for words in chat.texts() if not words.startswith("答：")]
    assert mine[0] == "查理赔进度"
    assert "转人工" in mine and "取消排队" in mine


def test_that_two_windows_of_the_real_edge_agree(chat):
    chat.open().say("一")
    chat.wait_for("答：一")
    other = Chat(chat.page.context.new_page(), chat.url).open()
    other.say("二")
    for window in (chat, other):
        window.wait_for("答：二")
        assert window.texts() == ["一", "答：一", "二", "答：二"]
