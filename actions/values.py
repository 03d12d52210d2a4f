"""What a customer's data was read as: 三千块 → 3,000.00元, 昨天 → 2026-11-22.

In: a turn. Out: one plain value per piece of data, for "why this answer"; data that could
not be read has None and is asked back by whoever needs it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from actions import normalise
from actions.moments import BEIJING
from actions.money import amount_fen
from actions.show import money
from actions.turn import Turn

# Read without the clock; identity numbers are secrets and stay out.
_READERS = {
    "policy_no": normalise.policy_no,
    "claim_no": normalise.claim_no,
    "complaint_no": normalise.complaint_no,
    "phone": normalise.phone,
    "plate_no": normalise.plate_no,
}


def read_values(turn: Turn, now: datetime) -> list[dict[str, Any]]:
    """Read the turn's data.

    Args:
        turn: the message.
        now: when it is answered; dates count from when it was written, if that is known.
    """
    found = []
    for entity in turn.entities:
        if entity.kind in _READERS:
            value = _READERS[entity.kind](entity.value)
        elif entity.kind == "amount":
            fen = amount_fen(entity.value)
            value = None if fen is None else money(fen)
        elif entity.kind == "date":
            when = normalise.when(entity.value, turn.received_at or now)
            local = when.start.astimezone(BEIJING) if when else None
            value = f"{local:%Y-%m-%d %H:%M}" if local else None
        else:
            continue
        found.append({"entity": entity.kind, "said": entity.value, "value": value})
    return found
