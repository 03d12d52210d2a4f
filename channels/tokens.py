"""Bearer secrets of web visitors: session ids and tokens, both made and signed here.

A session id proves by itself that this server issued it, so nothing is stored until
the first message. Two kinds of door:

- ``a``: the session is entered with a signed, expiring token; its id alone opens
  nothing (our widget, REST).
- ``b``: the id itself is the secret, for ready-made Rasa widgets, which know no token.

The ledger and Rasa never see either: a conversation's key is a hash of the id.
"""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from bot.settings import Settings

RANDOM_BYTES = 16  # 128 bits nobody can guess
MIN_SECRET_CHARS = 16
_ID_CHARS = 1 + 8 + 2 * RANDOM_BYTES  # door, time of issue (hex seconds), random
_MAC_CHARS = 24
CHANNEL = "web"


class Door(StrEnum):
    """How a session is entered."""

    TOKEN = "a"
    BARE = "b"


@dataclass(frozen=True, slots=True)
class Session:
    """One visitor's session.

    Attributes:
        session_id: Secret for a bare door; never logged or stored.
        sender_id: Key of the conversation; harmless to know.
    """

    session_id: str
    sender_id: str
    door: Door
    issued_at: int  # seconds since 1970


def open_secret(settings: Settings) -> bytes:
    """Return the signing key from the settings, or from its file under var/.

    The file is made on the first run, readable by its owner only.

    Raises:
        ValueError: The key in the settings is too short to be safe.
    """
    if settings.secret_key is not None:
        given = settings.secret_key.get_secret_value()
        if len(given) < MIN_SECRET_CHARS:
            raise ValueError(
                f"BAOKE_SECRET_KEY needs at least {MIN_SECRET_CHARS} characters"
            )
        return given.encode()
    path = settings.var / "secret_key"
    if not path.exists():
        _make_secret(path)
    return path.read_bytes().strip()


def _make_secret(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(48))
    try:
        path.hardlink_to(draft)  # of two first runs, one key survives
    except FileExistsError:
        pass
    finally:
        draft.unlink()


class Doorkeeper:
    """Makes and checks session ids and tokens."""

    def __init__(self, secret: bytes, ttl: timedelta) -> None:
        self._secret = secret
        self._ttl = int(ttl.total_seconds())

    def new_session(self, door: Door, now: datetime) -> Session:
        """Issue a session nobody has."""
        body = f"{door}{int(now.timestamp()):08x}{secrets.token_hex(RANDOM_BYTES)}"
        return _session(body + self._sign("session", body)[:_MAC_CHARS])

    def read_session_id(self, session_id: str) -> Session | None:
        """Return the session when this server issued its id, else None."""
        if len(session_id) != _ID_CHARS + _MAC_CHARS or not session_id.isascii():
            return None
        body, mac = session_id[:_ID_CHARS], session_id[_ID_CHARS:]
        if not hmac.compare_digest(mac, self._sign("session", body)[:_MAC_CHARS]):
            return None
        return _session(session_id)

    def enter_bare(self, session_id: str, now: datetime) -> Session | None:
        """Return the session of a visitor who has nothing but its id."""
        session = self.read_session_id(session_id)
        if session is None or session.door is not Door.BARE:
            return None
        return session if now.timestamp() < session.issued_at + self._ttl else None

    def make_token(self, session: Session, now: datetime) -> tuple[str, int]:
        """Sign a token.

        Returns:
            The token and when it ends, in seconds since 1970.
        """
        ends = int(now.timestamp()) + self._ttl
        body = f"{session.session_id}.{ends}"
        return f"{body}.{self._sign('token', body)}", ends

    def enter(self, token: str, now: datetime) -> Session | None:
        """Return the session a token opens; forged and expired ones open none."""
        body, _, mac = token.rpartition(".")
        if not token.isascii() or not hmac.compare_digest(
            mac, self._sign("token", body)
        ):
            return None
        session_id, _, ends = body.partition(".")
        return self.read_session_id(session_id) if now.timestamp() < int(ends) else None

    def mark(self, purpose: str, text: str) -> str:
        """Return a mark of a text that only this server can make."""
        return self._sign(purpose, text)[:_MAC_CHARS]

    def _sign(self, purpose: str, body: str) -> str:
        words = f"{purpose}:{body}".encode()
        return hmac.new(self._secret, words, hashlib.sha256).hexdigest()


def _session(session_id: str) -> Session:
    digest = hashlib.sha256(session_id.encode()).hexdigest()[:32]
    return Session(
        session_id=session_id,
        sender_id=f"{CHANNEL}:{digest}",
        door=Door(session_id[0]),
        issued_at=int(session_id[1:9], 16),
    )
