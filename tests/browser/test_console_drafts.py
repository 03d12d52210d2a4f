"""What an agent has begun belongs to one customer, and how a step went is said truly."""

import threading

import pytest
from desk_stage import Desk
from test_console import Customer, _ask

from bot.desk_rules import Handoff
from bot.message import Author

pytestmark = pytest.mark.browser
A, B = "甲问理赔", "乙问保全"


@pytest.fixture
def desk(tmp_path):
    with Desk(tmp_path) as running:
        yield running


@pytest.fixture
def two(desk):
    """Two customers who wait for a human."""
    came = [Customer(desk.url), Customer(desk.url)]
    for customer, text in zip(came, (A, B), strict=True):
        customer.sender_id = _ask(desk, customer, text) and newest(desk)
    yield came
    for customer in came:
        customer.client.close()


def newest(desk):
    query = "SELECT sender_id FROM conversations ORDER BY created_at DESC LIMIT 1"
    read = desk.edge.backstage.ledger._database.read
    return desk.run(read(lambda c: c.exec_driver_sql(query).scalar_one()))


def said_by_agents(desk, customer):
    found = desk.run(
        desk.edge.backstage.ledger.messages.after(customer.sender_id, 0, 99)
    )
    return [m.parts[0].text for m in found if m.author is Author.AGENT]


def row_of(page, text, name="我的会话"):
    listed = page.get_by_role("list", name=name).get_by_role("button")
    return listed.filter(has_text=text)


def turn_to(page, text, name="我的会话"):
    row_of(page, text, name).click()
    log = page.get_by_role("log", name="消息")
    log.get_by_text(text, exact=True).wait_for()


def take(page, *texts):
    """Take conversations; the last one stays open."""
    for text in texts:
        turn_to(page, text, "排队")
        page.get_by_role("button", name="接入").click()
        page.get_by_role("button", name="交还机器人").wait_for()
        row_of(page, text).wait_for()


def words(page):
    return page.get_by_label("回复客户")


def answer(page, path, **reply):
    """Answer one kind of request in place of the server."""
    page.route(f"**/api/desk/{path}", lambda route: route.fulfill(**reply))


class Held:
    """A request that waits until it is let go."""

    def __init__(self, page, path):
        self.routes, self.came = [], threading.Event()
        page.route(f"**/api/desk/{path}", self._hold)
        self.page = page

    def _hold(self, route):
        if route.request.method == "POST" or not self.routes:
            self.routes.append(route)
        else:
            route.continue_()

    def wait(self):
        for _ in range(600):
            if self.routes:
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("nothing was asked")

    def go_on(self):
        for route in self.routes:
            route.continue_()


CLAUSE = (
    '{"clauses": [{"document": "D", "title": "协议", "ref": "第三条", "plain": "",'
    ' "quote": "甲的条款原文", "open_blanks": []}]}'
)


def test_that_nothing_begun_for_one_customer_stands_beside_another(
    desk, two, agent_page
):
    page = agent_page()
    answer(page, "clauses?*", body=CLAUSE, content_type="application/json")
    take(page, B, A)
    words(page).fill("给甲的话：保单尾号1234")
    page.get_by_label("内部备注").fill("甲的备注")
    page.get_by_label("客户问的是什么").fill("甲的搜索")
    page.get_by_role("button", name="查", exact=True).click()
    page.get_by_role("button", name="引用 第三条").click()
    page.get_by_text("将附上《协议》第三条").wait_for()

    turn_to(page, B)
    assert words(page).input_value() == ""
    assert page.get_by_label("内部备注").input_value() == ""
    assert page.get_by_label("客户问的是什么").input_value() == ""
    assert page.get_by_text("甲的条款原文").count() == 0
    assert page.get_by_text("将附上").is_hidden()
    row_of(page, A).get_by_text("草稿").wait_for()
    words(page).fill("给乙的话")
    words(page).press("Enter")
    page.get_by_role("log", name="消息").get_by_text("给乙的话", exact=True).wait_for()
    assert said_by_agents(desk, two[1]) == ["给乙的话"]
    assert said_by_agents(desk, two[0]) == []

    turn_to(page, A)  # it is still there
    assert words(page).input_value() == "给甲的话：保单尾号1234"
    assert page.get_by_label("内部备注").input_value() == "甲的备注"
    assert page.get_by_label("客户问的是什么").input_value() == "甲的搜索"
    page.get_by_text("甲的条款原文").wait_for()
    page.get_by_text("将附上《协议》第三条").wait_for()


