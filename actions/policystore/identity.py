"""Who is asking: the identity check, its limits, and the bindings it makes.

In: a conversation, a policy number, the last four characters of the holder's ID number
and, with ``sms_url``, the code that was sent to the holder. Out: the customer, or how
many tries are left, or until when there are none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete, select

from actions.policystore import guessing
from actions.policystore.id_tail import NOBODY, TailHash, is_tail
from actions.policystore.model import (
    CodeOutcome,
    Customer,
    IdentityOutcome,
    Locked,
    Mismatch,
    NoCode,
    Verified,
    WrongCode,
)
from actions.policystore.one_time_codes import OneTimeCodes, is_code, is_open
from actions.policystore.plain import key, spelled
from actions.policystore.stale import forget_stale
from actions.policystore.store_session import StoreSession
from actions.policystore.tables import (
    BindingRow,
    CustomerRow,
    PolicyRow,
    VerificationAttemptRow,
    VerificationCounterRow,
)
from actions.settings import Settings

# check(policy number, ID tail) = the holder, None when they do not belong together
CheckIdentity = Callable[[str, str], Customer | None]
WEB = "web"  # channel whose bindings end soonest: a browser is easily shared


class IdentityRepository:
    """Checks, counters and bindings."""

    def __init__(
        self,
        store: StoreSession,
        settings: Settings,
        check: CheckIdentity | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._check = check
        self._codes = OneTimeCodes(store, settings)

    def verify(
        self,
        sender_id: str,
        policy_no: str,
        id_tail: str,
        now: datetime,
        origin: str = "",
    ) -> IdentityOutcome:
        """Check and bind, or ask for a code to be sent, or count the failure.

        An unknown policy number costs and answers the same as a wrong tail. Parallel
        checks of one conversation, origin or policy wait for each other, so that every
        failure is counted before the next try is looked at.

        Args:
            sender_id: The conversation.
            policy_no: In any case or width.
            id_tail: Last four characters of the holder's ID number, likewise.
            now: Present moment.
            origin: Where the conversation comes from (its network, hashed by the edge);
                empty where a platform vouches for its accounts.

        Raises:
            ValueError: The sender id cannot be one.
        """
        sender_id = key(sender_id)
        number = spelled(policy_no)
        elsewhere = None
        if self._check is not None:
            if until := self._paused_so_far(sender_id, origin, number, now):
                return Locked(until)
            self._store.pause()  # a slow core system holds up nobody else
            elsewhere = self._check(number, id_tail)
        # Always in this order: two checks can never wait in a circle.
        sender = self._counter("sender", sender_id)
        source = self._counter("origin", origin) if origin else None
        policy = self._counter("policy", number)
        # Many may have asked the core system at once: none counts beyond the limit.
        if until := self._paused_until(sender, source, policy, now):
            return Locked(until)
        found = elsewhere if self._check else self.holder(number, id_tail)
        self._note(sender, policy, now, "pair", succeeded=found is not None)
        if found is None:
            return self._count_failure(sender, source, policy, now)
        if self._check is not None:
            self._remember(found)
        if self._settings.sms_url:  # failures count on until the code is right
            return self._codes.make(sender.subject, policy.subject, found, now)
        sender.failures = 0
        self._bind(sender_id, found.customer_id, now)
        return Verified(found)

    def enter_code(
        self, sender_id: str, policy_no: str, code: str, now: datetime
    ) -> CodeOutcome:
        """Compare with the code that was sent for this policy, and bind.

        A wrong code counts like a wrong tail. The right one entered again in the
        conversation it bound (a turn that is repeated) is right and changes nothing.

        Raises:
            ValueError: The sender id cannot be one.
        """
        sender_id = key(sender_id)
        sender = self._counter("sender", sender_id)
        policy = self._counter("policy", spelled(policy_no))
        # Who has a code to enter knew the pair: strangers' guesses do not hold it up.
        if until := _locked_until(now, sender):
            return Locked(until)
        sent = self._codes.newest(sender.subject)
        if (
            sent is None
            or sent.policy_subject != policy.subject
            or not is_open(sent, now)
        ):
            return NoCode()
        right = is_code(code, sent)
        if sent.used_at is not None:
            bound = self.customer_of(sender_id, now)
            again = right and bound and bound.customer_id == sent.customer_id
            return Verified(bound) if bound and again else NoCode()
        self._note(sender, policy, now, "code", succeeded=right)
        if not right:
            sent.tries_left -= 1
            counted = self._count_failure(sender, None, policy, now)
            if isinstance(counted, Locked):
                return counted
            left = min(counted.attempts_left, sent.tries_left)
            return WrongCode(left) if left else NoCode()
        sent.used_at = now
        sender.failures = 0
        self._bind(sender_id, sent.customer_id, now)
        row = self._store.writing().get_one(CustomerRow, sent.customer_id)
        return Verified(_customer(row))

    def withdraw_code(self, idempotency_key: str, *, perhaps_sent: bool) -> None:
        """Make a code worthless that could not be sent, see `OneTimeCodes`."""
        self._codes.withdraw(idempotency_key, perhaps_sent=perhaps_sent)

    def forget_stale(self, now: datetime) -> int:
        """Delete what need not be remembered any longer, see `stale`."""
        return forget_stale(self._store, self._settings, now)

    def _paused_so_far(
        self, sender_id: str, origin: str, number: str, now: datetime
    ) -> datetime | None:
        """Return until when a check is refused, without holding the counters."""

        def row(scope: str, who: str) -> VerificationCounterRow:
            subject = _subject(who)
            found = self._store.reading().get(VerificationCounterRow, (scope, subject))
            new = VerificationCounterRow(scope=scope, subject=subject, failures=0)
            return found or new

        source = row("origin", origin) if origin else None
        return self._paused_until(
            row("sender", sender_id), source, row("policy", number), now
        )

    def _paused_until(
        self,
        sender: VerificationCounterRow,
        source: VerificationCounterRow | None,
        policy: VerificationCounterRow,
        now: datetime,
    ) -> datetime | None:
        """Return until when a check is refused; see `guessing` for the reasons."""
        if until := _locked_until(now, sender):
            return until
        rules = self._settings
        paused = guessing.paused_until(rules, sender, source, policy, now)
        if paused and guessing.has_proven(self._store, rules, sender, policy):
            return None
        return paused

    def _remember(self, customer: Customer) -> None:
        """Keep whom conversations are bound to; no tail of theirs is kept here."""
        self._store.put(
            CustomerRow,
            customer_id=customer.customer_id,
            name=customer.name,
            phone=customer.phone,
            id_tail_salt=NOBODY.salt,
            id_tail_hash=NOBODY.digest,
        )

    def checked_at(self, sender_id: str, now: datetime) -> datetime | None:
        """Return when the conversation's customer was checked, None when there is none."""
        return self._store.reading().scalar(
            select(BindingRow.verified_at).where(
                BindingRow.sender_id == key(sender_id), BindingRow.expires_at > now
            )
        )

    def customer_of(self, sender_id: str, now: datetime) -> Customer | None:
        """Return the customer this conversation is bound to, None when to nobody."""
        row = self._store.reading().scalar(
            select(CustomerRow)
            .join(BindingRow, BindingRow.customer_id == CustomerRow.customer_id)
            .where(
                BindingRow.sender_id == key(sender_id),
                BindingRow.expires_at > now,
            )
        )
        return _customer(row) if row else None

    def senders_of(self, customer_id: str, now: datetime) -> list[str]:
        """Return the conversations that are bound to a customer."""
        found = self._store.reading().scalars(
            select(BindingRow.sender_id)
            .where(BindingRow.customer_id == customer_id, BindingRow.expires_at > now)
            .order_by(BindingRow.sender_id)
        )
        return list(found)

    def locked_until(self, sender_id: str, now: datetime) -> datetime | None:
        """Return when this conversation may try again, None when it may now."""
        row = self._store.reading().get(
            VerificationCounterRow,
            ("sender", _subject(key(sender_id))),
        )
        return _locked_until(now, row) if row else None

    def holder(self, policy_no: str, id_tail: str) -> Customer | None:
        """Return whose policy it is when the tail fits; counts and binds nothing.

        For a core system (scripts/reference_core.py); who asks limits guessing.
        """
        row = self._holder(spelled(policy_no))
        kept = TailHash(row.id_tail_salt, row.id_tail_hash) if row else NOBODY
        return _customer(row) if is_tail(id_tail, kept) and row else None

    def unbind(self, sender_id: str) -> bool:
        """Forget who this conversation is; False when it was nobody."""
        found = self._store.writing().execute(
            delete(BindingRow)
            .where(BindingRow.sender_id == key(sender_id))
            .returning(BindingRow.sender_id)
        )
        return found.first() is not None

    def _counter(self, scope: str, subject: str) -> VerificationCounterRow:
        """Return a counter that nobody else may touch until the end."""
        subject, row = _subject(subject), VerificationCounterRow
        while True:  # it may be forgotten as stale just when it was found
            self._store.insert_if_new(row, scope=scope, subject=subject, failures=0)
            found = self._store.hold(row, row.scope == scope, row.subject == subject)
            if found is not None:
                return found

    def _holder(self, policy_no: str) -> CustomerRow | None:
        return self._store.reading().scalar(
            select(CustomerRow)
            .join(PolicyRow, PolicyRow.customer_id == CustomerRow.customer_id)
            .where(PolicyRow.policy_no == policy_no)
        )

    def _count_failure(
        self,
        sender: VerificationCounterRow,
        source: VerificationCounterRow | None,
        policy: VerificationCounterRow,
        now: datetime,
    ) -> Mismatch | Locked:
        rules = self._settings
        sender.failures = 1 + guessing.failures(sender, now)
        sender.window_ends_at = now + rules.identity_lock
        guessing.count(rules, policy, rules.policy_attempts, now)
        if source is not None:
            guessing.count(rules, source, rules.origin_attempts, now)
        left = rules.identity_attempts - sender.failures
        if left > 0:
            return Mismatch(left)
        sender.failures = 0
        sender.locked_until = now + rules.identity_lock
        return Locked(sender.locked_until)

    def _note(
        self,
        sender: VerificationCounterRow,
        policy: VerificationCounterRow,
        now: datetime,
        step: str,
        *,
        succeeded: bool,
    ) -> None:
        attempt = VerificationAttemptRow(
            at=now,
            sender_subject=sender.subject,
            policy_subject=policy.subject,
            succeeded=succeeded,
            step=step,
        )
        self._store.writing().add(attempt)

    def _bind(self, sender_id: str, customer_id: str, now: datetime) -> None:
        is_web = sender_id.partition(":")[0] == WEB
        ttl = self._settings.web_binding_ttl if is_web else self._settings.binding_ttl
        self._store.put(
            BindingRow,
            sender_id=sender_id,
            customer_id=customer_id,
            verified_at=now,
            expires_at=now + ttl,
        )


def _subject(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _locked_until(now: datetime, *counters: VerificationCounterRow) -> datetime | None:
    ends = [c.locked_until for c in counters if c.locked_until and c.locked_until > now]
    return max(ends, default=None)


def _customer(row: CustomerRow) -> Customer:
    return Customer(row.customer_id, row.name, row.phone)
