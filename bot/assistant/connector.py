"""The Rasa channel baoke's edge talks to: one HTTP call, one honest answer.

In: ``POST /webhooks/baoke/turn {sender_id, turn_id, text, metadata, may_wait}``. Out:
replies, intent, ranking, entities and the policies that decided; a 5xx when any action
failed (Rasa's own REST channel answers ``200 []`` then). A turn that was answered already
is answered the same way again, without running anything twice. A turn that may wait and
makes no sense alone is answered ``{"unfinished": true}`` and leaves no trace.
"""

from __future__ import annotations

import traceback
from typing import Any, Awaitable, Callable, Dict, List, Optional

import aiohttp
import structlog
from components.text import is_payload
from rasa.core.actions.action import ActionExecutionRejection, RemoteAction
from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from rasa.core.lock_store import LockError
from rasa.shared.core.events import ActionExecuted, BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, json
from tracker_store import FAILED_ACTIONS, SAVED_TRACKER

log = structlog.get_logger()

MAX_TEXT = 4000
RANKING_LENGTH = 5
UNREACHABLE = "unreachable"
# Intents of a message after which customers go on writing.
OPENINGS = ("nlu_fallback", "greet")
DATA = "inform"  # also an opening, unless a form asked for it


def adapt_remote_actions() -> None:
    """Make Rasa's swallowed action errors visible, and speak rasa-sdk 3.21 (idempotent).

    The newer SDK refuses a call without a ``domain`` (449); an empty one satisfies it
    and saves sending 60 kB with every action, which no action of ours reads.
    """
    if getattr(RemoteAction.run, "_records_failures", False):
        return
    original = RemoteAction.run
    original_format = RemoteAction._action_call_format

    def call_format(self: RemoteAction, *args: Any, **kwargs: Any) -> Dict[str, Any]:
        return {"domain": {}, **original_format(self, *args, **kwargs)}

    async def run(self: RemoteAction, *args: Any, **kwargs: Any) -> Any:
        try:
            return await original(self, *args, **kwargs)
        except ActionExecutionRejection:
            raise
        except Exception as error:
            failed = FAILED_ACTIONS.get()
            if failed is not None:
                # Nobody there: nothing was done, and trying again may help.
                gone = isinstance(error.__context__, aiohttp.ClientConnectionError)
                failed.append(UNREACHABLE if gone else self.name())
            raise

    run._records_failures = True  # type: ignore[attr-defined]
    RemoteAction.run = run  # type: ignore[method-assign]
    RemoteAction._action_call_format = call_format  # type: ignore[method-assign]


class SilentOutput(OutputChannel):
    """Replies are read from the tracker, so nothing is sent while the turn runs."""

    @classmethod
    def name(cls) -> str:
        """Channel name responses may be specialised for."""
        return "baoke"

    async def send_response(self, recipient_id: str, message: Dict[str, Any]) -> None:
        """Drop the message: `replies_of` reads it from the tracker."""


class BaokeInput(InputChannel):
    """The input channel; named in credentials.yml as ``connector.BaokeInput``."""

    @classmethod
    def name(cls) -> str:
        """URL prefix: ``/webhooks/baoke``."""
        return "baoke"

    def blueprint(
        self, on_new_message: Callable[[UserMessage], Awaitable[Any]]
    ) -> Blueprint:
        """Build the two routes: health and turn."""
        adapt_remote_actions()
        routes = Blueprint("baoke_connector")

        @routes.get("/")
        async def health(_request: Request) -> HTTPResponse:
            return json({"status": "ok"})

        @routes.post("/turn")
        async def turn(request: Request) -> HTTPResponse:
            problem = _problem(request.json)
            if problem:
                return _error(400, "bad_request", problem)
            agent = request.app.ctx.agent
            if not agent or not agent.is_ready():
                return _error(503, "no_model", "no trained model is loaded")
            return await _take_turn(agent, request.json)

        return routes


async def _take_turn(agent: Any, body: dict) -> HTTPResponse:
    """Answer a turn; a turn that was answered already is answered the same way."""
    sender_id, turn_id = body["sender_id"], body["turn_id"]
    # Rasa wraps the configured store; the wrapper forwards only its own methods.
    store = getattr(agent.tracker_store, "_tracker_store", agent.tracker_store)
    metadata = {**(body.get("metadata") or {}), "turn_id": turn_id}
    parsed = None
    try:
        if body.get("may_wait") and not is_payload(body["text"]):
            parsed = await _parse(agent, body["text"], sender_id, metadata)
            if await _is_unfinished(store, sender_id, parsed):
                return json({"unfinished": True})
        message = UserMessage(
            body["text"],
            SilentOutput(),
            sender_id,
            input_channel="baoke",
            metadata=metadata,
            parse_data=parsed,
        )
        # The same turn may be asked for while its first try still runs, here or in
        # another process: whoever comes second finds the answer of the first.
        async with agent.lock_store.lock(sender_id):
            if store.has_turn(sender_id, turn_id):
                tracker = await agent.tracker_store.retrieve(sender_id)
                answer = tracker and answer_of(tracker, turn_id)
                if answer and answer["replies"]:
                    return json(answer)
            return await _handle(agent, message, turn_id)
    except LockError as error:
        log.warning("turn.locked", sender_id=sender_id, error=str(error))
        return _error(503, "locked", "the conversation is held elsewhere")
    except Exception as error:
        return _broken(error, sender_id, turn_id)


