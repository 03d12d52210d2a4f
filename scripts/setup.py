"""Set up a checkout: tools, both environments, then model and database.

Runs with nothing but Python 3.11 (``make setup``). In: the requirement files. Out:
``.tools``, ``.venv``, ``bot/assistant/.venv``. A stamp in each environment holds what
it was made from, so a second run does nothing; a broken-off install is made anew.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
REQUIREMENTS = ROOT / "requirements"
STAMP = ".baoke-stamp"
INSTALLING = ".baoke-installing"  # there while an install runs; left by a broken one
PYTHON = (3, 11)
APT_SECONDS = 600
COMPILE = ("--python-version", "3.11", "--generate-hashes", "--no-emit-index-url")
# An index with a path and `file:` is no address of a registry; these would be.
ADDRESS = "://"


class SetupError(Exception):
    """Something outside is missing; the text says what to do."""


@dataclass(frozen=True)
class Environment:
    """One virtual environment.

    Attributes:
        folder: Where it lives.
        kinds: Requirement files that fit, the wanted one first.
        links_root: Whether the checkout's own packages and ``baoke`` go in.
    """

    folder: Path
    kinds: tuple[str, ...]
    links_root: bool

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"


def say(text: str) -> None:
    """Tell the person in front of the screen."""
    sys.stderr.write(f"[setup] {text}\n")
    sys.stderr.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say; 1 with one clear line when it cannot be done."""
    parser = argparse.ArgumentParser(prog="setup.py", description=__doc__)
    parser.add_argument("--dev", action="store_true", help="with the test tools")
    parser.add_argument(
        "--environments-only", action="store_true", help="no model, no database"
    )
    parser.add_argument(
        "--test-tools",
        action="store_true",
        help="what only tests need: Chromium and Redis by apt, others' programs",
    )
    parser.add_argument("--lock", action="store_true", help="write requirements/*.txt")
    args = parser.parse_args(argv)
    try:
        check_python()
        if args.test_tools:
            install_for_tests()
            install_peers()
        elif args.lock:
            lock(install_tools())
        else:
            install(args.dev)
            if not args.environments_only:
                run([str(ROOT / ".venv/bin/baoke"), "prepare"], environment())
    except SetupError as err:
        say(f"failed: {err}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; run it again to go on")
        return 130
    return 0


def check_python() -> None:
    """Refuse any other Python than 3.11, which Rasa needs."""
    if sys.version_info[:2] != PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        raise SetupError(f"needs Python 3.11, this is {found} ({sys.executable})")


def install(dev: bool) -> None:
    """Bring both environments to what the requirement files say."""
    root_kinds = ("dev",) if dev or _has_dev_tools() else ("edge", "dev")
    full = {"1": ("rasa-full",), "0": ("rasa",)}
    rasa_kinds = full.get(os.environ.get("RASA_FULL", ""), ("rasa", "rasa-full"))
    for found in (
        Environment(ROOT / ".venv", root_kinds, links_root=True),
        Environment(ROOT / "bot/assistant/.venv", rasa_kinds, links_root=False),
    ):
        if is_current(found):
            continue
        fill(found, install_tools())


def _has_dev_tools() -> bool:
    # Whoever ran `make test` here once keeps the tools when `make run` follows.
    return (ROOT / ".venv/bin/ruff").exists()


def is_current(env: Environment) -> bool:
    """Whether the environment holds exactly what one of its kinds asks for."""
    stamp = env.folder / STAMP
    if not env.python.exists() or (env.folder / INSTALLING).exists():
        return False
    if not stamp.is_file():
        return False
    return stamp.read_text() in {key_of(env, kind) for kind in env.kinds}


def key_of(env: Environment, kind: str) -> str:
    """What the stamp says for this kind: kind and hash of all that went in."""
    parts = (
        (REQUIREMENTS / f"{kind}.txt").read_bytes(),
        (REQUIREMENTS / "tools.txt").read_bytes(),
        str(env.folder).encode(),  # scripts name their interpreter by its full path
        sys.version.encode(),
    )
    return f"{kind} {hashlib.sha256(b'|'.join(parts)).hexdigest()}\n"