def test_that_shortcuts_and_templates_leave_the_draft_where_it_is(
    desk, two, agent_page
):
    page = agent_page()
    take(page, B, A)
    words(page).fill("/nh")
    page.get_by_role("list", name="常用语").wait_for()
    page.keyboard.press("Alt+j")
    page.get_by_role("log", name="消息").get_by_text(B, exact=True).wait_for()
    assert page.get_by_role("list", name="常用语").is_hidden()
    assert words(page).input_value() == ""
    page.keyboard.press("Alt+k")
    page.get_by_role("log", name="消息").get_by_text(A, exact=True).wait_for()
    assert words(page).input_value() == "/nh"
    page.get_by_role("list", name="常用语").wait_for()


@pytest.mark.parametrize("ending", ["taken", "lost"])
def test_that_words_on_their_way_go_where_they_were_written(
    desk, two, agent_page, ending
):
    page = agent_page()
    take(page, B, A)
    held = Held(page, "conversations/*/messages")
    words(page).fill("这句给甲")
    words(page).press("Enter")
    held.wait()
    turn_to(page, B)
    words(page).fill("还没写完给乙的")
    if ending == "taken":
        held.go_on()
        for _ in range(600):
            if said_by_agents(desk, two[0]):
                break
            page.wait_for_timeout(50)
        page.wait_for_timeout(300)
        assert words(page).input_value() == "还没写完给乙的"
        assert said_by_agents(desk, two[0]) == ["这句给甲"]
        turn_to(page, A)
        assert words(page).input_value() == ""
    else:
        held.routes[0].abort()
        row_of(page, A).get_by_text("没办成").wait_for()
        assert words(page).input_value() == "还没写完给乙的"
        assert page.locator("#problem").inner_text() == ""
        page.unroute("**/api/desk/conversations/*/messages")
        turn_to(page, A)
        page.get_by_text("没有连上服务器").wait_for()
        assert words(page).input_value() == "这句给甲"
        words(page).press("Enter")
        log = page.get_by_role("log", name="消息")
        log.get_by_text("这句给甲", exact=True).wait_for()
        assert said_by_agents(desk, two[0]) == ["这句给甲"]
    assert said_by_agents(desk, two[1]) == []


def test_that_words_written_while_others_are_on_their_way_stay(desk, two, agent_page):
    page = agent_page()
    take(page, A)
    held = Held(page, "conversations/*/messages")
    words(page).fill("第一句")
    words(page).press("Enter")
    held.wait()
    words(page).press_sequentially("第二句")
    held.go_on()
    page.get_by_role("log", name="消息").get_by_text("第一句", exact=True).wait_for()
    assert words(page).input_value() == "第二句"


@pytest.mark.parametrize("looked_at", [B, A])
def test_that_the_draft_of_an_ended_conversation_is_gone(
    desk, two, agent_page, looked_at
):
    page = agent_page()
    take(page, B, A)
    words(page).fill("没写完的")
    page.get_by_role("button", name="转出").click()
    page.get_by_label("交代给下一位").fill("旧的交代")
    page.get_by_role("button", name="返回").click()
    turn_to(page, looked_at)
    two[0].say("结束人工")
    row_of(page, A).wait_for(state="detached")
    if looked_at == A:
        page.get_by_text("这个会话已经不在您这里了：现在由机器人接待。").wait_for()
        assert words(page).input_value() == ""
    again = desk.edge.backstage.desk.request(
        two[0].sender_id, Handoff("customer_asked"), "again"
    )
    desk.run(again)
    queue = page.get_by_role("list", name="排队")
    queue.get_by_role("button").first.wait_for()
    page.keyboard.press("Alt+a")
    row_of(page, "结束人工").wait_for()
    page.get_by_role("button", name="交还机器人").wait_for()
    assert words(page).input_value() == ""
    assert words(page).is_enabled()
    assert page.locator("#problem").inner_text() == ""
    page.get_by_role("button", name="转出").click()
    assert page.get_by_label("交代给下一位").input_value() == ""
    page.get_by_role("button", name="返回").click()


