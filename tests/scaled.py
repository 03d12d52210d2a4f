"""The whole of baoke on many processes, really running, on one machine without Docker.

PostgreSQL and Redis of its own (throw-away, loopback or unix socket only), then one
``baoke up`` with two edges, two workers, two Rasas, two action servers. Used by tests,
and by hand: ``python tests/scaled.py`` prints the addresses and serves until Ctrl-C.
"""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from stack import ROOT, started

COUNTS = {
    "BAOKE_EDGES": "2",
    "BAOKE_WORKERS": "2",
    "BAOKE_RASAS": "2",
    "BAOKE_ACTION_SERVERS": "2",
}


@dataclass
class Redis:
    """A running Redis server."""

    url: str
    process: subprocess.Popen


@contextlib.contextmanager
def redis_server():
    """A throw-away Redis on a unix socket; None when there is no server installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="baoke-redis-", dir="/tmp"))
    path = folder / "redis.sock"
    options = [
        "--port",
        "0",
        "--unixsocket",
        str(path),
        "--save",
        "",
        "--appendonly",
        "no",
    ]
    process = subprocess.Popen(
        [program, *options, "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while not path.exists():
            assert process.poll() is None, "redis-server ended"
            assert time.monotonic() < deadline, "redis-server does not listen"
            time.sleep(0.05)
        yield Redis(f"unix://{path}", process)
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def scaled_stack(var: Path, database_url: str, redis_url: str, **settings: str):
    """Many processes on the given stores; yields a ``Stack``."""
    env = {
        **COUNTS,
        "BAOKE_DATABASE_URL": database_url,
        "BAOKE_REDIS_URL": redis_url,
        "BAOKE_SECRET_KEY": "scaled-tests-only-0123456789abcdef",
        "BAOKE_SWEEP_EVERY": "PT3S",
        **settings,
    }
    with started(var, env) as stack:
        yield stack


def main() -> None:
    """Serve until Ctrl-C."""
    sys.path.insert(0, str(ROOT / "tests" / "integration"))
    from postgres import cluster

    with (
        tempfile.TemporaryDirectory(prefix="baoke-scaled-") as folder,
        cluster() as server,
        redis_server() as redis,
    ):
        if redis is None:
            sys.exit("redis-server is not installed")
        var = Path(folder) / "var"
        with scaled_stack(var, server.create(), redis.url) as stack:
            print(f"edges: {' '.join(stack.urls)}\nlogs:  {var / 'log'}", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                stack.process.wait()


if __name__ == "__main__":
    main()
