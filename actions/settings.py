"""One frozen settings object for the action server, read once from the environment.

``BAOKE_…`` variables win over ``.env`` in the project root. Durations are seconds or
ISO 8601 periods.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_CHECKOUT = Path(__file__).resolve().parent.parent


def find_project_root(start: Path | None = None) -> Path:
    """Return the nearest folder at or above ``start`` with a pyproject.toml.

    Without one, the checkout of this code: a command does not leave another database
    in whatever folder it was called from.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "pyproject.toml").is_file():
            return folder
    return _CHECKOUT


def check_var_dir(root: Path, folder: Path) -> Path:
    """Return where ``BAOKE_VAR_DIR`` lies; ``~`` is a home, the rest is below ``root``.

    Raises:
        ValueError: There can be no folder, or no database in it.
    """
    try:
        folder = folder.expanduser()
    except RuntimeError as err:
        raise ValueError(f"{folder}: there is no such home") from err
    place = root / folder
    if not str(folder).strip() or "?" in str(place) or not str(place).isprintable():
        raise ValueError(
            f"{str(place)!r} cannot hold a database: blank, a question mark "
            "or a character that cannot be printed"
        )
    try:
        if place.is_symlink() and not place.exists():
            raise ValueError(f"{place} is a link to something that is not there")
        there = next(path for path in (place, *place.parents) if path.exists())
    except OSError as err:
        raise ValueError(f"{place}: {err.strerror}") from err
    if not there.is_dir():
        raise ValueError(f"{there} is a file, not a folder")
    return folder


def _default_database(values: dict[str, Any]) -> str:
    """Return the database of an instance that was told nothing about it."""
    return f"sqlite:///{values['var_dir'] / 'baoke.db'}"


class Settings(BaseSettings):
    """What the action server can be told from outside."""

    model_config = SettingsConfigDict(
        env_prefix="BAOKE_", extra="ignore", frozen=True, env_ignore_empty=True
    )

    root: Path = Field(default_factory=find_project_root)
    data_dir: Path = Path("data")  # relative to root
    var_dir: Path = Path("var")  # relative to root
    # SQLite in var_dir unless given; a path in it is relative to root.
    database_url: str = Field(default_factory=_default_database)
    clock: datetime | None = None
    # Yuan; all payments of a claim together above it need a second person.
    claim_second_above: Decimal = Field(Decimal(10_000), ge=0, le=10**12)
    policy_store_url: str | None = None  # core system instead of our own tables
    policy_store_token: SecretStr | None = None  # sent to it as a bearer token

    identity_attempts: int = Field(3, ge=1)  # failures that lock a conversation
    identity_lock: timedelta = timedelta(minutes=30)
    # Failures after which strangers wait, see policystore/guessing.py.
    policy_attempts: int = Field(10, ge=1)  # with one policy number
    origin_attempts: int = Field(15, ge=1)  # from one network, with any
    policy_window: timedelta = timedelta(hours=1)  # of quiet forgets them
    guess_pause: timedelta = timedelta(minutes=1)  # the first one; then doubled …
    guess_pause_most: timedelta = timedelta(minutes=15)  # … up to this
    binding_ttl: timedelta = timedelta(days=30)  # WeChat, Telegram
    web_binding_ttl: timedelta = timedelta(hours=24)  # sender ids of channel "web"
    # A wish that changes or hands out something asks again when the check is older.
    step_up_after: timedelta = Field(timedelta(minutes=30), ge=timedelta(minutes=1))
    attempts_kept: timedelta = timedelta(days=365)  # identity checks, for the auditor

    sms_url: str | None = Field(None, pattern=r"^https?://\S+$")  # None: no codes
    sms_token: SecretStr | None = None  # sent to it as a bearer token
    code_ttl: timedelta = Field(timedelta(minutes=5), ge=timedelta(minutes=1))
    code_attempts: int = Field(3, ge=1)  # wrong entries that spend a code
    code_pause: timedelta = timedelta(minutes=1)  # between codes of a conversation
    code_daily: int = Field(5, ge=1)  # codes a customer is sent in 24 hours

    @field_validator("var_dir")
    @classmethod
    def _check_var_dir(cls, value: Path, info: ValidationInfo) -> Path:
        root = info.data.get("root")
        return value if root is None else check_var_dir(root, value)

    @property
    def data(self) -> Path:
        """Folder of agreement, calendar and demo data.

        Below the project root; that of the code's own checkout when there is none.
        """
        folder = self.root / self.data_dir
        return folder if folder.is_dir() else _CHECKOUT / "data"

    @property
    def var(self) -> Path:
        """Folder for everything that is kept and is not in the repository."""
        return self.root / self.var_dir

    @property
    def calendar_dir(self) -> Path:
        """Folder of ``cn.yml`` and ``hours.yml`` (worktime.calendar)."""
        return self.data / "calendar"


def read_settings(**overrides: Any) -> Settings:
    """Read the environment and ``.env``; ``overrides`` win over both.

    Raises:
        pydantic.ValidationError: A value cannot be used.
    """
    root = Path(overrides.get("root") or find_project_root())
    build: Callable[..., Settings] = Settings  # mypy does not know ``_env_file``
    return build(_env_file=root / ".env", **{"root": root, **overrides})


def problems_of(error: ValidationError) -> str:
    """Say in one line which settings cannot be used and why, without their values."""
    return "; ".join(
        f"BAOKE_{'_'.join(map(str, each['loc'])).upper()}: "
        f"{each['msg'].removeprefix('Value error, ')}"
        for each in error.errors()
        if each["type"]
        != "default_factory_not_called"  # what it needs has its own line
    )
