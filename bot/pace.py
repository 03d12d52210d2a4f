"""How fast a channel may send: to everybody together, and to one customer."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from bot.channel_rules import ChannelRules

_MAX_KEYS = 50_000  # remembered customers; the longest silent is forgotten first


class Pace:
    """Says how long to wait before the next piece.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        # _free_at[channel or sender_id] = when the next piece may leave
        self._free_at: OrderedDict[str, float] = OrderedDict()

    def reserve(self, channel: str, sender_id: str, rules: ChannelRules) -> float:
        """Take the next place; 0 when the piece may leave now.

        Returns:
            Seconds to wait before asking again; no place was taken then.
        """
        now = self._clock()
        gap = 1 / rules.per_second if rules.per_second else 0.0
        pause = rules.recipient_pause.total_seconds()
        wait = max(
            self._free_at.get(channel, now) - now,
            self._free_at.get(sender_id, now) - now,
        )
        if wait > 0:
            return wait
        if gap:
            self._free_at[channel] = now + gap
        if pause:
            self._free_at[sender_id] = now + pause
            self._free_at.move_to_end(sender_id)
            if len(self._free_at) > _MAX_KEYS:
                self._free_at.popitem(last=False)
        return 0.0
