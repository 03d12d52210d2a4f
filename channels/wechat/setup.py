"""Joins WeChat to the rooms when its settings are there."""

import re
from dataclasses import dataclass

import httpx
import structlog
from fastapi import FastAPI

from bot.channel_rules import ChannelRules, load_rules
from bot.desk import Desk
from bot.ledger.repository import Ledger
from bot.notices import Notices
from bot.payloads import PayloadRules
from bot.ports import Clock, Dispatcher
from bot.settings import Settings
from channels.file_store import open_files
from channels.visitors import WebRooms
from channels.wechat import CHANNEL
from channels.wechat.api import WeChatApi
from channels.wechat.door import WeChatDoor
from channels.wechat.envelope import PLAIN, SAFE, Envelope
from channels.wechat.media import MediaFetcher
from channels.wechat.menu import MENU_FILE, load_menu, menu_names
from channels.wechat.notice import LateNotice
from channels.wechat.platform import WeChatPlatform
from channels.wechat.routes import build_router
from channels.wechat.uses import Uses

# As WeChat wants it (2026-11-22); a shorter one could be guessed from one signature.
_TOKEN = re.compile(r"[A-Za-z0-9]{3,32}")

log = structlog.get_logger()


def wechat_api(
    settings: Settings, client: httpx.AsyncClient, ledger: Ledger, clock: Clock
) -> WeChatApi | None:
    """Return the API of the account; None when its settings are missing."""
    if settings.wechat_appid is None or settings.wechat_appsecret is None:
        return None
    return WeChatApi(
        client,
        settings.wechat_api_base,
        settings.wechat_appid,
        settings.wechat_appsecret.get_secret_value(),
        ledger.tokens,
        clock,
    )


def wechat_platform(
    settings: Settings,
    client: httpx.AsyncClient,
    ledger: Ledger,
    clock: Clock,
    notices: Notices,
) -> WeChatPlatform | None:
    """Return the way to WeChat's customers; None when it is off.

    Raises:
        ValueError: The notice's file cannot be used.
    """
    if settings.wechat_token is None:
        return None
    notice = None
    if settings.wechat_notice is not None:
        notice = LateNotice.load(settings.root / settings.wechat_notice)
    return WeChatPlatform(
        wechat_api(settings, client, ledger, clock),
        load_rules().get(CHANNEL, ChannelRules()),
        open_files(settings),
        notices,
        ledger.contacts,
        clock,
        menus=settings.wechat_buttons == "menu",
        notice=notice,
    )


def wechat_envelope(settings: Settings) -> Envelope:
    """Return what opens callbacks.

    Raises:
        ValueError: A setting is missing or cannot be used.
    """
    assert settings.wechat_token is not None
    if not _TOKEN.fullmatch(settings.wechat_token.get_secret_value()):
        raise ValueError("BAOKE_WECHAT_TOKEN has 3 to 32 letters and digits")
    keys = (settings.wechat_aes_key, settings.wechat_aes_key_previous)
    given = tuple(key.get_secret_value() for key in keys if key is not None)
    return Envelope(
        settings.wechat_token.get_secret_value(),
        settings.wechat_mode or (SAFE if given else PLAIN),
        settings.wechat_appid,
        given,
        settings.wechat_replay_window,
    )


@dataclass
class WeChatEdge:
    """WeChat in an edge: its route, and files fetched behind it."""

    fetcher: MediaFetcher | None

    async def start(self) -> None:
        """Begin."""
        if self.fetcher is not None:
            await self.fetcher.start()
        else:
            log.warning("wechat.no_api", needs="BAOKE_WECHAT_APPID and _APPSECRET")

    async def stop(self) -> None:
        """End."""
        if self.fetcher is not None:
            await self.fetcher.stop()


def _menu_names(settings: Settings) -> dict[str, str]:
    """Return what the menu calls its entries; a broken file only costs the names."""
    try:
        return menu_names(load_menu(settings.root / MENU_FILE, PayloadRules.load()))
    except ValueError as err:
        log.warning("wechat.no_menu_names", why=str(err)[:200])
        return {}


def wechat_edge(
    api: FastAPI,
    rooms: WebRooms,
    platform: object,
    sends: Dispatcher,
    desk: Desk,
) -> WeChatEdge | None:
    """Add WeChat to an edge; None when it is off.

    Raises:
        ValueError: A setting is missing or cannot be used.
    """
    if not isinstance(platform, WeChatPlatform):
        return None
    remote = platform.api
    door = WeChatDoor(
        rooms, platform, sends, desk, fetches_files=remote is not None,
        names=_menu_names(rooms.settings),
    )  # fmt: skip
    envelope = wechat_envelope(rooms.settings)
    wait = rooms.settings.wechat_passive_wait.total_seconds()
    uses = Uses(rooms.ledger.nonces, wait)
    api.include_router(build_router(door, envelope, uses, rooms.clock))
    return WeChatEdge(MediaFetcher(rooms, remote) if remote is not None else None)
