"""The rooms stay tidy: who imports whom, how long files are, what may be written."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("bot", "channels", "actions", "embedding", "worktime")
# Who may import whom (DESIGN.md, Rooms); a room may always import itself.
ALLOWED = {
    "bot": {"worktime"},
    "channels": {"bot", "worktime"},
    "actions": {"embedding", "worktime"},
    "embedding": set(),
    "worktime": set(),
}
NOT_IN_THE_CORE = {"fastapi", "starlette", "socketio", "telegram", "wechatpy", "rasa"}
LINES_PER_FILE = 350


def python_files(room):
    return [
        path
        for path in sorted((ROOT / room).rglob("*.py"))
        if "assistant" not in path.relative_to(ROOT).parts
    ]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("room", ROOMS)
def test_that_a_room_imports_only_what_it_may(room):
    forbidden = set(ROOMS) - ALLOWED[room] - {room}
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in python_files(room)
        for name in imported(path)
        if name in forbidden
    }
    assert not found


def test_that_the_core_knows_no_platform_library():
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in python_files("bot")
        for name in imported(path)
        if name in NOT_IN_THE_CORE
    }
    assert not found


def test_that_files_stay_readable():
    long = {
        str(path.relative_to(ROOT)): lines
        for room in ROOMS
        for path in python_files(room)
        if (lines := len(path.read_text(encoding="utf-8").splitlines()))
        > LINES_PER_FILE
    }
    assert not long


def test_that_no_sentence_for_users_is_written_in_code():
    sentence = re.compile(r"[\u4e00-\u9fff]{2,}[，。！？]")
    found = []
    for room in ROOMS:
        for path in python_files(room):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            documents = {
                id(node.body[0].value)
                for node in ast.walk(tree)
                if isinstance(
                    node,
                    ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
                )
                and node.body
                and isinstance(node.body[0], ast.Expr)
            }
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and id(node) not in documents
                    and sentence.search(node.value)
                    and not re.search(r"[\\|\[(^]", node.value)  # a pattern
                ):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.value}")
    assert not found


def test_that_nothing_names_a_package_registry():
    hosts = re.compile(
        "|".join(
            ("pypi" + r"\.org", "pythonhosted" + r"\.org", "registry" + r"\.npmjs")
        )
    )
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    found = []
    for name in filter(None, listed):
        path = ROOT / name
        if path.is_file() and path.stat().st_size < 5_000_000:
            text = path.read_text(encoding="utf-8", errors="ignore")
            if hosts.search(text):
                found.append(name)
    assert not found
    assert not list(ROOT.glob("uv.lock"))
