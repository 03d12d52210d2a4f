"""One frozen settings object for the edge, read once from the environment.

``BAOKE_…`` variables win over ``.env`` in the project root. Durations are seconds.
"""

import shlex
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MEGABYTE = 1024 * 1024
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
    """What the edge process can be told from outside."""

    model_config = SettingsConfigDict(
        env_prefix="BAOKE_", extra="ignore", frozen=True, env_ignore_empty=True
    )

    root: Path = Field(default_factory=find_project_root)
    var_dir: Path = Path("var")  # relative to root
    # SQLite in var_dir unless given; a path in it is relative to root.
    database_url: str = Field(default_factory=_default_database)
    redis_url: str | None = None
    secret_key: SecretStr | None = None
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    public_url: str | None = None
    clock: datetime | None = None

    rasa_url: str = "http://127.0.0.1:5005"  # several: separated by commas
    actions_url: str = "http://127.0.0.1:5055"
    brain_timeout: timedelta = timedelta(seconds=30)  # one call
    brain_retry_budget: timedelta = timedelta(seconds=5)  # until the customer is told
    brain_recheck: timedelta = timedelta(seconds=15)  # then at least this often …
    brain_patience: timedelta = timedelta(hours=12)  # … for this long
    sweep_every: timedelta = timedelta(seconds=15)  # looking for forgotten work
    # Looking for news of customers' cases; those of the console are told at once.
    news_every: timedelta = Field(timedelta(seconds=2), ge=timedelta(seconds=0.05))

    wechat_token: SecretStr | None = None  # of the signatures; switches WeChat on
    wechat_mode: Literal["plain", "compat", "safe"] | None = None  # safe with a key
    wechat_appid: str | None = None
    wechat_appsecret: SecretStr | None = None
    wechat_aes_key: SecretStr | None = None  # EncodingAESKey
    wechat_aes_key_previous: SecretStr | None = None  # while it is being changed
    wechat_api_base: str = "https://api.weixin.qq.com"
    # A reply that is ready by then goes back on the open call; WeChat waits 5 s.
    wechat_passive_wait: timedelta = Field(
        timedelta(seconds=4), le=timedelta(seconds=4.5)
    )
    wechat_replay_window: timedelta = timedelta(minutes=10)  # 0: none
    wechat_buttons: Literal["menu", "text"] = "menu"
    wechat_agents: Literal["desk", "wechat"] = "desk"  # where agents sit
    wechat_forget: Literal["profile", "nothing"] = "profile"  # when somebody unfollows
    wechat_notice: Path | None = None  # file of the notice that an answer waits

    # An agent is asked this long to take a conversation, then somebody else is.
    desk_offer: timedelta = Field(timedelta(seconds=30), ge=timedelta(seconds=1))
    # Waiting customers of an agent without a heartbeat for so long are queued again.
    desk_gone: timedelta = Field(timedelta(minutes=3), ge=timedelta(seconds=1))
    agent_password: SecretStr | None = None  # first one of the demo's agents

    desk_webhook_url: str | None = None  # another desk hears there what happens
    desk_webhook_secret: SecretStr | None = None  # signs both directions
    chatwoot_url: str | None = None  # switches the bridge on
    chatwoot_inbox: str | None = None  # identifier of an API inbox
    chatwoot_account: int | None = None
    chatwoot_token: SecretStr | None = None  # api_access_token of an agent
    chatwoot_secret: SecretStr | None = None  # last part of the webhook's path
    chatwoot_signing_secret: SecretStr | None = None  # of the inbox, from 4.13 on

    telegram_token: SecretStr | None = None  # of the bot; switches Telegram on
    telegram_secret: SecretStr | None = None  # Telegram shows it with every update
    telegram_mode: Literal["webhook", "polling"] = "webhook"
    telegram_api_base: str = "https://api.telegram.org"

    max_text_chars: int = 2000
    max_attachment_bytes: int = 10 * MEGABYTE
    files_url: str | None = None  # customers' files; <var>/attachments without it
    scan_command: str | None = None  # looks for viruses, see channels/file_scan.py
    max_body_bytes: int = 64 * 1024  # every route but attachments; a socket frame
    offered_window: int = 50  # messages back in which a button may be pressed
    burst_window: timedelta = timedelta(seconds=2)  # between two merged texts
    # Words that make no sense alone wait this long for the next ones; 0: never.
    burst_wait: timedelta = timedelta(seconds=1.5)
    queue_hint_every: timedelta = timedelta(minutes=10)

    turn_concurrency: int = Field(8, ge=1)
    max_waiting: int = Field(500, ge=1)  # conversations waiting for their turn
    worker_metrics_port: int | None = None  # figures for Prometheus, of a worker
    session_ttl: timedelta = timedelta(days=30)
    widget_origins: Annotated[tuple[str, ...], NoDecode] = ()

    visitor_rate: float = 2.0  # messages a second, after the burst
    visitor_burst: int = 60
    address_rate: float = 50.0
    address_burst: int = 1000
    attachment_rate: float = 0.2
    attachment_burst: int = 10

    @field_validator("var_dir")
    @classmethod
    def _check_var_dir(cls, value: Path, info: ValidationInfo) -> Path:
        root = info.data.get("root")
        return value if root is None else check_var_dir(root, value)

    @field_validator("widget_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        if isinstance(value, str):
            found = (origin.strip().rstrip("/") for origin in value.split(","))
            return tuple(origin for origin in found if origin)
        return value

    @field_validator("scan_command")
    @classmethod
    def _check_command(cls, value: str | None) -> str | None:
        """Quotes that are not closed are told at the start, not at the first file."""
        return value if value and shlex.split(value) else None

    @property
    def rasa_urls(self) -> tuple[str, ...]:
        """Addresses of the Rasa servers; any of them answers any question."""
        found = (url.strip().rstrip("/") for url in self.rasa_url.split(","))
        return tuple(url for url in found if url)

    @property
    def actions_urls(self) -> tuple[str, ...]:
        """Addresses of the action servers."""
        found = (url.strip().rstrip("/") for url in self.actions_url.split(","))
        return tuple(url for url in found if url)

    @property
    def var(self) -> Path:
        """Folder for everything that is kept and is not in the repository."""
        return self.root / self.var_dir

    @property
    def attachments_dir(self) -> Path:
        """Folder of customers' files; outside every web root."""
        return self.var / "attachments"


def read_settings(**overrides: Any) -> Settings:
    """Read the environment and ``.env``; ``overrides`` win over both.

    Raises:
        pydantic.ValidationError: A value cannot be used.
    """
    root = Path(overrides.get("root") or find_project_root())
    build: Callable[..., Settings] = Settings
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


def describe(settings: Settings) -> Mapping[str, Any]:
    """Return the settings for a log line; secrets stay masked."""
    return settings.model_dump(mode="json")
