"""Attaches other desks to an edge when their settings are there."""

import httpx
from fastapi import FastAPI

from bot.desk import Desk
from bot.settings import Settings
from channels.links import chatwoot_door, hook_door
from channels.links.chatwoot import ChatwootLink
from channels.links.loop import Link, LinkLoop
from channels.links.webhook import WebhookLink
from channels.visitors import WebRooms


def attach_desks(
    api: FastAPI, rooms: WebRooms, desk: Desk, client: httpx.AsyncClient
) -> tuple[LinkLoop, ...]:
    """Add the doors of other desks; return the loops that tell them.

    Raises:
        ValueError: A setting is missing.
    """
    found: list[Link] = []
    settings = rooms.settings
    if settings.desk_webhook_secret is not None:
        secret = settings.desk_webhook_secret.get_secret_value()
        api.include_router(hook_door.build_router(rooms, desk, secret))
        if settings.desk_webhook_url is not None:
            url = settings.desk_webhook_url
            found.append(WebhookLink(client, url, secret, rooms.clock))
    elif settings.desk_webhook_url is not None:
        raise ValueError("BAOKE_DESK_WEBHOOK_URL needs BAOKE_DESK_WEBHOOK_SECRET")
    if settings.chatwoot_url is not None:
        found.append(_chatwoot(api, rooms, desk, client))
    links, clock = rooms.ledger.links, rooms.clock
    return tuple(LinkLoop(link, links, clock) for link in found)


def _chatwoot(
    api: FastAPI, rooms: WebRooms, desk: Desk, client: httpx.AsyncClient
) -> ChatwootLink:
    settings = rooms.settings
    token, secret = settings.chatwoot_token, settings.chatwoot_secret
    if not (settings.chatwoot_inbox and settings.chatwoot_account and token and secret):
        raise ValueError(f"BAOKE_CHATWOOT_URL needs {_missing(settings)}")

    async def resolved(sender_id: str, agent: str, key: str) -> None:
        await door.release(sender_id, agent, key)

    link = ChatwootLink(
        client,
        settings.chatwoot_url or "",
        settings.chatwoot_inbox,
        settings.chatwoot_account,
        token.get_secret_value(),
        rooms.ledger.links,
        rooms.notices,
        rooms.clock,
        resolved,
    )
    account = settings.chatwoot_account
    door = chatwoot_door.ChatwootDoor(rooms, desk, link, account)
    path, signing = secret.get_secret_value(), settings.chatwoot_signing_secret
    signed = signing.get_secret_value() if signing is not None else None
    api.include_router(chatwoot_door.build_router(door, path, signed, rooms.clock))
    return link


def _missing(settings: Settings) -> str:
    names = ("inbox", "account", "token", "secret")
    missing = [n for n in names if not getattr(settings, f"chatwoot_{n}")]
    return ", ".join(f"BAOKE_CHATWOOT_{name.upper()}" for name in missing)
