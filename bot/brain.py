"""The brain's room: one HTTP call to Rasa a turn; no reply is an error.

In: a Question. Out: an Answer, or a BrainError that says whether asking again is
safe. The other side is bot/assistant/connector.py.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx
import structlog

from bot.desk_rules import Handoff, Priority
from bot.errors import SILENT, BrainFailed, BrainUnreachable
from bot.message import (
    Button,
    ButtonsPart,
    CitationPart,
    ImagePart,
    Part,
    TextPart,
)
from bot.ports import Answer, Question

TURN_PATH = "/webhooks/baoke/turn"
HEALTH_PATH = "/webhooks/baoke/"
_FIRST_PAUSE = 0.2  # seconds between tries, doubled up to the longest
_LONGEST_PAUSE = 3.0
_REST_SECONDS = 3.0  # a server that was not there is asked last for so long
_TRACE_KEYS = ("ranking", "entities", "actions", "active_form")

log = structlog.get_logger()


class RasaBrain:
    """Asks one of several Rasa servers; tries again for a while when none is there.

    Any server can answer any question: dialogue state and lock are shared between
    them, and a question that was answered already is answered the same way again.

    Args:
        client: Keeps connections open; its owner closes it.
        urls: Of the servers.
        timeout: For one call.
        retry_budget: For all tries of one question. After a question used it up in
            vain, each further one gets a single try until Rasa answers again.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        urls: Sequence[str],
        timeout: timedelta,
        retry_budget: timedelta,
    ) -> None:
        self._client = client
        # _busy[url] = questions being asked there
        self._busy = {url.rstrip("/") + TURN_PATH: 0 for url in urls}
        self._resting: dict[str, float] = {}  # [url] = loop time until it is avoided
        self._timeout = timeout.total_seconds()
        self._budget = retry_budget.total_seconds()
        self._given_up = False

    async def ask(self, question: Question) -> Answer:
        """Answer one turn.

        Raises:
            BrainUnreachable: Nobody there within the budget, or too slow.
            BrainFailed: Rasa ran and failed, stayed silent or talked nonsense.
        """
        now = asyncio.get_running_loop().time
        deadline, pause = now() + self._budget, _FIRST_PAUSE
        while True:
            try:
                answer = await self._ask_somebody(question)
            except BrainUnreachable as err:
                late = now() + pause > deadline or err.code == SILENT
                if self._given_up or question.urgent or late:
                    self._given_up = self._given_up or (late and err.code != SILENT)
                    raise
                log.info("brain.retry", turn_id=question.turn_id, code=err.code)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            except BrainFailed:
                self._given_up = False
                raise
            else:
                self._given_up = False
                return answer

    async def _ask_somebody(self, question: Question) -> Answer:
        """Ask the least busy server; another one when nobody is there."""
        now = asyncio.get_running_loop().time()
        order = sorted(
            self._busy, key=lambda u: (self._resting.get(u, 0) > now, self._busy[u])
        )
        for url in order:
            try:
                return await self._ask_once(url, question)
            except BrainUnreachable as err:
                self._resting[url] = now + _REST_SECONDS
                if err.suspicious or url == order[-1]:
                    raise
        raise AssertionError("there is at least one server")

    async def _ask_once(self, url: str, question: Question) -> Answer:
        body = {
            "sender_id": question.sender_id,
            "turn_id": question.turn_id,
            "text": question.text,
            "metadata": dict(question.metadata),
            "may_wait": question.may_wait,
        }
        self._busy[url] += 1
        try:
            response = await self._client.post(url, json=body, timeout=self._timeout)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as err:
            raise BrainUnreachable("unreachable", type(err).__name__) from err
        except httpx.ReadTimeout as err:
            raise BrainUnreachable(SILENT, suspicious=True) from err
        except httpx.HTTPError as err:
            raise BrainUnreachable("cut_off", type(err).__name__, True) from err
        finally:
            self._busy[url] -= 1
        self._resting.pop(url, None)
        return _read_response(response)


def _read_response(response: httpx.Response) -> Answer:
    try:
        data = response.json()
    except ValueError as err:
        raise BrainFailed("bad_answer", f"HTTP {response.status_code}") from err
    if response.status_code != httpx.codes.OK:
        raise _failure(response.status_code, data)
    try:
        return read_answer(data)
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise BrainFailed("bad_answer", repr(err)[:200]) from err


def _failure(status: int, data: Any) -> BrainFailed | BrainUnreachable:
    error = data.get("error") if isinstance(data, dict) else None
    error = error if isinstance(error, dict) else {}
    code = str(error.get("code", "turn_failed"))
    if status == httpx.codes.SERVICE_UNAVAILABLE or code == "no_model":
        return BrainUnreachable(code)  # the turn was not begun
    return BrainFailed(code, str(error.get("detail", f"HTTP {status}"))[:200])


def read_answer(data: Mapping[str, Any]) -> Answer:
    """Read the connector's answer.

    Raises:
        BrainFailed: It says nothing and wants nothing: silence is a fault.
        KeyError, TypeError, ValueError, AttributeError: Not of the agreed shape.
    """
    if data.get("unfinished") is True:
        return Answer((), unfinished=True)
    replies: list[tuple[Part, ...]] = []
    handoff: Handoff | None = None
    for reply in data["replies"]:
        custom = reply.get("custom") or {}
        if parts := _read_parts(reply, custom):
            replies.append(parts)
        if wish := custom.get("handoff"):
            handoff = _read_handoff(wish)
    if not replies and handoff is None:
        raise BrainFailed("silent")
    intent = data.get("intent") or {}
    return Answer(
        tuple(replies),
        handoff,
        intent.get("name"),
        intent.get("confidence"),
        _read_trace(data),
    )


def _read_trace(data: Mapping[str, Any]) -> dict[str, Any]:
    """Why the brain answered so; see `bot.ledger.why`."""
    trace = {key: data[key] for key in _TRACE_KEYS if data.get(key)}
    said = [reply["response"] for reply in data["replies"] if reply.get("response")]
    found: dict[str, list[Any]] = {"responses": said}
    for reply in data["replies"]:
        for key in ("searched", "values"):
            kept = found.setdefault(key, [])
            more = (reply.get("custom") or {}).get(key) or ()
            kept += [fact for fact in more if fact not in kept]
    return trace | {key: facts for key, facts in found.items() if facts}


def _read_parts(
    reply: Mapping[str, Any], custom: Mapping[str, Any]
) -> tuple[Part, ...]:
    parts: list[Part] = []
    if text := reply.get("text"):
        parts.append(TextPart(str(text)))
    if image := reply.get("image"):
        parts.append(ImagePart(str(image)))
    for citation in custom.get("citations") or ():
        keys = ("title", "version", "effective_from")
        rest = {key: citation.get(key) for key in keys}
        parts.append(CitationPart(citation["ref"], citation["quote"], **rest))
    buttons = tuple(
        Button(str(b["title"]), str(b.get("payload") or b["title"]))
        for b in reply.get("buttons") or ()
    )
    if buttons:
        parts.append(ButtonsPart(buttons))
    return tuple(parts)


def _read_handoff(wish: Mapping[str, Any]) -> Handoff:
    return Handoff(
        reason=str(wish.get("reason") or "customer_asked"),
        priority=Priority(wish.get("priority") or "normal"),
        skill=wish.get("skill"),
        summary=wish.get("summary"),
    )
