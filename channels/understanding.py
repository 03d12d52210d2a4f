"""Ask the trained model what texts mean, without a conversation.

In: texts. Out: one Understanding each. A running Rasa is asked if it serves the model
in use; else one process of the Rasa environment loads the model for all of them.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from bot.errors import BaokeError
from channels.evaluate import Understanding, read_understanding
from channels.instance import running_instance
from channels.places import Places
from channels.training import NoModel, current_model, read_model

_SECONDS = 30.0
_ERROR_LINES = 12

Parse = Callable[[str], dict[str, Any]]


class CannotUnderstand(BaokeError):
    """There is no model, or it failed; the text says why."""


def understand_with(
    places: Places,
    texts: Sequence[str],
    env: dict[str, str],
    rasa_url: str | None = None,
) -> Iterator[Understanding]:
    """Yield what the model makes of each text, in order.

    Args:
        places: The checkout.
        texts: What customers said; one without a word gets no intent.
        env: Variables for Rasa, see ``rasa_environment``.
        rasa_url: A Rasa server named in the settings; None looks for our own.

    Raises:
        CannotUnderstand: There is no model, or it failed.
    """
    with httpx.Client(timeout=_SECONDS) as client:
        parse = _running_rasa(places, client, rasa_url)
        if parse is not None:
            for text in texts:
                yield read_understanding(text, parse(text) if text.strip() else {})
            return
    yield from _with_own_process(places, texts, env)


def _running_rasa(
    places: Places, client: httpx.Client, rasa_url: str | None
) -> Parse | None:
    instance = running_instance(places)
    if rasa_url is None and instance is None:
        return None
    ours = instance is not None and rasa_url in (None, instance.rasa_url)
    url = instance.rasa_url if ours and instance else str(rasa_url)
    params = {"token": instance.rasa_token} if ours and instance else {}
    try:
        status = client.get(f"{url}/status", params=params, timeout=3.0)
        if status.status_code != httpx.codes.OK:
            return None
        served = Path(str(status.json().get("model_file"))).name
    except (httpx.HTTPError, ValueError):
        return None
    model = current_model(places)
    if ours and (model is None or served != model.file):
        return None  # trained anew since it was started

    def parse(text: str) -> dict[str, Any]:
        try:
            answer = client.post(
                f"{url}/model/parse", params=params, json={"text": text}
            )
            answer.raise_for_status()
            parsed: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as err:
            # The address without its query: that holds the secret.
            raise CannotUnderstand(f"Rasa at {url} failed: {_plain(err)}") from err
        return parsed

    return parse


def _plain(err: Exception) -> str:
    if isinstance(err, httpx.HTTPStatusError):
        return f"HTTP {err.response.status_code}"
    return type(err).__name__


def _with_own_process(
    places: Places, texts: Sequence[str], env: dict[str, str]
) -> Iterator[Understanding]:
    try:
        model = read_model(places)
    except NoModel as err:
        raise CannotUnderstand(str(err)) from err
    if not places.rasa_python.exists():
        raise CannotUnderstand("the Rasa environment is missing; run `make setup`")
    asked = [text for text in texts if text.strip()]
    # Files, not pipes: neither side can wait for the other for ever.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as questions:
        for text in asked:
            questions.write(json.dumps({"text": text}) + "\n")
        questions.flush()
        questions.seek(0)
        command = [
            str(places.rasa_python),
            "parse_lines.py",
            str((places.models / model.file).resolve()),
        ]
        done = subprocess.run(
            command,
            cwd=places.assistant,
            env=env,
            stdin=questions,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-_ERROR_LINES:])
        raise CannotUnderstand(f"the model could not be used:\n{tail}")
    answers = iter(done.stdout.split("\n"))
    for text in texts:
        parsed = json.loads(next(answers)) if text.strip() else {}
        yield read_understanding(text, parsed)


def known_intents(places: Places) -> frozenset[str]:
    """Return the intents that the domain names.

    Raises:
        CannotUnderstand: A domain file cannot be read.
    """
    names: set[str] = set()
    for path in sorted((places.assistant / "domain").rglob("*.yml")):
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except yaml.YAMLError as err:
            raise CannotUnderstand(f"{path}: {err}") from err
        for item in content.get("intents") or ():
            names.update([item] if isinstance(item, str) else item)
    return frozenset(names)
