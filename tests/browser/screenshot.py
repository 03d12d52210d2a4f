"""Take a picture of a real conversation: ``screenshot.py URL OUT.png [--phone] [SAY …]``.

Opens the page, opens the chat, says the lines one after the other, waits for each
answer, unfolds the last citation and saves what is on screen.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from chat_page import Chat
from conftest import ARGUMENTS, DESKTOP, chromium

PHONE = {"width": 390, "height": 844}
SAY = (
    "投诉多久能有处理结果？",
    "查一下我的理赔到哪一步了",
    "P2024013100018",
    "4321",
)
ANSWER_MS = 60_000


def converse(chat, lines):
    chat.open()
    answers = chat.page.locator("baoke-chat .msg.bot:not(.welcome)")
    for line in lines:
        before = answers.count()
        chat.say(line)
        answers.nth(before).wait_for(timeout=ANSWER_MS)
        chat.page.locator("baoke-chat .typing").wait_for(state="hidden")
        chat.page.wait_for_timeout(400)
    folded = chat.page.locator("baoke-chat summary")
    if folded.count():
        folded.last.click()
    chat.page.wait_for_timeout(400)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("out", type=Path)
    parser.add_argument("say", nargs="*", default=SAY)
    parser.add_argument("--phone", action="store_true")
    args = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        look = {"viewport": PHONE if args.phone else DESKTOP, "locale": "zh-CN"}
        if args.phone:
            look |= {"has_touch": True, "is_mobile": True}
        context = browser.new_context(device_scale_factor=2, **look)
        page = context.new_page()
        converse(Chat(page, args.url.rstrip("/")), args.say)
        page.screenshot(path=args.out)
        browser.close()
    print(args.out)


if __name__ == "__main__":
    main()
