"""A throw-away PostgreSQL for tests: own cluster, unix socket only, gone at the end.

Use: ask for the fixture `postgres_url` (a new empty database each time) or
`postgres_server`; both skip when no server binaries are installed. `conftest.py` beside
this file makes them known.
"""

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

USER = "postgres"


@dataclass(frozen=True)
class PostgresServer:
    """A running cluster."""

    folder: Path
    _names: itertools.count = field(default_factory=itertools.count)

    def start(self):
        options = (
            f"-k {self.folder} -c listen_addresses='' -c fsync=off "
            "-c full_page_writes=off -c max_connections=150"
        )
        run(binaries() / "pg_ctl", "-D", self.folder / "data", "-w",
            "-l", self.folder / "log", "-o", options, "start")  # fmt: skip

    def stop(self):
        run(binaries() / "pg_ctl", "-D", self.folder / "data", "-w", "-m", "immediate",
            "stop")  # fmt: skip

    def url(self, database):
        """Plain URL as in ``BAOKE_DATABASE_URL``."""
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    def create(self, template="template0"):
        """Make a database, optionally a copy of another; returns its URL."""
        name = f"test_{next(self._names)}"
        dsn = f"host={self.folder} user={USER} dbname=postgres"
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)


def binaries():
    """Folder of the newest installed server, None without one."""
    found = [p for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    found += [Path(p) for p in [shutil.which("initdb")] if p]
    ordered = sorted(found, key=lambda p: (len(p.parts[-3]), p.parts[-3]))
    return ordered[-1].parent if ordered else None


def as_user(*command):
    """The command as a user that PostgreSQL accepts: it refuses root."""
    if os.geteuid() == 0:
        return ["runuser", "-u", USER, "--", *map(str, command)]
    return [str(part) for part in command]


def may_run():
    if os.geteuid() != 0:
        return True
    try:
        pwd.getpwnam(USER)
    except KeyError:
        return False
    return shutil.which("runuser") is not None


@pytest.fixture(scope="session")
def postgres_server():
    if binaries() is None or not may_run():
        pytest.skip("no PostgreSQL server installed, or no user to run it as")
    with cluster() as server:
        yield server


@contextlib.contextmanager
def cluster():
    """Run a cluster of its own; gone at the end."""
    # Not below pytest's own folder: only root may enter that one. A short path: a
    # socket's must not be longer than 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="baoke-pg-", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(folder, USER)
    server = PostgresServer(folder)
    try:
        run(binaries() / "initdb", "-D", folder / "data", "-U", USER, "-A", "trust",
            "-E", "UTF8", "--locale=C", "-N")  # fmt: skip
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(*command):
    done = subprocess.run(
        as_user(*command),
        cwd="/tmp",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # the server keeps it open: a pipe would never end
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
        check=False,
    )
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}"


@pytest.fixture
def postgres_url(postgres_server):
    return postgres_server.create()
