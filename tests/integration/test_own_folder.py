"""Everything that is kept lies in BAOKE_VAR_DIR, whoever keeps it and however it is named."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import actions.settings
import bot.settings
from actions.agreement.words import Words
from actions.database import sync_url
from channels.commands.agents import PASSWORD_FILE
from channels.places import Places
from channels.ports import Claim, PortTaken, PortUnusable, claim
from channels.process_settings import (
    rasa_environment,
    root_environment,
    tracker_url,
)
from channels.tokens import open_secret

ROOT = Path(__file__).parents[2]
BOTH = (bot.settings.read_settings, actions.settings.read_settings)


@pytest.fixture(autouse=True)
def _nothing_asked_for(monkeypatch, tmp_path):
    for name in ("BAOKE_VAR_DIR", "BAOKE_DATABASE_URL", "BAOKE_RASA_TRACKER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def run(*words, cwd=ROOT, **settings):
    """Run a program of ours; returns exit code and all it said."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("BAOKE_")}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={**clean, "PYTHONPATH": str(ROOT), **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("read", BOTH)
@pytest.mark.parametrize(
    "name", ["{tmp}/x", "below", "~/x", "{tmp}/a b/保客", "{tmp}/l"]
)
def test_that_the_database_moves_with_the_folder(tmp_path, monkeypatch, read, name):
    (tmp_path / "real").mkdir()
    (tmp_path / "l").symlink_to(tmp_path / "real")
    monkeypatch.setenv("BAOKE_VAR_DIR", name.format(tmp=tmp_path))
    settings = read(root=tmp_path)
    places = {"below": tmp_path / "below", "~/x": tmp_path / "home" / "x"}
    expected = places.get(name, Path(name.format(tmp=tmp_path)))
    assert settings.var == expected
    url = sync_url(settings.database_url, settings.root)
    assert url.database == str(expected / "baoke.db")


@pytest.mark.parametrize("read", BOTH)
def test_that_a_database_asked_for_wins_over_the_folder(tmp_path, monkeypatch, read):
    monkeypatch.setenv("BAOKE_VAR_DIR", str(tmp_path / "x"))
    (tmp_path / ".env").write_text("BAOKE_DATABASE_URL=sqlite:///own.db\n")
    settings = read(root=tmp_path)
    url = sync_url(settings.database_url, settings.root)
    assert url.database == str(tmp_path / "own.db")
    assert settings.var == tmp_path / "x"


@pytest.mark.parametrize("read", BOTH)
def test_that_without_the_setting_all_stays_where_it_was(tmp_path, read):
    settings = read(root=tmp_path)
    assert settings.database_url == "sqlite:///var/baoke.db"
    assert settings.var == tmp_path / "var"


def test_that_key_files_and_rasas_state_lie_in_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("BAOKE_VAR_DIR", str(tmp_path / "x"))
    settings = bot.settings.read_settings(root=tmp_path)
    places = Places(tmp_path, settings.var)
    open_secret(settings)
    assert (tmp_path / "x" / "secret_key").is_file()
    assert settings.attachments_dir == tmp_path / "x" / "attachments"
    assert tracker_url(places, settings) == f"sqlite:///{tmp_path}/x/rasa.db"
    for each in (places.models, places.logs, places.lock, places.instance):
        assert each.is_relative_to(tmp_path / "x")


def test_that_every_child_is_told_the_folder_as_a_full_path(tmp_path, monkeypatch):
    monkeypatch.setenv("BAOKE_VAR_DIR", "below")
    settings = bot.settings.read_settings(root=tmp_path)
    places = Places(tmp_path, settings.var)
    full = str(tmp_path / "below")
    assert root_environment(places)["BAOKE_VAR_DIR"] == full
    assert rasa_environment(places, 1, settings)["BAOKE_VAR_DIR"] == full


def test_that_commands_keep_database_key_and_password_in_the_folder(tmp_path):
    folder = tmp_path / "my data"
    words = ("-m", "channels.cli", "prepare", "--skip-train")
    code, said = run(*words, BAOKE_VAR_DIR=str(folder))
    assert code == 0, said
    assert (folder / "baoke.db").is_file()
    assert (folder / PASSWORD_FILE).is_file()
    # The action server's own commands, from a folder that is no checkout.
    code, said = run(
        "-m", "actions", "complaints", "verify", cwd=tmp_path, BAOKE_VAR_DIR=str(folder)
    )
    assert code == 0, said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my data"]


PROGRAMS = [
    ("-m", "channels.cli", "up"),
    ("-m", "channels.cli", "doctor"),
    ("-m", "channels.cli", "train"),
    ("-m", "channels.cli", "db", "upgrade"),
    ("-m", "channels.serve"),
    ("-m", "channels.work"),
    ("-m", "actions", "db", "upgrade"),
    ("-m", "actions", "complaints", "verify"),
    ("scripts/serve_actions.py", "--actions", "actions"),
]