def fill(env: Environment, uv: Path) -> None:
    """Make or repair one environment, then stamp it."""
    kind = env.kinds[0]
    requirements = REQUIREMENTS / f"{kind}.txt"
    if not requirements.is_file():
        raise SetupError(f"{requirements} is missing; `make lock` writes it")
    where = env.folder.relative_to(ROOT)
    marker = env.folder / INSTALLING
    if marker.exists() or not _works(env.python):
        say(f"{where}: new, Python {sys.version.split()[0]}")
        run([str(uv), "venv", "--clear", "--python", sys.executable, str(env.folder)],
            environment())  # fmt: skip
    marker.touch()
    (env.folder / STAMP).unlink(missing_ok=True)
    say(f"{where}: installing {requirements.relative_to(ROOT)} (minutes, first time)")
    command = [str(uv), "pip", "sync", "--require-hashes", "--python", str(env.python)]
    run([*command, str(requirements)], environment())
    if env.links_root:
        link_root(env)
    (env.folder / STAMP).write_text(key_of(env, kind))
    marker.unlink()


def _works(python: Path) -> bool:
    if not python.exists():
        return False
    check = f"import sys; sys.exit(sys.version_info[:2] != {PYTHON})"
    return subprocess.run([python, "-c", check], check=False).returncode == 0


def link_root(env: Environment) -> None:
    """Put the checkout on the path and ``baoke`` into bin, without a build step."""
    packages = env.folder / "lib" / "python3.11" / "site-packages"
    (packages / "baoke.pth").write_text(f"{ROOT}\n")
    script = env.folder / "bin" / "baoke"
    # The shell starts Python, as a first line may be too short for a long path.
    script.write_text(
        "#!/bin/sh\n"
        f"'''exec' {shlex.quote(str(env.python))} \"$0\" \"$@\"\n"
        "' '''\n"
        "import sys\n\n"
        "from channels.cli import main\n\n"
        "sys.exit(main())\n"
    )
    script.chmod(0o755)


def install_tools() -> Path:
    """Fetch uv into ``.tools`` and return it."""
    key = hashlib.sha256((REQUIREMENTS / "tools.txt").read_bytes()).hexdigest()
    stamp = TOOLS / STAMP
    places = (TOOLS / "bin" / "uv", TOOLS / "target" / "bin" / "uv")
    if stamp.is_file() and stamp.read_text() == key:
        for uv in places:
            if uv.exists():
                return uv
    say("fetching uv into .tools")
    shutil.rmtree(TOOLS, ignore_errors=True)
    wanted = ["install", "--quiet", "--require-hashes", "-r"]
    wanted.append(str(REQUIREMENTS / "tools.txt"))
    made = _try([sys.executable, "-m", "venv", str(TOOLS)])
    if made:
        run([str(TOOLS / "bin" / "python"), "-m", "pip", *wanted], environment())
    elif _try([sys.executable, "-m", "pip", "--version"]):
        shutil.rmtree(TOOLS, ignore_errors=True)
        target = ["--target", str(TOOLS / "target")]
        run([sys.executable, "-m", "pip", *wanted, *target], environment())
    else:
        raise SetupError(
            f"{sys.executable} has neither venv nor pip; "
            "on Debian: apt-get install python3.11-venv"
        )
    for uv in places:
        if uv.exists():
            stamp.write_text(key)
            return uv
    raise SetupError("pip installed uv, but its program is not there")


def _try(command: Sequence[str]) -> bool:
    done = subprocess.run(command, capture_output=True, check=False)
    return done.returncode == 0


def environment() -> dict[str, str]:
    """Return the variables for pip, uv and ``baoke``.

    A mirror and a certificate that pip was told about serve uv too.
    """
    env = dict(os.environ)
    # Without bytecode every start compiles everything again; uv writes it now.
    for name in ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"):
        env.pop(name, None)
    env["UV_COMPILE_BYTECODE"] = "1"
    env["UV_PYTHON_DOWNLOADS"] = "never"
    env.setdefault("UV_HTTP_TIMEOUT", "120")
    if "PIP_CERT" in env:
        env.setdefault("SSL_CERT_FILE", env["PIP_CERT"])
    if not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & env.keys():
        mirror = env.get("PIP_INDEX_URL") or _pip_mirror()
        if mirror:
            env["UV_DEFAULT_INDEX"] = mirror
    return env


