"""What a customer sees and does in the widget, in a real Chromium."""

import re

import pytest
from chat_page import Chat
from fake_edge import buttons, citation, text

pytestmark = pytest.mark.browser

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8ffff3f0005fe02fe0def46b80000000049454e44ae426082"
)


@pytest.fixture
def chat(page, served):
    return Chat(page, served.url)


def test_that_a_question_is_answered_with_labels_and_delivery(chat, edge):
    edge.script["投诉多久有结果？"] = [[text("十五个工作日。\n会书面告诉您。")]]
    chat.open().say("投诉多久有结果？")
    chat.wait_for("十五个工作日。 会书面告诉您。")
    assert chat.texts() == ["投诉多久有结果？", "十五个工作日。\n会书面告诉您。"]
    assert chat.deliveries() == ["已送达"]
    assert chat.rows.locator(".who").all_inner_texts() == ["机器人"]
    assert chat.rows.locator("time").count() == 2
    assert edge.heard == ["投诉多久有结果？"]


def test_that_nothing_is_said_before_the_customer_says_something(chat, edge):
    chat.open()
    assert "智能客服（机器人）" in chat.log.inner_text()
    chat.page.get_by_role("button", name="收起对话窗口").click()
    chat.launcher.click()
    assert edge.heard == []
    assert edge.visitor.messages == []


def test_that_a_closed_page_without_history_contacts_nobody(chat, edge):
    chat.visit()
    chat.launcher.wait_for()
    chat.page.wait_for_load_state("networkidle")
    chat.page.wait_for_timeout(300)  # a socket is no part of that idleness
    assert not [path for path in edge.paths if path.startswith(("/api", "/socket"))]


def test_that_the_menu_sends_a_payload_and_shows_its_title(chat, edge):
    chat.open().press("查理赔进度")
    chat.wait_for("答：/track_claim")
    assert edge.heard == ["/track_claim"]
    assert chat.texts()[0] == "查理赔进度"
    chat.page.reload()
    chat.wait_for("答：/track_claim")
    assert chat.texts()[0] == "查理赔进度"


def test_that_quick_replies_work_once(chat, edge):
    edge.script["报案"] = [
        [text("有人受伤吗？"), buttons(有="/affirm", 没有="/deny")],
        [text("请放心回答。")],
    ]
    chat.open().say("报案")
    chat.wait_for("请放心回答。")
    yes = chat.log.get_by_role("button", name="有", exact=True)
    no = chat.log.get_by_role("button", name="没有", exact=True)
    assert yes.is_enabled()
    no.click()
    chat.wait_for("答：/deny")
    assert edge.heard == ["报案", "/deny"]
    assert chat.texts()[3] == "没有"
    assert yes.is_disabled() and no.is_disabled()
    assert "chosen" in no.get_attribute("class")
    assert "chosen" not in (yes.get_attribute("class") or "")
    assert chat.input.evaluate("e => e.getRootNode().activeElement === e")


def test_that_a_typed_answer_ends_the_offered_choices(chat, edge):
    edge.script["报案"] = [[text("有人受伤吗？"), buttons(有="/affirm")]]
    chat.open().say("报案")
    chat.wait_for("有人受伤吗？")
    chat.say("没有受伤")
    chat.wait_for("答：没有受伤")
    assert chat.log.get_by_role("button", name="有", exact=True).is_disabled()


def test_that_a_clause_is_folded_below_its_answer(chat, edge):
    quote = "甲方应当自收到投诉之日起十五(15)个工作日内作出处理决定。"
    edge.script["多久"] = [[text("十五个工作日。"), citation("第三条(四)2", quote)]]
    chat.open().say("多久")
    summary = chat.log.get_by_text("依据：《保险客户服务合同协议》第三条(四)2")
    summary.wait_for()
    quoted = chat.log.get_by_text(quote)
    assert not quoted.is_visible()
    assert "版本 2026.1 · 2026-01-01 起生效" in chat.log.inner_text()
    summary.click()
    quoted.wait_for()
    chat.page.keyboard.press("Enter")
    quoted.wait_for(state="hidden")


ATTACKS = (
    "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "javascript:alert(1) data:text/html,x http://a.example/x",
)