def test_that_a_file_goes_to_whom_it_was_chosen_for(desk, two, agent_page, tmp_path):
    page = agent_page()
    take(page, B, A)
    picture = tmp_path / "甲的照片.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 40)
    with page.expect_file_chooser() as choosing:
        page.get_by_role("button", name="发文件").click()
    choosing.value.set_files(picture)
    log = page.get_by_role("log", name="消息")
    log.get_by_role("link", name="文件：甲的照片.png").wait_for()
    assert "甲的照片.png" in two[0].seen()
    assert "甲的照片.png" not in two[1].seen()


def test_that_dialogs_keep_what_was_typed_for_their_own_customer(desk, two, agent_page):
    page = agent_page()
    take(page, B, A)
    for button, label, typed in (
        ("转出", "交代给下一位", "甲的交代"),
        ("结束", "小结", "甲的小结"),
    ):
        page.get_by_role("button", name=button, exact=True).click()
        page.get_by_label(label).fill(typed)
        page.get_by_role("button", name="返回").click()
    turn_to(page, B)
    for button, label, typed in (
        ("转出", "交代给下一位", "甲的交代"),
        ("结束", "小结", "甲的小结"),
    ):
        page.get_by_role("button", name=button, exact=True).click()
        assert page.get_by_label(label).input_value() == ""
        page.get_by_role("button", name="返回").click()
        turn_to(page, A)
        page.get_by_role("button", name=button, exact=True).click()
        assert page.get_by_label(label).input_value() == typed
        page.get_by_role("button", name="返回").click()
        turn_to(page, B)


def test_that_no_shortcut_turns_to_another_below_a_dialog(desk, two, agent_page):
    page = agent_page()
    take(page, B, A)
    page.get_by_role("button", name="投诉与申请").click()
    page.keyboard.press("Alt+j")
    page.keyboard.press("Escape")
    page.get_by_role("log", name="消息").get_by_text(A, exact=True).wait_for()


# How a step went.


def close(page, summary=""):
    page.get_by_role("button", name="结束", exact=True).click()
    page.get_by_label("小结").fill(summary)
    page.get_by_role("button", name="确定").click()


def hand_back(page):
    page.get_by_role("button", name="交还机器人").click()
    page.get_by_role("dialog").get_by_text("客户会看到您已离开").wait_for()
    page.get_by_role("button", name="确定").click()


def pass_on(page, to=""):
    page.get_by_role("button", name="转出").click()
    page.get_by_label("交代给下一位").fill("请接")
    page.get_by_label("转给").select_option(to)
    page.get_by_role("button", name="确定").click()


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (close, "会话已结束"),
        (hand_back, "已交还机器人"),
        (pass_on, "没有别的同事在接待"),
    ],
)
@pytest.mark.parametrize("who", ["agent1", "leader"])
def test_that_a_step_that_was_made_is_told_as_made(
    desk, two, agent_page, step, told, who
):
    page = agent_page(who)
    page.evaluate(
        "window.reds = [];"
        "new MutationObserver(() => reds.push($('problem').textContent))"
        ".observe($('problem'), {childList: true, characterData: true, subtree: true})"
    )
    take(page, A)
    words(page).fill("没发出的话")
    step(page)
    page.get_by_role("status").get_by_text(told).wait_for()
    row_of(page, A).wait_for(state="detached")
    page.wait_for_timeout(500)
    assert page.locator("#problem").inner_text() == ""
    assert [red for red in page.evaluate("reds") if red] == []
    assert words(page).input_value() == ""
    assert said_by_agents(desk, two[0]) == []


def test_that_a_colleague_who_is_away_is_told_and_the_memo_is_kept(
    desk, two, agent_page
):
    page = agent_page()
    take(page, A)
    page.get_by_role("button", name="转出").click()
    options = page.get_by_label("转给").locator("option").all_inner_texts()
    assert "小李（不在，转不过去）" in options
    page.get_by_role("button", name="返回").click()
    pass_on(page, "to:agent2")
    page.get_by_role("alert").get_by_text("小李现在不在，没有转过去").wait_for()
    assert "小李" not in two[0].seen()
    assert words(page).is_enabled()
    page.get_by_role("button", name="转出").click()
    assert page.get_by_label("交代给下一位").input_value() == "请接"
    page.get_by_role("button", name="返回").click()


