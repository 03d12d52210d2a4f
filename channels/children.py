"""One child process: started, heard, known to be ready, stopped with all its own.

In: a recipe. Out: a process in a group of its own that ends when this process ends,
whatever ends it. Its output goes to a log file that is rotated.
"""

import asyncio
import ctypes
import logging
import os
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from time import monotonic, sleep

from channels.ports import Claim, hand_over

MARK = "BAOKE_INSTANCE"  # every child has it; finds those a killed supervisor left
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_TAIL_LINES = 12
_LOG_BYTES = 10 * 1024 * 1024
_LOG_FILES = 3
_ORPHAN_SECONDS = 10.0  # for a killed process to be gone

# None = ready, else what is missing
Probe = Callable[[], Awaitable[str | None]]


async def always_ready() -> str | None:
    """Probe of a child that has nothing to ask."""
    return None


@dataclass(frozen=True)
class Recipe:
    """How to start a child.

    Attributes:
        name: Of the child and its log file.
        command: Asked at every start: the model's file may have changed.
        cwd: Its folder.
        env: All its variables.
        probe: Asks whether it can work.
        grace: Seconds it gets to end by itself.
        stage: Those of the highest stage are stopped first.
        claims: Ports that it inherits; see ``channels.ports.handed_sockets``.
    """

    name: str
    command: Callable[[], Sequence[str]]
    cwd: Path
    env: Mapping[str, str]
    probe: Probe = always_ready
    grace: float = 8.0
    stage: int = 0
    claims: tuple[Claim, ...] = ()


class Child:
    """A process and its restarts.

    Args:
        recipe: How to start it.
        log_dir: Folder of ``<name>.log``.
        hear: Gets each line of output as well.
    """

    def __init__(
        self, recipe: Recipe, log_dir: Path, hear: Callable[[str], None] | None = None
    ) -> None:
        self.recipe = recipe
        self.ready = asyncio.Event()
        self.ready_at: float | None = None  # the event loop's time
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._hear = hear
        self._process: asyncio.subprocess.Process | None = None
        self._group: int | None = None  # of the process that runs now
        log_dir.mkdir(parents=True, exist_ok=True)
        self._log = RotatingFileHandler(
            log_dir / f"{recipe.name}.log",
            maxBytes=_LOG_BYTES,
            backupCount=_LOG_FILES - 1,
            encoding="utf-8",
            delay=True,
        )

    async def start(self) -> None:
        """Start it (again).

        Raises:
            OSError: Its program is not there.
        """
        self.ready.clear()
        self.tail.clear()
        self._process = await asyncio.create_subprocess_exec(
            *self.recipe.command(),
            cwd=self.recipe.cwd,
            env={**self.recipe.env, **hand_over(self.recipe.claims)},
            pass_fds=[fd for each in self.recipe.claims for fd in each.fds],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the supervisor only
            preexec_fn=die_with_parent(),
        )
        self._group = self._process.pid

    async def ended(self) -> int:
        """Hear it out until it ends, and end what it left; return its exit code."""
        assert self._process is not None and self._process.stdout is not None
        hearing = asyncio.create_task(self._listen(self._process.stdout))
        code = await self._process.wait()
        self.kill()  # its own children, which may keep the pipe open
        for each in self.recipe.claims:
            each.rest()
        self._group = None  # the number may come again for somebody else's
        await hearing
        return code

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await stream.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._take(line)
        if rest:
            self._take(rest)

    def _take(self, raw: bytes) -> None:
        line = raw.decode("utf-8", "replace").rstrip()
        record = logging.LogRecord("child", logging.INFO, "", 0, line, None, None)
        self._log.handle(record)
        if line:
            self.tail.append(line)
            if self._hear:
                self._hear(line)

    def terminate(self) -> None:
        """Ask it to end."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    def kill(self) -> None:
        """End its whole group at once."""
        if self._group is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGKILL)

    def close(self) -> None:
        """Close the log file."""
        self._log.close()


def die_with_parent() -> Callable[[], None] | None:
    """Return what a new child runs first, so that it never outlives this process.

    Linux only; elsewhere None: a killed supervisor then leaves children behind, which
    the next start ends where it can find them.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # loaded before the fork
    parent = os.getpid()

    def run() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended between fork and prctl
            os._exit(1)

    return run


def end_orphans(mark: str) -> int:
    """End what a supervisor that was killed has left; call with its lock held.

    Args:
        mark: Value of ``MARK`` that its children have.

    Returns:
        How many processes there were.
    """
    wanted = f"{MARK}={mark}".encode()
    killed: list[Path] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            marked = wanted in (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # gone, or another user's
        if marked and int(folder.name) != os.getpid():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(int(folder.name), signal.SIGKILL)
                killed.append(folder)
    # Until they are gone they hold the ports and files that are wanted next.
    deadline = monotonic() + _ORPHAN_SECONDS
    while any(map(_lives, killed)) and monotonic() < deadline:
        sleep(0.02)
    return len(killed)


def _lives(folder: Path) -> bool:
    try:
        return (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
