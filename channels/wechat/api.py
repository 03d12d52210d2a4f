"""WeChat's server API: one call, one honest word; tokens fetched by one process for all.

In: paths below the API's base. Out: the answer's JSON, or an error that says what it
means. Not wechatpy's client: it is synchronous, repeats 40001 without end, and each of
its processes fetches tokens of its own. Source: developers.weixin.qq.com/doc/service/
api/base/api_getstableaccesstoken.html and the error codes of each call (2026-11-22).
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import structlog
from sqlalchemy.exc import IntegrityError

from bot.errors import BaokeError, Retryable
from bot.ledger.contacts import Token, Tokens
from bot.ports import Clock
from channels.strict_json import read_answer

INVALID_TOKEN = frozenset({40001, 40014, 42001})
# Not done, and worth trying again after this time.
_LATER = {
    -1: timedelta(seconds=2),  # busy
    45009: timedelta(minutes=30),  # calls of the day are used up
    45011: timedelta(minutes=1),  # too many in this minute
    40164: timedelta(minutes=5),  # our address is not in the account's whitelist
    89503: timedelta(minutes=5),  # an administrator has to confirm our address
}
_SECONDS = 8.0  # for one call
_LEASE_SECONDS = 20.0  # longer than one fetch can take
_TOKEN_WAIT_SECONDS = 12.0  # for a token that another process fetches
_EARLY = timedelta(minutes=5)  # the platform renews it that long before its end
_SHORTEST = timedelta(minutes=1)
_LONGEST = 86400.0  # seconds; no token lives longer
_BUSY = frozenset({408, 425, 429})
_SOON = timedelta(seconds=2)
_SETTINGS_WRONG = timedelta(minutes=5)  # somebody has to change something
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

log = structlog.get_logger()


class WeChatError(BaokeError):
    """The API said no.

    Args:
        code: ``errcode``.
        words: ``errmsg``, for the log only: it changes from call to call.
    """

    def __init__(self, code: int, words: str = "") -> None:
        super().__init__(f"errcode {code} {words}"[:200])
        self.code = code


class Uncertain(BaokeError):
    """The call may have been done: it went out and nothing came back."""


class WeChatApi:
    """Calls the API of one account.

    Args:
        client: For HTTP.
        base: ``https://api.weixin.qq.com``, or a stand-in's address.
        appid: Of the account.
        secret: AppSecret of the account.
        tokens: Shared by all processes.
        clock: For the tokens' age.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        base: str,
        appid: str,
        secret: str,
        tokens: Tokens,
        clock: Clock,
    ) -> None:
        self._client = client
        self._base = base.rstrip("/")
        self._appid = appid
        self._secret = secret
        self._tokens = tokens
        self._clock = clock
        self._name = f"wechat:{appid}"
        self._known: Token | None = None

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Call with a JSON body; return the answer's JSON.

        Raises:
            WeChatError: The API refused it.
            Retryable: It was not done and may be tried later.
            Uncertain: Nobody knows whether it was done.
        """
        # Real characters: the platform shows \\uXXXX as it stands.
        raw = json.dumps(body, ensure_ascii=False).encode()
        head = {"content-type": "application/json; charset=utf-8"}
        return _json(await self._call("POST", path, content=raw, headers=head))

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Read JSON, see ``post``."""
        return _json(await self._call("GET", path, params=query))

    async def upload_image(self, content: bytes) -> str:
        """Lend an image (JPEG, PNG, GIF) to WeChat for three days; return its media_id.

        See ``post`` for the errors. Source: api_uploadtempmedia (2026-11-23).
        """
        path = "/cgi-bin/media/upload"
        files = {"media": ("image", content, "application/octet-stream")}
        answer = await self._call("POST", path, params={"type": "image"}, files=files)
        found = _json(answer).get("media_id")
        if not isinstance(found, str):
            raise Uncertain("no media_id")
        return found

    async def media(self, media_id: str) -> bytes:
        """Return a file that a customer sent, see ``post`` for the errors."""
        path = "/cgi-bin/media/get"
        answer = await self._call("GET", path, params={"media_id": media_id})
        return answer.content

    async def _call(self, method: str, path: str, **rest: Any) -> httpx.Response:
        """Call with a token; with a fresh one when the first is refused, once."""
        token = await self._token()
        try:
            return await self._send(method, path, token, **rest)
        except WeChatError as err:
            if err.code not in INVALID_TOKEN:
                raise
        fresh = await self._token(bad=token)
        try:
            return await self._send(method, path, fresh, **rest)
        except WeChatError as err:
            if err.code not in INVALID_TOKEN:
                raise
            log.error("wechat.token_refused", code=err.code)
            raise Retryable(_SETTINGS_WRONG) from err

    async def _send(
        self, method: str, path: str, token: str | None, **rest: Any
    ) -> httpx.Response:
        """Do one request.

        Raises:
            WeChatError, Retryable, Uncertain: See ``post``.
        """
        params = dict(rest.pop("params", {}))
        if token is not None:
            params["access_token"] = token
        try:
            answer = await self._client.request(
                method, self._base + path, params=params, timeout=_SECONDS, **rest
            )
        except _NOT_SENT as err:
            # Without the address: it holds the token.
            raise Retryable(_SOON) from err
        except httpx.HTTPError as err:
            raise Uncertain(type(err).__name__) from err
        if answer.status_code >= 500:
            raise Retryable(_SOON)
        _check(answer)
        return answer

    async def _token(self, bad: str | None = None) -> str:
        """Return a token that is not ``bad``; fetch one when nobody else does.

        Raises:
            Retryable: There is none now.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + _TOKEN_WAIT_SECONDS
        while True:
            now = self._clock.now()
            if (known := self._known) is None or _stale(known, bad, now):
                known = await self._tokens.get(self._name)
            if known is not None and not _stale(known, bad, now):
                self._known = known
                return known.value
            if await self._lease(bad):
                return await self._fetch(bad)
            if loop.time() > until:
                raise Retryable(_SOON)
            await asyncio.sleep(0.1)

    async def _lease(self, bad: str | None) -> bool:
        now = self._clock.now()
        try:
            return await self._tokens.lease(self._name, bad, now, _LEASE_SECONDS)
        except IntegrityError:  # another process was the first ever
            return False

    async def _fetch(self, bad: str | None) -> str:
        """Fetch a token in normal mode, in which asking twice harms nobody."""
        body = {
            "grant_type": "client_credential",
            "appid": self._appid,
            "secret": self._secret,
            "force_refresh": False,
        }
        try:
            answer = _json(
                await self._send("POST", "/cgi-bin/stable_token", None, json=body)
            )
            value, seconds = str(answer["access_token"]), float(answer["expires_in"])
        except WeChatError as err:
            await self._tokens.give_back(self._name)
            log.error("wechat.no_token", code=err.code)
            raise Retryable(_SETTINGS_WRONG) from err
        except (Uncertain, Retryable, KeyError, TypeError, ValueError) as err:
            await self._tokens.give_back(self._name)
            raise Retryable(_SOON) from err
        if value == bad:  # the platform stands by what it refuses
            await self._tokens.give_back(self._name)
            log.error("wechat.token_refused", code="same token")
            raise Retryable(_SETTINGS_WRONG)
        life = max(timedelta(seconds=min(seconds, _LONGEST)) - _EARLY, _SHORTEST)
        self._known = Token(value, self._clock.now() + life)
        await self._tokens.put(self._name, self._known)
        return value


def _stale(token: Token, bad: str | None, now: Any) -> bool:
    return token.value == bad or token.expires_at <= now


def _check(answer: httpx.Response) -> None:
    """Raise what an answer says went wrong; its status is 200 either way.

    Raises:
        WeChatError: It has an errcode.
        Retryable: It has one that ends by itself or by an operator's hand.
        Uncertain: It should be JSON and is not.
    """
    kind = answer.headers.get("content-type", "")
    if answer.status_code in _BUSY:
        raise Retryable(_SOON)
    if answer.status_code != 200:
        raise WeChatError(answer.status_code, "HTTP status")
    if "json" not in kind and "text" not in kind:
        return  # a file
    try:
        data = read_answer(answer.content)
        code = int(data.get("errcode") or 0) if isinstance(data, dict) else 0
    except (ValueError, TypeError) as err:
        raise Uncertain("no JSON") from err
    if code:
        refused = WeChatError(code, str(data.get("errmsg", "")))
        if pause := _LATER.get(refused.code):
            log.warning("wechat.later", code=refused.code)
            raise Retryable(pause) from refused
        raise refused


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        data = read_answer(answer.content)
    except ValueError as err:
        raise Uncertain("no JSON") from err
    if not isinstance(data, dict):
        raise Uncertain("no JSON object")
    return data