@pytest.mark.parametrize("words", PROGRAMS, ids=" ".join)
def test_that_a_file_in_place_of_the_folder_is_said_in_one_line(tmp_path, words):
    (tmp_path / "x").write_text("a file")
    code, said = run(*words, BAOKE_VAR_DIR=str(tmp_path / "x"))
    assert code in (1, 2)
    (line,) = said.strip().splitlines()
    assert "BAOKE_VAR_DIR" in line and "is a file, not a folder" in line


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("{tmp}/x/deep/er", "is a file, not a folder"),
        ("{tmp}/nowhere", "is a link to something that is not there"),
        ("{tmp}/a?b", "cannot hold a database"),
        ("~nobody-of-this-name/x", "there is no such home"),
        (" ", "blank"),
        ("/proc/1/x", "cannot be used"),  # nobody can write there, not even root
    ],
)
def test_that_a_folder_that_cannot_be_is_said_in_one_line(tmp_path, name, why):
    (tmp_path / "x").write_text("a file")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    folder = name.format(tmp=tmp_path)
    code, said = run("-m", "channels.cli", "up", BAOKE_VAR_DIR=folder, BAOKE_PORT="0")
    assert code == 1
    (line,) = said.strip().splitlines()
    assert "BAOKE_VAR_DIR" in line and why in line


def test_that_jieba_keeps_its_dictionary_in_the_folder(tmp_path):
    shared, own = tmp_path / "shared", tmp_path / "own"
    shared.mkdir()
    code = (
        "import sys, tempfile; from pathlib import Path; "
        "from actions.agreement.words import Words; "
        "print(Words(cache=Path(sys.argv[1]) / 'cache').terms('重大疾病保险'))"
    )
    exit_code, said = run("-c", code, str(own), TMPDIR=str(shared))
    assert exit_code == 0, said
    assert "疾病" in said
    assert list(shared.iterdir()) == []
    assert (own / "cache" / "jieba.cache").is_file()


def test_that_a_folder_jieba_cannot_write_only_makes_it_slower(tmp_path):
    (tmp_path / "x").write_text("a file")
    assert "疾病" in Words(cache=tmp_path / "x").terms("重大疾病保险")


@pytest.mark.skipif(
    not (ROOT / "bot/assistant/.venv").exists(), reason="no Rasa environment"
)
def test_that_rasas_jieba_does_not_use_the_shared_folder(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    code = (
        "import launch; launch.find_our_own(); import jieba; jieba.initialize(); "
        "from components.homophones import trade_homophones; trade_homophones()"
    )
    done = subprocess.run(
        [ROOT / "bot/assistant/.venv/bin/python", "-c", code],
        cwd=ROOT / "bot/assistant",
        env={**os.environ, "BAOKE_VAR_DIR": str(tmp_path / "x"), "TMPDIR": str(shared)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(shared.iterdir()) == []
    assert (tmp_path / "x" / "cache" / "jieba.cache").is_file()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_that_a_port_once_planned_is_nobody_elses(host):
    held = claim(host, 0)
    with pytest.raises(PortTaken, match=f"port {held.port} of {host} is in use"):
        claim(host, held.port)
    held.close()
    again = claim(host, held.port)
    assert again.port == held.port


def test_that_while_a_child_is_away_its_port_refuses_and_then_serves_again():
    held = claim("127.0.0.1", 0)
    with socket.create_connection(("127.0.0.1", held.port)):
        pass  # it waits for the child that is being started
    held.rest()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", held.port))
    held.sockets[0].listen()
    with socket.create_connection(("127.0.0.1", held.port)):
        pass


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "no.such.host.invalid", "300.1.1.1", "保"]
)
def test_that_a_host_of_another_machine_is_said(host):
    with pytest.raises(PortUnusable, match="is no address of this machine"):
        claim(host, 0)


@pytest.mark.parametrize(
    "words",
    [
        ("-m", "channels.cli", "up"),
        ("-m", "channels.cli", "edge"),
        ("-m", "channels.serve"),
        ("-m", "channels.cli", "actions", "--port", "{port}"),
    ],
    ids=" ".join,
)
def test_that_a_port_in_use_ends_the_start_with_one_line(tmp_path, words):
    held: Claim = claim("127.0.0.1", 0)
    found = [word.format(port=held.port) for word in words]
    where = {"BAOKE_PORT": str(held.port), "BAOKE_VAR_DIR": str(tmp_path / "x")}
    code, said = run(*found, **where)
    assert code == 1
    (line,) = said.strip().splitlines()
    assert f"port {held.port} of 127.0.0.1 is in use" in line


def test_that_an_edge_by_itself_does_not_share_a_sqlite_file(tmp_path):
    import fcntl

    (tmp_path / "x").mkdir()
    with (tmp_path / "x" / "baoke.db.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        where = {"BAOKE_PORT": "0", "BAOKE_VAR_DIR": str(tmp_path / "x")}
        code, said = run("-m", "channels.serve", **where)
    assert code == 1
    assert "is used by another instance" in said


def test_that_a_question_never_goes_to_another_folders_instance(tmp_path):
    code, said = run(
        "-m", "channels.cli", "ask", "你好", BAOKE_VAR_DIR=str(tmp_path / "x")
    )
    assert code == 1
    assert "no instance runs from" in said
