"""Load: baoke against bare Rasa, one worker against two, old ledgers, sockets, crashes.

    python tests/bench/bench_load.py                   everything, about 20 minutes
    python tests/bench/bench_load.py load scaled       only these
    python tests/bench/bench_load.py --write docs/load.md

Parts: load (one machine against bare Rasa in the same run), scaled (two Rasas, one and
two workers), million (an empty ledger against 1,000,000 messages), sockets (5,000 idle),
crash (10,000 unanswered conversations at the start). Prints Markdown; starts what it
measures by itself.
"""

import argparse
import asyncio
import contextlib
import os
import platform
import resource
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import httpx

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "integration")]
sys.path[:0] = [str(HERE)]

from load.ledgers import fill  # noqa: E402
from load.visitors import (  # noqa: E402
    RasaVisitor,
    RestVisitor,
    SocketVisitor,
    run_load,
)
from postgres import cluster  # noqa: E402
from scaled import redis_server, scaled_stack  # noqa: E402
from stack import started  # noqa: E402

SIZES = (1, 10, 50, 200)
EDGE = (RestVisitor, SocketVisitor)
LIMITS = {
    "BAOKE_MAX_WAITING": "20000",
    "BAOKE_VISITOR_RATE": "1000",
    "BAOKE_VISITOR_BURST": "100000",
    "BAOKE_ADDRESS_RATE": "100000",
    "BAOKE_ADDRESS_BURST": "1000000",
}
HEAD = (
    "| what | conversations | turns/s | p50 ms | p95 ms | p99 ms | errors |\n"
    "|---|---|---|---|---|---|---|"
)


def instance(stack):
    import json

    return json.loads((stack.var / "instance.json").read_text())


def line(name, result):
    times = [result.quantile(q) * 1000 for q in (0.5, 0.95, 0.99)]
    shown = " | ".join(f"{ms:.0f}" for ms in times)
    rate = f"{result.rate:.1f}"
    return f"| {name} | {result.conversations} | {rate} | {shown} | {result.errors} |"


async def against_rasa(stack, seconds, sizes=SIZES, name="baoke"):
    """Measure the edge and bare Rasa in turn at each size; rows and results."""
    rasas = instance(stack)["rasa_urls"]
    rows, found = [], {}
    await run_load(EDGE, stack.urls, 4, 3)  # warm up
    await run_load((RasaVisitor,), rasas[:1], 4, 3)
    for size in sizes:
        edge = await run_load(EDGE, stack.urls, size, seconds)
        bare = await run_load((RasaVisitor,), rasas[:1], size, seconds)
        found[size] = edge, bare
        rows += [line(name, edge), line("bare Rasa (one)", bare)]
    return rows, found


def bench_load(seconds):
    with (
        tempfile.TemporaryDirectory() as folder,
        started(Path(folder) / "var", LIMITS) as stack,
    ):
        rows, found = asyncio.run(against_rasa(stack, seconds))
        think = asyncio.run(run_load(EDGE, stack.urls, 50, seconds, think=5.0))
        rows.append(line("baoke, 5 s between turns", think))
    one, bare_one = found[1]
    many, bare_many = found[50]
    added = (statistics.median(one.turns) - statistics.median(bare_one.turns)) * 1000
    return (
        "## One machine (SQLite, one Rasa)\n\n"
        + "\n".join((HEAD, *rows))
        + f"\n\nThroughput at 50 conversations: **{many.rate / bare_many.rate:.2f} ×** bare"
        f" Rasa. Added latency of a turn (median, one conversation): **{added:.1f} ms**.\n"
    )


def bench_scaled(seconds):
    text = ["## Many processes (PostgreSQL, Redis, two edges)\n", HEAD]
    ratios = []
    for rasas, workers in ((1, 1), (1, 2), (2, 2)):
        counts = {"BAOKE_RASAS": str(rasas), "BAOKE_ACTION_SERVERS": str(rasas)}
        counts |= {"BAOKE_WORKERS": str(workers), "BAOKE_EDGES": "2"}
        with (
            tempfile.TemporaryDirectory() as folder,
            cluster() as server,
            redis_server() as redis,
            scaled_stack(
                Path(folder) / "var", server.create(), redis.url, **LIMITS, **counts
            ) as stack,
        ):
            name = f"{rasas} Rasa, {workers} worker"
            rows, found = asyncio.run(against_rasa(stack, seconds, (1, 50), name))
            text += rows
            edge, bare = found[50]
            ratios.append(f"{name}: {edge.rate / bare.rate:.2f} ×")
    return (
        "\n".join(text)
        + f"\n\nAt 50 conversations against one bare Rasa: {'; '.join(ratios)}.\n"
    )


