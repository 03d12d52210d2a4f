"""Sends text messages through a gateway over HTTP; contract: docs/sms.md.

In: ``BAOKE_SMS_URL``, a phone and a one-time code. Out: nothing, or `SmsAway`. No
transaction of the database may be open meanwhile; no code and no phone is ever logged.
"""

from __future__ import annotations

from typing import Any

import httpx

from actions.calling import SECONDS, TRY_AGAIN, Breaker, tries
from actions.errors import SmsAway
from actions.settings import Settings

IDENTITY = "identity"  # purpose of a code; the gateway chooses its words by it


class SmsGateway:
    """Calls the gateway.

    Args:
        url: Where messages are posted to.
        token: Sent as a bearer token, when there is one.
        transport: Instead of the network, for tests.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(
            headers=headers, timeout=SECONDS, transport=transport
        )
        self._breaker = Breaker(SmsAway)

    def send_code(
        self, phone: str, code: str, minutes: int, idempotency_key: str
    ) -> None:
        """Have a one-time code sent; every try carries the same key.

        Args:
            phone: As it is on file.
            code: Six digits.
            minutes: How long the code counts, for the words of the message.
            idempotency_key: By which the gateway knows a repeat.

        Raises:
            SmsAway: It did not take the message.
        """
        body = {"phone": phone, "code": code, "purpose": IDENTITY, "minutes": minutes}
        self._breaker.check()
        perhaps_sent = False
        for _ in tries():
            try:
                status = self._once(body, idempotency_key)
            except (httpx.ConnectError, httpx.ConnectTimeout) as err:
                why = type(err).__name__
                continue
            except httpx.HTTPError as err:
                perhaps_sent, why = True, type(err).__name__
                continue
            if status in TRY_AGAIN:
                perhaps_sent, why = perhaps_sent or status >= 500, f"HTTP {status}"
                continue
            self._breaker.note(good=True)
            if 200 <= status < 300:
                return
            raise SmsAway(f"HTTP {status}", perhaps_sent=perhaps_sent)
        self._breaker.note(good=False)
        raise SmsAway(why, perhaps_sent=perhaps_sent)

    def _once(self, body: dict[str, Any], idempotency_key: str) -> int:
        headers = {"Idempotency-Key": idempotency_key}
        # Only the status counts: whatever else comes is not read.
        with self._client.stream(
            "POST", self._url, json=body, headers=headers
        ) as answer:
            return answer.status_code

    def close(self) -> None:
        """Give the lines back."""
        self._client.close()


def open_sms(settings: Settings) -> SmsGateway | None:
    """Return the gateway of these settings, None when codes are not wanted."""
    if settings.sms_url is None:
        return None
    token = settings.sms_token
    secret = None if token is None else token.get_secret_value()
    return SmsGateway(settings.sms_url, secret)
