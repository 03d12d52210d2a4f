"""What ``baoke doctor`` looks at on the platforms: complete settings, and a real call.

In: settings. Out: checks. No secret is printed, nothing is changed: a token is asked for
in the way that leaves the present one valid.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx

from bot.settings import Settings
from channels.wechat.envelope import PLAIN, SAFE
from channels.wechat.notice import LateNotice
from channels.wechat.setup import wechat_envelope

_SECONDS = 5.0
_WECHAT_FIXES = {
    40013: "check BAOKE_WECHAT_APPID",
    40125: "check BAOKE_WECHAT_APPSECRET",
    40164: "put this machine's address into the account's IP whitelist",
    89503: "an administrator of the account has to confirm this machine's address",
}


@dataclass(frozen=True)
class Finding:
    """What was found on one platform; ``fix`` is empty when nothing has to be done."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


def examine_platforms(settings: Settings) -> Iterator[Finding]:
    """Yield one finding for each platform."""
    yield _examine("wechat", settings, _wechat_needs(settings), _call_wechat)
    yield _examine("telegram", settings, _telegram_needs(settings), _call_telegram)


def _wechat_needs(settings: Settings) -> list[str]:
    needs = ["wechat_appid", "wechat_appsecret", "wechat_token"]
    mode = settings.wechat_mode
    if mode not in (None, PLAIN):
        needs.append("wechat_aes_key")
    return needs


def _telegram_needs(settings: Settings) -> list[str]:
    webhook = settings.telegram_mode == "webhook"
    return ["telegram_token", *(["telegram_secret"] if webhook else [])]


def _examine(
    name: str,
    settings: Settings,
    needs: list[str],
    call: Callable[[Settings], Finding],
) -> Finding:
    missing = [key for key in needs if not getattr(settings, key)]
    if len(missing) == len(needs):
        return Finding(name, True, "off (optional)")
    if missing:
        names = ", ".join(f"BAOKE_{key.upper()}" for key in missing)
        return Finding(name, False, f"missing: {names}", f"set {names}")
    try:
        return call(settings)
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as err:
        # Without the address: it may hold the token.
        detail = f"cannot be reached: {type(err).__name__}"
        return Finding(name, False, detail, "check the network of this machine")


def _call_wechat(settings: Settings) -> Finding:
    """Open an envelope and borrow a token."""
    try:
        wechat_envelope(settings)
        if settings.wechat_notice is not None:
            LateNotice.load(settings.root / settings.wechat_notice)
    except ValueError as err:
        return Finding("wechat", False, str(err), "correct the setting")
    assert settings.wechat_appsecret is not None
    body = {
        "grant_type": "client_credential",
        "appid": settings.wechat_appid,
        "secret": settings.wechat_appsecret.get_secret_value(),
        "force_refresh": False,
    }
    url = f"{settings.wechat_api_base.rstrip('/')}/cgi-bin/stable_token"
    data = httpx.post(url, json=body, timeout=_SECONDS).json()
    if not data.get("access_token"):
        code = int(data.get("errcode", 0))
        fix = _WECHAT_FIXES.get(code, "look the code up in WeChat's documents")
        return Finding("wechat", False, f"no token: errcode {code}", fix)
    mode = settings.wechat_mode or (SAFE if settings.wechat_aes_key else PLAIN)
    return Finding("wechat", True, f"mode {mode}, a token was given")


def _call_telegram(settings: Settings) -> Finding:
    """Ask who we are and whether updates reach us."""
    assert settings.telegram_token is not None
    token = settings.telegram_token.get_secret_value()
    base = f"{settings.telegram_api_base.rstrip('/')}/bot{token}"
    me = httpx.post(f"{base}/getMe", timeout=_SECONDS).json()
    if not me.get("ok"):
        detail = f"the token is refused: error {me.get('error_code')}"
        return Finding("telegram", False, detail, "check BAOKE_TELEGRAM_TOKEN")
    name = f"@{me['result'].get('username', '?')}, {settings.telegram_mode}"
    if settings.telegram_mode == "polling":
        return Finding("telegram", True, name)
    found = httpx.post(f"{base}/getWebhookInfo", timeout=_SECONDS).json()
    info = found.get("result") or {}
    if not info.get("url"):
        fix = "set BAOKE_PUBLIC_URL to an https address and start baoke"
        return Finding("telegram", False, f"{name}: no webhook is set", fix)
    if error := info.get("last_error_message"):
        waiting = info.get("pending_update_count", 0)
        detail = f"{name}: {str(error)[:100]} ({waiting} updates wait)"
        fix = "look whether BAOKE_PUBLIC_URL reaches this machine"
        return Finding("telegram", False, detail, fix)
    return Finding("telegram", True, f"{name} {info['url']}")
