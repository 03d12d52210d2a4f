"""Signatures of calls between desks: HMAC-SHA256 over the moment and the body."""

import hashlib
import hmac
from datetime import datetime, timedelta

TIMESTAMP_HEADER = "X-Baoke-Timestamp"
SIGNATURE_HEADER = "X-Baoke-Signature"
WINDOW = timedelta(minutes=5)  # a call that is older was recorded by somebody
_SCHEME = "sha256="


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a body sent at a moment (Unix seconds)."""
    signed = timestamp.encode() + b"." + body
    return _SCHEME + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def is_signed(
    secret: str, timestamp: str | None, given: str | None, body: bytes, now: datetime
) -> bool:
    """Say whether a call comes from somebody who knows the secret, and from now."""
    if not timestamp or not given or not timestamp.isdecimal() or len(timestamp) > 12:
        return False
    age = abs(now.timestamp() - int(timestamp))
    good = hmac.compare_digest(
        sign(secret, timestamp, body).encode(), given.encode("utf-8", "replace")
    )
    return good and age <= WINDOW.total_seconds()
