"""How guessing of ID tails is slowed without locking out whose policy it is.

In: the counters of a check. Out: until when a stranger has to wait. Three things count
failures: the conversation (three lock it, see `identity`), where it comes from, and the
policy number. The last can be named by anybody, so it never locks for long:

- After ``policy_attempts`` failures within ``policy_window`` each further one makes
  strangers wait, longer each time, at most ``guess_pause_most``.
- Up to twice as many, whoever has not failed yet, here or from the same origin, need
  not wait: an attacker's failures are not theirs.
- A conversation that proved this policy before is no stranger.

A quiet window forgets everything. Whoever waits is offered a human.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from actions.policystore.store_session import StoreSession
from actions.policystore.tables import VerificationAttemptRow, VerificationCounterRow
from actions.settings import Settings


def paused_until(
    settings: Settings,
    sender: VerificationCounterRow,
    source: VerificationCounterRow | None,
    policy: VerificationCounterRow,
    now: datetime,
) -> datetime | None:
    """Return until when strangers wait, None when they need not.

    Args:
        settings: The limits.
        sender: The conversation.
        source: Where it comes from, None where nobody knows.
        policy: The number that was given, real or not.
        now: Present moment.
    """
    waits = [] if source is None else [source.locked_until]
    known = (sender,) if source is None else (sender, source)
    is_new = not any(failures(row, now) for row in known)
    if not (is_new and failures(policy, now) < 2 * settings.policy_attempts):
        waits.append(policy.locked_until)
    return max((until for until in waits if until and until > now), default=None)


def count(
    settings: Settings, row: VerificationCounterRow, allowed: int, now: datetime
) -> None:
    """Count a failure; from ``allowed`` on each one brings a longer pause."""
    row.failures = 1 + failures(row, now)
    row.window_ends_at = now + settings.policy_window
    if (beyond := row.failures - allowed) >= 0:
        pause = settings.guess_pause * 2 ** min(beyond, 20)
        row.locked_until = now + min(pause, settings.guess_pause_most)


def failures(row: VerificationCounterRow, now: datetime) -> int:
    """Return how many there were within the window."""
    ends = row.window_ends_at
    return row.failures if ends is not None and ends > now else 0


def has_proven(
    store: StoreSession,
    settings: Settings,
    sender: VerificationCounterRow,
    policy: VerificationCounterRow,
) -> bool:
    """Return whether this conversation proved this policy once: it is no stranger's."""
    row = VerificationAttemptRow
    found = store.reading().scalar(
        select(row.attempt_id)
        .where(
            row.sender_subject == sender.subject,
            row.policy_subject == policy.subject,
            row.succeeded,
            row.step == ("code" if settings.sms_url else "pair"),
        )
        .limit(1)
    )
    return found is not None
