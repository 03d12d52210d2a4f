"""Lines between processes are cut and hang, stores restart, the disk is full, under load."""

import asyncio
import contextlib
import os
import shutil
import subprocess

import pytest
from customers import play
from postgres import binaries, cluster, may_run
from proxy import Line
from scaled import redis_server, scaled_stack
from stack import started
from test_kills import COMPLAINTS, CUSTOMERS, SEED, SETTINGS, assert_whole

pytestmark = pytest.mark.rasa


@pytest.mark.skipif(binaries() is None or not may_run(), reason="no PostgreSQL")
async def test_that_cut_lines_and_restarted_stores_lose_nothing(tmp_path):
    import psycopg

    with cluster() as server, redis_server() as redis:
        if redis is None:
            pytest.skip("redis-server is not installed")
        ledger = server.create()
        database = ledger.partition("@/")[2].partition("?")[0]
        socket = f"{server.folder}/.s.PGSQL.5432"
        path = redis.url.removeprefix("unix://")
        async with Line(socket) as to_database, Line(path) as to_redis:
            there = f"postgresql://postgres@127.0.0.1:{to_database.port}/{database}"
            news = f"redis://127.0.0.1:{to_redis.port}"
            hits = []

            async def trouble():
                for name, line in (("redis", to_redis), ("database", to_database)):
                    for kind in ("down", "hanging"):
                        await asyncio.sleep(4)
                        hits.append((name, kind))
                        async with getattr(line, kind)():
                            await asyncio.sleep(4)
                await asyncio.sleep(4)
                hits.append(("database", "restarted"))
                await asyncio.to_thread(server.stop)
                await asyncio.to_thread(server.start)
                await asyncio.sleep(4)
                hits.append(("redis", "emptied"))
                await asyncio.to_thread(_empty, path)
                await asyncio.sleep(3)

            # The start waits in a thread: the lines live in this loop.
            running = scaled_stack(tmp_path / "var", there, news, **SETTINGS)
            stack = await asyncio.to_thread(running.__enter__)
            try:
                logs = await play(stack.urls, CUSTOMERS, trouble(), SEED)
            finally:
                await asyncio.to_thread(running.__exit__, None, None, None)
            with psycopg.connect(ledger) as store:
                complaints = store.execute(COMPLAINTS).fetchall()
            assert_whole(logs, ledger, complaints, hits)


def _empty(path):
    """Make Redis forget everything, as a restart without a disk does."""
    import redis

    with redis.Redis(unix_socket_path=path) as client:
        client.flushall()
        client.client_kill_filter(_type="normal")
        client.client_kill_filter(_type="pubsub")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
async def test_that_a_full_disk_loses_nothing(tmp_path):
    import sqlite3

    var = tmp_path / "var"
    var.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(var)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("tmpfs cannot be mounted here")
    ledger = f"sqlite:///{var}/baoke.db"
    hits = []

    async def trouble():
        for _ in range(2):
            await asyncio.sleep(3)
            hits.append(("disk", "full"))
            await asyncio.to_thread(_fill, var / "filler")
            await asyncio.sleep(6)
            (var / "filler").unlink()
        await asyncio.sleep(3)

    try:
        with started(var, SETTINGS) as stack:
            logs = await play(stack.urls, CUSTOMERS, trouble(), SEED)
            with sqlite3.connect(var / "baoke.db") as store:
                complaints = store.execute(COMPLAINTS).fetchall()
            assert any("503" in why for log in logs for why in log.refused)
            assert_whole(logs, ledger, complaints, hits)
            shutil.copytree(var / "log", tmp_path / "log")
    finally:
        subprocess.run(["umount", "-l", str(var)], check=False)


def _fill(path):
    """Take all room there is."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while os.write(handle, b"\0" * size):
                    pass
    finally:
        os.close(handle)
