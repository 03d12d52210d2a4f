"""Hears Chatwoot: what its people write goes to the customer, once.

In: ``POST /webhooks/chatwoot/<secret>``, as Chatwoot posts its events. Out: words of a
human who holds the conversation from then on, notes among agents, the way back to the bot.
"""

import hmac
from typing import Any

import structlog
from fastapi import APIRouter, Request
from sqlalchemy.exc import IntegrityError

from bot.desk import Desk
from bot.desk_rules import Status
from bot.errors import BadInput, BaokeError, IllegalMove, Unauthorized
from bot.ledger.desk_view import Listed
from bot.message import TextPart
from bot.ports import Clock
from channels.console.bodies import is_storable
from channels.console.entry import say
from channels.links.chatwoot import NAME, OURS, PREFIX, SOURCE, ChatwootLink
from channels.links.signing import is_signed
from channels.strict_json import read_object
from channels.visitors import WebRooms

PATH = "/webhooks/chatwoot/{secret}"
_MAX_WORDS = 4000
_MAX_TITLE = 30
_MAX_ID = 2**63  # a bigint over there
_OUTGOING = ("outgoing", 1)
Json = dict[str, Any]

log = structlog.get_logger()


# The scheme is our own: sha256=, over timestamp, a dot and the body. Source:
# github.com/chatwoot/chatwoot/pull/13573 and /13892, read 2026-11-23.
_TIMESTAMP_HEADER = "X-Chatwoot-Timestamp"
_SIGNATURE_HEADER = "X-Chatwoot-Signature"


def build_router(
    door: "ChatwootDoor", secret: str, signing_secret: str | None, clock: Clock
) -> APIRouter:
    """Return the route of Chatwoot's events; with a signing secret they are signed."""
    router = APIRouter(include_in_schema=False)

    @router.post(PATH)
    async def hear(request: Request) -> Json:
        given = request.path_params["secret"].encode("utf-8", "replace")
        if not hmac.compare_digest(given, secret.encode()):
            raise BadInput("not_found", 404)
        raw, head = await request.body(), request.headers
        if signing_secret is not None and not is_signed(
            signing_secret,
            head.get(_TIMESTAMP_HEADER),
            head.get(_SIGNATURE_HEADER),
            raw,
            clock.now(),
        ):
            raise Unauthorized
        await door.hear(read_object(raw))
        return {}

    return router


class ChatwootDoor:
    """Reads events; what is unknown or our own echo is passed over."""

    def __init__(
        self, rooms: WebRooms, desk: Desk, link: ChatwootLink, account: int
    ) -> None:
        self._rooms = rooms
        self._desk = desk
        self._link = link
        self._account = account

    async def hear(self, said: Json) -> None:
        """Take one event.

        Raises:
            StoreError: It was not taken; Chatwoot does not repeat it by itself.
        """
        account = _get(said, "account", "id")
        if account is not None and account != self._account:
            return
        match said.get("event"), said.get("status"):
            case "message_created", _:
                await self._message(said)
            case "conversation_status_changed", "resolved":
                await self._done(said.get("id"), str(said.get("timestamp")))

    async def _message(self, said: Json) -> None:
        number, key = _get(said, "conversation", "id"), said.get("id")
        person, name = _get(said, "sender", "id"), _get(said, "sender", "name")
        if (
            said.get("message_type") not in _OUTGOING
            or _is_ours(said)
            or _get(said, "sender", "type") not in ("user", "User", None)
            or not all(_is_number(each) for each in (number, key, person))
        ):
            return
        links = self._rooms.ledger.links
        sender_id = await links.sender_of(NAME, str(number))
        words, title = _words_of(said), " ".join(str(name or "").split())[:_MAX_TITLE]
        if sender_id is None or not words:
            return
        if not is_storable(words + title):
            raise BadInput("bad_json", 400)
        who, once = f"{PREFIX}{person}", f"{PREFIX}{key}"
        now, messages = self._rooms.clock.now(), self._rooms.ledger.messages
        if said.get("private"):
            await links.note_once(once, sender_id, who, words, now)
        elif await messages.said(sender_id, once) or await links.done_before(once):
            return  # a repeat must not take the conversation once more
        elif await self._hold(sender_id, who, title or NAME, once):
            await say(self._rooms, sender_id, who, (TextPart(words),), once)
        else:
            await links.note_done(once, now)
            await self._tell_back(str(number))

    async def _hold(self, sender_id: str, who: str, title: str, key: str) -> bool:
        """Make sure that this person holds it: a human who writes has taken it."""
        row = await self._rooms.ledger.desk.one(sender_id)
        if row is None or row.agent == who:
            return row is not None
        ours = row.status is Status.AGENT and not (row.agent or "").startswith(PREFIX)
        if ours or row.status is Status.CLOSED:
            return False
        try:
            await self._take(row, who, title, key)
        except (IllegalMove, IntegrityError):
            now = await self._rooms.ledger.desk.one(sender_id)
            return now is not None and now.agent == who
        return True

    async def _take(self, row: Listed, who: str, title: str, key: str) -> None:
        await self._desk.take(
            row.sender_id, who, key, found=row.status, held_by=row.agent, title=title
        )

    async def _tell_back(self, number: str) -> None:
        """Say to Chatwoot's people that the customer did not get it."""
        try:
            await self._link.note(number, self._rooms.notices.links["not_sent"])
        except BaokeError as err:
            log.warning("chatwoot.not_told_back", error=str(err)[:100])

    async def _done(self, number: object, moment: str) -> None:
        if not isinstance(number, int):
            return
        sender_id = await self._rooms.ledger.links.sender_of(NAME, str(number))
        row = sender_id and await self._rooms.ledger.desk.one(sender_id)
        if row and (row.agent or "").startswith(PREFIX):
            assert row.agent is not None
            key = f"{NAME}:done:{moment[:20]}:{row.last_seq}"
            await self.release(row.sender_id, row.agent, key)

    async def release(self, sender_id: str, agent: str, key: str) -> None:
        """Hand a conversation back to the bot; somebody may have done so already."""
        try:
            await self._desk.release(sender_id, agent, key, self._title)
        except IllegalMove:
            return

    @property
    def _title(self) -> str:
        return self._rooms.notices.links["colleague"]


def _is_ours(said: Json) -> bool:
    """Whether it is a note of our own coming back.

    Older versions keep no attributes they do not know, so the mark is in two places.
    """
    source = said.get("source_id")
    marked = isinstance(source, str) and source.startswith(SOURCE)
    return marked or bool(_get(said, "content_attributes", OURS))


def _is_number(value: object) -> bool:
    return type(value) is int and 0 < value < _MAX_ID


def _get(said: Json, *path: str) -> Any:
    found: Any = said
    for name in path:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def _words_of(said: Json) -> str:
    """Return the words and the addresses of files; files are not fetched."""
    words = said.get("content")
    lines = [words] if isinstance(words, str) else []
    files = said.get("attachments")
    for file in files if isinstance(files, list) else ():
        address = _get(file, "data_url") if isinstance(file, dict) else None
        if isinstance(address, str) and address.startswith("https://"):
            lines.append(address)
    return "\n".join(lines).strip()[:_MAX_WORDS]
