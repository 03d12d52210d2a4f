"""Say one sentence to a running instance over REST and wait for the answer.

In: address, text, and optionally the name of a conversation to go on with. Out: the
document of ``baoke ask``.
"""

import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import httpx

from bot.errors import BaokeError

_WAIT_SECONDS = 20  # one long poll
_QUIET_SECONDS = 3.0  # a human holds the talk: nobody may answer for long
_SPEAKERS = ("bot", "agent", "system")

Json = dict[str, Any]
# (session id, seq) -> intent and confidence of the turn, if they can be known
Explain = Callable[[str, int], tuple[str | None, float | None]]


class AskFailed(BaokeError):
    """No answer; the text says why."""


@dataclass(frozen=True)
class Asked:
    """A conversation's door.

    Attributes:
        client: Already knows the address.
        keep: File in which the door is kept for the next call, or None.
        timeout: Seconds to wait for the answer.
    """

    client: httpx.Client
    keep: Path | None
    timeout: float


def keep_file(folder: Path, sender: str, url: str) -> Path:
    """Return where the door of a named conversation is kept."""
    name = hashlib.sha256(f"{url}\n{sender}".encode()).hexdigest()[:24]
    return folder / f"{name}.json"


def ask(door: Asked, said: Json, explain: Explain) -> Json:
    """Say something and return the answer.

    Args:
        door: Where.
        said: ``{"text"}`` or, for a button that was offered, ``{"payload"}``.
        explain: Looks up what the instance understood.

    Raises:
        AskFailed: The instance is not there, refused, or stayed silent.
    """
    try:
        session = _enter(door)
        message = {**said, "client_message_id": f"ask-{uuid.uuid4().hex}"}
        taken = _call(
            door.client.post(
                "/api/chat/messages", headers=_bearer(session), json=message
            )
        )
        seq = int(taken["seq"])
        _keep(door.keep, session)
        events, status = _wait(door, session, seq)
        intent, confidence = explain(str(session["session_id"]), seq)
    except httpx.HTTPError as err:
        where = door.client.base_url
        raise AskFailed(f"{where} does not answer ({type(err).__name__})") from err
    except (KeyError, TypeError, ValueError) as err:
        raise AskFailed(f"an unexpected answer: {err!r}") from err
    return {
        "intent": intent,
        "confidence": confidence,
        "replies": [
            read_reply(event) for event in events if event["author"] in _SPEAKERS
        ],
        "status": status,
    }


def read_reply(event: Json) -> Json:
    """Return one stored message as a reply."""
    parts = event["parts"]
    citations = [
        {key: value for key, value in part.items() if key != "type"}
        for part in parts
        if part["type"] == "citation"
    ]
    return {
        "text": "\n".join(part["text"] for part in parts if part["type"] == "text"),
        "buttons": [
            {"title": button["title"], "payload": button["payload"]}
            for part in parts
            if part["type"] == "buttons"
            for button in part["buttons"]
        ],
        "citations": citations,
        "author": event["author"],
    }


def _enter(door: Asked) -> Json:
    headers = {}
    if door.keep is not None and door.keep.is_file():
        headers = _bearer(json.loads(door.keep.read_text()))
    # With a valid token the same session gets a fresh one.
    return _call(door.client.post("/api/chat/sessions", headers=headers))


def _keep(path: Path | None, session: Json) -> None:
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(session))
    draft.replace(path)


def _wait(door: Asked, session: Json, seq: int) -> tuple[list[Json], str]:
    """Poll until the message ``seq`` is answered, or a human has it."""
    deadline = monotonic() + door.timeout
    quiet_from = monotonic() + _QUIET_SECONDS
    while (left := deadline - monotonic()) > 0:
        page = _call(
            door.client.get(
                "/api/chat/events",
                headers=_bearer(session),
                params={"after": seq, "wait": min(_WAIT_SECONDS, max(1, int(left)))},
                timeout=_WAIT_SECONDS + 10,
            )
        )
        events, status = page["events"], str(page.get("status", "bot"))
        # One turn's replies are stored together, so the first shows them all.
        if any(answers(event, seq) for event in events):
            return events, status
        if status != "bot" and monotonic() > quiet_from:
            return events, status
    raise AskFailed(f"no answer within {door.timeout:.0f} s")


def answers(event: Json, seq: int) -> bool:
    """Whether an event answers the message ``seq`` (or a later one of its burst)."""
    if event["author"] not in _SPEAKERS:
        return False
    replied = event.get("in_reply_to")
    return replied is None or int(replied) >= seq


def _bearer(session: Json) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['token']}"}


def _call(response: httpx.Response) -> Json:
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.is_success and isinstance(body, dict):
        return body
    error = body.get("error") if isinstance(body, dict) else None
    said = error.get("message") if isinstance(error, dict) else None
    raise AskFailed(
        f"HTTP {response.status_code}: {said or 'no baoke at this address'}"
    )
