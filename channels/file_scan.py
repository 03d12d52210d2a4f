"""Whether a customer's file is clean, as a program of the insurer's says.

In: ``BAOKE_SCAN_COMMAND`` and a file's bytes. Out: nothing, or a refusal. The program is
given the path of the file: exit code 0 is clean, 1 is infected (as ``clamdscan`` does),
anything else, or no answer, is not knowing; what is not known is not kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import tempfile

import structlog

from bot.errors import BadInput

SECONDS = 30.0
INFECTED = 1

log = structlog.get_logger()


async def check_clean(command: str | None, content: bytes) -> None:
    """Run the program on a file, if there is one.

    Raises:
        BadInput: ``attachment_infected``, or ``attachment_unchecked`` when it could not
            be told.
    """
    if not command:
        return
    with tempfile.NamedTemporaryFile(prefix="baoke-scan-") as file:
        file.write(content)
        file.flush()
        code = await _exit_code([*shlex.split(command), file.name])
    if code == 0:
        return
    log.warning("file.refused", scan=code, size_bytes=len(content))
    if code == INFECTED:
        raise BadInput("attachment_infected", status=415)
    raise BadInput("attachment_unchecked", status=409)


async def _exit_code(command: list[str]) -> int | None:
    """Return a program's exit code; None when it cannot be run or takes too long."""
    quiet = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=quiet, stdout=quiet, stderr=quiet
        )
    except OSError as err:
        log.error("file.scan_failed", error=type(err).__name__)
        return None
    try:
        async with asyncio.timeout(SECONDS):
            return await process.wait()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
