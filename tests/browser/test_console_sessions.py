"""The end of a session, whatever ended it, leaves nothing of a customer on the page."""

import contextlib

import pytest
from desk_stage import PASSWORD, Desk
from test_console import Customer, _ask
from test_console_drafts import A, Held, newest, take, words

pytestmark = pytest.mark.browser
SECRET = "13900000001"
FOUND = (
    '{"customer": {"verified": true, "name": "张伟", "phone": "PHONE",'
    ' "locked_until": null, "policies": [], "claims": [], "complaints": [],'
    ' "requests": []}}'
)


@pytest.fixture
def desk(tmp_path):
    with Desk(tmp_path) as running:
        yield running


@pytest.fixture
def customer(desk):
    came = Customer(desk.url)
    _ask(desk, came, A)
    yield came
    came.client.close()


@pytest.fixture
def page(desk, customer, agent_page):
    """Return the page of an agent who has looked at a customer in full."""
    page = agent_page()
    json = "application/json"
    masked, full = FOUND.replace("PHONE", "139****0001"), FOUND.replace("PHONE", SECRET)
    page.route(
        "**/customer", lambda route: route.fulfill(body=masked, content_type=json)
    )
    page.route("**/reveal", lambda route: route.fulfill(body=full, content_type=json))
    take(page, A)
    page.get_by_role("button", name="显示完整信息").click()
    page.get_by_label("为什么要看").fill("核对电话")
    page.get_by_role("button", name="确定").click()
    page.get_by_text(SECRET).wait_for()
    words(page).fill("给客户的草稿")
    page.get_by_label("内部备注").fill("备注草稿")
    page.get_by_label("客户问的是什么").fill("搜索草稿")
    page.get_by_role("button", name="投诉与申请").click()
    page.get_by_label("投诉号、申请号或理赔号").fill("T2026090100001")
    return page


TRACES = (SECRET, "139****0001", "张伟", A, "给客户的草稿", "备注草稿", "搜索草稿",
          "核对电话", "T2026090100001", "小王")  # fmt: skip
# Everything a person or a script could still read: the page's text and markup, what
# stands in its fields, and what its own scripts keep.
READ = """() => [document.documentElement.outerHTML, document.title,
  ...[...document.querySelectorAll('input, textarea, select')]
    .filter((field) => !field.closest('#login')).map((field) => field.value),
  JSON.stringify([me, current, row, rows, people, templates, [...drafts], [...read],
    shownCase])].join('\\n')"""


def assert_nothing_left(page):
    kept = page.evaluate(READ)
    assert [trace for trace in TRACES if trace in kept] == []
    assert page.locator("dialog[open]").count() == 0
    assert page.locator("#desk").is_hidden()


def login(page, name):
    page.get_by_label("账号").fill(name)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.get_by_role("button", name="退出").wait_for()


def test_that_a_logout_leaves_nothing_for_the_next(page):
    page.keyboard.press("Escape")
    page.get_by_role("button", name="退出").click()
    page.get_by_role("button", name="登录").wait_for()
    assert_nothing_left(page)
    login(page, "agent2")
    page.get_by_text("小李（坐席）").wait_for()
    kept = page.evaluate(READ)
    assert [trace for trace in TRACES if trace in kept and trace != "小王"] == []
    assert words(page).is_hidden()


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("expired", "登录已到期，请重新登录。"),
        ("closed", "账号停用"),
        ("other tab", "可能在别的标签页退出了"),
    ],
)
def test_that_a_session_that_ends_leaves_nothing_and_says_why(desk, page, how, why):
    if how == "expired":
        query = "UPDATE agent_sessions SET expires_at = '2020-01-01 00:00:00'"
        write = desk.edge.backstage.ledger._database.write
        desk.run(write(lambda c: c.exec_driver_sql(query)))
    elif how == "closed":
        desk.run(desk.edge.backstage.ledger.agents.disable("agent1"))
    else:
        tab = page.context.new_page()
        tab.goto(f"{desk.url}/console")
        tab.get_by_role("button", name="退出").click()
        tab.get_by_role("button", name="登录").wait_for()
    page.get_by_role("alert").get_by_text(why).wait_for()
    assert_nothing_left(page)


def test_that_a_login_as_somebody_else_in_another_tab_ends_this_one(desk, page):
    tab = page.context.new_page()
    tab.goto(f"{desk.url}/console")
    tab.get_by_role("button", name="退出").wait_for()
    # A second login without a logout: the browser has one cookie for both.
    answer = tab.request.post(
        f"{desk.url}/api/desk/login", data={"name": "agent2", "password": PASSWORD}
    )
    assert answer.ok
    page.get_by_role("alert").get_by_text("已经换成“小李”登录").wait_for()
    assert_nothing_left(page)


