"""How the last four characters of an ID number are kept: salted and slow to try.

Four characters have some 11,000 values, so no hash hides one person's tail from a
patient thief of the database; scrypt makes it half a minute per person instead of
nothing, and no backup, export or screen shows a tail. A key of our own was left out on
purpose: changing it would lock every customer out. The whole ID number is not kept.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from actions.policystore.plain import spelled

SALT_BYTES = 16
HASH_BYTES = 32
# scrypt: 1 MiB and about 3 ms a try on a small machine.
_COST, _BLOCK, _PARALLEL = 1024, 8, 1


@dataclass(frozen=True)
class TailHash:
    """A salted hash of an ID tail."""

    salt: bytes
    digest: bytes


# Compared with when there is no such policy; nothing hashes to it.
NOBODY = TailHash(bytes(SALT_BYTES), bytes(HASH_BYTES))


def hash_tail(id_tail: str, salt: bytes | None = None) -> TailHash:
    """Return the hash of a tail in any spelling (half or full width, any case)."""
    salt = salt or secrets.token_bytes(SALT_BYTES)
    digest = hashlib.scrypt(
        spelled(id_tail).encode(),
        salt=salt,
        n=_COST,
        r=_BLOCK,
        p=_PARALLEL,
        dklen=HASH_BYTES,
    )
    return TailHash(salt, digest)


def is_tail(id_tail: str, kept: TailHash) -> bool:
    """Compare in constant time; costs the same whatever ``kept`` is."""
    return hmac.compare_digest(hash_tail(id_tail, kept.salt).digest, kept.digest)
