"""scripts/setup.py: what makes it install again and what it leaves alone."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "setup.py"


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, working on an empty folder."""
    spec = importlib.util.spec_from_file_location("baoke_setup", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "baoke_setup", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "REQUIREMENTS", tmp_path / "requirements")
    (tmp_path / "requirements").mkdir()
    for name in ("edge", "dev", "tools"):
        (tmp_path / "requirements" / f"{name}.txt").write_text(f"{name}==1\n")
    return module


def installed(setup: ModuleType, kind: str, *kinds: str) -> object:
    env = setup.Environment(setup.ROOT / ".venv", kinds, links_root=True)
    env.python.parent.mkdir(parents=True)
    env.python.touch()
    (env.folder / setup.STAMP).write_text(setup.key_of(env, kind))
    return env


def test_that_an_unchanged_environment_is_left_alone(setup: ModuleType) -> None:
    assert setup.is_current(installed(setup, "edge", "edge", "dev"))


def test_that_test_tools_satisfy_whoever_only_serves(setup: ModuleType) -> None:
    assert setup.is_current(installed(setup, "dev", "edge", "dev"))


def test_that_serving_alone_does_not_satisfy_the_tests(setup: ModuleType) -> None:
    assert not setup.is_current(installed(setup, "edge", "dev"))


def test_that_a_changed_lock_installs_again(setup: ModuleType) -> None:
    env = installed(setup, "edge", "edge", "dev")
    (setup.REQUIREMENTS / "edge.txt").write_text("edge==2\n")
    assert not setup.is_current(env)


def test_that_a_broken_off_install_is_repaired(setup: ModuleType) -> None:
    env = installed(setup, "edge", "edge", "dev")
    (env.folder / setup.INSTALLING).touch()  # type: ignore[attr-defined]
    assert not setup.is_current(env)


def test_that_a_copied_environment_installs_again(
    setup: ModuleType, tmp_path: Path
) -> None:
    env = installed(setup, "edge", "edge", "dev")
    env.folder.rename(tmp_path / "moved")  # type: ignore[attr-defined]
    moved = setup.Environment(tmp_path / "moved", ("edge", "dev"), links_root=True)
    assert not setup.is_current(moved)


def test_that_bytecode_is_written_whatever_the_caller_set(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    env = setup.environment()
    assert "PYTHONDONTWRITEBYTECODE" not in env
    assert "PYTHONPATH" not in env
    assert env["UV_COMPILE_BYTECODE"] == "1"


def test_that_uv_uses_the_mirror_pip_was_told_about(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.delenv("UV_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert setup.environment()["UV_DEFAULT_INDEX"] == "http://127.0.0.1:9/simple"


def test_that_another_python_is_refused(
    setup: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(setup, "PYTHON", (3, 99))
    assert setup.main([]) == 1
    assert "needs Python 3.11" in capsys.readouterr().err


def test_that_the_command_is_linked_without_a_build(setup: ModuleType) -> None:
    env = setup.Environment(setup.ROOT / "a b" / ".venv", ("edge",), links_root=True)
    packages = env.folder / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    (env.folder / "bin").mkdir()
    setup.link_root(env)
    assert (packages / "baoke.pth").read_text() == f"{setup.ROOT}\n"
    script = env.folder / "bin" / "baoke"
    assert script.stat().st_mode & 0o111
    assert f"'{env.python}'" in script.read_text()
