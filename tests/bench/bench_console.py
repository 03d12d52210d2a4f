"""How fast the console is: a customer's line to the agent's screen, and a full desk.

In: nothing. Out: figures on standard output. A real edge on SQLite, a real Chromium, one
customer writing over REST while 200 conversations are open and one has 5,000 messages.
Run: .venv/bin/python tests/bench/bench_console.py
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("browser", "integration")]
sys.path.insert(0, str(ROOT))

from desk_stage import PASSWORD, Customer, Desk  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from bot.desk_rules import Handoff, Status  # noqa: E402
from bot.message import Author, Outbound, TextPart  # noqa: E402

OPEN = 200
HISTORY = 5000
LINES = 40
TIMES = 15


def main() -> None:
    """Measure and print."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Desk(Path(folder)) as desk,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{desk.url}/console")
        page.get_by_label("账号").fill("leader")
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.get_by_role("button", name="退出").wait_for()
        for open_count in (1, OPEN):
            customer, sender_id = fill(desk, open_count)
            name = f"{open_count} open, {HISTORY if open_count > 1 else 0} messages"
            report(name, page, customer, sender_id)
        browser.close()


def fill(desk: Desk, count: int) -> tuple[Customer, str]:
    """Let customers come until so many are with the leader; the last one is returned."""
    ledger, found = desk.edge.backstage.ledger, ""
    held = desk.run(ledger.agents.held("leader"))
    customer = Customer(desk.url)
    for number in range(held, count - 1):
        desk.run(begin(desk, f"web:bench{number}", f"第{number}位"))
    customer.say("在吗")
    query = "SELECT sender_id FROM conversations WHERE status='bot'"
    while not found:
        read = ledger._database.read
        found = desk.run(read(lambda c: c.exec_driver_sql(query).scalar())) or ""
    time.sleep(2)
    desk.run(take(desk, found))
    if count > 1:
        for first in range(0, HISTORY, 500):
            said = [
                Outbound(found, Author.AGENT, (TextPart(f"第{n}句话"),), f"h:{n}")
                for n in range(first, first + 500)
            ]
            desk.run(ledger.messages.post(said, datetime.now(UTC)))
    return customer, found


async def begin(desk: Desk, sender_id: str, text: str) -> None:
    """A conversation that the leader holds."""
    from bot.message import Inbound, Kind

    now = datetime.now(UTC)
    inbound = Inbound(sender_id, f"k{sender_id}", now, Kind.TEXT, text=text)
    ledger = desk.edge.backstage.ledger
    await ledger.messages.accept(inbound, awaiting=False)
    await take(desk, sender_id)


async def take(desk: Desk, sender_id: str) -> None:
    """Give a conversation of the bot to the leader."""
    await desk.edge.backstage.desk.request(sender_id, Handoff("x"), f"q{sender_id}")
    await desk.edge.backstage.desk.take(
        sender_id, "leader", f"t{sender_id}", found=Status.QUEUED, title="老陈"
    )


def report(name: str, page, customer: Customer, sender_id: str) -> None:
    """Print the figures of one load."""
    button = page.locator(f"#mine [data-id='{sender_id}']")
    button.wait_for()
    opened = timed_clicks(page, sender_id)
    button.click()
    page.locator("#log article").first.wait_for()
    time.sleep(1)
    shown = []
    page.evaluate(
        """() => { window.seenAt = {}; new MutationObserver(() => {
        for (const line of document.querySelectorAll('#log .line.customer .text'))
            window.seenAt[line.textContent] ||= Date.now(); })
        .observe(document.getElementById('log'), { childList: true, subtree: true }); }"""
    )
    for number in range(LINES):
        text = f"{name} 第{number}行"
        sent = time.time() * 1000
        customer.say(text)
        page.wait_for_function("text => window.seenAt[text]", arg=text)
        shown.append(page.evaluate("text => window.seenAt[text]", text) - sent)
        time.sleep(0.6)
    typed = page.evaluate(TYPING)
    print(f"{name}: line to screen median {statistics.median(shown):.0f} ms, "
          f"p95 {sorted(shown)[int(LINES * 0.95)]:.0f} ms; "
          f"open a conversation {opened:.0f} ms; key to paint {typed:.0f} ms; "
          f"redraw of the lists {page.evaluate(REDRAW):.0f} ms")  # fmt: skip


def timed_clicks(page, sender_id: str) -> float:
    """Median of milliseconds from the click to the page having reacted (painted)."""
    return page.evaluate(CLICK, [sender_id, TIMES])


CLICK = """async ([id, times]) => {
  const took = [];
  for (let n = 0; n < times; n += 1) {
    const button = document.querySelector(`#mine [data-id="${id}"]`);
    const began = performance.now();
    button.click();
    await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
    took.push(performance.now() - began);
    await new Promise((go) => setTimeout(go, 300));
  }
  return took.sort((a, b) => a - b)[Math.floor(times / 2)];
}"""
TYPING = """async () => {
  const took = [];
  const words = document.getElementById('words');
  for (let n = 0; n < 20; n += 1) {
    const began = performance.now();
    words.value += '字';
    words.dispatchEvent(new Event('input'));
    await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
    took.push(performance.now() - began);
  }
  words.value = '';
  return took.sort((a, b) => a - b)[10];
}"""
REDRAW = """() => {
  const began = performance.now();
  draw();
  document.body.getBoundingClientRect();
  return performance.now() - began;
}"""

if __name__ == "__main__":
    main()
