"""The envelope of WeChat's callbacks: signatures, encryption, and XML that may be hostile.

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

import hmac
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException
from wechatpy.utils import WeChatSigner

from bot.errors import BadInput

PLAIN, COMPAT, SAFE = "plain", "compat", "safe"
AES_KEY_CHARS = 43
_MAX_FIELDS = 200
_MAX_DEPTH = 6

Fields = dict[str, Any]


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

    def open(self, query: Mapping[str, str], body: bytes, now: datetime) -> Opened:
        """Open a callback.

        Raises:
            BadInput: It is not WeChat's, too old, or cannot be read.
        """
        if self._window and not self._is_recent(query.get("timestamp", ""), now):
            raise BadInput("unauthorized", 403)
        if self._mode == PLAIN and query.get("encrypt_type", "raw") == "raw":
            if not self._is_signed(query):
                raise BadInput("unauthorized", 403)
            return Opened(read_xml(body))
        sealed = read_xml(body).get("Encrypt")
        if not isinstance(sealed, str) or not self._cryptos:
            raise BadInput("unauthorized", 403)  # a downgrade, or a stranger
        return self._decrypt(query, sealed)

    def _decrypt(self, query: Mapping[str, str], sealed: str) -> Opened:
        moment, nonce = query.get("timestamp", ""), query.get("nonce", "")
        wanted = _sign(self._token, moment, nonce, sealed)
        given = query.get("msg_signature", "")
        if not hmac.compare_digest(wanted.encode(), given.encode()):
            raise BadInput("unauthorized", 403)
        for crypto in self._cryptos:
            try:
                xml = crypto.decrypt_message({"Encrypt": sealed}, given, moment, nonce)
            except (InvalidSignatureException, InvalidAppIdException):
                continue
            except (ValueError, IndexError, TypeError, struct.error):
                continue  # another key's: no padding, no length, no words
            return Opened(read_xml(xml.encode()), crypto, nonce)
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


def _sign(*words: str) -> str:
    signer = WeChatSigner()
    signer.add_data(*words)
    signature: str = signer.signature
    return signature


def read_xml(body: bytes) -> Fields:
    """Read a callback's XML; no DTD, no entities, no surprises.

    Raises:
        BadInput: It is no XML of WeChat's shape.
    """
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as err:
        raise BadInput("bad_request", 400) from err
    if root.tag != "xml" or sum(1 for _ in root.iter()) > _MAX_FIELDS:
        raise BadInput("bad_request", 400)
    return _fields(root, _MAX_DEPTH)


def _fields(element: Element, depth: int) -> Fields:
    found: Fields = {}
    for child in element:
        nested = len(child) > 0 and depth > 0
        found[child.tag] = _fields(child, depth - 1) if nested else child.text or ""
    return found
