"""The supervisor with small children: restarts, gives up, stops all, leaves nobody."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from channels.children import MARK, Child, Recipe, end_orphans
from channels.supervise import Broken, GaveUp, Pace, Supervisor

ROOT = Path(__file__).parents[2]
FAST = Pace(stable=60.0, tries=3, first_pause=0.01, longest_pause=0.02, start=20.0)
# Notes its number in a file, then sleeps.
SLEEPER = (
    "import os, time; open('pids', 'a').write(f'{os.getpid()}\\n'); time.sleep(60)"
)


def recipe(folder: Path, code: str, name: str = "child", **more: object) -> Recipe:
    command = [sys.executable, "-c", code]
    env = {"PATH": os.environ["PATH"], MARK: str(folder)}
    return Recipe(name, lambda: command, folder, env, **more)  # type: ignore[arg-type]


def pids(folder: Path) -> list[int]:
    path = folder / "pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that must come; a test that hangs has failed."""
    for _ in range(1200):
        if happened():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within a minute")


async def until_async(happened: Callable[[], bool]) -> None:
    await asyncio.to_thread(until, happened)


async def test_that_a_dead_child_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(tmp_path / "log", said.append, FAST)
    child = supervisor.add(recipe(tmp_path, SLEEPER))
    await supervisor.ready(child)
    await until_async(lambda: len(pids(tmp_path)) == 1)
    os.kill(pids(tmp_path)[0], signal.SIGKILL)
    await until_async(lambda: len(pids(tmp_path)) == 2)
    assert any("child ended (signal 9); starting it again" in line for line in said)
    await supervisor.stop()
    assert not any(lives(pid) for pid in pids(tmp_path))


async def test_that_a_child_that_keeps_dying_is_given_up_with_its_words(
    tmp_path: Path,
) -> None:
    code = "print('starting'); raise SystemExit('OSError: Address already in use')"
    supervisor = Supervisor(tmp_path / "log", lambda _: None, FAST)

    async def never() -> str | None:
        return "not yet"

    child = supervisor.add(recipe(tmp_path, code, probe=never))
    with pytest.raises(GaveUp) as caught:
        await supervisor.ready(child)
    await supervisor.stop()
    words = str(caught.value)
    assert "child ended (exit 1), 3 times in a row (its port is in use)" in words
    assert "OSError: Address already in use" in words
    assert str(tmp_path / "log" / "child.log") in words


async def test_that_a_program_that_is_not_there_is_given_up(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "log", lambda _: None, FAST)
    missing = Recipe("child", lambda: ["/nowhere/program"], tmp_path, {})
    child = supervisor.add(missing)
    with pytest.raises(GaveUp, match="cannot be started"):
        await supervisor.ready(child)
    await supervisor.stop()


async def test_that_a_child_that_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    pace = Pace(tries=2, first_pause=0.01, start=0.2)

    async def never() -> str | None:
        return "not yet"

    supervisor = Supervisor(tmp_path / "log", lambda _: None, pace)
    child = supervisor.add(recipe(tmp_path, SLEEPER, probe=never))
    with pytest.raises(GaveUp, match="was not ready after 0 s, 2 times in a row"):
        await supervisor.ready(child)
    await supervisor.stop()
    assert not any(lives(pid) for pid in pids(tmp_path))


async def test_that_a_broken_child_is_given_up_at_once(tmp_path: Path) -> None:
    async def broken() -> str | None:
        raise Broken("runs, but cannot use the model")

    supervisor = Supervisor(tmp_path / "log", lambda _: None, FAST)
    child = supervisor.add(recipe(tmp_path, SLEEPER, probe=broken))
    with pytest.raises(GaveUp, match="cannot use the model"):
        await supervisor.ready(child)
    await supervisor.stop()
    assert not any(lives(pid) for pid in pids(tmp_path))


async def test_that_readiness_waits_for_the_probe(tmp_path: Path) -> None:
    answers = iter(["not yet", "not yet", None])

    async def third_time() -> str | None:
        return next(answers)

    supervisor = Supervisor(tmp_path / "log", lambda _: None, FAST)
    child = supervisor.add(recipe(tmp_path, SLEEPER, probe=third_time))
    assert not child.ready.is_set()
    await supervisor.ready(child)
    assert next(answers, "used up") == "used up"
    await supervisor.stop()


