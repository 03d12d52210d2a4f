"""The widget as a customer meets it: names and roles, no class names where avoidable."""

import re


class Chat:
    """One page with the widget."""

    def __init__(self, page, url):
        self.page = page
        self.url = url
        self.launcher = page.get_by_role("button", name=re.compile("^在线客服"))
        self.panel = page.get_by_role("dialog")
        self.log = page.get_by_role("log")
        self.input = page.get_by_label("输入消息")
        self.rows = page.locator("baoke-chat .msg:not(.welcome):not(.local)")

    def visit(self, path="/"):
        self.page.goto(self.url + path)
        return self

    def open(self):
        self.visit()
        self.launcher.click()
        self.wait_for_state("智能客服在线")
        return self

    def wait_for_state(self, words, **how):
        self.page.locator("baoke-chat .state", has_text=words).wait_for(**how)

    def say(self, words):
        self.input.fill(words)
        self.input.press("Enter")

    def wait_for(self, words, **how):
        self.log.get_by_text(words, exact=True).last.wait_for(**how)

    def texts(self):
        """Return what every message says, in the order on screen."""
        return self.rows.locator(".text").all_inner_texts()

    def press(self, title):
        self.log.get_by_role("button", name=title, exact=True).last.click()

    def deliveries(self):
        found = self.page.locator("baoke-chat .delivery").all_inner_texts()
        return [words for words in found if words]
