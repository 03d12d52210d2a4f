"""What ``baoke doctor`` looks at: one function per thing that can be wrong.

In: the checkout and its settings. Out: checks with what was found and what helps. Nothing
is changed, and no secret is printed.
"""

import json
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
from redis import Redis
from redis.exceptions import RedisError

from bot.clock import SystemClock
from bot.errors import StoreError
from bot.ledger.database import is_postgresql
from bot.settings import Settings
from channels.doctor_platforms import examine_platforms
from channels.instance import running_instance
from channels.migrating import read_versions
from channels.places import Places
from channels.training import NoModel, is_fresh, read_model
from worktime.calendar import CalendarError, WorkCalendar

MIN_FREE_BYTES = 500 * 1024 * 1024
_SECONDS = 3.0

# Runs a command of the action server: exit code, output, errors.
AskActions = Callable[[list[str]], tuple[int, str, str]]


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes:
        name: What.
        ok: Whether it is as it should be.
        detail: What was found.
        fix: What to do, empty when it is fine.
        needed: Whether baoke cannot serve without it.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""
    needed: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return it as ``baoke doctor --json`` prints it."""
        return asdict(self)


def examine(
    places: Places, settings: Settings, ask_actions: AskActions
) -> Iterator[Check]:
    """Yield every check, the most basic first."""
    yield check_python()
    yield check_environment(places.root / ".venv", "environment", "baoke.pth")
    yield check_environment(places.assistant / ".venv", "rasa environment", "rasa")
    yield check_model(places)
    yield check_database(settings)
    yield from check_core_system(ask_actions)
    yield check_agreement(ask_actions)
    yield check_promises(ask_actions)
    yield from check_calendar(places, settings)
    yield check_disk(places)
    yield check_secret(settings)
    yield from check_sharing(settings)
    yield from check_processes(places, settings)
    yield from check_platforms(settings)


def check_python() -> Check:
    """This interpreter."""
    found = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info[:2] >= (3, 11)
    return Check("python", ok, found, "" if ok else "install Python 3.11")


def check_environment(folder: Path, name: str, sign: str) -> Check:
    """An environment: there, and not left half installed."""
    packages = folder / "lib" / "python3.11" / "site-packages"
    problem = ""
    if not (folder / "bin" / "python").exists():
        problem = "not there"
    elif (folder / ".baoke-installing").exists():
        problem = "an installation was broken off"
    elif not (packages / sign).exists():
        problem = f"{sign} is missing in it"
    detail = problem or str(folder)
    return Check(name, not problem, detail, "make setup" if problem else "")


def check_model(places: Places) -> Check:
    """The model: there and up to date."""
    try:
        model = read_model(places)
    except NoModel as err:
        return Check("model", False, str(err), "baoke train")
    if not is_fresh(places, model):
        detail = f"{model.file} is older than its data"
        return Check("model", False, detail, "baoke train, then start baoke again")
    return Check("model", True, f"{model.file}, trained {model.trained_at}")


def check_database(settings: Settings) -> Check:
    """The tables: the newest version of both histories."""
    try:
        versions = read_versions(settings)
    except (StoreError, ValueError) as err:
        return Check("database", False, str(err), "check BAOKE_DATABASE_URL")
    detail = f"ledger {versions.ledger}, store {versions.store}"
    if versions.is_current:
        return Check("database", True, detail)
    newest = f"ledger {versions.newest_ledger}, store {versions.newest_store}"
    return Check("database", False, f"{detail}; newest {newest}", "baoke db upgrade")


def check_core_system(ask_actions: AskActions) -> Iterator[Check]:
    """The insurer's core system, where policies and claims live there."""
    code, said, errors = ask_actions(["core"])
    if code:
        lines = errors.strip().splitlines() or ["it does not answer"]
        fix = "check BAOKE_POLICY_STORE_URL and _TOKEN, see docs/core-system.md"
        yield Check("core system", False, lines[-1], fix)
    elif said.strip():
        yield Check("core system", True, said.strip())


def check_agreement(ask_actions: AskActions) -> Check:
    """The agreement: one in force, no blank left to fill."""
    fix = "baoke agreement import FILE"
    code, said, errors = ask_actions(["agreement", "show"])
    if code:
        lines = errors.strip().splitlines() or ["it cannot be read"]
        return Check("agreement", False, lines[-1], fix)
    try:
        found = json.loads(said)
    except ValueError:
        return Check("agreement", False, "the action server gave no answer", fix)
    shown = found if isinstance(found, dict) else {"clauses": found}
    clauses = shown.get("clauses") or []
    if not clauses:
        return Check("agreement", False, "none is in force", fix)
    detail = f"version {shown.get('version', '?')}, {len(clauses)} clauses"
    if blanks := shown.get("blanks") or []:
        where = ", ".join(sorted({str(blank.get("ref")) for blank in blanks})[:5])
        return Check(
            "agreement",
            False,
            f"{detail}, {len(blanks)} blanks not filled ({where})",
            "fill them in data/agreement/settings.yml and import again",
        )
    return Check("agreement", True, detail)


