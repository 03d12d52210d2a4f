"""The envelope of WeChat's callbacks: signatures, encryption, and what was seen before.

In: query and body of a callback in one of three modes. Out: its fields as plain text, and
a way to seal the reply as the callback came. Source: developers.weixin.qq.com/doc/
subscription/guide/dev/push/encryption.md (2026-11-22), tried against its examples.

==========  =============================  ==========================  ===============
mode        body                           what is trusted             reply
==========  =============================  ==========================  ===============
plain       fields                         fields, by ``signature``    plain
compat      fields and ``Encrypt``         ``Encrypt`` alone           encrypted
safe        ``ToUserName``, ``Encrypt``    ``Encrypt`` alone           encrypted
==========  =============================  ==========================  ===============
"""

import base64
import hashlib
import hmac
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wechatpy.crypto import WeChatCrypto
from wechatpy.crypto.base import WeChatCipher
from wechatpy.utils import WeChatSigner

from bot.errors import BadInput
from channels.wechat.xml_fields import read_xml

PLAIN, COMPAT, SAFE = "plain", "compat", "safe"
AES_KEY_CHARS = 43
_BLOCK = 32  # of the padding
# A longer one could hold the beginning of what is encrypted, under the same signature:
# the parts are signed without a mark between them.
_MAX_NONCE_CHARS = 64
_DAY = timedelta(days=1)
_SPARE = timedelta(minutes=1)


@dataclass(frozen=True)
class Use:
    """A signature that says nothing of the body, and the body it came with.

    Attributes:
        signature: As we computed it, so it has one form.
        digest: Of the body.
        keep: How long the signature would be accepted.
    """

    signature: str
    digest: str
    keep: timedelta


@dataclass(frozen=True)
class Opened:
    """An opened callback.

    Attributes:
        fields: Text by element name; elements with children are dicts.
        crypto: Opened it and seals the reply; None where nothing was encrypted.
        nonce: Of the callback, used for the reply as well.
    """

    fields: Mapping[str, Any]
    crypto: WeChatCrypto | None = field(default=None, repr=False)
    nonce: str = ""

    def seal(self, xml: str, now: datetime) -> str:
        """Return a reply as the callback's mode wants it."""
        if self.crypto is None:
            return xml
        moment = str(int(now.timestamp()))
        nonce = self.nonce or secrets.token_hex(8)
        sealed: str = self.crypto.encrypt_message(xml, nonce, moment)
        return sealed


