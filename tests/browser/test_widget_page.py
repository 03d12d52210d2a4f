"""The widget in its page: embedding, strict headers, phones, screen readers."""

import json

import pytest
from chat_page import Chat
from conftest import VENDOR
from fake_edge import buttons, citation, text

pytestmark = pytest.mark.browser

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "locale": "zh-CN",
    "reduced_motion": "reduce",
}
STRICTEST = (
    "default-src 'none'; script-src 'self'; style-src 'none'; connect-src 'self';"
    " img-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)


@pytest.fixture
def chat(page, served):
    return Chat(page, served.url)


@pytest.fixture
def phone(browser, served):
    made = browser.new_context(**PHONE)
    yield Chat(made.new_page(), served.url)
    made.close()


def violations(page):
    """Return what axe finds against WCAG 2.2 AA and its best practices."""
    page.evaluate((VENDOR / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {json.dumps(node['target'])} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def talk(chat, edge):
    """Bring one of everything on screen."""
    edge.script["全部"] = [
        [
            text("见 https://www.anlan.example.com"),
            citation("第三条(四)2", "十五(15)个工作日"),
            buttons(查进度="/track_claim", 转人工="/request_handoff"),
        ]
    ]
    edge.refusal = "payload_refused"
    chat.say("失败的")
    chat.page.get_by_role("button", name="重新发送").wait_for()
    chat.say("全部")
    chat.log.locator("summary").click()
    edge.say("system", text("人工客服已加入。"))
    edge.say("agent", text("您好"))
    chat.wait_for("您好")


def test_that_axe_finds_nothing(chat, edge):
    chat.page.emulate_media(reduced_motion="reduce")
    assert violations(chat.visit().page) == []
    chat.open()
    assert violations(chat.page) == []
    talk(chat, edge)
    assert violations(chat.page) == []
    edge.down = True
    edge.drop()
    chat.page.get_by_role("button", name="立即重试").wait_for()
    chat.say("稍后发送")
    chat.page.get_by_role("button", name="更多操作").click()
    assert violations(chat.page) == []
    chat.page.get_by_role("button", name="结束会话并清除记录").click()
    assert violations(chat.page) == []


def test_that_the_conversation_is_a_labelled_live_log_but_history_is_silent(chat, edge):
    chat.open().say("一")
    chat.wait_for("答：一")
    assert chat.page.get_by_role("log", name="对话记录").count() == 1
    assert chat.log.get_attribute("aria-live") == "polite"
    chat.page.add_init_script(
        """new MutationObserver(() => {
          const chat = document.querySelector('baoke-chat');
          if (!chat || !chat.shadowRoot || window.seen) return;
          window.seen = true;
          const log = chat.shadowRoot.querySelector('[role=log]');
          new MutationObserver(() => {
            if (log.querySelector('.customer')) window.live ??= log.ariaLive;
          }).observe(log, {childList: true, subtree: true});
        }).observe(document, {childList: true, subtree: true})"""
    )
    chat.page.reload()
    chat.wait_for("答：一")
    assert chat.page.evaluate("window.live") == "off"
    chat.page.locator("baoke-chat [role=log][aria-live=polite]").wait_for()


def test_that_a_phone_gets_the_whole_screen_and_large_targets(phone, edge):
    talk(phone.open(), edge)
    box = phone.panel.bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 844)
    assert phone.panel.get_attribute("aria-modal") == "true"
    small = phone.page.locator(
        "baoke-chat button:visible, baoke-chat summary:visible"
    ).evaluate_all(
        """all => all.map(e => [e.textContent || e.ariaLabel, e.getBoundingClientRect()])
        .filter(([, box]) => box.height < 43.9 || box.width < 43.9)
        .map(([name, box]) => `${name} ${box.width}x${box.height}`)"""
    )
    assert small == []
    size = phone.input.evaluate("e => getComputedStyle(e).fontSize")
    assert size == "16px"  # or iOS zooms in
    wide = phone.page.evaluate("document.documentElement.scrollWidth")
    assert wide == 390
    phone.page.get_by_role("button", name="收起对话窗口").tap()
    phone.panel.wait_for(state="hidden")
    assert phone.page.evaluate("document.documentElement.style.overflow") == ""


def test_that_opening_on_a_phone_does_not_raise_the_keyboard(phone):
    phone.open()
    assert not phone.input.evaluate("e => e.getRootNode().activeElement === e")
    assert phone.panel.evaluate("e => e.getRootNode().activeElement === e")


def test_that_the_panel_shrinks_to_what_a_keyboard_leaves(phone):
    phone.open()
    phone.page.evaluate(
        """() => {
          const view = window.visualViewport;
          Object.defineProperty(view, 'height', {get: () => 500});
          Object.defineProperty(view, 'offsetTop', {get: () => 40});
          view.dispatchEvent(new Event('resize'));
        }"""
    )
    box = phone.panel.bounding_box()
    assert (box["y"], box["height"]) == (40, 500)
    input_box = phone.input.bounding_box()
    assert input_box["y"] + input_box["height"] < 540


def test_that_tab_stays_in_the_chat_that_covers_a_phone(phone):
    phone.open()
    inside = "document.activeElement === document.querySelector('baoke-chat')"
    for _ in range(20):
        phone.page.keyboard.press("Tab")
        assert phone.page.evaluate(inside)


def embed(page, served, body, headers=None):
    page.route(
        f"{served.url}/embedding",
        lambda route: route.fulfill(
            body=f"<!doctype html><html lang=zh><title>主页</title>{body}",
            headers={"Content-Type": "text/html; charset=utf-8", **(headers or {})},
        ),
    )
    return Chat(page, served.url).visit("/embedding")


def test_that_the_strictest_policy_is_enough(page, served, edge):
    script = '<script src="/widget.js" defer></script>'
    chat = embed(page, served, script, {"Content-Security-Policy": STRICTEST})
    chat.launcher.click()
    chat.wait_for_state("智能客服在线")
    chat.say("在吗")
    chat.wait_for("答：在吗")
    color = "getComputedStyle(e).backgroundColor"
    send = page.get_by_role("button", name="发送", exact=True)
    assert send.evaluate(f"e => {color}") != "rgba(0, 0, 0, 0)"


def test_that_an_element_of_the_page_is_used_and_its_settings_kept(page, served):
    chat = embed(
        page,
        served,
        "<script>window.io = 'mine'; window.define = () => { throw 1 };"
        "window.define.amd = {}</script>"
        '<baoke-chat data-title="安澜客服" data-position="left"'
        ' data-color="#ffcc00" data-open="true"></baoke-chat>'
        '<script src="/widget.js" defer></script>'
        '<script src="/widget.js?again" defer></script>',
    )
    page.get_by_role("dialog", name="安澜客服").wait_for()
    assert page.locator("baoke-chat").count() == 1
    assert chat.panel.bounding_box()["x"] < 100
    header = page.locator("baoke-chat .head")
    colors = header.evaluate(
        "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]"
    )
    assert colors == ["rgb(255, 204, 0)", "rgb(16, 24, 26)"]
    assert page.evaluate("window.io") == "mine"
    page.evaluate("delete window.define")  # axe would stumble over it
    found = [one for one in violations(page) if "baoke-chat" in one]
    assert found == []


def test_that_an_element_taken_away_and_put_back_goes_on(page, served, edge):
    chat = Chat(page, served.url).open()
    chat.say("一")
    chat.wait_for("答：一")
    page.evaluate("window.kept = document.querySelector('baoke-chat'); kept.remove()")
    while edge.visitor.sids:
        page.wait_for_timeout(20)
    page.evaluate("document.body.append(window.kept)")
    chat.say("二")
    chat.wait_for("答：二")
    assert chat.texts() == ["一", "答：一", "二", "答：二"]


def test_that_a_page_can_open_the_chat_and_suggest_words(chat, edge):
    chat.visit()
    chat.page.get_by_role("button", name="试着问：投诉多久能有处理结果？").click()
    assert chat.input.input_value() == "投诉多久能有处理结果？"
    assert edge.heard == []
