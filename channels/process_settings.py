"""What the starter of processes reads from, and writes into, the environment.

The edge's own settings are in bot/settings.py; these concern how processes are started.
"""

import os
from collections.abc import Callable
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url

from bot.ledger.database import is_postgresql
from bot.settings import Settings
from channels.places import Places

# Of the caller's own Python; they would mislead another environment's.
_FOREIGN = ("PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")


class ProcessSettings(BaseSettings):
    """How the three processes are started."""

    model_config = SettingsConfigDict(
        env_prefix="BAOKE_", extra="ignore", frozen=True, env_ignore_empty=True
    )

    demo: bool = True  # put the demo data into a new database
    encoder_threads: int = Field(default_factory=lambda: min(2, os.cpu_count() or 1))
    start_seconds: float = 180.0  # for all of them to become ready
    restart_tries: int = Field(4, ge=1)  # deaths in a row after which `up` gives up
    # More than one of each needs PostgreSQL and Redis (BAOKE_REDIS_URL).
    edges: int = Field(1, ge=1, le=64)
    workers: int = Field(1, ge=1, le=64)  # none are started without BAOKE_REDIS_URL
    rasas: int = Field(1, ge=1, le=64)
    action_servers: int = Field(1, ge=1, le=64)


def read_process_settings(root: Path) -> ProcessSettings:
    """Read the environment and ``.env``.

    Raises:
        pydantic.ValidationError: A value cannot be used.
    """
    build: Callable[..., ProcessSettings] = ProcessSettings
    return build(_env_file=root / ".env")


def inherited() -> dict[str, str]:
    """Return this process's environment without what belongs to its own Python."""
    return {key: text for key, text in os.environ.items() if key not in _FOREIGN}


def root_environment(places: Places) -> dict[str, str]:
    """Return the variables of a process of the root environment."""
    return {
        **inherited(),
        "BAOKE_VAR_DIR": str(places.var.resolve()),
        "PYTHONPATH": str(places.root),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }


def rasa_environment(
    places: Places, encoder_threads: int, settings: Settings | None = None
) -> dict[str, str]:
    """Return the variables of a process of the Rasa environment.

    Args:
        places: The checkout.
        encoder_threads: Of the sentence encoder.
        settings: Of a Rasa that serves: with PostgreSQL and Redis it shares dialogue
            state and locks with others. None for training and reading.
    """
    env = {
        **inherited(),
        "BAOKE_VAR_DIR": str(places.var.resolve()),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "PYTHONWARNINGS": "ignore",
        "RASA_TELEMETRY_ENABLED": "false",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    # Named in endpoints.yml, so they must exist for every Rasa command.
    env.setdefault("BAOKE_ACTIONS_URL", "http://127.0.0.1:5055")
    if settings and settings.redis_url:
        env["BAOKE_REDIS_URL"] = settings.redis_url
    env["BAOKE_RASA_TRACKER_URL"] = tracker_url(places, settings)
    return {**env, **encoder_environment(encoder_threads, env)}


def tracker_url(places: Places, settings: Settings | None) -> str:
    """Return where Rasa keeps its dialogue state."""
    if given := os.environ.get("BAOKE_RASA_TRACKER_URL"):
        return given
    if settings and is_postgresql(settings.database_url):
        url = make_url(settings.database_url).set(drivername="postgresql+psycopg2")
        return url.render_as_string(hide_password=False)
    return f"sqlite:///{places.var.resolve() / 'rasa.db'}"


def encoder_environment(threads: int, env: dict[str, str]) -> dict[str, str]:
    """Return the variables of the sentence encoder; those in ``env`` win.

    Idle threads sleep: spinning ones take the cores from the other processes.
    """
    wanted = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    return {key: env.get(key, value) for key, value in wanted.items()}
