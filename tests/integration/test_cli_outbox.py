"""``baoke outbox`` on a ledger with messages that did not arrive."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from edge_kit import make_settings

from bot.ledger.parcels import Progress
from bot.ledger.repository import Ledger
from bot.message import Author, Outbound, TextPart
from bot.ports import DeliveryState

ROOT = Path(__file__).resolve().parents[2]
OLD = datetime.now(UTC) - timedelta(hours=1)


async def prepare(settings) -> None:
    ledger = Ledger.at(settings.database_url, settings.root)
    for number, state in enumerate((DeliveryState.UNDELIVERABLE, None), 1):
        text = (TextPart("您好"),)
        said = Outbound("telegram:4711", Author.SYSTEM, text, f"k{number}")
        await ledger.messages.post((said,), OLD)
        if state:
            parcel = await ledger.parcels.next("telegram:4711", False, OLD)
            await ledger.parcels.note(parcel, Progress(state, 0, 1, 0, "blocked"), OLD)
    web = Outbound("web:a", Author.SYSTEM, (TextPart("网页"),), "w")
    await ledger.messages.post((web,), OLD)
    await ledger.close()


@pytest.fixture
def baoke(tmp_path, monkeypatch):
    settings = make_settings(tmp_path)
    asyncio.run(prepare(settings))

    def run(*words):
        env = {
            "BAOKE_DATABASE_URL": settings.database_url,
            "BAOKE_VAR_DIR": str(tmp_path),
        }
        return subprocess.run(
            [sys.executable, "-m", "channels.cli", "outbox", *words],
            cwd=ROOT, env={"PATH": "/usr/bin:/bin", **env}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    return run


def test_that_what_is_stuck_is_listed_sent_again_and_given_up(baoke):
    listed = json.loads(baoke("list", "--json").stdout)
    assert [(d["seq"], d["state"], d["reason"]) for d in listed] == [
        (2, "pending", None),
        (1, "undeliverable", "blocked"),
    ]
    assert "telegram:4711 #1 (blocked)" in baoke("list").stdout
    assert json.loads(baoke("retry", "telegram:4711", "1", "--json").stdout)["seq"] == 1
    assert baoke("drop", "telegram:4711", "2").returncode == 0
    states = [
        d["state"] for d in json.loads(baoke("list", "telegram:4711", "--json").stdout)
    ]
    assert sorted(states) == ["dropped", "pending"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("retry", "telegram:4711", "9"), 1),
        (("drop", "web:a", "1"), 1),
        (("retry", "telegram:4711", "x"), 2),
        ((), 2),
    ],
)
def test_that_mistakes_are_told_in_a_line(baoke, words, code):
    done = baoke(*words)
    assert done.returncode == code
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_that_a_worker_without_redis_says_what_it_needs():
    done = subprocess.run(
        [sys.executable, "-m", "channels.cli", "worker"], cwd=ROOT, text=True,
        env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "BAOKE_REDIS_URL" in done.stderr) == (2, True)
