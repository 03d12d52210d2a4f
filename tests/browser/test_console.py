"""The console in a real Chromium: an agent's hour, with a customer in another window."""

import time
from pathlib import Path

import pytest
from desk_stage import Customer, Desk

pytestmark = pytest.mark.browser
VENDOR = Path(__file__).with_name("vendor")


@pytest.fixture
def desk(tmp_path):
    with Desk(tmp_path) as running:
        yield running


@pytest.fixture
def arrive(desk):
    """Let a customer come and ask for a human."""
    came = []

    def come(text="我的理赔怎么还没到账<b>急</b>"):
        came.append(Customer(desk.url))
        return _ask(desk, came[-1], text)

    yield come
    for customer in came:
        customer.client.close()


def _ask(desk, customer, text):
    customer.say(text)
    for _ in range(100):
        if "答：" in customer.seen():
            break
        time.sleep(0.1)
    desk.wait_for_human(customer)
    return customer


def test_that_an_agent_takes_answers_and_ends_a_conversation(desk, agent_page, arrive):
    customer = arrive()
    page = agent_page()
    queue = page.get_by_role("list", name="排队")
    queue.get_by_role("button").first.click()
    log = page.get_by_role("log", name="消息")
    log.get_by_text("我的理赔怎么还没到账<b>急</b>", exact=True).wait_for()
    page.get_by_role("button", name="接入").click()
    words = page.get_by_label("回复客户")
    words.fill("您好，我来查")
    words.press("Enter")
    log.get_by_text("您好，我来查", exact=True).wait_for()
    assert "您好，我来查" in customer.seen()
    assert "人工客服小王已加入" in customer.seen()
    customer.say("快点啊")
    log.get_by_text("快点啊", exact=True).wait_for()
    page.get_by_label("内部备注").fill("客户很急")
    page.get_by_role("button", name="记下").click()
    page.get_by_text("客户很急").wait_for()
    page.get_by_role("button", name="结束").click()
    page.get_by_label("小结").fill("已解释进度")
    page.get_by_role("button", name="确定").click()
    page.get_by_role("button", name="结束", exact=True).wait_for(state="hidden")
    assert "已解释进度" not in customer.seen()
    assert "客户很急" not in customer.seen()


def test_that_the_keyboard_is_enough(desk, agent_page, arrive):
    customer = arrive()
    page = agent_page()
    page.get_by_role("list", name="排队").get_by_role("button").first.wait_for()
    page.keyboard.press("Alt+a")
    page.get_by_role("button", name="交还机器人").wait_for()
    page.keyboard.type("马上")
    page.keyboard.press("Enter")
    page.get_by_role("log", name="消息").get_by_text("马上", exact=True).wait_for()
    assert "马上" in customer.seen()


def test_that_templates_and_reasons_are_at_hand(desk, agent_page, arrive):
    customer = arrive()
    page = agent_page()
    page.get_by_role("list", name="排队").get_by_role("button").first.wait_for()
    page.keyboard.press("Alt+a")
    page.get_by_role("button", name="交还机器人").wait_for()
    words = page.get_by_label("回复客户")
    words.fill("/nh")
    page.get_by_role("list", name="常用语").get_by_text("我是人工客服小王").wait_for()
    words.press("Enter")
    words.press("Enter")
    log = page.get_by_role("log", name="消息")
    log.get_by_text("我是人工客服小王").wait_for()
    assert "我是人工客服小王" in customer.seen()
    page.get_by_role("button", name="为什么").first.click()
    page.get_by_role("dialog").get_by_text("我的理赔怎么还没到账").wait_for()
    page.keyboard.press("Escape")


def test_that_a_conversation_taken_by_another_is_told(desk, agent_page, arrive):
    arrive()
    one, two = agent_page("agent1"), agent_page("agent2")
    for page in (one, two):
        page.get_by_role("list", name="排队").get_by_role("button").first.click()
        page.get_by_role("button", name="接入").wait_for()
    one.get_by_role("button", name="接入").click()
    one.get_by_role("button", name="交还机器人").wait_for()
    two.get_by_text("不在您这里了").wait_for()
    assert two.get_by_label("回复客户").is_disabled()


def test_that_a_leader_sees_and_passes_on(desk, agent_page, arrive):
    arrive()
    one, leader = agent_page("agent1"), agent_page("leader")
    one.get_by_role("list", name="排队").get_by_role("button").first.wait_for()
    one.keyboard.press("Alt+a")
    one.get_by_role("button", name="交还机器人").wait_for()
    leader.get_by_role("list", name="全部在办").get_by_role("button").first.click()
    leader.get_by_role("button", name="转出").click()
    leader.get_by_label("交代给下一位").fill("请理赔组接")
    leader.get_by_label("转给").select_option("skill:理赔")
    leader.get_by_role("button", name="确定").click()
    queue = leader.get_by_role("list", name="排队")
    queue.get_by_role("button").first.wait_for()
    one.get_by_role("list", name="排队").get_by_role("button").first.wait_for()