def test_that_a_colleague_who_leaves_before_the_click_is_not_told_as_joined(
    desk, two, agent_page
):
    page, other = agent_page(), agent_page("agent2")
    take(page, A)
    page.get_by_role("button", name="转出").click()
    page.get_by_label("转给").select_option("to:agent2")
    other.get_by_role("button", name="退出").click()
    other.get_by_role("button", name="登录").wait_for()
    other.wait_for_function("() => !sessionStorage.getItem('baoke-desk-leaving')")
    page.get_by_role("button", name="确定").click()
    page.get_by_role("alert").get_by_text("小李现在不在").wait_for()
    assert "小李已加入" not in two[0].seen()


def test_that_the_loser_is_told_who_has_it_and_loses_the_draft(desk, two, agent_page):
    one, leader = agent_page(), agent_page("leader")
    take(one, A)
    words(one).fill("正在写")
    turn_to(leader, A, "全部在办")
    leader.get_by_role("button", name="接管").click()
    leader.get_by_role("button", name="交还机器人").wait_for()
    one.get_by_text("这个会话已经不在您这里了：现在由老陈处理。").wait_for()
    assert words(one).is_disabled()
    assert words(one).input_value() == ""
    assert leader.locator("#problem").inner_text() == ""


def test_that_of_two_who_accept_the_slower_is_told_who_was_faster(
    desk, two, agent_page
):
    one, other = agent_page("agent1"), agent_page("agent2")
    turn_to(other, A, "排队")
    held = Held(other, "conversations/*/accept")
    other.get_by_role("button", name="接入").click()
    held.wait()
    take(one, A)
    held.go_on()
    other.get_by_role("alert").get_by_text("现在由小王处理").wait_for()


# Input methods.

COMPOSE = """(field) => {
  field.focus();
  const say = (type) => field.dispatchEvent(new CompositionEvent(type, {bubbles: true}));
  const press = (more) => field.dispatchEvent(new KeyboardEvent('keydown',
    {key: 'Enter', code: 'Enter', bubbles: true, cancelable: true, ...more}));
  return KIND(say, press);
}"""
KINDS = {
    "Chromium": "(say, press) => { say('compositionstart');"
    " const went = press({isComposing: true, keyCode: 229}); say('compositionend');"
    " return went; }",
    "Safari": "(say, press) => { say('compositionstart'); say('compositionend');"
    " return press({keyCode: 229}); }",
    "Safari without its code": "(say, press) => { say('compositionstart');"
    " say('compositionend'); return press({keyCode: 13}); }",
}


@pytest.mark.parametrize("kind", KINDS)
def test_that_the_enter_of_an_input_method_sends_nothing(desk, two, agent_page, kind):
    page = agent_page()
    asked = []
    page.on("request", lambda request: asked.append(request))
    take(page, A)
    script = COMPOSE.replace("KIND", f"({KINDS[kind]})")
    words(page).fill("ni hao")
    page.get_by_label("内部备注").fill("bei zhu")
    page.get_by_label("客户问的是什么").fill("tiao kuan")
    for field in ("回复客户", "内部备注", "客户问的是什么"):
        # False: the key does nothing of its own either, such as submitting a form.
        assert page.get_by_label(field).evaluate(script) is False
    page.wait_for_timeout(300)
    sent = [r.url for r in asked if r.method == "POST" and "/accept" not in r.url]
    assert [url for url in sent if "presence" not in url] == []
    assert [r.url for r in asked if "clauses" in r.url] == []
    assert words(page).input_value() == "ni hao"
    words(page).press("Enter")  # the next one sends
    page.get_by_role("log", name="消息").get_by_text("ni hao", exact=True).wait_for()


def test_that_a_real_composition_is_not_sent_by_its_enter(desk, two, agent_page):
    page = agent_page()
    take(page, A)
    words(page).focus()
    chromium = page.context.new_cdp_session(page)
    half = {"text": "ni hao", "selectionStart": 6, "selectionEnd": 6}
    chromium.send("Input.imeSetComposition", half)
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert said_by_agents(desk, two[0]) == []
    chromium.send("Input.imeSetComposition", half)
    chromium.send("Input.insertText", {"text": "你好"})
    page.keyboard.press("Enter")
    page.get_by_role("log", name="消息").get_by_text("你好").first.wait_for()
    assert len(said_by_agents(desk, two[0])) == 1