def bench_million(seconds):
    del seconds
    medians = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, conversations in (("empty", 0), ("1,000,000 messages", 25_000)):
            var = Path(folder) / name.partition(" ")[0].replace(",", "")
            var.mkdir()
            if conversations:
                fill(f"sqlite:///{var}/baoke.db", conversations, 20)
            with started(var, LIMITS) as stack:
                asyncio.run(run_load(EDGE, stack.urls, 2, 5))
                result = asyncio.run(run_load(EDGE, stack.urls, 1, 20))
                medians[name] = result.quantile(0.5) * 1000
    empty, full = medians.values()
    return (
        "## An old ledger (SQLite)\n\nMedian turn, one conversation: "
        f"{empty:.1f} ms with an empty ledger, {full:.1f} ms with 1,000,000 messages: "
        f"**{full / empty:.2f} ×**.\n"
    )


def memory_kb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


async def hold_sockets(url, count, measure):
    """Open idle windows as the widget does, and call ``measure`` while they stand."""
    import socketio

    clients = []

    async def one():
        client = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        await client.connect(url, transports=["websocket"], wait_timeout=120)
        request = {"session_id": None, "customData": {"client": "baoke"}}
        await client.call("session_request", request, timeout=120)
        clients.append(client)

    for start in range(0, count, 100):
        await asyncio.gather(*(one() for _ in range(min(100, count - start))))
    await asyncio.sleep(5)
    found = measure(), len([c for c in clients if c.connected])
    await asyncio.gather(*(c.disconnect() for c in clients), return_exceptions=True)
    return found


def bench_sockets(seconds, count=5000):
    del seconds
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sys.path.insert(0, str(ROOT / "tests" / "faults"))
    from chaos import children_of

    with (
        tempfile.TemporaryDirectory() as folder,
        started(Path(folder) / "var", LIMITS) as stack,
    ):
        asyncio.run(run_load(EDGE, stack.urls, 4, 3))
        (pid,) = children_of(stack.process.pid, "channels.serve")
        before = memory_kb(pid)
        after, alive = asyncio.run(
            hold_sockets(stack.url, count, lambda: memory_kb(pid))
        )
    each = (after - before) / max(1, alive)
    return (
        f"## Idle sockets\n\n{alive:,} of {count:,} web sockets held by one edge: "
        f"{before / 1024:.0f} MB before, {after / 1024:.0f} MB with them: "
        f"**{each:.1f} kB each**.\n"
    )


async def first_answers(url, database_url):
    """Seconds until a new customer, and anybody of the backlog, is answered."""
    import sqlite3

    began = perf_counter()

    async def backlog():
        path = database_url.removeprefix("sqlite:///")
        query = "SELECT count(*) FROM turns WHERE state = 'finished'"
        while True:
            with contextlib.closing(sqlite3.connect(path)) as ledger:
                if ledger.execute(query).fetchone()[0]:
                    return perf_counter() - began
            await asyncio.sleep(0.05)

    async def customer():
        async with httpx.AsyncClient(timeout=120) as client:
            visitor = RestVisitor(client, url)
            await visitor.open()
            await visitor.turn("客服电话是多少")
            return perf_counter() - began

    return await asyncio.gather(customer(), backlog())


def bench_crash(seconds, count=10_000):
    del seconds
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder) / "var"
        var.mkdir()
        database_url = f"sqlite:///{var}/baoke.db"
        fill(database_url, count, 1, answered=False)
        with started(var, LIMITS) as stack:
            new, old = asyncio.run(first_answers(stack.url, database_url))
    return (
        f"## Start after a crash\n\nWith {count:,} unanswered conversations: counted from "
        f"ready, the first of them had its answer after {old:.1f} s or less, a new customer "
        f"after **{new:.1f} s**.\n"
    )


PARTS = {
    "load": bench_load,
    "scaled": bench_scaled,
    "million": bench_million,
    "sockets": bench_sockets,
    "crash": bench_crash,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    parser.add_argument("--seconds", type=float, default=12.0, help="of each load run")
    parser.add_argument(
        "--write", type=Path, metavar="MD", help="put the figures there"
    )
    options = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    text = f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine}; customers and servers share it.\n"
    for name in options.parts or PARTS:
        found = PARTS[name](options.seconds)
        print(found, flush=True)
        text += f"\n{found}"
    if options.write:
        old = options.write.read_text(encoding="utf-8")
        head, rest = old.split("<!-- figures -->", 1)
        tail = rest.split("<!-- end of figures -->", 1)[1]
        marks = ("<!-- figures -->", "<!-- end of figures -->")
        options.write.write_text(f"{head}{marks[0]}\n{text}\n{marks[1]}{tail}", "utf-8")


if __name__ == "__main__":
    main()
