"""`baoke doctor`: every check can fail, and says what helps."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from checkout_kit import make_checkout
from edge_kit import make_settings
from scaled import redis_server
from telegram_kit import TOKEN, error, telegram
from wechat_kit import settings_for as wechat_settings
from wechat_kit import wechat

from bot.settings import Settings
from channels import doctor
from channels.backstage import build_backstage
from channels.migrating import read_versions, upgrade_ledger
from channels.training import train

ROOT = Path(__file__).parents[2]


def settings_for(folder: Path, **more: object) -> Settings:
    database = f"sqlite:///{folder / 'baoke.db'}"
    values = {"root": ROOT, "var_dir": folder, "database_url": database, **more}
    return Settings(**values)  # type: ignore[arg-type]


def test_that_a_missing_and_a_broken_environment_are_told_apart(
    tmp_path: Path,
) -> None:
    places = make_checkout(tmp_path)
    folder = places.assistant / ".venv"
    packages = folder / "lib" / "python3.11" / "site-packages"
    (packages / "rasa").mkdir(parents=True)
    assert doctor.check_environment(folder, "rasa", "rasa").ok
    (folder / ".baoke-installing").touch()
    found = doctor.check_environment(folder, "rasa", "rasa")
    assert (found.ok, found.fix) == (False, "make setup")
    assert "broken off" in found.detail
    assert doctor.check_environment(tmp_path / "no", "x", "x").detail == "not there"


def test_that_the_model_must_be_there_and_fresh(tmp_path: Path) -> None:
    places = make_checkout(tmp_path)
    assert doctor.check_model(places).detail.startswith("there is no trained")
    train(places, {}, lambda _: None)
    assert doctor.check_model(places).ok
    (tmp_path / "data/nlu/greet.yml").write_text("nlu: [more]")
    assert "older than its data" in doctor.check_model(places).detail


def test_that_a_database_without_tables_wants_the_upgrade(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    found = doctor.check_database(settings)
    assert (found.ok, found.fix) == (False, "baoke db upgrade")
    assert not (tmp_path / "baoke.db").exists()  # looking makes nothing
    version = upgrade_ledger(settings)
    versions = read_versions(settings)
    assert versions.ledger == version == versions.newest_ledger
    assert versions.store is None
    assert not doctor.check_database(settings).ok  # the other history is missing


def test_that_a_database_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "baoke.db").write_text("this is no database at all, only words")
    found = doctor.check_database(settings_for(tmp_path))
    assert not found.ok
    assert "not a database" in found.detail
    wrong = doctor.check_database(settings_for(tmp_path, database_url="mysql://x/y"))
    assert "mysql is not supported" in wrong.detail


@pytest.mark.parametrize(
    ("code", "said", "ok", "detail"),
    [
        (0, {"version": "2026.1", "clauses": [{"ref": "第一条"}]}, True, "1 clauses"),
        (0, {"version": "2026.1", "clauses": []}, False, "none is in force"),
        (
            0,
            {"version": "1", "clauses": [{}], "blanks": [{"ref": "第三条(四)2"}]},
            False,
            "1 blanks not filled (第三条(四)2)",
        ),
        (1, None, False, "no such table"),
    ],
)
def test_that_the_agreement_must_be_in_force_without_blanks(
    code: int, said: object, ok: bool, detail: str
) -> None:
    output = json.dumps(said) if said is not None else ""
    found = doctor.check_agreement(lambda _: (code, output, "x\nno such table\n"))
    assert found.ok is ok
    assert detail in found.detail
    assert bool(found.fix) is not ok


def test_that_an_unknown_year_counts_now_and_not_yet_for_the_next(
    tmp_path: Path,
) -> None:
    settings = settings_for(tmp_path, clock="2031-06-01T00:00:00Z")
    this, following = doctor.check_calendar(doctor.Places(ROOT, tmp_path), settings)
    assert (this.name, this.ok, this.needed) == ("calendar 2031", False, True)
    assert (following.ok, following.needed) == (False, False)
    for found in (this, following):
        assert found.detail == "holidays and make-up workdays are not known"
        assert "data/calendar/cn.yml" in found.fix


def test_that_a_known_year_is_fine_and_a_missing_next_one_is_said(
    tmp_path: Path,
) -> None:
    settings = settings_for(tmp_path, clock="2026-12-01T00:00:00Z")
    data = tmp_path / "data" / "calendar"
    shutil.copytree(ROOT / "data" / "calendar", data)
    known = (data / "cn.yml").read_text(encoding="utf-8").partition("\n  2027:")[0]
    (data / "cn.yml").write_text(known, encoding="utf-8")
    this, following = doctor.check_calendar(doctor.Places(tmp_path, tmp_path), settings)
    assert (this.name, this.ok) == ("calendar 2026", True)
    assert (following.name, following.ok) == ("calendar 2027", False)
    (data / "hours.yml").unlink()
    (found,) = doctor.check_calendar(doctor.Places(tmp_path, tmp_path), settings)
    assert (found.ok, found.needed) == (False, True)


def test_that_the_start_says_that_the_year_is_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build_backstage(settings_for(tmp_path, clock="2031-06-01T00:00:00Z"), works=False)
    assert "calendar.year_missing year=2031" in caplog.text


def test_that_a_key_others_can_read_is_refused(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    assert doctor.check_secret(settings).ok
    key = tmp_path / "secret_key"
    key.write_text("k" * 40)
    key.chmod(0o600)
    assert doctor.check_secret(settings).ok
    key.chmod(0o644)
    found = doctor.check_secret(settings)
    assert (found.ok, found.fix) == (False, f"chmod 600 {key}")
    assert "kkkk" not in found.detail


def test_that_a_full_disk_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = doctor.Places(tmp_path, tmp_path / "var" / "deep")
    assert doctor.check_disk(places).ok
    monkeypatch.setattr(doctor, "MIN_FREE_BYTES", 2**62)
    assert not doctor.check_disk(places).ok


def test_that_platforms_are_off_or_complete(tmp_path: Path) -> None:
    wechat, telegram = doctor.check_platforms(make_settings(tmp_path))
    assert (wechat.ok, wechat.detail) == (True, "off (optional)")
    settings = make_settings(
        tmp_path, telegram_token="123:secret", wechat_appid="wx1", wechat_mode="plain"
    )
    wechat, telegram = doctor.check_platforms(settings)
    assert wechat.detail == "missing: BAOKE_WECHAT_APPSECRET, BAOKE_WECHAT_TOKEN"
    assert telegram.fix == "set BAOKE_TELEGRAM_SECRET"
    assert wechat.needed and not wechat.ok


async def _look(settings: Settings) -> list[doctor.Check]:
    return await asyncio.to_thread(lambda: list(doctor.check_platforms(settings)))


async def test_that_wechat_is_really_asked(tmp_path: Path) -> None:
    async with wechat() as fake:
        settings = make_settings(tmp_path, **wechat_settings(fake))
        check, _ = await _look(settings)
        assert (check.ok, check.detail) == (True, "mode safe, a token was given")
        for code, fix in ((40164, "whitelist"), (40125, "APPSECRET"), (1, "look")):
            fake.script["stable_token"] = [code]
            check, _ = await _look(settings)
            assert not check.ok
            assert f"errcode {code}" in check.detail
            assert fix in check.fix
        short = make_settings(tmp_path, **wechat_settings(fake, wechat_aes_key="x"))
        check, _ = await _look(short)
        assert "43 letters" in check.detail
    check, _ = await _look(settings)  # nobody there any more
    assert "cannot be reached" in check.detail
    assert "app-secret" not in check.detail


async def test_that_telegram_is_really_asked(tmp_path: Path) -> None:
    async with telegram() as fake:
        values = {"telegram_token": TOKEN, "telegram_api_base": fake.url}
        polling = make_settings(tmp_path, telegram_mode="polling", **values)
        _, check = await _look(polling)
        assert (check.ok, check.detail) == (True, "@baoke_bot, polling")
        webhook = make_settings(tmp_path, telegram_secret="s", **values)
        _, check = await _look(webhook)
        assert not check.ok and "no webhook" in check.detail
        info = {"url": "https://x/", "last_error_message": "403", "ok": 1}
        fake.script["getWebhookInfo"] = [(200, {"ok": True, "result": info})]
        _, check = await _look(webhook)
        assert not check.ok and "403" in check.detail
        fake.script["getMe"] = [error(401, "Unauthorized")]
        _, check = await _look(webhook)
        assert check.fix == "check BAOKE_TELEGRAM_TOKEN"


def test_that_nothing_running_is_no_fault(tmp_path: Path) -> None:
    places = doctor.Places(tmp_path, tmp_path)
    found = list(doctor.check_processes(places, settings_for(tmp_path)))
    assert [check.name for check in found] == ["rasa", "actions", "edge"]
    assert not any(check.ok or check.needed for check in found)


def test_that_what_many_processes_share_is_looked_at(tmp_path: Path) -> None:
    assert not list(doctor.check_sharing(settings_for(tmp_path)))
    alone = settings_for(tmp_path, redis_url="redis://127.0.0.1:1")
    (found,) = doctor.check_sharing(alone)
    assert "without PostgreSQL" in found.detail
    shared = {"database_url": "postgresql://nobody@/none", "secret_key": "x" * 40}
    gone = settings_for(tmp_path, redis_url="redis://127.0.0.1:1", **shared)
    (found,) = doctor.check_sharing(gone)
    assert (found.ok, found.fix) == (False, "check BAOKE_REDIS_URL")
    with redis_server() as redis:
        if redis is None:
            pytest.skip("redis-server is not installed")
        there = settings_for(tmp_path, redis_url=redis.url, **shared)
        assert [check.ok for check in doctor.check_sharing(there)] == [True]
        unshared = settings_for(
            tmp_path, redis_url=redis.url, database_url=shared["database_url"]
        )
        assert [check.ok for check in doctor.check_sharing(unshared)] == [True, False]


@pytest.mark.parametrize(
    ("code", "said", "ok", "detail"),
    [
        (
            0,
            {"version": "1", "missing_commitments": [], "missing_topics": []},
            True,
            "1",
        ),
        (
            0,
            {
                "version": "1",
                "missing_commitments": [
                    {"ref": "第三条(四)2", "why": "it promises no time"}
                ],
                "missing_topics": ["court"],
            },
            False,
            "第三条(四)2: it promises no time; no clause speaks of court",
        ),
        (0, [], False, "no answer"),
        (1, None, False, "no such table"),
    ],
)
def test_that_what_the_agreement_lacks_of_the_promises_is_said(
    code: int, said: object, ok: bool, detail: str
) -> None:
    output = json.dumps(said) if said is not None else ""
    found = doctor.check_promises(lambda _: (code, output, "x\nno such table\n"))
    assert found.ok is ok
    assert detail in found.detail
    assert ("baoke agreement use" in found.fix) is not ok
