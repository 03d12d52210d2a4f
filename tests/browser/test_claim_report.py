"""A customer reports a claim in a real browser, against everything that is real."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.rasa]
PATIENCE_MS = 60_000
SHOTS = os.environ.get("BAOKE_SCREENSHOTS")


def shoot(page, name):
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


@pytest.fixture
def page(browser, stack):
    context = browser.new_context(
        viewport={"width": 1100, "height": 860}, locale="zh-CN"
    )
    opened = context.new_page()
    asked = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(stack.url)
    yield opened
    outside = [
        url for url in asked if not url.startswith((stack.url, "data:", "blob:"))
    ]
    # A socket's address is ws://, everything else must be the same origin.
    assert [url for url in outside if not url.startswith("ws://127.0.0.1")] == []
    context.close()


def test_that_a_claim_is_reported_from_the_first_word_to_the_number(page):
    chat = page.locator("baoke-chat")
    page.get_by_role("button", name="在线客服").first.click()
    box = chat.get_by_role("textbox")
    log = chat.get_by_role("log")

    def say(text):
        box.fill(text)
        box.press("Enter")

    def answered(text):
        expect(log).to_contain_text(text, timeout=PATIENCE_MS)

    def press(title):
        chat.get_by_role("button", name=title, exact=True).last.click()

    say("昨天下午三点车在人民路被追尾了，我要报案")
    answered("先别着急")
    answered("请告诉我您的保单号")
    say("P2023060100027")
    answered("后四位")
    say("4321")
    answered("核对好了")
    answered("在哪里发生的")
    say("人民路和建国路路口")
    answered("有人受伤吗")
    shoot(page, "claim-form")
    press("没有人受伤")
    answered("139****0001")
    press("就用这个")
    answered("请核对报案内容")
    press("确认提交")
    answered("报案成功")
    answered("一次告诉您全部")
    expect(log.get_by_text("第三条(三)1").first).to_be_visible()
    shoot(page, "claim-done")

    page.reload()
    page.get_by_role("button", name="在线客服").first.click()
    expect(log).to_contain_text("报案成功", timeout=PATIENCE_MS)
