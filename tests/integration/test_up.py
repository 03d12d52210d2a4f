"""`baoke up` from start to stop, its three processes replaced by tiny web servers."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from urllib.request import ProxyHandler, build_opener

import pytest

from channels.instance import read_instance
from channels.places import Places
from channels.ports import PortTaken, claim

ROOT = Path(__file__).parents[2]
DRIVER = """
import sys
from pathlib import Path
from bot.errors import BaokeError
from bot.settings import Settings
from channels import up
from channels.children import MARK, Recipe
from channels.places import Places
from channels.plan import Plan
from channels.process_settings import ProcessSettings
from channels.recipes import probe

folder = Path(sys.argv[1])
CODE = (
    "import http.server as h, os, socket; "
    "s = h.ThreadingHTTPServer(('', 0), h.SimpleHTTPRequestHandler, False); "
    "s.socket = socket.socket(fileno=int(os.environ['BAOKE_LISTEN_FDS'])); "
    "s.socket.listen(); s.serve_forever()"
)

def server(name, pick):
    def recipe(plan):
        url = pick(plan.instance)
        command = [sys.executable, "-c", CODE]
        env = {MARK: str(plan.places.var)}
        ready, claims = probe(url + "/readyz"), plan.claimed(url)
        return Recipe(name, lambda: command, folder, env, ready, claims=claims)
    return lambda plan: [recipe(plan)]

def step(plan, name, *arguments):
    code = (folder / "step.py").read_text()
    command = [sys.executable, "-c", code, name]
    return Recipe(name, lambda: command, folder, {MARK: str(plan.places.var)})

up.rasa_recipes = server("rasa", lambda i: i.rasa_url)
up.actions_recipes = server("actions", lambda i: i.actions_url)
up.edge_recipes = server("edge", lambda i: i.url)
up.step_recipe = step
say = lambda text: print(text, flush=True)
settings = Settings(root=folder, port=0)
try:
    up.up(Places(folder, folder / "var"), settings, ProcessSettings(), say, say)
except BaokeError as err:
    say(f"gave up: {err}")
    sys.exit(1)
