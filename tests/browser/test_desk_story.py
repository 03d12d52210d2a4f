"""One story on every channel: bot, queue, agent, another agent, the end, a rating.

The customer sits before the real widget, or behind the fakes of WeChat and Telegram; the
agents before real consoles in a real Chromium; between them a real edge.
"""

import time

import httpx
import pytest
from chat_page import Chat
from desk_stage import Desk
from edge_kit import FakeBrain, say
from telegram_kit import TOKEN, message, press, telegram
from wechat_kit import settings_for, wechat

from bot.desk_rules import Handoff
from bot.ports import Answer

pytestmark = pytest.mark.browser
SIGNED = {"X-Telegram-Bot-Api-Secret-Token": "s"}


async def think(question):
    """Answer; somebody who wants a human gets one."""
    if "人工" in question.text:
        return Answer((), handoff=Handoff("customer_asked", skill="理赔"))
    return say(f"答：{question.text}")


class OnTheWeb:
    """A customer before the widget."""

    platform = None

    def __init__(self, desk, page) -> None:
        self.chat = Chat(page, desk.url)
        self.chat.open()

    def say(self, text):
        self.chat.say(text)

    def press(self, title):
        self.chat.press(title)

    def shown(self):
        return self.chat.log.inner_text()


class OnWeChat:
    """A follower of the official account."""

    def __init__(self, desk, page) -> None:
        self.desk, self.who = desk, desk.fake.followers["oCustomer1"]
        desk.fake.server = desk.url

    @staticmethod
    async def platform(stack):
        fake = await stack.enter_async_context(wechat())
        return fake, settings_for(fake)

    def say(self, text):
        self.desk.run(self.desk.fake.say(text))

    def press(self, title):
        choices = {content: key for key, content in self.who.menu}
        self.desk.run(self.desk.fake.say(title, bizmsgmenuid=choices[title]))

    def shown(self):
        return "\n".join(self.who.texts)


class OnTelegram:
    """Somebody who writes to the Telegram bot."""

    def __init__(self, desk, page) -> None:
        self.desk, self.number = desk, 0

    @staticmethod
    async def platform(stack):
        fake = await stack.enter_async_context(telegram())
        values = {"telegram_token": TOKEN, "telegram_api_base": fake.url}
        return fake, {**values, "telegram_secret": "s"}

    def _tell(self, update):
        async def post():
            async with httpx.AsyncClient(base_url=self.desk.url) as hook:
                path = "/webhooks/telegram"
                answer = await hook.post(path, json=update, headers=SIGNED)
                assert answer.status_code == 200

        self.desk.run(post())

    def say(self, text):
        self.number += 1
        self._tell(message(self.number, text=text))

    def press(self, title):
        self.number += 1
        data = dict(self.desk.fake.buttons())[title]
        self._tell(press(self.number, data))

    def shown(self):
        return "\n".join(self.desk.fake.sent(7))


@pytest.fixture(params=[OnTheWeb, OnWeChat, OnTelegram])
def kind(request):
    return request.param


@pytest.fixture
def desk(tmp_path, kind):
    with Desk(tmp_path, FakeBrain(think), kind.platform) as running:
        yield running


@pytest.fixture
def customer(desk, kind, browser):
    context = browser.new_context(
        locale="zh-CN", viewport={"width": 390, "height": 844}
    )
    yield kind(desk, context.new_page())
    context.close()


def wait_until(check):
    until = time.monotonic() + 60
    while not check():
        assert time.monotonic() < until
        time.sleep(0.1)


def sees(customer, *words):
    wait_until(lambda: all(word in customer.shown() for word in words))


def test_that_the_whole_story_holds_together(agent_page, customer):
    one, two = agent_page("agent1"), agent_page("agent2")
    one.get_by_label("接待中").check()
    customer.say("犹豫期几天")
    sees(customer, "答：犹豫期几天")
    customer.say("我要人工")
    sees(customer, "正在为您转接人工客服")
    one.get_by_text("请您接").wait_for()
    one.keyboard.press("Alt+a")
    one.get_by_role("button", name="交还机器人").wait_for()
    sees(customer, "人工客服小王已加入")
    log = one.get_by_role("log", name="消息")
    log.get_by_text("答：犹豫期几天").wait_for()  # what the bot said is there

    one.keyboard.type("您好，我是小王")
    one.keyboard.press("Enter")
    sees(customer, "您好，我是小王")
    customer.say("那我的钱呢")
    log.get_by_text("那我的钱呢", exact=True).wait_for()
    assert "答：那我的钱呢" not in customer.shown()

    one.get_by_label("内部备注").fill("客户有点急")
    one.get_by_role("button", name="记下").click()
    one.get_by_role("button", name="转出").click()
    one.get_by_label("交代给下一位").fill("请核对赔款")
    one.get_by_label("转给").select_option("to:agent2")
    one.get_by_role("button", name="确定").click()
    sees(customer, "人工客服小李已加入")
    two.get_by_role("list", name="我的会话").get_by_role("button").first.click()
    two.get_by_text("请核对赔款").wait_for()
    two.get_by_label("回复客户").fill("赔款今天到账")
    two.get_by_label("回复客户").press("Enter")
    sees(customer, "赔款今天到账")

    two.get_by_role("button", name="结束").click()
    two.get_by_label("小结").fill("已核对")
    two.get_by_label("类别").select_option("理赔")
    two.get_by_role("button", name="确定").click()
    sees(customer, "本次人工服务已结束", "您对小李刚才的服务满意吗")
    customer.press("满意")
    sees(customer, "谢谢您的评价")
    customer.say("犹豫期还有几天")
    sees(customer, "答：犹豫期还有几天")
    for hidden in ("客户有点急", "请核对赔款", "已核对", "agent1", "agent2"):
        assert hidden not in customer.shown()
