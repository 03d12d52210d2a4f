"""Tells another desk by signed calls: one POST for each message and each move."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx

from bot.ledger.links import Item, Linked
from bot.ports import Clock
from channels.links.loop import External, Later, Refused
from channels.links.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from channels.wire import event

_SECONDS = 10.0
_TRY_AGAIN = frozenset({408, 425, 429})


class WebhookLink:
    """Another desk behind one address."""

    name = "webhook"

    def __init__(
        self, client: httpx.AsyncClient, url: str, secret: str, clock: Clock
    ) -> None:
        self._client = client
        self._url = url
        self._secret = secret
        self._clock = clock

    async def open(
        self, linked: Linked, items: Sequence[Item]
    ) -> tuple[External, str | None, int]:
        """Nothing has to be opened, see ``Link.open``."""
        return {"open": True}, None, 0

    async def tell(self, linked: Linked, item: Item) -> None:
        """Post one event, see ``Link.tell``."""
        raw = json.dumps(self._event(linked, item), ensure_ascii=False).encode()
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: sign(self._secret, timestamp, raw),
        }
        try:
            answer = await self._client.post(
                self._url, content=raw, headers=headers, timeout=_SECONDS
            )
        except httpx.HTTPError as err:
            raise Later(type(err).__name__) from err
        check(answer)

    async def look(self) -> None:
        """Do nothing: whoever is attached calls us."""

    def _event(self, linked: Linked, item: Item) -> dict[str, Any]:
        said: dict[str, Any] = {
            "sent_at": self._clock.now().isoformat(),
            "conversation": {
                "sender_id": linked.sender_id,
                "channel": linked.sender_id.partition(":")[0],
                "status": linked.status.value,
                "agent": linked.agent,
                "skill": linked.skill,
                "reason": linked.reason,
                "priority": linked.priority,
            },
        }
        if item.message is not None:
            key = f"{linked.sender_id}:{item.message.seq}"
            message = event(item.message)
            return {"id": key, "event": "message.created", "message": message, **said}
        assert item.move is not None
        move = {
            key: value.isoformat() if isinstance(value, datetime) else value
            for key, value in item.move.items()
        }
        key = f"{linked.sender_id}:move:{item.move['id']}"
        return {"id": key, "event": "conversation.moved", "move": move, **said}


def check(answer: httpx.Response) -> None:
    """Say what an answer means.

    Raises:
        Later: It may be tried again.
        Refused: It may not.
    """
    code = answer.status_code
    if code < 300:
        return
    if code >= 500 or code in _TRY_AGAIN or code < 400:
        raise Later(f"HTTP {code}")
    raise Refused(f"HTTP {code}")