async def test_that_children_are_stopped_stage_by_stage(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        "    open('order', 'a').write(sys.argv[1] + '\\n'); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "open('up-' + sys.argv[1], 'w').close()\n"
        "time.sleep(60)\n"
    )
    supervisor = Supervisor(tmp_path / "log", lambda _: None, FAST)
    for name, stage in (("edge", 2), ("rasa", 0), ("worker", 1), ("actions", 0)):
        command = [sys.executable, "-c", code, name]
        recipe = Recipe(
            name, lambda c=command: c, tmp_path, {}, stage=stage, grace=20.0
        )  # type: ignore[misc]
        supervisor.add(recipe)
    await until_async(lambda: len(list(tmp_path.glob("up-*"))) == 4)
    await supervisor.stop()
    order = (tmp_path / "order").read_text().split()
    assert order[:2] == ["edge", "worker"]
    assert sorted(order[2:]) == ["actions", "rasa"]


async def test_that_a_child_that_ignores_the_signal_is_killed_with_its_own(
    tmp_path: Path,
) -> None:
    code = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"subprocess.Popen([sys.executable, '-c', {SLEEPER!r}])\n"
        "open('pids', 'a').write(f'{os.getpid()}\\n')\n"
        "time.sleep(60)\n"
    )
    said: list[str] = []
    supervisor = Supervisor(tmp_path / "log", said.append, FAST)
    supervisor.add(recipe(tmp_path, code, grace=0.3))
    await until_async(lambda: len(pids(tmp_path)) == 2)
    await supervisor.stop()
    await until_async(lambda: not any(lives(pid) for pid in pids(tmp_path)))
    assert "child does not end; killing it" in said


async def test_that_a_child_waiting_for_its_restart_stops_at_once(
    tmp_path: Path,
) -> None:
    pace = Pace(tries=9, first_pause=3600.0, longest_pause=3600.0)
    said: list[str] = []
    supervisor = Supervisor(tmp_path / "log", said.append, pace)
    supervisor.add(recipe(tmp_path, "raise SystemExit(3)", grace=3600.0))
    await until_async(lambda: any("starting it again" in line for line in said))
    await supervisor.stop()


async def test_that_a_step_shows_its_lines_and_fails_by_its_code(
    tmp_path: Path,
) -> None:
    said: list[str] = []
    supervisor = Supervisor(tmp_path / "log", said.append, FAST)
    await supervisor.step(recipe(tmp_path, "print('half way')", name="train"))
    assert said == ["half way"]
    assert (tmp_path / "log" / "train.log").read_text() == "half way\n"
    with pytest.raises(GaveUp, match="train failed"):
        await supervisor.step(recipe(tmp_path, "raise SystemExit(4)", name="train"))
    await supervisor.stop()


async def test_that_a_very_long_line_does_not_stop_the_listener(tmp_path: Path) -> None:
    said: list[str] = []
    child = Child(recipe(tmp_path, "print('x' * 300000)"), tmp_path, said.append)
    await child.start()
    assert await child.ended() == 0
    assert [len(line) for line in said] == [300000]
    child.close()


DRIVER = """
import asyncio, sys
from pathlib import Path
from channels.children import MARK, Recipe
from channels.supervise import Supervisor

folder, code = Path(sys.argv[1]), sys.argv[2]

async def run():
    supervisor = Supervisor(folder / "log", print)
    for name in ("one", "two"):
        command = [sys.executable, "-c", code]
        supervisor.add(Recipe(name, lambda: command, folder, {MARK: str(folder)}))
    await supervisor.forever()

asyncio.run(run())
"""


def test_that_no_child_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    command = [sys.executable, "-c", DRIVER, str(tmp_path), SLEEPER]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as driver:
        until(lambda: len(pids(tmp_path)) == 2)
        assert all(lives(pid) for pid in pids(tmp_path))
        driver.kill()
    until(lambda: not any(lives(pid) for pid in pids(tmp_path)))


def test_that_the_next_start_ends_what_ignored_its_parents_death(
    tmp_path: Path,
) -> None:
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
    command = [sys.executable, "-c", DRIVER, str(tmp_path), deaf]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as driver:
        until(lambda: len(pids(tmp_path)) == 2)
        driver.kill()
    assert end_orphans(str(tmp_path / "another")) == 0
    assert end_orphans(str(tmp_path)) == 2
    until(lambda: not any(lives(pid) for pid in pids(tmp_path)))
