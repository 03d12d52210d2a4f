"""Processes die at seeded random moments under load; nobody notices more than a wait.

Short here. `make faults` runs it long: BAOKE_FAULT_KILLS hits (200), BAOKE_FAULT_SEED.
"""

import os
import sqlite3
import time
from collections import Counter

import psycopg
import pytest
from chaos import Chaos
from checker import check, read_ledger, sender_of
from customers import play
from postgres import binaries, cluster, may_run
from scaled import redis_server, scaled_stack
from stack import started

pytestmark = pytest.mark.rasa
KILLS = int(os.environ.get("BAOKE_FAULT_KILLS", "5"))
SEED = int(os.environ.get("BAOKE_FAULT_SEED", "1"))
CUSTOMERS = 6
# Nobody gives up however often a child dies; a lock of a dead process is soon free.
SETTINGS = {"BAOKE_RESTART_TRIES": "1000", "BAOKE_SWEEP_EVERY": "PT3S"}
COMPLAINTS = "SELECT sender_id, complaint_no FROM complaints"


def assert_whole(logs, ledger, complaints, hits):
    """Nothing lost, doubled or moved, and exactly the complaints that were told of."""
    rows = read_ledger(ledger)
    faults = check(logs, rows)
    for log in logs:
        sender = sender_of(log, rows)
        filed = sorted(number for who, number in complaints if who == sender)
        if filed != sorted(log.complaints):
            faults.append(f"complaints: {filed} filed, {log.complaints} told")
    asked = sum(len(log.sent) for log in logs)
    tries = sum(sent.tries for log in logs for sent in log.sent)
    filed = sum(len(log.complaints) for log in logs)
    print(f"{asked} messages in {tries} tries, {filed} complaints, {Counter(hits)}")
    for text, number in Counter(why for log in logs for why in log.refused).items():
        print(f"    {number} x {text}")
    assert not faults, "\n".join(faults)
    assert asked > len(hits)


async def test_that_one_machine_survives_the_death_of_its_processes(tmp_path):
    var = tmp_path / "var"
    ledger = f"sqlite:///{var}/baoke.db"
    with started(var, SETTINGS) as stack:
        chaos = Chaos(stack.process.pid, ("edge", "rasa", "actions"), SEED)
        trouble = chaos.run(KILLS, 1.0, 6.0)
        logs = await play(stack.urls, CUSTOMERS, trouble, SEED)
        with sqlite3.connect(var / "baoke.db") as store:
            complaints = store.execute(COMPLAINTS).fetchall()
        assert_whole(logs, ledger, complaints, chaos.hits)


@pytest.mark.skipif(binaries() is None or not may_run(), reason="no PostgreSQL")
async def test_that_many_processes_survive_each_others_death(tmp_path):
    with cluster() as server, redis_server() as redis:
        if redis is None:
            pytest.skip("redis-server is not installed")
        ledger = server.create()
        with scaled_stack(tmp_path / "var", ledger, redis.url, **SETTINGS) as stack:
            names = ("edge", "worker", "rasa", "actions")
            chaos = Chaos(stack.process.pid, names, SEED)
            trouble = chaos.run(KILLS, 1.0, 6.0)
            began = time.monotonic()
            logs = await play(stack.urls, CUSTOMERS, trouble, SEED)
            print(f"{time.monotonic() - began:.0f} s")
            with psycopg.connect(ledger) as store:
                complaints = store.execute(COMPLAINTS).fetchall()
            assert_whole(logs, ledger, complaints, chaos.hits)
