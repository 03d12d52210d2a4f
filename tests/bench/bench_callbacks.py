"""Platform callbacks: how long WeChat and Telegram wait for an answer of the edge.

    python tests/bench/bench_callbacks.py              about three minutes
    python tests/bench/bench_callbacks.py --rate 200 --seconds 30

Brains in turn: one that hangs, one that answers at once, one that thinks for 0.3 s.
Callbacks arrive at a fixed rate whether the edge keeps up or not, each from a customer of
their own; edge and load generator are two processes. Prints Markdown.
"""

import argparse
import asyncio
import itertools
import multiprocessing
import os
import platform
import socket
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "integration")]

from edge_kit import FakeBrain, make_edge, say  # noqa: E402
from telegram_kit import message  # noqa: E402
from wechat_kit import ACCOUNT, WeChat, settings_for, xml_of  # noqa: E402

from channels.wechat.envelope import Envelope  # noqa: E402
from channels.wechat.reading import read_callback  # noqa: E402

SECRET = "bench"
# name: (seconds the brain thinks, seconds WeChat's call stays open, share of the rate).
# One Rasa answers about 20 turns a second here, so answers are asked for at that rate.
CASES = {
    "stored and acknowledged, brain hangs": (60.0, 0.0, 1.0),
    "stored and acknowledged, all answered at once": (0.0, 0.0, 1.0),
    "answered on the open call at once": (0.0, 4.0, 0.2),
    "answered on the open call after 0.3 s": (0.3, 4.0, 0.2),
}


def serve(port, folder, thinks, waits, ready):
    """Be the edge, in a process of its own."""
    import structlog
    import uvicorn

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))

    async def answer(question):
        await asyncio.sleep(thinks)
        return say(f"答：{question.text}")

    nowhere = "http://127.0.0.1:9"  # pushes fail at once; the callbacks are measured
    fake = WeChat(mode="safe", url=nowhere)
    edge = make_edge(
        Path(folder),
        FakeBrain(answer),
        **settings_for(fake, wechat_passive_wait=timedelta(seconds=waits)),
        telegram_token="1:a",
        telegram_secret=SECRET,
        telegram_api_base=nowhere,
        max_waiting=100_000,
    )
    ready.set()
    uvicorn.run(edge, host="127.0.0.1", port=port, log_level="error")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


async def load(url, kind, rate, seconds, first=1):
    """Send at a fixed rate; return the seconds each answer took, and the failures."""
    took, failed, numbers = [], [], itertools.count(first)
    fake = WeChat(mode="safe")
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)

    def request(number):
        if kind == "telegram":
            update = message(number, chat=number, text="几天")
            head = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
            return {"url": "/webhooks/telegram", "json": update, "headers": head}
        xml = xml_of(
            ToUserName=ACCOUNT,
            FromUserName=f"o{number}",
            CreateTime=int(time.time()),
            MsgType="text",
            Content="犹豫期几天",
            MsgId=number,
        )
        params, body = fake.signed(xml)
        return {"url": "/webhooks/wechat", "params": params, "content": body}

    async def one(client, number):
        asked = request(number)
        began = time.perf_counter()
        try:
            answer = await client.post(**asked, timeout=30)
        except httpx.TransportError as err:
            failed.append(type(err).__name__)
            return
        took.append(time.perf_counter() - began)
        if answer.status_code != 200:
            failed.append(answer.status_code)

    async with httpx.AsyncClient(base_url=url, limits=limits) as client:
        tasks = []
        start = time.perf_counter()
        for due in range(int(rate * seconds)):
            pause = start + due / rate - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            tasks.append(asyncio.create_task(one(client, next(numbers))))
        await asyncio.gather(*tasks)
    return took, failed


def measure(case, kind, rate, seconds):
    thinks, waits, share = CASES[case]
    rate *= share
    with tempfile.TemporaryDirectory(dir=ROOT / "var") as folder:
        port, spawn = free_port(), multiprocessing.get_context("spawn")
        ready = spawn.Event()
        arguments = (port, folder, thinks, waits, ready)
        edge = spawn.Process(target=serve, args=arguments, daemon=True)
        edge.start()
        ready.wait(60)
        url = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                httpx.get(f"{url}/healthz")
                break
            except httpx.ConnectError:
                time.sleep(0.05)
        try:
            asyncio.run(load(url, kind, 20, 1, 1_000_000))  # warm
            took, failed = asyncio.run(load(url, kind, rate, seconds))
        finally:
            edge.kill()
            edge.join()
    cuts = statistics.quantiles(took, n=100)
    row = (cuts[49], cuts[94], cuts[98], max(took))
    figures = " | ".join(f"{1000 * value:.0f}" for value in row)
    print(
        f"| {kind}: {case}, {rate:.0f}/s | {len(took)} | {figures} | {len(failed)} |",
        flush=True,
    )


def parse_time():
    """Milliseconds from a sealed callback to our value."""
    fake = WeChat(mode="safe")
    envelope = Envelope("spamtest", "safe", settings_for(fake)["wechat_appid"],
                        (settings_for(fake)["wechat_aes_key"],))  # fmt: skip
    xml = xml_of(ToUserName=ACCOUNT, FromUserName="o1", MsgType="text", CreateTime=1,
                 Content="犹豫期几天" * 20, MsgId=7)  # fmt: skip
    params, body = fake.signed(xml)
    now, took = datetime.now(UTC), []
    for _ in range(2000):
        began = time.perf_counter()
        read_callback(envelope.open(params, body, now).fields)
        took.append(time.perf_counter() - began)
    return 1000 * statistics.median(took)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=float, default=100, help="callbacks a second")
    parser.add_argument("--seconds", type=float, default=20)
    args = parser.parse_args()
    (ROOT / "var").mkdir(exist_ok=True)
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}, {args.seconds:.0f} s each, SQLite.\n"
    )
    print("| callback | number | p50 ms | p95 ms | p99 ms | longest ms | not 200 |")
    print("|---|---|---|---|---|---|---|")
    for case in CASES:
        measure(case, "wechat", args.rate, args.seconds)
    for case in list(CASES)[:2]:
        measure(case, "telegram", args.rate, args.seconds)
    print(
        f"\nFrom a sealed WeChat callback to our value: {parse_time():.2f} ms (median)."
    )


if __name__ == "__main__":
    main()
