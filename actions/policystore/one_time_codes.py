"""One-time codes (验证码): made, limited, compared and withdrawn; sending is not here.

In: who proved a policy number and an ID tail. Out: a code to send, or why there is none.
The caller holds the conversation's counter, so one conversation makes one code at a time.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from actions.policystore.code_tables import OneTimeCodeRow
from actions.policystore.id_tail import TailHash, hash_tail, is_tail
from actions.policystore.model import CodeDue, CodesUsedUp, CodeTooSoon, Customer
from actions.policystore.store_session import StoreSession
from actions.policystore.tables import CustomerRow
from actions.settings import Settings

DIGITS = 6
DAY = timedelta(days=1)


class OneTimeCodes:
    """The codes of all conversations."""

    def __init__(self, store: StoreSession, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def make(
        self, sender: str, policy: str, customer: Customer, now: datetime
    ) -> CodeDue | CodeTooSoon | CodesUsedUp:
        """Make a code that takes the place of the conversation's last one.

        Args:
            sender: Hash of the conversation.
            policy: Hash of the policy number that was proven.
            customer: Whose it is; their row exists.
            now: Present moment.
        """
        last = self.newest(sender)
        if last is not None and last.sent_at + self._settings.code_pause > now:
            return CodeTooSoon(last.sent_at + self._settings.code_pause)
        if until := self._used_up_until(customer.customer_id, now):
            return CodesUsedUp(until)
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        kept = hash_tail(code)
        row = OneTimeCodeRow(
            sender_subject=sender,
            policy_subject=policy,
            customer_id=customer.customer_id,
            salt=kept.salt,
            digest=kept.digest,
            sent_at=now,
            expires_at=now + self._settings.code_ttl,
            tries_left=self._settings.code_attempts,
            idempotency_key=secrets.token_hex(16),
        )
        self._store.writing().add(row)
        return CodeDue(customer, code, row.idempotency_key, row.expires_at)

    def newest(self, sender: str) -> OneTimeCodeRow | None:
        """Return the conversation's last code, in whatever state."""
        return self._store.writing().scalar(
            select(OneTimeCodeRow)
            .where(OneTimeCodeRow.sender_subject == sender)
            .order_by(OneTimeCodeRow.code_id.desc())
            .limit(1)
        )

    def withdraw(self, idempotency_key: str, *, perhaps_sent: bool) -> None:
        """Make a code worthless that could not be sent.

        One that perhaps reached the customer still counts for the limits.
        """
        mine = OneTimeCodeRow.idempotency_key == idempotency_key
        change = update(OneTimeCodeRow).values(tries_left=0)
        undo = change if perhaps_sent else delete(OneTimeCodeRow)
        self._store.writing().execute(undo.where(mine))

    def _used_up_until(self, customer_id: str, now: datetime) -> datetime | None:
        """Return when the customer may be sent a code again, None when now."""
        # Conversations of one customer queue here; NO KEY: not whoever refers to them.
        self._store.writing().execute(
            select(CustomerRow.customer_id)
            .where(CustomerRow.customer_id == customer_id)
            .with_for_update(key_share=True)
        )
        sent = self._store.writing().scalars(
            select(OneTimeCodeRow.sent_at)
            .where(
                OneTimeCodeRow.customer_id == customer_id,
                OneTimeCodeRow.sent_at > now - DAY,
            )
            .order_by(OneTimeCodeRow.sent_at.desc())
            .limit(self._settings.code_daily)
        )
        days = list(sent)
        return days[-1] + DAY if len(days) >= self._settings.code_daily else None


def is_open(row: OneTimeCodeRow, now: datetime) -> bool:
    """Whether a code may still be entered."""
    return row.expires_at > now and row.tries_left > 0


def is_code(said: str, row: OneTimeCodeRow) -> bool:
    """Compare in constant time, in any width and with blanks."""
    return is_tail(said, TailHash(row.salt, row.digest))