async def _handle(agent: Any, message: UserMessage, turn_id: str) -> HTTPResponse:
    failed: List[str] = []
    FAILED_ACTIONS.set(failed)
    SAVED_TRACKER.set(None)
    await agent.processor.handle_message(message)
    if failed:
        log.error("turn.action_failed", sender_id=message.sender_id, actions=failed)
        if set(failed) == {UNREACHABLE}:
            return _error(503, "actions_unreachable", "the action server is away")
        return _error(502, "action_failed", ", ".join(failed))
    tracker = SAVED_TRACKER.get() or await agent.tracker_store.retrieve(
        message.sender_id
    )
    answer = tracker and answer_of(tracker, turn_id)
    if not answer:
        return _error(500, "turn_failed", "the turn left no trace in the tracker")
    return json(answer)


def _broken(error: Exception, sender_id: str, turn_id: str) -> HTTPResponse:
    """Answer for a fault of one turn, which must not take the server down."""
    # Without the frames: Rasa's logger would print the customer's words.
    place = traceback.extract_tb(error.__traceback__)[-1]
    log.error(
        "turn.failed",
        sender_id=sender_id,
        turn_id=turn_id,
        error=type(error).__name__,
        at=f"{place.filename}:{place.lineno}",
    )
    return _error(500, "turn_failed", type(error).__name__)


async def _parse(agent: Any, text: str, sender_id: str, metadata: dict) -> dict:
    message = UserMessage(
        text, SilentOutput(), sender_id, input_channel="baoke", metadata=metadata
    )
    return await agent.processor.parse_message(message)


async def _is_unfinished(store: Any, sender_id: str, parsed: dict) -> bool:
    """Whether words make no sense yet: not understood, a greeting, data for nothing."""
    intent = (parsed.get("intent") or {}).get("name")
    if intent in OPENINGS:
        return True
    if intent != DATA:
        return False
    tracker = await store.retrieve(sender_id)
    return tracker is None or not tracker.active_loop_name


def answer_of(tracker: DialogueStateTracker, turn_id: str) -> Optional[dict]:
    """Read one turn's answer from the dialogue state.

    Args:
        tracker: state that holds the turn.
        turn_id: id the edge gave the turn.

    Returns:
        The response body, or None when the turn is not in this session.
    """
    events = list(tracker.events)
    start = next(
        (
            index
            for index in range(len(events) - 1, -1, -1)
            if isinstance(events[index], UserUttered)
            and (events[index].metadata or {}).get("turn_id") == turn_id
        ),
        None,
    )
    if start is None:
        return None
    uttered: UserUttered = events[start]
    parse_data = uttered.parse_data or {}
    turn = events[start + 1 :]
    end = next((i for i, e in enumerate(turn) if isinstance(e, UserUttered)), len(turn))
    turn = turn[:end]
    return {
        "replies": [_reply(event) for event in turn if isinstance(event, BotUttered)],
        "intent": _named(uttered.intent or {}),
        "ranking": [
            _named(guess)
            for guess in (parse_data.get("intent_ranking") or [])[:RANKING_LENGTH]
        ],
        "entities": [
            {key: entity.get(key) for key in ("entity", "value", "start", "end")}
            for entity in uttered.entities
        ],
        "actions": [
            {
                "name": event.action_name,
                "policy": event.policy,
                "confidence": event.confidence,
            }
            for event in turn
            if isinstance(event, ActionExecuted)
            and event.action_name not in ("action_listen", "action_extract_slots")
        ],
        "active_form": tracker.active_loop_name,
    }


def _reply(event: BotUttered) -> dict:
    data = event.data or {}
    return {
        "text": event.text,
        "buttons": data.get("buttons") or [],
        "image": data.get("image"),
        "custom": data.get("custom"),
        "response": (event.metadata or {}).get("utter_action"),
    }


def _named(guess: dict) -> dict:
    return {"name": guess.get("name"), "confidence": guess.get("confidence")}


def _problem(body: Any) -> Optional[str]:
    if not isinstance(body, dict):
        return "the body must be a JSON object"
    for key in ("sender_id", "turn_id", "text"):
        if not isinstance(body.get(key), str) or not body[key]:
            return f"{key} must be a non-empty string"
    if len(body["text"]) > MAX_TEXT:
        return f"text is longer than {MAX_TEXT} characters"
    if not isinstance(body.get("metadata") or {}, dict):
        return "metadata must be an object"
    if not isinstance(body.get("may_wait", False), bool):
        return "may_wait must be true or false"
    return None


def _error(status: int, code: str, detail: str) -> HTTPResponse:
    return json({"error": {"code": code, "detail": detail}}, status=status)
