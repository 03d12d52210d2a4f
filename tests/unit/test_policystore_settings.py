"""Settings and clock of the action server."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from actions.clock import SystemClock
from actions.database import sync_url
from actions.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]


def test_that_the_default_database_is_below_the_root(tmp_path, monkeypatch):
    monkeypatch.delenv("BAOKE_DATABASE_URL", raising=False)
    settings = read_settings(root=tmp_path)

    url = sync_url(settings.database_url, settings.root)

    assert url.database == str(tmp_path / "var/baoke.db")


def test_that_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text(
        "BAOKE_DATABASE_URL=sqlite:///a.db\nBAOKE_IDENTITY_ATTEMPTS=5\n"
    )
    monkeypatch.setenv("BAOKE_DATABASE_URL", "sqlite:////tmp/b.db")

    settings = read_settings(root=tmp_path)

    assert sync_url(settings.database_url, settings.root).database == "/tmp/b.db"
    assert settings.identity_attempts == 5


def test_that_the_root_is_found_from_below(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "a/b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a/b")

    assert read_settings().root == tmp_path


def test_that_data_falls_back_to_the_checkout(tmp_path):
    assert read_settings(root=tmp_path).data == ROOT / "data"
    (tmp_path / "data").mkdir()
    assert read_settings(root=tmp_path).calendar_dir == tmp_path / "data/calendar"


def test_that_settings_cannot_be_changed_or_senseless(tmp_path):
    settings = read_settings(root=tmp_path)

    with pytest.raises(ValidationError):
        settings.identity_attempts = 4
    with pytest.raises(ValidationError):
        read_settings(root=tmp_path, identity_attempts=0)


@pytest.mark.parametrize(
    ("plain", "driver"),
    [("postgresql://a@/b", "postgresql+psycopg"), ("sqlite:///x.db", "sqlite")],
)
def test_that_the_driver_is_ours_to_choose(tmp_path, plain, driver):
    assert sync_url(plain, tmp_path).drivername == driver


def test_that_another_database_is_refused(tmp_path):
    with pytest.raises(ValueError, match="mysql"):
        sync_url("mysql://a@b/c", tmp_path)


@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 9, 30, 9, tzinfo=UTC),
        datetime.fromisoformat("2026-09-30T17:00:00+08:00"),
        datetime(2026, 9, 30, 9),  # noqa: DTZ001 - without a zone it is UTC
    ],
)
def test_that_a_moved_clock_starts_there_and_runs_on(start):
    clock = SystemClock(start)

    first, second = clock.now(), clock.now()

    began = datetime(2026, 9, 30, 9, tzinfo=UTC)
    assert began <= first <= second < began + timedelta(hours=1)
    assert first.utcoffset() == timedelta(0)
