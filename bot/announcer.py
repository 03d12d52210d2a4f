"""What a customer is told about the place in the queue, as it really is."""

from bot.desk_rules import QueuePlace
from bot.ledger.values import Announce
from bot.message import Author, Button, ButtonsPart, Outbound, Part, TextPart
from bot.notices import Notices
from bot.ports import Clock, WorkHours

CANCEL_PAYLOAD = "/cancel_handoff"


class Announcer:
    """Says where a customer stands, how long it will take, or when work begins."""

    def __init__(
        self, notices: Notices, hours: WorkHours, clock: Clock, crisis_line: str
    ) -> None:
        self._notices = notices
        self._crisis_line = crisis_line
        self._hours = hours
        self._clock = clock

    def announce(self, sender_id: str, key: str) -> Announce:
        """Return a function that says a place in the queue as it really is."""

        def announce(place: QueuePlace) -> Outbound:
            now = self._clock.now()
            name = "still_queued" if place.already else "queued"
            wait = self._notices.wait(place.present, place.minutes)
            values: dict[str, object] = {"ahead": place.ahead, "wait": wait}
            if not self._hours.is_open(now):
                name += "_after_hours"
                opens = self._hours.next_open(now)
                values["next_open"] = self._notices.moment(opens, now)
            elif place.ahead == 0:
                name += "_first"
            cancel = Button(self._notices.titles["cancel_handoff"], CANCEL_PAYLOAD)
            parts: tuple[Part, ...] = (
                TextPart(self._notices.say(name, **values)),
                ButtonsPart((cancel,)),
            )
            return Outbound(sender_id, Author.SYSTEM, parts, key)

        return announce

    def crisis(self, sender_id: str, key: str) -> Announce:
        """Return a function that answers despair: who comes when, and whom to call."""

        def announce(place: QueuePlace) -> Outbound:
            now = self._clock.now()
            name = "crisis" if place.present else "crisis_nobody"
            values = {"crisis_line": self._crisis_line}
            if not self._hours.is_open(now):
                name = "crisis_after_hours"
                opens = self._hours.next_open(now)
                values["next_open"] = self._notices.moment(opens, now)
            words = TextPart(self._notices.say(name, **values))
            return Outbound(sender_id, Author.SYSTEM, (words,), key)

        return announce