def _pip_mirror() -> str:
    asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    return subprocess.run(
        asked, capture_output=True, text=True, check=False
    ).stdout.strip()


def run(command: Sequence[str], env: Mapping[str, str], cwd: Path = ROOT) -> None:
    """Run a step that shows its own progress.

    Raises:
        SetupError: It failed.
    """
    code = subprocess.run(command, env=env, cwd=cwd, check=False).returncode
    if code:
        raise SetupError(f"exit {code}: {shlex.join(map(str, command))}")


def lock(uv: Path) -> None:
    """Write every requirement file anew, newest versions that fit together.

    Raises:
        SetupError: They do not fit, or a file names an address.
    """
    root, assistant = ROOT, ROOT / "bot/assistant"
    newest = () if os.environ.get("KEEP") else ("--upgrade",)
    back = os.path.relpath(REQUIREMENTS, assistant)
    plain = ["pyproject.toml"]
    steps: tuple[tuple[Path, list[str], str], ...] = (
        (root, ["requirements/tools.in"], "requirements/tools.txt"),
        (root, plain, "requirements/edge.txt"),
        (root, [*plain, "--group", "dev", "-c", "requirements/edge.txt"],
         "requirements/dev.txt"),
        (root, ["requirements/peers.in"], "requirements/peers.txt"),
        (assistant, plain, f"{back}/rasa.txt"),
        (assistant, [*plain, "--extra", "full"], f"{back}/rasa-full.txt"),
    )  # fmt: skip
    for cwd, sources, output in steps:
        say(f"locking {Path(output).name}")
        command = [str(uv), "pip", "compile", "--quiet", *sources, *COMPILE, *newest]
        run([*command, "-o", output], environment(), cwd)
        if ADDRESS in (cwd / output).read_text():
            raise SetupError(f"{output} names an address; it must not")


def install_for_tests() -> None:
    """Get what some tests need and Python packages are not; never fails.

    Without Chromium the browser tests are skipped, without Redis those on many processes.
    """
    missing: list[str] = []
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        missing += ["chromium", "fonts-noto-cjk"]
    if shutil.which("redis-server") is None:
        missing.append("redis-server")
    if not missing:
        return
    lost = f"tests that need {' or '.join(missing)} will be skipped"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        say(lost)
        return
    say(f"installing {' '.join(missing)} by apt-get (for tests)")
    kept = Path(os.environ.get("BAOKE_VAR_DIR") or "var").expanduser()
    log = ROOT / kept / "log" / "apt.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with log.open("wb") as out:
        for command in (["update"], ["install", "-y", "--no-install-recommends"]):
            wanted = missing if command[0] == "install" else []
            try:
                done = subprocess.run(["apt-get", *command, *wanted], stdout=out,
                    stderr=out, env=env, timeout=APT_SECONDS, check=False)  # fmt: skip
            except subprocess.TimeoutExpired:
                say(f"apt-get took too long (see {log}); {lost}")
                return
    if done.returncode:
        say(f"apt-get failed (see {log}); {lost}")


def install_peers() -> None:
    """Get other people's programs that tests talk to; never fails."""
    folder = ROOT / "tests" / "peers"
    env = Environment(folder / ".venv", ("peers",), links_root=False)
    try:
        if not is_current(env):
            fill(env, install_tools())
    except SetupError as err:
        say(f"{err}; tests with WeRoBot and telemelya will be skipped")
    lock_file = folder / "package-lock.json"
    stamp = folder / "node_modules" / STAMP
    key = hashlib.sha256(lock_file.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == key:
        return
    lost = "the test with rasa-webchat will be skipped"
    if shutil.which("node") is None or shutil.which("npm") is None:
        say(f"node and npm are not installed; {lost}")
        return
    try:
        run(["npm", "ci", "--no-progress", "--loglevel=error"], environment(), folder)
        stamp.write_text(key)
    except SetupError as err:
        say(f"{err}; {lost}")


if __name__ == "__main__":
    sys.exit(main())