def test_that_a_wrong_password_is_told(desk, browser):
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(f"{desk.url}/console")
    page.get_by_label("账号").fill("agent1")
    page.get_by_label("密码").fill("nope nope")
    page.get_by_role("button", name="登录").click()
    page.get_by_text("账号或密码不对").wait_for()
    context.close()


def violations(page):
    page.evaluate((VENDOR / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [(rule["id"], rule["help"]) for rule in found["violations"]]


def test_that_axe_finds_nothing(desk, agent_page, arrive):
    arrive()
    for scheme in ("light", "dark"):
        page = agent_page(color_scheme=scheme)
        page.get_by_role("list", name="排队").get_by_role("button").first.click()
        page.get_by_role("button", name="接入").wait_for()
        assert violations(page) == []


def take_first(page):
    page.get_by_role("list", name="排队").get_by_role("button").first.wait_for()
    page.keyboard.press("Alt+a")
    page.get_by_role("button", name="交还机器人").wait_for()


def test_that_an_agent_who_is_ready_is_asked(desk, agent_page, arrive):
    page = agent_page()
    page.get_by_label("接待中").check()
    arrive()
    page.get_by_text("请您接").wait_for()
    page.reload()
    page.get_by_text("请您接").wait_for()
    assert page.get_by_label("接待中").is_checked()  # a reload loses nothing


def test_that_files_go_both_ways(desk, agent_page, arrive, tmp_path):
    customer = arrive()
    picture = tmp_path / "伤情.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 40)
    with picture.open("rb") as file:
        answer = customer.client.post("/api/chat/attachments", files={"file": file})
    assert answer.is_success
    page = agent_page()
    take_first(page)
    log = page.get_by_role("log", name="消息")
    with page.expect_download() as download:
        log.get_by_role("link", name="文件：伤情.png").click()
    assert Path(download.value.path()).read_bytes() == picture.read_bytes()
    page.get_by_label("要发送的文件").set_input_files(picture)
    log.get_by_role("link", name="文件：伤情.png").nth(1).wait_for()
    assert (
        customer.seen().count("伤情.png") == 5
    )  # theirs, the receipt with its two buttons, the agent's


def test_that_a_leader_whispers_and_takes_over(desk, agent_page, arrive):
    customer = arrive()
    one, leader = agent_page("agent1"), agent_page("leader")
    take_first(one)
    leader.get_by_role("list", name="全部在办").get_by_role("button").first.click()
    leader.get_by_role("button", name="接管").wait_for()
    leader.get_by_label("内部备注").fill("先道歉再解释")
    leader.get_by_role("button", name="记下").click()
    one.get_by_text("老陈悄悄说：先道歉再解释").wait_for()
    assert "先道歉" not in customer.seen()
    leader.get_by_role("button", name="接管").click()
    leader.get_by_role("button", name="交还机器人").wait_for()
    one.get_by_text("不在您这里了").wait_for()
    assert "人工客服老陈已加入" in customer.seen()
    leader.get_by_role("list", name="坐席").get_by_text("小王").wait_for()


def test_that_a_leader_watches_the_bot_and_steps_in(desk, agent_page):
    leader = agent_page("leader")
    customer = Customer(desk.url)
    customer.say("犹豫期几天")
    live = leader.get_by_role("list", name="机器人在聊")
    live.get_by_role("button").first.click()
    log = leader.get_by_role("log", name="消息")
    log.get_by_text("答：犹豫期几天").wait_for()
    leader.get_by_role("button", name="接管").click()
    leader.get_by_role("button", name="交还机器人").wait_for()
    customer.say("真人吗")
    log.get_by_text("真人吗", exact=True).wait_for()
    assert "答：真人吗" not in customer.seen()
    customer.client.close()


def test_that_a_long_history_begins_with_its_end(desk, agent_page, arrive):
    customer = arrive()
    desk.say_much(130)
    assert "第129句" in customer.seen()
    page = agent_page()
    take_first(page)
    log = page.get_by_role("log", name="消息")
    log.get_by_text("第129句", exact=True).wait_for()
    assert log.get_by_text("第0句", exact=True).count() == 0
    page.get_by_role("button", name="更早的消息").click()
    log.get_by_text("第0句", exact=True).wait_for()
    page.get_by_role("button", name="更早的消息").wait_for(state="hidden")
    seqs = log.locator("article").evaluate_all("all => all.map(a => +a.dataset.seq)")
    assert seqs == list(range(1, len(seqs) + 1))


def test_that_a_cut_line_is_told_and_made_up_for(desk, agent_page, arrive):
    customer = arrive()
    page = agent_page()
    take_first(page)
    banner = page.get_by_text("与服务器的连接断开了")
    assert banner.is_hidden()
    page.context.set_offline(True)
    banner.wait_for()
    customer.say("您还在吗")
    page.context.set_offline(False)
    banner.wait_for(state="hidden")
    log = page.get_by_role("log", name="消息")
    log.get_by_text("您还在吗", exact=True).wait_for()
    assert log.get_by_text("您还在吗", exact=True).count() == 1
