"""Whether a customer's file is clean, as a program of the insurer's says.

In: ``BAOKE_SCAN_COMMAND`` and a file's bytes. Out: nothing, or a refusal. The program is
given the path of the file: exit code 0 is clean, 1 is infected (as ``clamdscan`` does),
anything else, or no answer, is not knowing; what is not known is not kept or shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shlex
import signal
import tempfile
from collections import OrderedDict
from time import monotonic

import structlog

from bot.errors import BadInput

SECONDS = 30.0
CLEAN, INFECTED = 0, 1
# An answer is believed for so long, then newer signatures are asked: who asks for a file
# again and again must not start a program each time.
BELIEVED_SECONDS = 3600.0
_MOST_BELIEVED = 10_000

log = structlog.get_logger()

# _told[command, sha256] = (exit code, until when it is believed)
_told: OrderedDict[tuple[str, bytes], tuple[int, float]] = OrderedDict()


async def check_clean(command: str | None, content: bytes) -> None:
    """Run the program on a file, if there is one.

    Raises:
        BadInput: ``attachment_infected``, or ``attachment_unchecked`` when it could not
            be told.
    """
    if not command:
        return
    key = (command, hashlib.sha256(content).digest())
    code, until = _told.get(key, (None, 0.0))
    if until < monotonic():
        code = await _scan(command, content)
        if code in (CLEAN, INFECTED):
            _believe(key, code)
    if code == CLEAN:
        return
    log.warning("file.refused", scan=code, size_bytes=len(content))
    if code == INFECTED:
        raise BadInput("attachment_infected", status=415)
    raise BadInput("attachment_unchecked", status=409)


def _believe(key: tuple[str, bytes], code: int) -> None:
    _told[key] = (code, monotonic() + BELIEVED_SECONDS)
    _told.move_to_end(key)
    if len(_told) > _MOST_BELIEVED:
        _told.popitem(last=False)


async def _scan(command: str, content: bytes) -> int | None:
    """Return the program's exit code; None when it could not be run to its end."""
    try:
        with tempfile.NamedTemporaryFile(prefix="baoke-scan-") as file:
            file.write(content)
            file.flush()
            return await _exit_code([*shlex.split(command), file.name])
    except OSError as err:  # no such program, no room on the disk
        log.error("file.scan_failed", error=type(err).__name__)
        return None


async def _exit_code(command: list[str]) -> int | None:
    """Return a program's exit code; None when it takes too long."""
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
    )
    try:
        async with asyncio.timeout(SECONDS):
            return await process.wait()
    except TimeoutError:
        log.error("file.scan_failed", error="TimeoutError")
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what it started too
            await process.wait()
