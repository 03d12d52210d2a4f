"""A bridge to Chatwoot's API channel: its people answer our customers.

In: conversations in which a human is wanted. Out: the same in Chatwoot: the customer's
words as incoming messages, what was said before and beside as private notes. Sources:
chatwoot.com/developers (public and application APIs), tests/fixtures/platforms/chatwoot*.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import structlog

from bot.desk_rules import Status
from bot.ledger.links import Item, Linked, Links
from bot.message import Author, FilePart, StoredMessage
from bot.notices import Notices
from bot.ports import Clock
from channels.links.loop import External, Later, Refused
from channels.links.webhook import check
from channels.wire import plain_text

NAME = "chatwoot"
PREFIX = "chatwoot:"
# Written into our own notes, so that their webhook is known as our echo.
OURS = "baoke"
SOURCE = "baoke:"
_SECONDS = 10.0
_LOOK_EVERY = timedelta(seconds=60)

# resolved(sender_id, agent, key) = Chatwoot's people are done with it
Resolved = Callable[[str, str, str], Awaitable[None]]
Json = dict[str, Any]

log = structlog.get_logger()


class ChatwootLink:
    """One API inbox of one account."""

    name = NAME

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        inbox: str,
        account: int,
        token: str,
        links: Links,
        notices: Notices,
        clock: Clock,
        resolved: Resolved,
    ) -> None:
        self._client = client
        self._public = f"{url.rstrip('/')}/public/api/v1/inboxes/{inbox}/contacts"
        self._private = f"{url.rstrip('/')}/api/v1/accounts/{account}/conversations"
        self._token = token
        self._links = links
        self._notices = notices
        self._clock = clock
        self._resolved = resolved
        self._looked_at: datetime | None = None

    async def open(
        self, linked: Linked, items: Sequence[Item]
    ) -> tuple[External, str | None, int]:
        """Make contact and conversation, with what was said so far, see ``Link.open``."""
        source = self._source(linked.sender_id)
        channel = linked.sender_id.partition(":")[0]
        name = f"{self._notices.links[channel]} {source[:6]}"
        await self._post(self._public, {"source_id": source, "name": name})
        base = f"{self._public}/{source}/conversations"
        # Made before a crash, perhaps: take it up again.
        found = await self._get(base)
        rows = found if isinstance(found, list) else []
        known = [row["id"] for row in rows if isinstance(row, dict) and "id" in row]
        number = known[-1] if known else (await self._post(base, {})).get("id")
        if not isinstance(number, int):
            raise Later("no conversation id")
        external = {"source": source, "conversation": number}
        count = next((n for n, item in enumerate(items) if item.move), len(items))
        before = [item.message for item in items[:count] if item.message is not None]
        if before:
            lines = [self._notices.links["transcript"], *map(self._line, before)]
            await self._note(number, "\n".join(lines))
        return external, str(number), count

    async def tell(self, linked: Linked, item: Item) -> None:
        """Tell one message or move, see ``Link.tell``."""
        number = linked.external["conversation"]
        if item.move is not None:
            await self._tell_move(number, item.move)
            return
        message = item.message
        assert message is not None
        if message.author is Author.CUSTOMER:
            source = linked.external["source"]
            path = f"{self._public}/{source}/conversations/{number}/messages"
            body = {"content": self._words(message), "echo_id": str(message.seq)}
            await self._post(path, body)
        elif message.author is not Author.SYSTEM and not _theirs(item):
            await self._note(number, self._line(message))

    async def look(self) -> None:
        """Ask what became of conversations: a status event can be missed."""
        now = self._clock.now()
        if self._looked_at is not None and now - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = now
        for sender_id, agent, number in await self._links.held(NAME, PREFIX):
            try:
                found = await self._get(f"{self._private}/{number}")
            except Refused as err:  # this one is gone over there, others are not
                log.warning("chatwoot.refused_look", error=str(err)[:100])
                continue
            except Later as err:
                log.warning("chatwoot.not_looked", error=str(err)[:100])
                return
            if isinstance(found, dict) and found.get("status") == "resolved":
                await self._resolved(sender_id, agent, f"{NAME}:look:{now.timestamp()}")

    async def note(self, number: str, words: str) -> None:
        """Write a note that only Chatwoot's people see.

        Raises:
            Later, Refused: It was not written.
        """
        await self._note(int(number), words)

    async def _tell_move(self, number: int, move: Mapping[str, Any]) -> None:
        """Open it for a human, or end it when somebody else did."""
        to, theirs = move["moved_to"], f"agent:{PREFIX}"
        if to == Status.QUEUED:
            await self._status(number, "open")
            note = self._notices.links["wanted"].format(
                reason=move["reason"], summary=move["summary"] or "-"
            )
            await self._note(number, note)
        elif to == Status.AGENT and not move["actor"].startswith(theirs):
            await self._note(number, self._notices.links["taken"])
        elif to in (Status.BOT, Status.CLOSED) and not move["actor"].startswith(theirs):
            await self._status(number, "resolved")

    async def _status(self, number: int, status: str) -> None:
        path = f"{self._private}/{number}/toggle_status"
        await self._post(path, {"status": status}, private=True)

    async def _note(self, number: int, words: str) -> None:
        body = {
            "content": words,
            "message_type": "outgoing",
            "private": True,
            "content_attributes": {OURS: True},
            "source_id": f"{SOURCE}note",
        }
        await self._post(f"{self._private}/{number}/messages", body, private=True)

    def _line(self, message: StoredMessage) -> str:
        return f"{self._notices.links[message.author.value]}{self._words(message)}"

    def _words(self, message: StoredMessage) -> str:
        files = any(isinstance(part, FilePart) for part in message.parts)
        words = plain_text(message, self._notices)
        return f"{self._notices.links['file']}{words}" if files else words

    def _source(self, sender_id: str) -> str:
        """Return an id that says nothing about the customer and stays the same."""
        digest = hmac.new(self._token.encode(), sender_id.encode(), hashlib.sha256)
        return digest.hexdigest()[:32]

    async def _post(self, url: str, body: Json, private: bool = False) -> Json:
        found = await self._call("POST", url, private=private, json=body)
        return found if isinstance(found, dict) else {}

    async def _get(self, url: str) -> Any:
        return await self._call("GET", url, private=True)

    async def _call(self, method: str, url: str, *, private: bool, **rest: Any) -> Any:
        headers = {"api_access_token": self._token} if private else {}
        try:
            answer = await self._client.request(
                method, url, headers=headers, timeout=_SECONDS, **rest
            )
        except httpx.HTTPError as err:
            raise Later(type(err).__name__) from err
        check(answer)
        try:
            return answer.json()
        except ValueError as err:
            raise Later("no JSON") from err


def _theirs(item: Item) -> bool:
    """Whether Chatwoot's people wrote it themselves."""
    return (item.key or "").startswith(PREFIX)
