"""The whole of baoke, really running: one supervisor, Rasa, actions, edge, a fresh store.

One instance serves every test that needs it (session fixture): starting Rasa is the
slowest thing in the suite.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 300
TURN_SECONDS = 60
# A Monday at ten, so that the desk is open whenever the tests run.
OPEN_DESK = "2026-11-23T10:00:00+08:00"
HOLDERS = {
    "张伟": ("P2024013100018", "4321"),
    "李娜": ("P2025080800033", "887X"),
    "王芳": ("P2022031500041", "5566"),
}


@dataclass
class Stack:
    """Where the running instance is."""

    url: str
    var: Path
    process: subprocess.Popen
    urls: tuple = ()


@dataclass
class Reply:
    """What came back in one turn."""

    events: list
    status: str

    @property
    def text(self):
        return "\n".join(
            part["text"]
            for event in self.events
            for part in event["parts"]
            if part["type"] == "text"
        )

    @property
    def buttons(self):
        return {
            button["title"]: button["payload"]
            for event in self.events
            for part in event["parts"]
            if part["type"] == "buttons"
            for button in part["buttons"]
        }

    @property
    def citations(self):
        return [
            part
            for event in self.events
            for part in event["parts"]
            if part["type"] == "citation"
        ]


@dataclass
class Customer:
    """A customer with an app: REST only, nothing of baoke's code."""

    url: str
    seq: int = 0
    offered: dict = field(default_factory=dict)

    def __post_init__(self):
        self.http = httpx.Client(base_url=self.url, timeout=TURN_SECONDS + 10)
        opened = self.http.post("/api/chat/sessions").raise_for_status().json()
        self.http.headers["authorization"] = f"Bearer {opened['token']}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def say(self, text):
        return self._send({"text": text})

    def press(self, title):
        return self._send({"payload": self.offered[title]})

    def _send(self, body):
        body = {**body, "client_message_id": uuid.uuid4().hex}
        sent = self.http.post("/api/chat/messages", json=body)
        assert sent.status_code == 202, sent.text
        return self.wait_for_answer(sent.json()["seq"])

    def wait_for_answer(self, seq):
        deadline = time.monotonic() + TURN_SECONDS
        while time.monotonic() < deadline:
            page = self.http.get(
                "/api/chat/events", params={"after": seq, "wait": 20}
            ).json()
            answers = [e for e in page["events"] if e["author"] != "customer"]
            if answers:
                reply = Reply(answers, page["status"])
                self.offered.update(reply.buttons)
                self.seq = page["last_seq"]
                return reply
        raise AssertionError(f"no answer to message {seq} in {TURN_SECONDS} s")

    def prove_identity(self, name):
        policy_no, tail = HOLDERS[name]
        self.say("查一下我的保单")
        self.say(policy_no)
        assert "核对好了" in self.say(tail).text


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """A running instance on free ports, with the model of ``make setup``."""
    with started(tmp_path_factory.mktemp("stack") / "var") as running:
        yield running


@contextlib.contextmanager
def started(var, settings=None):
    """Run ``baoke up`` on a store of its own; yields a ``Stack`` when it is ready.

    Args:
        var: Its folder, made here; may exist from an earlier run.
        settings: Environment variables on top of the usual ones.
    """
    var.mkdir(parents=True, exist_ok=True)
    for name in ("models", "cache"):
        (ROOT / "var" / name).mkdir(parents=True, exist_ok=True)
        if not (var / name).exists():
            (var / name).symlink_to(ROOT / "var" / name)
    env = {
        **os.environ,
        "BAOKE_VAR_DIR": str(var),
        "BAOKE_PORT": "0",
        "BAOKE_CLOCK": OPEN_DESK,
        "BAOKE_VISITOR_BURST": "1000",
        "BAOKE_ADDRESS_BURST": "100000",
        **(settings or {}),
    }
    log = (var / "up.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "channels.cli", "up"],
        cwd=ROOT,
        env=env,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        urls = _wait_ready(process, var)
        yield Stack(urls[0], var, process, urls)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        log.close()


def _wait_ready(process, var):
    note = var / "instance.json"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if note.exists():
            urls = json.loads(note.read_text())["urls"]
            with contextlib.suppress(httpx.HTTPError):
                ready = (httpx.get(f"{url}/readyz", timeout=5) for url in urls)
                if all(answer.status_code == 200 for answer in ready):
                    return tuple(urls)
        time.sleep(0.5)
    raise AssertionError(f"not ready: {(var / 'up.log').read_text()[-3000:]}")
