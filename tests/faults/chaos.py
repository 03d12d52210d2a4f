"""Seeded trouble for a running instance: kills and pauses of its processes."""

import asyncio
import contextlib
import os
import random
import signal
from dataclasses import dataclass, field
from pathlib import Path

# What a process's command line holds, by its name.
WORDS = {
    "edge": "channels.serve",
    "worker": "channels.work",
    "rasa": "serve.py",
    "actions": "serve_actions.py",
}


def children_of(pid, words):
    """Process ids below ``pid`` whose command line holds ``words``."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            line = (folder / "cmdline").read_bytes().decode(errors="replace")
        except (OSError, ValueError):
            continue
        if parent == pid and words in line.replace("\0", " "):
            found.append(int(folder.name))
    return sorted(found)


@dataclass
class Chaos:
    """Hits processes at random moments that are the same in every run.

    Args:
        supervisor: Process id of ``baoke up``.
        names: Which kinds may be hit, e.g. ("edge", "rasa").
        seed: Of targets, moments and kinds of trouble.
    """

    supervisor: int
    names: tuple
    seed: int
    hits: list = field(default_factory=list)

    async def run(self, count, shortest, longest):
        """Hit ``count`` times with a pause (seconds) before each."""
        dice = random.Random(self.seed)
        for _ in range(count):
            await asyncio.sleep(dice.uniform(shortest, longest))
            name, which, pause = dice.choice(self.names), dice.random(), dice.random()
            alive = await asyncio.to_thread(children_of, self.supervisor, WORDS[name])
            if not alive:
                self.hits.append((name, "was down already"))
                continue
            pid = alive[int(which * len(alive))]
            if pause < 0.15:
                self.hits.append((name, "paused"))
                await self._pause(pid, 1 + 3 * which)
            else:
                self.hits.append((name, "killed"))
                _signal(pid, signal.SIGKILL)

    async def _pause(self, pid, seconds):
        _signal(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        _signal(pid, signal.SIGCONT)


def _signal(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
