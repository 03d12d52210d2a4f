"""The hash-locked requirement files: complete, and without any address."""

from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
NAMES = ("edge", "dev", "rasa", "rasa-full", "tools")


@pytest.mark.parametrize("name", NAMES)
def test_that_a_lock_names_no_address_and_every_hash(name: str) -> None:
    text = (REQUIREMENTS / f"{name}.txt").read_text()
    assert "://" not in text
    assert "--index-url" not in text
    pins = [line for line in text.splitlines() if "==" in line and line[0].isalnum()]
    assert pins
    assert all(line.endswith("\\") for line in pins)
    assert text.count("--hash=sha256:") >= len(pins)


def test_that_test_tools_sit_on_the_same_versions_as_the_edge() -> None:
    def pins(name: str) -> set[str]:
        lines = (REQUIREMENTS / f"{name}.txt").read_text().splitlines()
        return {line.split()[0] for line in lines if "==" in line and line[0].isalnum()}

    assert pins("edge") <= pins("dev")


def test_that_only_the_full_rasa_environment_has_tensorflow() -> None:
    assert "\ntensorflow" not in (REQUIREMENTS / "rasa.txt").read_text()
    assert "\ntensorflow-cpu==2.12.0" in (REQUIREMENTS / "rasa-full.txt").read_text()
