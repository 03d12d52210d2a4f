"""A real Chromium and a fake edge for tests of the widget."""

import os
import shutil
from pathlib import Path

import pytest
from desk_stage import PASSWORD
from fake_edge import Served

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
VENDOR = Path(__file__).with_name("vendor")
DESKTOP = {"width": 1280, "height": 860}


def chromium():
    """Return the path of the browser; without one the tests are skipped."""
    named = os.environ.get("BAOKE_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.skip("no Chromium on this machine (scripts/setup.py --test-tools)")
    return found


@pytest.fixture(scope="module")
def browser():
    """Return a browser; closed with its module, as its loop disturbs async tests."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def served():
    with Served() as running:
        yield running


@pytest.fixture
def edge(served):
    return served.edge


@pytest.fixture
def context(browser, served):
    """Return a fresh profile in which a request to elsewhere fails the test."""
    made = browser.new_context(viewport=DESKTOP, locale="zh-CN")
    asked = []
    made.on("request", lambda request: asked.append(request.url))
    yield made
    made.close()
    allowed = (served.url, f"blob:{served.url}", "data:")
    assert [url for url in asked if not url.startswith(allowed)] == []


@pytest.fixture
def page(context):
    """Return a page; a script error or a word from the CSP fails the test."""
    opened = context.new_page()
    wrong = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on(
        "console",
        lambda line: (
            wrong.append(line.text)
            if "Content Security Policy" in line.text or "Trusted" in line.text
            else None
        ),
    )
    yield opened
    assert wrong == []


@pytest.fixture
def agent_page(browser, desk):
    """Open the console as an agent; every error of the page fails the test."""
    made, errors = [], []

    def enter(name="agent1", **options):
        context = browser.new_context(
            viewport={"width": 1280, "height": 800}, locale="zh-CN", **options
        )
        made.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{desk.url}/console")
        page.get_by_label("账号").fill(name)
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.get_by_role("button", name="退出").wait_for()
        return page

    yield enter
    for context in made:
        context.close()
    assert errors == []
