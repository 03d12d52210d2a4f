"""Which button payloads may reach the brain: offered ones and a short public list.

A payload names an intent directly, past all understanding; a customer who types one
must not reach anything that no button offered.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml

from bot.message import Button

MAX_PAYLOAD_CHARS = 1000
_SHAPE = re.compile(r"/([a-z_]+)(\{.*\})?", re.DOTALL)
_COMMAND_SIGN = "/"
_HARMLESS_SIGN = "／"  # looks the same, means nothing to Rasa


def is_payload(text: str) -> bool:
    """Say whether text has the shape of a payload: ``/intent`` or ``/intent{…}``."""
    return len(text) <= MAX_PAYLOAD_CHARS and bool(_SHAPE.fullmatch(text))


def command(intent: str, **entities: str) -> str:
    """Return the payload of a button: an intent with its data."""
    data = json.dumps(entities, ensure_ascii=False, separators=(",", ":"))
    return f"{_COMMAND_SIGN}{intent}{data}"


def defuse(text: str) -> str:
    """Return words that Rasa cannot take for a command."""
    stripped = text.lstrip()
    if stripped.startswith(_COMMAND_SIGN):
        return _HARMLESS_SIGN + stripped[1:]
    return text


@dataclass(frozen=True)
class PayloadRules:
    """The fixed part of what may be sent; offered buttons come on top."""

    public: frozenset[str]
    aliases: Mapping[str, str]

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read payloads.yml beside this module, or another file."""
        source = path or Path(__file__).with_name("payloads.yml")
        raw = yaml.safe_load(source.read_text(encoding="utf-8"))
        return cls(frozenset(raw["public"]) | frozenset(raw["menu"]), raw["aliases"])

    def admit(self, payload: str, offered: Collection[Button]) -> Button | None:
        """Return the button that stands for this payload, None when it is refused.

        Args:
            payload: What the client sent, with its leading slash.
            offered: Buttons of the conversation's recent messages, newest first.

        Returns:
            The payload to hand on and the title to show for it. A public payload
            that no message offered has itself for a title.
        """
        for button in offered:
            if button.payload == payload:
                return button
        if not is_payload(payload):
            return None
        name = payload[1:]
        name = self.aliases.get(name, name)
        if name in self.public:
            return Button(title=payload, payload=f"/{name}")
        return None
