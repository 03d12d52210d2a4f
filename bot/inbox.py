"""The inbox's room: check, store, drop repeats, then wake whoever answers.

In: an Inbound from a channel. Out: its number; the answer comes through the outbox.
"""

import re
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from bot.desk import REQUEST_PAYLOAD
from bot.desk_rules import Status
from bot.errors import BadInput, Overloaded, StoreError
from bot.ledger.messages import Messages, Replies
from bot.ledger.values import Accepted
from bot.message import (
    Author,
    Button,
    ButtonsPart,
    Inbound,
    Kind,
    Outbound,
    Part,
    TextPart,
)
from bot.notices import Notices
from bot.outbox import Outbox
from bot.payloads import PayloadRules, command, is_payload
from bot.ports import Again, Dispatcher, Rest, Work
from bot.settings import Settings
from bot.turn import Rooms, give_up, take_turn

# leave(sender_id, key) = the customer is done with the human
Leave = Callable[[str, str], Awaitable[None]]
OVERLOAD_PAUSE = timedelta(seconds=5)
# Direction overrides can make a line read differently from what it says.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")

log = structlog.get_logger()


def clean_text(text: str) -> str:
    """Remove what no customer types: controls, lone surrogates, direction tricks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (
        c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs")
    )
    return _BIDI.sub("", "".join(kept)).strip()


class Inbox:
    """Takes messages in for all channels."""

    def __init__(
        self,
        messages: Messages,
        outbox: Outbox,
        dispatcher: Dispatcher,
        rules: PayloadRules,
        notices: Notices,
        settings: Settings,
        leave: Leave,
    ) -> None:
        self._messages = messages
        self._outbox = outbox
        self._dispatcher = dispatcher
        self._rules = rules
        self._notices = notices
        self._settings = settings
        self._leave = leave

    async def accept(self, inbound: Inbound) -> Accepted:
        """Store one message and have it answered; safe to repeat.

        A message that is too long or names a button nobody offered is kept,
        marked as refused, and answered politely instead of being handled.

        Raises:
            BadInput: There is nothing in it; nothing is stored.
            Overloaded: Too many conversations wait; nothing is stored.
            StoreError: Nothing is stored.
        """
        if self._dispatcher.load >= self._settings.max_waiting:
            raise Overloaded("overloaded", OVERLOAD_PAUSE)
        inbound = _cleaned(inbound)
        if inbound.kind is Kind.ATTACHMENT:
            return await self._keep_file(inbound)
        if (sent := inbound.payload or inbound.text or "") == "":
            raise BadInput("empty")
        if len(sent) > self._settings.max_text_chars:
            return await self._refuse(inbound, "too_long")
        if inbound.payload is not None or is_payload(sent):
            button = self._rules.admit(sent, await self._offered(inbound.sender_id))
            if button is None:
                return await self._refuse(inbound, "payload_refused")
            inbound = _pressed(inbound, button)
        accepted = await self._messages.accept(inbound)
        await self._publish(inbound.sender_id, accepted, wake=True)
        if accepted.written.status is Status.AGENT and not accepted.repeat:
            await self._maybe_end(inbound)
        return accepted

    async def _maybe_end(self, inbound: Inbound) -> None:
        """Let a customer leave the human they talk to."""
        if inbound.text and self._notices.means("end_agent", inbound.text):
            await self._leave(inbound.sender_id, f"{inbound.message_key}:end"[:150])

    async def decline(
        self, inbound: Inbound, code: str, words: str, *, once: str | None = None
    ) -> Accepted:
        """Keep a message that cannot be handled, and say so; safe to repeat.

        Args:
            inbound: With some text that stands for what was sent.
            code: Why, for the ledger.
            words: For the customer.
            once: Of several messages with this key the first one alone is answered.

        Raises:
            StoreError: Nothing is stored.
        """
        inbound = _cleaned(inbound)
        limit = self._settings.max_text_chars
        inbound = replace(inbound, text=(inbound.text or "")[:limit])
        asked = replace(inbound, message_key=once) if once else inbound
        replies = self._saying(asked, code, words)
        accepted = await self._messages.accept(
            inbound, awaiting=False, refused=code, replies=replies
        )
        return await self._publish(inbound.sender_id, accepted)

    async def _offered(self, sender_id: str) -> tuple[Button, ...]:
        return await self._messages.offered(sender_id, self._settings.offered_window)

    async def expect_file(self, inbound: Inbound) -> Accepted:
        """Keep a message whose file is on its way; ``confirm_file`` tells of it later.

        Raises:
            StoreError: Nothing is stored.
        """
        inbound = _cleaned(inbound)
        accepted = await self._messages.accept(inbound, awaiting=False)
        return await self._publish(inbound.sender_id, accepted)

    async def confirm_file(self, inbound: Inbound) -> None:
        """Say that a file has arrived, unless a human holds the conversation.

        Safe to repeat.

        Raises:
            StoreError: It was not said.
        """
        sender_id, now = inbound.sender_id, inbound.received_at
        status, _ = await self._messages.holder(sender_id)
        said = self._receipt(inbound)(None, status is Status.AGENT)
        if not said:
            return
        # Said before, perhaps: for another file of the same album.
        if (written := await self._messages.post_once(said, now)) is not None:
            await self._outbox.publish(sender_id, written)

    async def _keep_file(self, inbound: Inbound) -> Accepted:
        said = self._receipt(inbound)
        accepted = await self._messages.accept(inbound, awaiting=False, replies=said)
        return await self._publish(inbound.sender_id, accepted)

    def _receipt(self, inbound: Inbound) -> Replies:
        """Say that a file arrived, and offer what it may be for."""
        file = inbound.attachments[0]
        # Files sent together are confirmed together, by the first of them.
        album = inbound.metadata.get("album")
        first = replace(inbound, message_key=f"album-{album}") if album else inbound
        words = self._notices.say("attachment_received", name=file.name)
        named = {"file_id": file.attachment_id, "file_name": file.name}
        titles = self._notices.titles
        buttons = [
            Button(titles["claim_file"], command("track_claim", **named)),
            Button(titles["complaint_file"], command("track_complaint", **named)),
        ]
        return self._saying(first, "attachment_received", words, buttons)

    async def _refuse(self, inbound: Inbound, code: str) -> Accepted:
        limit = self._settings.max_text_chars
        whole = inbound.text or inbound.payload or ""
        kept = replace(
            inbound,
            kind=Kind.TEXT,
            text=whole[:limit],
            payload=None,
            metadata={**inbound.metadata, "chars": len(whole)},
        )
        log.info("inbox.refused", sender_id=inbound.sender_id, code=code)
        accepted = await self._messages.accept(
            kept,
            awaiting=False,
            refused=code,
            replies=self._refusing(kept, code, limit),
        )
        return await self._publish(inbound.sender_id, accepted)

    def _reply(self, inbound: Inbound, notice: str, **values: object) -> Replies:
        return self._saying(inbound, notice, self._notices.say(notice, **values))

    def _refusing(self, inbound: Inbound, code: str, limit: int) -> Replies:
        """Say why it was not handled; with an agent only that a part was cut off."""
        alone = self._reply(inbound, code, max_chars=limit)
        words = TextPart(self._notices.say("too_long_held", max_chars=limit))
        key = f"{inbound.message_key}:{code}"[:200]

        def say(seq: int | None, held: bool) -> tuple[Outbound, ...]:
            if not held:
                return alone(seq, held)
            cut = Outbound(inbound.sender_id, Author.SYSTEM, (words,), key, seq)
            return (cut,) if code == "too_long" else ()

        return say

    def _saying(
        self, inbound: Inbound, code: str, words: str, buttons: Sequence[Button] = ()
    ) -> Replies:
        """Say something, unless a human holds the conversation, who sees it too."""
        human = Button(self._notices.titles["request_handoff"], REQUEST_PAYLOAD)
        parts: tuple[Part, ...] = (
            TextPart(words),
            ButtonsPart((*buttons, human)),
        )
        key = f"{inbound.message_key}:{code}"[:200]
        said = Outbound(inbound.sender_id, Author.SYSTEM, parts, key)
        return lambda seq, held: () if held else (replace(said, in_reply_to=seq),)

    async def _publish(
        self, sender_id: str, accepted: Accepted, wake: bool = False
    ) -> Accepted:
        if not accepted.repeat:
            if wake:
                await self._dispatcher.wake(sender_id)
            await self._outbox.publish(sender_id, accepted.written)
        return accepted


def _cleaned(inbound: Inbound) -> Inbound:
    return replace(
        inbound,
        text=None if inbound.text is None else clean_text(inbound.text),
        payload=None if inbound.payload is None else clean_text(inbound.payload),
    )


def _pressed(inbound: Inbound, button: Button) -> Inbound:
    """Return the press of a button; a title without a command is said as words."""
    if not button.payload.startswith("/"):
        return replace(inbound, kind=Kind.TEXT, text=button.payload, payload=None)
    # A menu entry was offered by no message; its channel may know its name.
    offered = button.title != button.payload
    title = button.title if offered else inbound.text or button.title
    return replace(inbound, kind=Kind.PAYLOAD, text=title, payload=button.payload)


def worker(rooms: Rooms) -> Work:
    """Return what a dispatcher runs: one turn, with an answer whatever happens.

    One of the two places with a broad catch: a fault in our own code must not leave
    a customer without an answer. Database failures go on to the dispatcher, which
    tries again later.
    """

    async def work(sender_id: str, rest: Rest) -> Again:
        try:
            return await take_turn(rooms, sender_id, rest)
        except StoreError:
            raise
        except Exception:
            log.exception("turn.crashed", sender_id=sender_id)
            return await give_up(rooms, sender_id, "crashed")

    return work