class Envelope:
    """Opens callbacks of one account.

    Args:
        token: Shared secret of the signatures.
        mode: plain, compat or safe.
        appid: Of the account; part of every encrypted message.
        keys: EncodingAESKeys, the present one first.
        window: Callbacks signed longer ago, or later, are refused; 0: none is.

    Raises:
        ValueError: A key or the appid is missing or cannot be one.
    """

    def __init__(
        self,
        token: str,
        mode: str,
        appid: str | None = None,
        keys: tuple[str, ...] = (),
        window: timedelta = timedelta(0),
    ) -> None:
        if mode != PLAIN and not (keys and appid):
            raise ValueError(
                f"mode {mode} needs BAOKE_WECHAT_APPID and BAOKE_WECHAT_AES_KEY"
            )
        self._token = token
        self._mode = mode
        self._window = window
        self._cryptos = tuple(_crypto(token, key, appid or "") for key in keys)

    def greets(self, query: Mapping[str, str]) -> bool:
        """Say whether a GET with ``echostr`` is WeChat's and may be echoed."""
        return self._is_signed(query)

    def check_greeting(self, query: Mapping[str, str], now: datetime) -> Use:
        """Check a GET with ``echostr``; the use of its signature counts once.

        Raises:
            BadInput: It is not WeChat's, or too old.
        """
        self._check_age(query, now)
        if not self.greets(query):
            raise BadInput("unauthorized", 403)
        return self._use(query, b"GET " + query.get("echostr", "").encode())

    def check(self, query: Mapping[str, str], body: bytes, now: datetime) -> Use | None:
        """Check a callback's age, and its signature when that stands beside the body.

        Returns:
            What has to be counted; None when the signature is over the body itself.

        Raises:
            BadInput: It is not WeChat's, or too old.
        """
        self._check_age(query, now)
        if not self._is_plain(query):
            return None
        if not self._is_signed(query):
            raise BadInput("unauthorized", 403)
        return self._use(query, b"POST " + body)

    def open(self, query: Mapping[str, str], body: bytes, now: datetime) -> Opened:
        """Open a callback.

        Raises:
            BadInput: It is not WeChat's, too old, or cannot be read.
        """
        self.check(query, body, now)
        if self._is_plain(query):
            return Opened(read_xml(body))
        sealed = read_xml(body).get("Encrypt")
        if not isinstance(sealed, str) or not self._cryptos:
            raise BadInput("unauthorized", 403)  # a downgrade, or a stranger
        return self._decrypt(query, sealed)

    def _is_plain(self, query: Mapping[str, str]) -> bool:
        return self._mode == PLAIN and query.get("encrypt_type", "raw") == "raw"

    def _use(self, query: Mapping[str, str], carried: bytes) -> Use:
        signature = _sign(
            self._token, query.get("timestamp", ""), query.get("nonce", "")
        )
        # Accepted from so long before its moment until so long after it.
        keep = 2 * self._window + _SPARE if self._window else _DAY
        return Use(signature, hashlib.sha256(carried).hexdigest(), keep)

    def _decrypt(self, query: Mapping[str, str], sealed: str) -> Opened:
        moment, nonce = query.get("timestamp", ""), query.get("nonce", "")
        wanted = _sign(self._token, moment, nonce, sealed)
        given = query.get("msg_signature", "")
        if not hmac.compare_digest(wanted.encode(), given.encode()):
            raise BadInput("unauthorized", 403)
        for crypto in self._cryptos:
            try:
                xml = _decrypted(crypto, sealed)
            except (ValueError, IndexError, struct.error):
                continue  # another key's: no padding, no length, no appid
            return Opened(read_xml(xml), crypto, nonce)
        raise BadInput("unauthorized", 403)

    def _check_age(self, query: Mapping[str, str], now: datetime) -> None:
        """Refuse what is too old, or has a nonce that is none.

        Raises:
            BadInput: It is not accepted (any more).
        """
        if len(query.get("nonce", "")) > _MAX_NONCE_CHARS:
            raise BadInput("unauthorized", 403)
        if self._window and not self._is_recent(query.get("timestamp", ""), now):
            raise BadInput("unauthorized", 403)

    def _is_signed(self, query: Mapping[str, str]) -> bool:
        given = query.get("signature", "")
        wanted = _sign(self._token, query.get("timestamp", ""), query.get("nonce", ""))
        return hmac.compare_digest(wanted.encode(), given.encode())

    def _is_recent(self, moment: str, now: datetime) -> bool:
        if not (moment.isascii() and moment.isdigit() and len(moment) < 13):
            return False
        return abs(now.timestamp() - int(moment)) <= self._window.total_seconds()


def _crypto(token: str, key: str, appid: str) -> WeChatCrypto:
    try:
        if len(key) != AES_KEY_CHARS:
            raise ValueError
        return WeChatCrypto(token, key, appid)
    except (ValueError, AssertionError) as err:
        raise ValueError(
            f"an EncodingAESKey has {AES_KEY_CHARS} letters and digits"
        ) from err


def _decrypted(crypto: WeChatCrypto, sealed: str) -> bytes:
    """Return the XML in what was encrypted, as bytes: not all of them may be characters.

    Raises:
        ValueError, IndexError, struct.error: It is another key's or another account's.
    """
    plain = WeChatCipher(crypto.key).decrypt(base64.b64decode(sealed))
    if not 1 <= plain[-1] <= _BLOCK:
        raise ValueError("no padding")
    content = plain[16 : -plain[-1]]  # after 16 random bytes
    (length,) = struct.unpack(">I", content[:4])
    if content[4 + length :] != crypto.app_id.encode():
        raise ValueError("another account's")
    xml: bytes = content[4 : 4 + length]
    return xml


def _sign(*words: str) -> str:
    signer = WeChatSigner()
    signer.add_data(*words)
    signature: str = signer.signature
    return signature
