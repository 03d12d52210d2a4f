"""compose.yml says nothing that baoke does not know."""

from pathlib import Path

import yaml

from bot.settings import Settings
from channels.cli import _COMMANDS
from channels.process_settings import ProcessSettings

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = {"FORWARDED_ALLOW_IPS"}  # uvicorn's


def services():
    return yaml.safe_load((ROOT / "compose.yml").read_text())["services"]


def test_that_every_command_is_one_of_ours():
    ours = {name: s for name, s in services().items() if s.get("image") == "baoke"}
    known = {name for name, _, _ in _COMMANDS}
    commands = {name: service["command"].split() for name, service in ours.items()}
    assert {words[0] for words in commands.values()} == {"baoke"}
    assert {words[1] for words in commands.values()} <= known
    roles = {words[1] for words in commands.values()}
    assert roles == {"prepare", "actions", "rasa", "worker", "edge"}


def test_that_every_setting_is_one_of_ours():
    fields = {*Settings.model_fields, *ProcessSettings.model_fields}
    known = {f"BAOKE_{name.upper()}" for name in fields} | ELSEWHERE
    for name, service in services().items():
        if service.get("image") == "baoke":
            assert set(service["environment"]) <= known, name


def test_that_only_the_proxy_is_published():
    assert [name for name, s in services().items() if "ports" in s] == ["proxy"]


def test_that_there_are_two_of_everything_that_answers():
    found = services()
    assert {"rasa-1", "rasa-2", "actions-1", "actions-2"} <= found.keys()
    assert all(found[name]["deploy"]["replicas"] == 2 for name in ("worker", "edge"))