def test_that_markup_is_shown_as_text_and_only_safe_links_are_links(chat, edge):
    hostile = ATTACKS[0]
    title = {"type": "buttons", "buttons": [{"title": hostile, "payload": "/x"}]}
    quoted = citation(hostile, hostile, title=hostile)
    picture = {"type": "image", "url": "javascript:alert(1)", "alt": hostile}
    good = "看 https://www.anlan.example.com/a?b=1。或拨打400-200-0888，a@b.example"
    edge.script["攻击"] = [
        [text(hostile), quoted, title, picture],
        [text(ATTACKS[1])],
        [text(good)],
    ]
    chat.open().say("攻击")
    chat.wait_for(good)
    chat.say(hostile)
    chat.wait_for(f"答：{hostile}")
    assert chat.texts()[1:3] == list(ATTACKS)
    assert chat.texts()[4] == hostile
    assert chat.page.locator("baoke-chat img, baoke-chat script").count() == 0
    links = chat.log.get_by_role("link").evaluate_all("all => all.map(a => a.href)")
    assert links == [
        "https://www.anlan.example.com/a?b=1",
        "tel:400-200-0888",
        "mailto:a@b.example",
    ]


def test_that_enter_of_an_input_method_does_not_send(chat, edge):
    chat.open().input.focus()
    keys = chat.page.context.new_cdp_session(chat.page)
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
    keys.send(
        "Input.imeSetComposition",
        {"text": "lipei", "selectionStart": 5, "selectionEnd": 5},
    )
    keys.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
    keys.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
    keys.send("Input.insertText", {"text": "理赔"})
    # Safari ends the composition first and then reports the key as 229.
    keys.send(
        "Input.dispatchKeyEvent",
        {"type": "rawKeyDown", **enter, "windowsVirtualKeyCode": 229},
    )
    assert chat.rows.count() == 0
    assert "理赔" in chat.input.input_value()
    chat.input.fill("理赔进度")
    chat.input.press("Enter")
    chat.wait_for("答：理赔进度")
    assert edge.heard == ["理赔进度"]


def test_that_shift_enter_makes_a_line_and_empty_words_are_not_sent(chat, edge):
    chat.open().input.press("Enter")
    chat.input.fill("   ")
    chat.input.press("Enter")
    chat.input.fill("第一行")
    chat.input.press("Shift+Enter")
    chat.input.press_sequentially("第二行")
    chat.page.get_by_role("button", name="发送", exact=True).click()
    chat.wait_for("答：第一行 第二行")
    assert edge.heard == ["第一行\n第二行"]


def test_that_too_long_a_message_stays_in_the_input(chat, edge):
    chat.open().input.fill("长" * 1900)
    assert chat.page.get_by_text("还可以输入 100 字").is_visible()
    chat.input.fill("😀" * 2000 + "长")
    assert chat.page.get_by_text("超出 1 字").is_visible()
    chat.input.press("Enter")
    assert chat.rows.count() == 0
    chat.input.fill("😀" * 2000)
    chat.input.press("Enter")
    chat.rows.nth(1).wait_for()
    assert edge.heard == ["😀" * 2000]


def test_that_human_and_system_messages_are_told_apart(chat, edge):
    chat.open().page.get_by_role("button", name="转人工", exact=True).first.click()
    chat.wait_for("答：/request_handoff")
    edge.hand_over("queued")
    edge.say("system", text("您排在第 1 位。"))
    chat.wait_for("您排在第 1 位。")
    chat.wait_for_state("正在排队等待人工")
    chat.page.get_by_role("button", name="取消排队").first.click()
    chat.wait_for("答：/cancel_handoff")
    edge.hand_over("agent")
    edge.say("agent", text("您好，我是小陈。"))
    chat.wait_for("您好，我是小陈。")
    chat.wait_for_state("人工坐席服务中")
    who = chat.rows.locator(".who").all_inner_texts()
    assert who == ["机器人", "系统", "机器人", "人工坐席"]
    assert edge.heard == ["/request_handoff", "/cancel_handoff"]
    assert not chat.page.get_by_role("button", name="转人工", exact=True).is_visible()


def test_that_typing_is_shown_until_the_answer(chat, edge):
    edge.typing_seconds = 0.6
    chat.open().say("在吗")
    typing = chat.page.locator("baoke-chat .typing")
    typing.wait_for()
    assert "机器人正在输入" in typing.inner_text()
    chat.wait_for("答：在吗")
    typing.wait_for(state="hidden")


