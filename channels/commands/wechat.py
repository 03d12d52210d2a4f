"""``baoke wechat``: the official account's menu."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

import httpx

from bot.clock import SystemClock
from bot.errors import BaokeError
from bot.ledger.repository import Ledger
from bot.payloads import PayloadRules
from channels.commands.console import Context, Subparsers, add_command, add_group, show
from channels.commands.console import show_json as print_json
from channels.wechat.menu import MENU_FILE, load_menu
from channels.wechat.setup import wechat_api


def register(subparsers: Subparsers) -> None:
    """Add ``wechat menu push`` and ``wechat menu show``."""
    group = add_group(subparsers, "wechat", "the official account: its menu")
    menu = add_group(group, "menu", "put the menu there, or look at it")
    push = add_command(
        menu,
        "push",
        run_push,
        "check a menu file and put it into the account",
        f"  baoke wechat menu push                 {MENU_FILE}\n"
        "  baoke wechat menu push my-menu.yml --check",
    )
    push.add_argument("file", metavar="FILE", nargs="?", type=Path, help=str(MENU_FILE))
    push.add_argument("--check", action="store_true", help="only check the file")
    add_command(
        menu, "show", run_show, "show the account's menu", "  baoke wechat menu show"
    )


def run_push(args: argparse.Namespace, context: Context) -> int:
    """Check the file, then replace the account's menu."""
    path = args.file or context.settings.root / MENU_FILE
    menu = load_menu(path, PayloadRules.load())
    if args.check:
        show(f"{path}: fine")
        return 0
    _call(context, "/cgi-bin/menu/create", menu)
    show("the menu is there; followers see it within a day, or after following again")
    return 0


def run_show(args: argparse.Namespace, context: Context) -> int:
    """Print the menu as WeChat has it."""
    found = _call(context, "/cgi-bin/menu/get", None)
    buttons = found.get("menu", {}).get("button", [])
    if args.json:
        print_json(buttons)
        return 0
    for button in buttons:
        show(_line(button))
        for entry in button.get("sub_button") or ():
            show(f"  {_line(entry)}")
    if not buttons:
        show("the menu is empty")
    return 0


def _line(entry: dict[str, Any]) -> str:
    goal = entry.get("key") or entry.get("url") or ""
    return f"{entry.get('name', '')}  {goal}".rstrip()


def _call(context: Context, path: str, body: Any) -> dict[str, Any]:
    """Call the API once.

    Raises:
        BaokeError: The settings are missing, or WeChat said no.
    """

    async def call() -> dict[str, Any]:
        settings = context.settings
        ledger = Ledger.at(settings.database_url, settings.root)
        try:
            async with httpx.AsyncClient() as client:
                api = wechat_api(settings, client, ledger, SystemClock(settings.clock))
                if api is None:
                    raise BaokeError(
                        "set BAOKE_WECHAT_APPID and BAOKE_WECHAT_APPSECRET first"
                    )
                return await (api.get(path) if body is None else api.post(path, body))
        finally:
            await ledger.close()

    return asyncio.run(call())