def check_promises(ask_actions: AskActions) -> Check:
    """The agreement in force: whether it has what the bot promises and answers by."""
    name = "promises"
    fix = "baoke agreement list, then baoke agreement use VERSION, or import another"
    code, said, errors = ask_actions(["agreement", "check"])
    if code:
        lines = errors.strip().splitlines() or ["it cannot be read"]
        return Check(name, False, lines[-1], fix)
    try:
        found = json.loads(said)
        missing = [
            f"{one['ref']}: {one['why']}" for one in found["missing_commitments"]
        ]
        topics = [str(key) for key in found["missing_topics"]]
    except (ValueError, KeyError, TypeError):
        return Check(name, False, "the action server gave no answer", fix)
    if topics:
        missing.append(f"no clause speaks of {', '.join(topics)}")
    detail = f"version {found.get('version', '?')}"
    if missing:
        return Check(name, False, f"{detail}: {'; '.join(missing)}", fix)
    return Check(name, True, f"{detail} has all that is promised by")


def check_calendar(places: Places, settings: Settings) -> Iterator[Check]:
    """The working calendar: this year needed, the next one soon."""
    year = SystemClock(settings.clock).now().year
    try:
        calendar = WorkCalendar.load(places.root / "data" / "calendar")
    except CalendarError as err:
        yield Check("calendar", False, str(err), "restore data/calendar/*.yml")
        return
    for wanted in (year, year + 1):
        ok = calendar.covers(wanted)
        yield Check(
            f"calendar {wanted}",
            ok,
            "known" if ok else "holidays and make-up workdays are not known",
            "" if ok else "add the year to data/calendar/cn.yml once it is announced",
            needed=wanted == year,
        )


def check_disk(places: Places) -> Check:
    """Room for database, models and logs."""
    there = next(p for p in (places.var, *places.var.parents) if p.exists())
    free = shutil.disk_usage(there).free
    ok = free >= MIN_FREE_BYTES
    fix = "" if ok else f"free at least {MIN_FREE_BYTES // 1024**2} MB"
    return Check("disk", ok, f"{free // 1024**2} MB free at {there}", fix)


def check_secret(settings: Settings) -> Check:
    """The signing key: nobody else may read it."""
    if settings.secret_key is not None:
        return Check("secret key", True, "from BAOKE_SECRET_KEY")
    path = settings.var / "secret_key"
    if not path.exists():
        return Check("secret key", True, "will be made on the first run")
    mode = stat.S_IMODE(path.stat().st_mode)
    ok = not mode & 0o077
    fix = "" if ok else f"chmod 600 {path}"
    return Check("secret key", ok, f"{path}, mode {mode:o}", fix)


def check_sharing(settings: Settings) -> Iterator[Check]:
    """What many processes share; nothing to look at on one machine."""
    if not settings.redis_url:
        return
    if not is_postgresql(settings.database_url):
        fix = "set BAOKE_DATABASE_URL to a PostgreSQL database, or leave Redis out"
        yield Check("redis", False, "BAOKE_REDIS_URL without PostgreSQL", fix)
        return
    try:
        with Redis.from_url(settings.redis_url, socket_timeout=_SECONDS) as redis:
            redis.ping()
        yield Check("redis", True, "answers")
    except (RedisError, OSError, ValueError) as err:
        yield Check("redis", False, type(err).__name__, "check BAOKE_REDIS_URL")
    if settings.secret_key is None:
        fix = "set BAOKE_SECRET_KEY, the same for all processes"
        yield Check("shared secret", False, "every machine makes its own", fix)


def check_processes(places: Places, settings: Settings) -> Iterator[Check]:
    """The running instance; not needed when none was started."""
    instance = running_instance(places)
    if instance is None:
        for name in ("rasa", "actions", "edge"):
            yield Check(name, False, "not running", "make run", needed=False)
        return
    for name, url in (
        ("rasa", f"{instance.rasa_url}/webhooks/baoke/"),
        ("actions", f"{instance.actions_url}/health"),
        ("edge", f"{instance.url}/readyz"),
    ):
        problem = _reach(url)
        fix = f"look into {places.logs / f'{name}.log'}" if problem else ""
        yield Check(name, not problem, problem or url, fix)


def _reach(url: str) -> str:
    try:
        status = httpx.get(url, timeout=_SECONDS, trust_env=False).status_code
    except httpx.HTTPError as err:
        return f"{url}: {type(err).__name__}"
    return "" if status == httpx.codes.OK else f"{url}: HTTP {status}"


def check_platforms(settings: Settings) -> Iterator[Check]:
    """WeChat and Telegram: off, or complete and reachable."""
    for found in examine_platforms(settings):
        yield Check(found.name, found.ok, found.detail, found.fix, needed=not found.ok)
