"""The running instance: one per ``var`` and per SQLite file, and how others find it.

In: a lock and a note under ``var``. Out: addresses, process ids and the secret of
Rasa's HTTP interface, for this user only.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from bot.errors import BaokeError
from channels.places import Places


class AlreadyRunning(BaokeError):
    """Another supervisor serves from the same ``var``."""


@dataclass(frozen=True)
class Instance:
    """What is written down about a running instance.

    Attributes:
        pid: Of the supervisor.
        url: Of the (first) edge.
        rasa_url: Of the (first) Rasa server.
        actions_url: Of the (first) action server.
        rasa_token: Opens Rasa's own HTTP interface.
        urls: Of all edges.
        rasa_urls: Of all Rasa servers.
        actions_urls: Of all action servers.
    """

    pid: int
    url: str
    rasa_url: str
    actions_url: str
    rasa_token: str
    urls: tuple[str, ...] = ()
    rasa_urls: tuple[str, ...] = ()
    actions_urls: tuple[str, ...] = ()


def write_instance(places: Places, instance: Instance) -> None:
    """Replace the note; only this user can read it."""
    draft = places.instance.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(instance), file, indent=1)
    draft.replace(places.instance)


def read_instance(places: Places) -> Instance | None:
    """Return the note, also of an instance that is gone; None when there is none."""
    try:
        fields: dict[str, Any] = json.loads(places.instance.read_text())
        for name, value in fields.items():
            fields[name] = tuple(value) if isinstance(value, list) else value
        return Instance(**fields)
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def running_instance(places: Places) -> Instance | None:
    """Return the instance that runs now, None when none does."""
    if not places.lock.exists():
        return None
    with places.lock.open("r") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return read_instance(places)
    return None


@contextmanager
def only_one(places: Places) -> Iterator[None]:
    """Hold the lock of ``var`` while serving.

    Raises:
        AlreadyRunning: Somebody holds it.
        BaokeError: ``var`` cannot be written.
    """
    make_var(places)
    with places.lock.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise AlreadyRunning(_who(places)) from err
        yield


def make_var(places: Places) -> None:
    """Make the folder of what is kept, so that something can be kept in it.

    Raises:
        BaokeError: It cannot be made or written.
    """
    try:
        places.var.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=places.var):
            pass
    except OSError as err:
        why = err.strerror or type(err).__name__
        raise BaokeError(f"BAOKE_VAR_DIR: {places.var} cannot be used: {why}") from err


@contextmanager
def only_user(root: Path, *urls: str) -> Iterator[None]:
    """Be the only instance on these databases while serving.

    A SQLite file has one instance; commands beside it are no instance, and PostgreSQL
    may have many. A process that ends in any way lets go.

    Args:
        root: SQLite's paths are relative to it.
        urls: Of databases.

    Raises:
        AlreadyRunning: Another instance uses one of them.
        ValueError: An address cannot be read.
    """
    files = {file for url in urls if (file := _sqlite_file(root, url))}
    with ExitStack() as held:
        for file in sorted(files):
            lock = file.with_name(f"{file.name}.lock")
            lock.parent.mkdir(parents=True, exist_ok=True)
            handle = held.enter_context(lock.open("a+"))
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as err:
                handle.seek(0)
                raise AlreadyRunning(
                    f"the database {file} is used by another instance "
                    f"({handle.read(100).strip() or 'starting'}); stop that one, or give "
                    "this one a BAOKE_VAR_DIR or a BAOKE_DATABASE_URL of its own"
                ) from err
            handle.truncate(0)
            handle.write(f"process {os.getpid()}")
            handle.flush()
        yield


def _sqlite_file(root: Path, url: str) -> Path | None:
    """Return the real file: one database may have several names."""
    try:
        parts = make_url(url)
    except ArgumentError as err:
        raise ValueError("BAOKE_DATABASE_URL cannot be read as a URL") from err
    inside = parts.get_backend_name() == "sqlite" and parts.database
    if not inside or inside == ":memory:":
        return None
    return (root / inside).resolve()


def _who(places: Places) -> str:
    other = read_instance(places)
    where = f" (process {other.pid}, {other.url})" if other else ""
    return f"baoke is already running from {places.var}{where}; stop it first"
