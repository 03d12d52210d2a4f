"""The desk's room: who holds a conversation, and what the customer is told about it.

In: wishes for a human, agents' steps. Out: moves in the ledger and honest words.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from bot.announcer import CANCEL_PAYLOAD, Announcer
from bot.crisis import crisis
from bot.desk_rules import TRANSFERRED, Handoff, Move, Priority, Rating, Status
from bot.desk_settings import DeskSettings
from bot.errors import IllegalMove
from bot.ledger.moves import Moves, Tell
from bot.ledger.values import Conclusion, Outcome, Turn, Written
from bot.message import Author, Button, ButtonsPart, Outbound, Part, TextPart
from bot.notices import Notices
from bot.outbox import Outbox
from bot.ports import Clock, WorkHours
from bot.rating import rating_parts, read_rating
from bot.settings import Settings
from bot.triggers import Triggers

REQUEST_PAYLOAD = "/request_handoff"
_ENDING = frozenset({"goodbye", "thank"})  # intents after which the bot asks how it was
_LOW = 1  # score


class Desk:
    """Decides about handoffs; every move goes through the ledger's rules."""

    def __init__(
        self,
        moves: Moves,
        notices: Notices,
        hours: WorkHours,
        clock: Clock,
        settings: Settings,
        outbox: Outbox,
        triggers: Triggers | None = None,
        desk: DeskSettings | None = None,
    ) -> None:
        self._moves = moves
        self._outbox = outbox
        self._notices = notices
        self._clock = clock
        self._triggers = triggers or Triggers()
        line = (desk or DeskSettings()).crisis_line
        self._announcer = Announcer(notices, hours, clock, line)
        self._hint_every = settings.queue_hint_every

    # Inside a turn: values that the ledger writes when the turn ends.

    def conclude(
        self,
        turn: Turn,
        outcome: Outcome,
        replies: tuple[Outbound, ...] = (),
        handoff: Handoff | None = None,
        *,
        intent: str | None = None,
        note: str | None = None,
    ) -> Conclusion:
        """Build the end of a turn; a wish for a human queues the conversation.

        The wish is the brain's or a trigger's among the customer's words, whichever is
        stronger. A turn that failed is one when the turn before it failed too; the
        ledger knows.
        """
        triggered = self._triggers.of(m.text for m in turn.messages)
        handoff = handoff.joined(triggered) if handoff else triggered
        if outcome is Outcome.FAILED:
            handoff = handoff or Handoff("brain_failed")
        move = None
        if handoff is not None:
            asked = handoff.reason == "customer_asked"
            move = Move(Status.QUEUED, "customer" if asked else "bot", handoff)
        return Conclusion(
            outcome=outcome,
            replies=replies,
            announce=self._announcer.announce(turn.sender_id, f"{turn.turn_id}:queue"),
            hint_every=self._hint_every,
            move=move,
            note=note,
            intent=intent,
            rating=self._ask_about_bot(turn) if intent in _ENDING else None,
        )

    def _ask_about_bot(self, turn: Turn) -> tuple[Rating, Outbound]:
        rating = Rating(turn.turn_id, "bot")
        return rating, _reply(turn, "rate", *rating_parts(self._notices, rating, None))

    def command(self, turn: Turn) -> Conclusion | None:
        """Handle what the edge does without the brain: despair, the queue, ratings."""
        if (answer := crisis(turn, self._triggers, self._announcer)) is not None:
            return answer
        message = turn.messages[-1]
        if (rated := read_rating(message.payload)) is not None:
            return self._thank(turn, rated)
        pressed = message.payload == CANCEL_PAYLOAD
        said = message.text is not None and self._notices.means(
            "cancel_handoff", message.text
        )
        waits = turn.status is Status.QUEUED
        if len(turn.messages) > 1 or not (pressed or (said and waits)):
            return None
        key = "queue_cancelled" if waits else "not_queued"
        reply = _reply(turn, "0", TextPart(self._notices.say(key)))
        move = Move(Status.BOT, "customer", Handoff("customer_cancelled"))
        return Conclusion(
            outcome=Outcome.COMMANDED,
            replies=(reply,),
            announce=self._announcer.announce(turn.sender_id, f"{turn.turn_id}:queue"),
            hint_every=self._hint_every,
            move=move if waits else None,
        )

    def _thank(self, turn: Turn, rated: tuple[str, int | None]) -> Conclusion:
        """Take a rating; of several answers the first one counts."""
        if rated[1] == _LOW:
            reply = self.offer_human(turn, "rated_low")
        else:
            notice = "rating_skipped" if rated[1] is None else "rated"
            reply = _reply(turn, notice, TextPart(self._notices.say(notice)))
        return replace(
            self.conclude(turn, Outcome.COMMANDED, (reply,)), rated=rated, move=None
        )

    def wants_human(self, turn: Turn) -> bool:
        """Say whether a turn asks for a human so plainly that no brain is needed.

        While the brain is away, what the customer wrote since then counts as well.
        """
        later = turn.behind if turn.postponed_at else ()
        return any(
            message.payload == REQUEST_PAYLOAD
            or (
                message.text is not None
                and self._notices.means("request_handoff", message.text)
            )
            for message in (*turn.messages, *later)
        )

    def offer_human(self, turn: Turn, notice: str) -> Outbound:
        """Say a sentence and offer a human below it."""
        button = Button(self._notices.titles["request_handoff"], REQUEST_PAYLOAD)
        words = TextPart(self._notices.say(notice))
        return _reply(turn, notice, words, ButtonsPart((button,)))

    # Outside a turn: steps of agents and of the system, each one transaction.

    async def request(self, sender_id: str, handoff: Handoff, key: str) -> Written:
        """Queue a conversation, once, with words for the customer.

        Args:
            sender_id: An existing conversation.
            handoff: Why, how urgent, for whom.
            key: Makes the words unique, e.g. the id of the request.

        Raises:
            IllegalMove: It is queued, with an agent or closed.
        """
        announce = self._announcer.announce(sender_id, f"{key}:queue")
        move = Move(Status.QUEUED, "system", handoff, found=Status.BOT)
        return await self._make(sender_id, move, lambda place: (announce(place),))

    async def accept(
        self, sender_id: str, agent: str, key: str, title: str | None = None
    ) -> Written:
        """Give a queued conversation to one agent; of two, the first gets it.

        Args:
            sender_id: The conversation.
            agent: The agent's account.
            key: Makes the words unique.
            title: What customers are told; the account's name without one.

        Raises:
            IllegalMove: It is no longer queued.
        """
        move = Move(Status.AGENT, f"agent:{agent}", Handoff("accepted"))
        return await self._step(sender_id, move, "agent_joined", title or agent, key)

    async def release(
        self, sender_id: str, agent: str, key: str, title: str | None = None
    ) -> Written:
        """Hand a conversation back to the bot.

        Raises:
            IllegalMove: This agent does not hold it.
        """
        move = Move(Status.BOT, f"agent:{agent}", Handoff("released"), held_by=agent)
        return await self._step(
            sender_id, move, "agent_left", title or agent, key, rates=agent
        )

    async def requeue(
        self, sender_id: str, agent: str, key: str, skill: str | None, memo: str
    ) -> Written:
        """Put a conversation back into the queue, before all others.

        Raises:
            IllegalMove: This agent does not hold it.
        """
        handoff = Handoff(TRANSFERRED, Priority.HIGH, skill, memo or None)
        move = Move(Status.QUEUED, f"agent:{agent}", handoff, held_by=agent)
        announce = self._announcer.announce(sender_id, f"{key}:queue")
        return await self._make(sender_id, move, lambda place: (announce(place),))

    async def hand_over(
        self, sender_id: str, agent: str, to: str, key: str, title: str | None = None
    ) -> Written:
        """Pass a conversation from one agent to another.

        Raises:
            IllegalMove: The first one does not hold it.
        """
        away = Move(Status.QUEUED, f"agent:{agent}", Handoff(TRANSFERRED), agent)
        taken = Move(Status.AGENT, f"agent:{to}", Handoff("accepted"))
        return await self._step(
            sender_id, (away, taken), "agent_joined", title or to, key
        )

    async def take(
        self,
        sender_id: str,
        agent: str,
        key: str,
        *,
        found: Status,
        held_by: str | None = None,
        title: str | None = None,
    ) -> Written:
        """Take a conversation from the bot, the queue or another agent.

        Args:
            sender_id: The conversation.
            agent: Who takes it.
            key: Makes the words unique.
            found: Where it was when the agent decided; of two who decide, one gets it.
            held_by: Which agent held it then.
            title: What customers are told; the account's name without one.

        Raises:
            IllegalMove: It is elsewhere by now, or ended.
        """
        actor = f"agent:{agent}"
        taken = Move(Status.AGENT, actor, Handoff("taken_over"))
        steps: tuple[Move, ...] = (taken,)
        if found is not Status.QUEUED:
            away = Move(Status.QUEUED, actor, Handoff("taken_over"), held_by, found)
            steps = (away, taken)
        return await self._step(sender_id, steps, "agent_joined", title or agent, key)

    async def rescue(self, sender_id: str, agent: str, title: str, key: str) -> Written:
        """Queue a conversation again whose agent has gone without a word.

        Raises:
            IllegalMove: This agent does not hold it any more.
        """
        handoff = Handoff("agent_gone", Priority.HIGH)
        move = Move(Status.QUEUED, "system", handoff, held_by=agent)
        words = TextPart(self._notices.say("agent_gone", agent=title))
        said = Outbound(sender_id, Author.SYSTEM, (words,), f"{key}:agent_gone")
        announce = self._announcer.announce(sender_id, f"{key}:queue")
        return await self._make(sender_id, move, lambda place: (said, announce(place)))

    async def leave(self, sender_id: str, key: str) -> None:
        """Let the customer end it; nothing happens when no agent holds it any more."""
        agent = await self._moves.agent_of(sender_id)
        if agent is None:
            return
        done = Handoff("customer_ended")
        move = Move(Status.BOT, "customer", done, held_by=agent)
        title = self._notices.titles["agent"]
        with suppress(IllegalMove):
            await self._step(sender_id, move, "left_agent", title, key, rates=agent)

    async def close(
        self,
        sender_id: str,
        agent: str,
        key: str,
        summary: str | None = None,
        category: str | None = None,
        title: str | None = None,
    ) -> Written:
        """End a conversation with a summary and a category, and ask the customer how it was.

        Raises:
            IllegalMove: This agent does not hold it.
        """
        handoff = Handoff("closed", summary=summary, category=category)
        move = Move(Status.CLOSED, f"agent:{agent}", handoff, held_by=agent)
        return await self._step(
            sender_id, move, "conversation_closed", title or agent, key, rates=agent
        )

    async def _step(
        self,
        sender_id: str,
        moves: Move | Sequence[Move],
        notice: str,
        title: str,
        key: str,
        *,
        rates: str | None = None,
    ) -> Written:
        """Make moves and tell the customer; ``rates``: the account they may rate."""
        parts: tuple[Part, ...] = (TextPart(self._notices.say(notice, agent=title)),)
        rating = None if rates is None else Rating(key, f"agent:{rates}")
        if rating is not None:
            parts += rating_parts(self._notices, rating, title)
        said = Outbound(sender_id, Author.SYSTEM, parts, f"{key}:{notice}")
        return await self._make(sender_id, moves, lambda place: (said,), rating)

    async def _make(
        self,
        sender_id: str,
        moves: Move | Sequence[Move],
        tell: Tell,
        rating: Rating | None = None,
    ) -> Written:
        now = self._clock.now()
        written = await self._moves.make(sender_id, moves, now, tell, rating)
        await self._outbox.publish(sender_id, written)
        return written


def _reply(turn: Turn, key: str, *parts: Part) -> Outbound:
    """Return the system's own words inside a turn; ``key`` is unique in it."""
    name = f"{turn.turn_id}:{key}"
    return Outbound(turn.sender_id, Author.SYSTEM, parts, name, turn.last_seq)
