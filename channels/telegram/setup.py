"""Joins Telegram to the rooms when its settings are there."""

from dataclasses import dataclass

import httpx
import structlog
from fastapi import FastAPI
from telegram import Bot
from telegram.error import TelegramError

from bot.channel_rules import ChannelRules, load_rules
from bot.notices import Notices
from bot.settings import Settings
from channels.file_store import open_files
from channels.telegram import CHANNEL
from channels.telegram.door import (
    WANTED,
    WEBHOOK_PATH,
    Poller,
    TelegramDoor,
    build_router,
)
from channels.telegram.files import TelegramFetcher, TelegramFiles
from channels.telegram.platform import TelegramPlatform, build_bot
from channels.visitors import WebRooms

log = structlog.get_logger()


def telegram_platform(settings: Settings, notices: Notices) -> TelegramPlatform | None:
    """Return the way to Telegram's customers; None when it is off."""
    if settings.telegram_token is None:
        return None
    rules = load_rules().get(CHANNEL, ChannelRules())
    files = open_files(settings)
    return TelegramPlatform(*build_bot(settings), rules, files, notices)


@dataclass
class TelegramEdge:
    """Telegram in an edge: its route or its poller, and files fetched behind it."""

    settings: Settings
    bot: Bot
    poller: Poller | None
    fetcher: TelegramFetcher

    async def start(self) -> None:
        """Begin to hear; tell Telegram where, if it has to call."""
        await self.fetcher.start()
        if self.poller is not None:
            await self.poller.start()
            return
        public, secret = self.settings.public_url, self.settings.telegram_secret
        if public is None or not public.startswith("https://") or secret is None:
            log.warning("telegram.no_webhook", needs="BAOKE_PUBLIC_URL with https")
            return
        try:
            await self.bot.set_webhook(
                public.rstrip("/") + WEBHOOK_PATH,
                secret_token=secret.get_secret_value(),
                allowed_updates=list(WANTED),
                drop_pending_updates=False,
            )
        except TelegramError as err:
            log.warning("telegram.webhook_not_set", error=type(err).__name__)

    async def stop(self) -> None:
        """Hear no more."""
        if self.poller is not None:
            await self.poller.stop()
        await self.fetcher.stop()


def telegram_edge(
    api: FastAPI, rooms: WebRooms, client: httpx.AsyncClient, platform: object
) -> TelegramEdge | None:
    """Add Telegram to an edge; None when it is off.

    Raises:
        ValueError: A setting is missing or contradicts another.
    """
    settings = rooms.settings
    if not isinstance(platform, TelegramPlatform):
        return None
    bot = platform.bot
    assert settings.telegram_token is not None
    base = settings.telegram_api_base.rstrip("/")
    token = settings.telegram_token.get_secret_value()
    files = TelegramFiles(client, base, token, settings.max_attachment_bytes)
    fetcher = TelegramFetcher(rooms, files)
    door = TelegramDoor(rooms, bot, files)
    if settings.telegram_mode == "polling":
        if settings.redis_url:
            raise ValueError(
                "BAOKE_TELEGRAM_MODE=polling is for one edge; several need the webhook"
            )
        poller = Poller(door, client, f"{base}/bot{token}")
        return TelegramEdge(settings, bot, poller, fetcher)
    if settings.telegram_secret is None:
        raise ValueError("BAOKE_TELEGRAM_SECRET is missing: the webhook needs it")
    api.include_router(build_router(door, rooms))
    return TelegramEdge(settings, bot, None, fetcher)
