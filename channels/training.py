"""The trained model: is it up to date, train it, keep the last two.

In: everything the model is made from. Out: ``var/models/<name>.tar.gz`` and
``current.json``, which names the one in use and is replaced only after a success.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic

from bot.clock import SystemClock
from bot.errors import BaokeError
from channels.instance import make_var
from channels.places import Places
from channels.training_data import check_training_data

SOURCES = (
    "bot/assistant/config.yml",
    "bot/assistant/domain",
    "bot/assistant/components",
    "bot/assistant/lexicon",
    "bot/assistant/homophones.txt",
    "embedding",
    "data/nlu",
    "data/rules",
    "data/stories",
    "requirements/rasa.txt",
)
# Rasa's own cache looks at configuration and data only; a change of these would hide
# behind it, so each state of them has a cache of its own.
CODE_SOURCES = (
    "bot/assistant/components",
    "bot/assistant/lexicon",
    "bot/assistant/homophones.txt",
    "embedding",
    "requirements/rasa.txt",
)
NOTE = "current.json"
KEPT_MODELS = 2
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STEP = re.compile(r"Starting to train component '(\w+)'")
_NOISE = re.compile(
    r"^\s*$| INFO | DEBUG |Warning: |^\s*(import|declare_namespace|Base:)"
)
_ERROR_LINES = 25

Tell = Callable[[str], None]


class TrainingFailed(BaokeError):
    """Rasa did not make a model; the text is what it said."""


class NoModel(BaokeError):
    """There is no model to use; the text says why and what to do."""


@dataclass(frozen=True)
class Model:
    """The model in use.

    Attributes:
        file: Name below ``var/models``.
        content: Hash of everything it was made from.
        seconds: How long training took.
        trained_at: ISO time, UTC.
        sha256: Of the file.
    """

    file: str
    content: str
    seconds: float
    trained_at: str
    sha256: str


def content_hash(root: Path, sources: tuple[str, ...] = SOURCES) -> str:
    """Return the hash of names and bytes of all files of ``sources``."""
    total = hashlib.sha256()
    for path in _files(root, sources):
        total.update(str(path.relative_to(root)).encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _files(root: Path, sources: tuple[str, ...]) -> Iterator[Path]:
    for source in sources:
        start = root / source
        if start.is_file():
            yield start
        for path in sorted(start.rglob("*")):
            hidden = path.suffix == ".pyc" or path.name.startswith(".")
            if path.is_file() and not hidden:
                yield path


def current_model(places: Places) -> Model | None:
    """Return the model in use; None when there is none that can be used."""
    try:
        return read_model(places)
    except NoModel:
        return None


def read_model(places: Places) -> Model:
    """Return the model in use.

    Raises:
        NoModel: There is none, its file has gone, or the file is not what was trained.
    """
    try:
        model = Model(**json.loads((places.models / NOTE).read_text()))
        found = _sha256(places.models / model.file)
    except (OSError, ValueError, TypeError) as err:
        raise NoModel("there is no trained model; run `baoke train`") from err
    if found != model.sha256:
        raise NoModel(
            f"{places.models / model.file} is damaged (it is not the file that was "
            "trained); run `baoke train`"
        )
    return model


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_fresh(places: Places, model: Model) -> bool:
    """Whether the model was made from the files as they are now."""
    return model.content == content_hash(places.root)


def train(
    places: Places, env: dict[str, str], tell: Tell, force: bool = False
) -> tuple[Model, bool]:
    """Make the model if anything changed.

    Args:
        places: The checkout.
        env: Variables for Rasa, see ``rasa_environment``.
        tell: Gets progress lines.
        force: Even when nothing changed.

    Returns:
        The model in use now, and whether it was there already.

    Raises:
        BadTrainingData: The data contradict themselves or the domain.
        TrainingFailed: Rasa refused the data. The old model stays in use.
    """
    with _alone(places, tell):
        model = current_model(places)
        content = content_hash(places.root)
        if model and model.content == content and not force:
            return model, True
        check_training_data(places)
        if not places.rasa_python.exists():
            raise TrainingFailed("the Rasa environment is missing; run `make setup`")
        return _train(places, env, tell, content, force), False


@contextmanager
def _alone(places: Places, tell: Tell) -> Iterator[None]:
    make_var(places)
    places.models.mkdir(parents=True, exist_ok=True)
    with (places.models / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("another training runs; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _train(
    places: Places, env: dict[str, str], tell: Tell, content: str, force: bool
) -> Model:
    tell("training the model (a few minutes, only when its data changed)")
    started, now = monotonic(), SystemClock().now()
    name = f"{now:%Y%m%d-%H%M%S}-{content[:8]}"
    draft = places.models / ".draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    code_hash = content_hash(places.root, CODE_SOURCES)[:12]
    cache = places.var / "cache" / f"rasa-{code_hash}"
    try:
        command = train_command(places, draft, name, force)
        _run_rasa(places, {**env, "RASA_CACHE_DIRECTORY": str(cache)}, command, tell)
        made = draft / f"{name}.tar.gz"
        if not made.is_file():
            raise TrainingFailed("Rasa ended well but left no model")
        made.replace(places.models / made.name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    seconds = round(monotonic() - started, 1)
    file = f"{name}.tar.gz"
    sha256 = _sha256(places.models / file)
    model = Model(file, content, seconds, now.isoformat(timespec="seconds"), sha256)
    _put_in_use(places, model)
    for old in places.var.glob("cache/rasa-*"):
        if old != cache:
            shutil.rmtree(old, ignore_errors=True)
    tell(f"trained {model.file} in {seconds:.0f} s")
    return model


def _put_in_use(places: Places, model: Model) -> None:
    draft = places.models / f".{NOTE}.{os.getpid()}"
    draft.write_text(json.dumps(asdict(model), indent=1) + "\n")
    draft.replace(places.models / NOTE)
    newest = sorted(places.models.glob("*.tar.gz"), reverse=True)
    kept = {model.file, *(path.name for path in newest[:KEPT_MODELS])}
    for path in newest:
        if path.name not in kept:
            path.unlink()


def train_command(places: Places, out: Path, name: str, force: bool) -> list[str]:
    """Return the call of ``rasa train``, to be run in the assistant's folder."""
    data = [
        f"../../{source}"
        for source in ("data/nlu", "data/rules", "data/stories")
        if (places.root / source).is_dir()
    ]
    return [
        *(str(places.rasa_python), "launch.py", "train"),
        *("--config", "config.yml", "--domain", "domain", "--data", *data),
        *("--out", str(out.resolve()), "--fixed-model-name", name),
        *(["--force"] if force else []),
    ]


def _run_rasa(
    places: Places, env: dict[str, str], command: list[str], tell: Tell
) -> None:
    """Run ``rasa train``; its whole output goes to var/log/train.log."""
    places.logs.mkdir(parents=True, exist_ok=True)
    log = places.logs / "train.log"
    said: list[str] = []
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            command,
            cwd=places.assistant,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as child,
    ):
        try:
            for line in child.stdout or ():
                text = _COLOUR.sub("", line.rstrip())
                file.write(text + "\n")
                if step := _STEP.search(text):
                    tell(f"training {step[1]}")
                if not _NOISE.search(text):
                    said.append(text)
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        tail = said[-_ERROR_LINES:] or [f"exit code {child.returncode}"]
        raise TrainingFailed("\n".join([*tail, f"(all of it: {log})"]))
