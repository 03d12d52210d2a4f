"""The action server's own commands, run as a process: the two sides share no import."""

import subprocess
import sys

from channels.commands.console import Context
from channels.process_settings import root_environment


def run_actions(
    context: Context, command: list[str], as_json: bool, told: str = ""
) -> int:
    """Run ``python -m actions …``; its output and exit code become ours.

    Args:
        context: Where the checkout is.
        command: Its words.
        as_json: Whether it prints JSON.
        told: What it reads on standard input.
    """
    said = ["--json"] if as_json else []
    asked = [sys.executable, "-m", "actions", *said, *command]
    done = subprocess.run(
        asked,
        cwd=context.places.root,
        env=root_environment(context.places),
        input=told,
        encoding="utf-8",
        check=False,
    )
    return _code(done.returncode)


def read_actions(
    context: Context, command: list[str], given: str = ""
) -> tuple[int, str, str]:
    """Run it with ``--json`` and return exit code, output and errors.

    Args:
        context: Places and settings.
        command: What stands behind ``python -m actions``.
        given: What it reads on standard input.
    """
    done = subprocess.run(
        [sys.executable, "-m", "actions", *command, "--json"],
        cwd=context.places.root,
        env=root_environment(context.places),
        input=given,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return _code(done.returncode), done.stdout, done.stderr


def _code(code: int) -> int:
    return code if code in (0, 1, 2) else 1