"""


@contextmanager
def started(folder: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Run the driver in ``folder``; end it if the test did not."""
    python = folder / "bot" / "assistant" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.touch()
    (folder / "readyz").touch()
    step = folder / "step.py"
    if not step.exists():
        step.write_text("import sys; print('step', sys.argv[1])")
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], pattern: str) -> list[str]:
    """Read lines up to one that matches."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if re.search(pattern, line):
            return lines
    raise AssertionError(f"ended without {pattern!r}:\n" + "\n".join(lines))


def answers(url: str) -> bool:
    try:
        with build_opener(ProxyHandler({})).open(f"{url}/readyz", timeout=10):
            return True
    except OSError:
        return False


def test_that_it_prepares_starts_serves_and_stops_together(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        lines = read_until(process, "^ready http")
        assert lines[0] == "step train"
        assert "step database" in lines
        assert re.fullmatch(r"ready http://127\.0\.0\.1:\d+ \(\d+\.\d s\)", lines[-1])
        instance = read_instance(Places(tmp_path, tmp_path / "var"))
        assert instance is not None
        urls = (instance.url, instance.rasa_url, instance.actions_url)
        assert instance.url in lines[-1]
        assert all(map(answers, urls))
        process.send_signal(signal.SIGTERM)
        read_until(process, "^stopped")
        assert process.wait(60) == 0
    assert not any(map(answers, urls))
    assert not (tmp_path / "var" / "instance.json").exists()


def test_that_a_second_one_on_the_same_var_is_refused(tmp_path: Path) -> None:
    with started(tmp_path) as first:
        read_until(first, "^ready http")
        with started(tmp_path) as second:
            words = second.communicate(timeout=60)[0]
            assert "baoke is already running" in words
            assert str(first.pid) in words
            assert second.returncode == 1
        first.send_signal(signal.SIGINT)
        assert first.wait(60) == 0


def test_that_two_instances_on_one_machine_do_not_meet(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    with started(one) as first:
        read_until(first, "^ready http")
        with started(two) as second:
            read_until(second, "^ready http")
            notes = [read_instance(Places(f, f / "var")) for f in (one, two)]
            urls = [u for n in notes if n for u in (n.url, n.rasa_url, n.actions_url)]
            assert len(set(urls)) == 6
            assert all(map(answers, urls))


def test_that_a_failed_step_stops_everything_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "step.py").write_text(
        "import sys; print('the upgrade failed: locked'); "
        "sys.exit(1 if sys.argv[1] == 'database' else 0)"
    )
    with started(tmp_path) as process:
        lines = read_until(process, "^gave up")
        assert "the upgrade failed: locked" in lines
        assert lines[-1] == "gave up: database failed (exit 1)"
        assert process.wait(60) == 1
    assert not (tmp_path / "var" / "instance.json").exists()


def test_that_a_signal_while_it_starts_stops_it(tmp_path: Path) -> None:
    (tmp_path / "step.py").write_text(
        "import time; print('training', flush=True); time.sleep(600)"
    )
    with started(tmp_path) as process:
        read_until(process, "^training")
        process.send_signal(signal.SIGINT)
        read_until(process, "^stopped")
        assert process.wait(60) == 0


def test_that_the_killed_ones_children_are_gone_for_the_next(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        read_until(process, "^ready http")
        instance = read_instance(Places(tmp_path, tmp_path / "var"))
        assert instance is not None
        process.kill()
        process.wait(60)
    urls = (instance.url, instance.rasa_url, instance.actions_url)
    for _ in range(1200):
        if not any(map(answers, urls)):
            break
        sleep(0.05)
    assert not any(map(answers, urls))
    with started(tmp_path) as again:
        read_until(again, "^ready http")


@pytest.mark.parametrize("name", ["the file", "a link to it", "a link to its folder"])
def test_that_a_second_instance_on_one_sqlite_file_stops_and_says_why(
    tmp_path: Path, name: str
) -> None:
    one, two, kept = tmp_path / "one", tmp_path / "two", tmp_path / "kept"
    kept.mkdir()
    (kept / "a.db").touch()
    (kept / "b.db").symlink_to(kept / "a.db")
    (tmp_path / "same").symlink_to(kept)
    file = {"the file": kept / "a.db", "a link to it": kept / "b.db"}
    other = file.get(name, tmp_path / "same" / "a.db")
    with started(one, BAOKE_DATABASE_URL=f"sqlite:///{kept / 'a.db'}") as first:
        read_until(first, "^ready http")
        with started(two, BAOKE_DATABASE_URL=f"sqlite:///{other}") as second:
            (words,) = read_until(second, "^gave up")
            assert f"{kept / 'a.db'} is used by another instance" in words
            assert str(first.pid) in words
            assert second.wait(60) == 1
        # What is no instance goes on working beside the one that serves.
        with sqlite3.connect(kept / "a.db") as beside:
            beside.execute("CREATE TABLE a (b)")
        beside.close()
        first.kill()
        first.wait(60)
        with started(two, BAOKE_DATABASE_URL=f"sqlite:///{other}") as third:
            read_until(third, "^ready http")


def test_that_rasas_state_has_one_instance_too(tmp_path: Path) -> None:
    tracker = {"BAOKE_RASA_TRACKER_URL": f"sqlite:///{tmp_path}/rasa.db"}
    with started(tmp_path / "one", **tracker) as first:
        read_until(first, "^ready http")
        with started(tmp_path / "two", **tracker) as second:
            (words,) = read_until(second, "^gave up")
            assert "rasa.db is used by another instance" in words


def test_that_a_killed_child_comes_back_on_its_port(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        read_until(process, "^ready http")
        instance = read_instance(Places(tmp_path, tmp_path / "var"))
        assert instance is not None
        port = instance.rasa_url.rpartition(":")[2]
        for child in children_of(process.pid):
            os.kill(child, signal.SIGKILL)
        for _ in range(3):
            read_until(process, " ready ")
        assert answers(instance.rasa_url) and answers(instance.url)
        with pytest.raises(PortTaken, match=f"port {port} of 127.0.0.1 is in use"):
            claim("127.0.0.1", int(port))


def children_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in found.split()]