def test_that_files_are_sent_and_wrong_ones_refused_at_once(chat, edge):
    chat.open()
    picker = chat.page.locator("baoke-chat input[type=file]")
    picker.set_input_files(
        {"name": "a.txt", "mimeType": "text/plain", "buffer": b"words"}
    )
    chat.page.get_by_role("alert").get_by_text("只能发送图片").wait_for()
    picker.set_input_files(
        {"name": "大.png", "mimeType": "image/png", "buffer": b"0" * 10_485_761}
    )
    chat.page.get_by_role("alert").get_by_text("最大 10 MB").wait_for()
    picker.set_input_files({"name": "现场.png", "mimeType": "image/png", "buffer": PNG})
    saved = chat.log.get_by_role("button", name="下载文件 现场.png")
    saved.wait_for()
    assert chat.rows.count() == 1
    assert chat.deliveries() == ["已送达"]
    assert list(edge.files.values()) == [PNG]
    assert chat.log.get_by_role("img", name="现场.png").is_visible()
    chat.page.reload()
    saved.wait_for()
    with chat.page.expect_download() as got:
        saved.click()
    assert got.value.path().read_bytes() == PNG
    assert got.value.suggested_filename == "现场.png"


def test_that_an_unseen_answer_is_counted(chat, edge):
    title = chat.open().page.title()
    chat.say("在吗")
    chat.wait_for("答：在吗")
    chat.page.keyboard.press("Escape")
    edge.say("agent", text("还在吗？"))
    edge.say("agent", text("我在。"))
    unread = chat.page.get_by_role("button", name="在线客服，2 条未读消息")
    unread.wait_for()
    assert chat.page.title() == f"(2) {title}"
    chat.page.reload()
    unread.click()
    chat.wait_for("我在。")
    assert chat.page.title() == title


def test_that_the_keyboard_is_enough(chat, edge):
    edge.script["报案"] = [[text("有人受伤吗？"), buttons(有="/affirm", 没有="/deny")]]
    chat.visit().launcher.focus()
    keyboard = chat.page.keyboard
    keyboard.press("Enter")
    chat.wait_for_state("智能客服在线")
    keyboard.type("报案")
    keyboard.press("Enter")
    chat.wait_for("有人受伤吗？")
    for _ in range(3):  # past the paper clip, back to the last choice
        keyboard.press("Shift+Tab")
        focused = "document.querySelector('baoke-chat').shadowRoot.activeElement"
        if chat.page.evaluate(f"{focused}.textContent") == "没有":
            break
    keyboard.press("Space")
    chat.wait_for("答：/deny")
    keyboard.press("Escape")
    chat.panel.wait_for(state="hidden")
    assert chat.page.evaluate(f"{focused}.className") == "launcher"


def test_that_ending_the_session_leaves_nothing_behind(chat, edge):
    chat.open().say("我的证件后四位是 4321")
    chat.wait_for("答：我的证件后四位是 4321")
    first = edge.visitor
    chat.page.get_by_role("button", name="更多操作").click()
    chat.page.get_by_role("button", name="结束会话并清除记录").click()
    question = chat.page.get_by_role("alertdialog")
    chat.page.keyboard.press("Escape")
    question.wait_for(state="hidden")
    assert chat.rows.count() == 2
    chat.page.get_by_role("button", name="更多操作").click()
    chat.page.get_by_role("button", name="结束会话并清除记录").click()
    question.get_by_role("button", name="结束并清除").click()
    assert chat.rows.count() == 0
    kept = chat.page.evaluate("JSON.stringify(localStorage)")
    assert kept == "{}"
    chat.say("又来了")
    chat.wait_for("答：又来了")
    assert edge.visitor is not first
    assert edge.own_texts() == ["又来了"]


def test_that_the_browser_never_keeps_what_was_said(chat, edge):
    chat.open().say("证件号码 110101199001011234")
    chat.wait_for("答：证件号码 110101199001011234")
    kept = chat.page.evaluate(
        "JSON.stringify(localStorage) + JSON.stringify(sessionStorage)"
    )
    assert re.search("baoke", kept)
    assert "110101199001011234" not in kept
    assert chat.page.context.cookies() == []


def test_that_the_chat_works_where_storage_is_forbidden(chat, edge):
    chat.page.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, name,"
        " {get() { throw new DOMException('no', 'SecurityError'); }});"
    )
    chat.open().say("在吗")
    chat.wait_for("答：在吗")
    edge.drop()
    edge.say("bot", text("我还在。"))
    chat.wait_for("我还在。")
    assert chat.texts() == ["在吗", "答：在吗", "我还在。"]
