"""The edge's own sentences, loaded once from notices.zh.yml, with typed access."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import yaml

BEIJING = ZoneInfo("Asia/Shanghai")
# A trailing mark never changes what a command word means.
_TRAILING = "。．.！!？?～~，, "

_LONG_MINUTES = 60

_SPOKEN = frozenset(
    {
        "brain_failed",
        "brain_away",
        "too_long",
        "payload_refused",
        "attachment_received",
        "case_progress",
        "case_extended",
        "case_decided",
        "claim_moved",
        "request_moved",
        "request_answered",
        "request_done",
        "queued_first",
        "queued",
        "queued_after_hours",
        "still_queued_first",
        "still_queued",
        "still_queued_after_hours",
        "crisis",
        "crisis_nobody",
        "crisis_after_hours",
        "queue_cancelled",
        "not_queued",
        "agent_joined",
        "agent_left",
        "conversation_closed",
        "unreadable",
        "place",
        "followed",
        "scanned",
        "more_waits",
        "reply_number",
        "media_lost",
        "file_lost",
        "sent_kind",
        "edited",
        "edit_noted",
        "agent_gone",
        "left_agent",
        "too_long_held",
        "rate_agent",
        "rate_bot",
        "rated",
        "rated_low",
        "rating_skipped",
    }
)


@dataclass(frozen=True)
class Notices:
    """Sentences by key; a missing key is found at start, not in front of a customer.

    Attributes:
        refused: Answers to refused requests, by error code.
        desk: What agents are told, by key.
    """

    spoken: Mapping[str, str]
    titles: Mapping[str, str]
    refused: Mapping[str, str]
    desk: Mapping[str, str]
    moments: Mapping[str, str]
    waits: Mapping[str, str]
    links: Mapping[str, str]
    words: Mapping[str, frozenset[str]]
    kinds: Mapping[str, str]
    citation_form: str
    source_form: str

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read the file beside this module, or another language's.

        Raises:
            ValueError: A sentence is missing.
        """
        source = path or Path(__file__).with_name("notices.zh.yml")
        raw = yaml.safe_load(source.read_text(encoding="utf-8"))
        if missing := _SPOKEN - raw["spoken"].keys():
            raise ValueError(f"{source.name} lacks {sorted(missing)}")
        words = {key: frozenset(values) for key, values in raw["words"].items()}
        return cls(
            raw["spoken"],
            raw["titles"],
            raw["refused"],
            raw["desk"],
            raw["moments"],
            raw["waits"],
            raw["links"],
            words,
            raw["kinds"],
            raw["citation"],
            raw["source"],
        )

    def say(self, key: str, **values: Any) -> str:
        """Return a sentence for the conversation, filled in."""
        return self.spoken[key].format(**values)

    def place(self, latitude: float, longitude: float, title: str) -> str:
        """Write a place, in degrees, as words of the customer."""
        where = {"latitude": f"{latitude:.5f}", "longitude": f"{longitude:.5f}"}
        return self.say("place", title=title, **where)

    def citation(self, *, said_already: bool = False, **values: str) -> str:
        """Write a quoted clause as words; without the quote when it was said."""
        form = self.source_form if said_already else self.citation_form
        return form.format(**values)

    def refusal(self, code: str, **values: Any) -> str:
        """Return the answer to a refused request; unknown codes get a general one."""
        template = self.refused.get(code, self.refused["bad_request"])
        return template.format(**values)

    def tell(self, key: str, **values: Any) -> str:
        """Return words for an agent, filled in."""
        return self.desk[key].format(**values)

    def means(self, command: str, text: str) -> bool:
        """Say whether a whole message is one of a command's words."""
        return text.strip().rstrip(_TRAILING) in self.words[command]

    def wait(self, present: int, minutes: int | None) -> str:
        """Write how long a wait will be, as far as it can honestly be said."""
        if present == 0:
            return self.waits["nobody"]
        if minutes is None:
            return ""
        key = "minutes" if minutes <= _LONG_MINUTES else "long"
        return self.waits[key].format(minutes=minutes)

    def moment(self, at: datetime, now: datetime) -> str:
        """Write a moment as customers say it, in Beijing time."""
        local, today = at.astimezone(BEIJING), now.astimezone(BEIJING).date()
        key = "later"
        if local.date() == today:
            key = "today"
        elif local.date() == today + timedelta(days=1):
            key = "tomorrow"
        return self.moments[key].format(
            year=local.year,
            month=local.month,
            day=local.day,
            clock=local.strftime("%H:%M"),
        )