def test_that_the_same_agent_in_another_tab_ends_nothing(desk, page):
    answer = page.request.post(
        f"{desk.url}/api/desk/login", data={"name": "agent1", "password": PASSWORD}
    )
    assert answer.ok
    page.keyboard.press("Escape")
    words(page).fill("还在")
    words(page).press("Enter")
    page.get_by_role("log", name="消息").get_by_text("还在", exact=True).wait_for()


@pytest.mark.parametrize("path", ["customer", "reveal", "messages?before=*", "notes"])
def test_that_a_late_answer_is_not_shown_to_the_next(desk, customer, agent_page, path):
    page = agent_page()
    take(page, A)
    body = FOUND.replace("PHONE", SECRET)
    if path == "messages?before=*":
        body = (
            '{"messages": [{"seq": 1, "author": "customer", "at": "2026-12-01T00:00:00Z",'
            f' "parts": [{{"type": "text", "text": "{SECRET}"}}]}}]}}'
        )
    elif path == "notes":
        body = (
            '{"notes": [{"note_id": 1, "agent": "agent1", "text": "13900000001",'
            ' "at": "2026-12-01T00:00:00Z", "sender_id": "x"}]}'
        )
    held = Held(page, f"conversations/*/{path}")
    if path == "reveal":
        page.evaluate("act(current, async () => { await post(at(current, '/reveal'),"
                      " { reason: '核对电话' }); $('customer').append('13900000001'); })"
                      "; 0")  # fmt: skip
    else:
        page.evaluate("open(current); 0")
    held.wait()
    page.get_by_role("button", name="退出").click()
    login(page, "leader")
    row = page.get_by_role("list", name="全部在办").get_by_role("button").first
    row.click()
    for route in held.routes[:1]:
        with contextlib.suppress(Exception):
            route.fulfill(body=body, content_type="application/json")
    page.get_by_role("log", name="消息").get_by_text(A, exact=True).wait_for()
    page.wait_for_timeout(500)
    assert SECRET not in page.content()
    page.get_by_text("老陈（组长）").wait_for()


def test_that_a_late_refusal_does_not_end_the_next_session(desk, customer, agent_page):
    page = agent_page()
    take(page, A)
    held = Held(page, "conversations/*/notes")
    page.get_by_label("内部备注").fill("备注")
    page.get_by_role("button", name="记下").click()
    held.wait()
    page.get_by_role("button", name="退出").click()
    login(page, "agent2")
    for route in held.routes:
        with contextlib.suppress(Exception):
            route.fulfill(status=401, body="{}")
    page.wait_for_timeout(500)
    page.get_by_text("小李（坐席）").wait_for()
    assert page.locator("#problem").inner_text() == ""


def test_that_a_page_kept_by_the_browser_keeps_nothing(page):
    page.evaluate(
        "dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))"
    )
    assert_nothing_left(page)
    page.evaluate(
        "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"
    )
    page.get_by_role("button", name="退出").wait_for()  # still logged in
    assert SECRET not in page.content()


def test_that_a_logout_that_was_not_heard_is_made_up_for(desk, page):
    page.keyboard.press("Escape")
    page.context.set_offline(True)
    page.get_by_role("button", name="退出").click()
    page.get_by_role("alert").get_by_text("退出还没有送到服务器").wait_for()
    assert_nothing_left(page)
    page.context.set_offline(False)
    page.reload()
    page.get_by_role("button", name="登录").wait_for()
    page.wait_for_function("() => !sessionStorage.getItem('baoke-desk-leaving')")
    assert page.request.get(f"{desk.url}/api/desk/me").status == 401


def test_that_a_draft_is_not_there_for_the_same_agent_either(page, desk):
    page.keyboard.press("Escape")
    page.get_by_role("button", name="退出").click()
    login(page, "agent1")
    row = page.get_by_role("list", name="我的会话").get_by_role("button").first
    row.click()
    page.get_by_role("log", name="消息").get_by_text(A, exact=True).wait_for()
    assert words(page).input_value() == ""
    assert newest(desk)


def test_that_two_browsers_of_an_agent_agree_whether_she_is_ready(desk, agent_page):
    one, two = agent_page(), agent_page()
    one.get_by_label("接待中").check()
    two.wait_for_function("() => $('ready').checked")
    two.evaluate("beat()")
    one.evaluate("beat().then(refresh)")
    assert one.get_by_label("接待中").is_checked()
    two.get_by_label("接待中").uncheck()
    one.wait_for_function("() => !$('ready').checked")
    one.evaluate("beat()")
    two.evaluate("beat().then(refresh)")
    assert not two.get_by_label("接待中").is_checked()
