"""The account's menu from a YAML file: checked against what the bot and WeChat allow.

Source of the limits: developers.weixin.qq.com/doc/service/api/custommenu (2026-11-22).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bot.payloads import PayloadRules

MENU_FILE = Path("data/wechat/menu.yml")  # below the project root
_MOST = (3, 5)  # entries of the first and of the second level
_NAME_BYTES = (16, 60)

Json = dict[str, Any]


def load_menu(path: Path, rules: PayloadRules) -> Json:
    """Read a menu and return it as WeChat wants it.

    Raises:
        ValueError: Names the file, the entry, and what is wrong with it.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        raise ValueError(f"{path}: {err}") from err
    entries = raw.get("menu") if isinstance(raw, Mapping) else None
    try:
        return {"button": _entries(entries, rules, 0)}
    except ValueError as err:
        raise ValueError(f"{path}: {err}") from err


def menu_names(menu: Json) -> dict[str, str]:
    """Return the names of the entries that send a payload, by payload."""
    found: dict[str, str] = {}
    for entry in menu["button"]:
        for each in (entry, *entry.get("sub_button", ())):
            if "key" in each:
                found[each["key"]] = each["name"]
    return found


def _entries(entries: Any, rules: PayloadRules, level: int) -> list[Json]:
    if not isinstance(entries, list) or not 0 < len(entries) <= _MOST[level]:
        raise ValueError(
            f"level {level + 1} of the menu has 1 to {_MOST[level]} entries"
        )
    return [_entry(entry, rules, level) for entry in entries]


def _entry(entry: Any, rules: PayloadRules, level: int) -> Json:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise ValueError(f"an entry has a name: {entry!r}")
    name = entry["name"]
    if len(name.encode()) > _NAME_BYTES[level]:
        raise ValueError(f"{name}: at most {_NAME_BYTES[level]} bytes")
    kinds = [key for key in ("payload", "url", "menu") if key in entry]
    if len(kinds) != 1 or (kinds == ["menu"] and level):
        raise ValueError(f"{name}: one of payload, url, or (first level) menu")
    match kinds[0]:
        case "menu":
            return {"name": name, "sub_button": _entries(entry["menu"], rules, 1)}
        case "url":
            url = str(entry["url"])
            if not url.startswith(("https://", "http://")):
                raise ValueError(f"{name}: {url} is no address")
            return {"type": "view", "name": name, "url": url}
    payload = str(entry["payload"])
    if rules.admit(payload, ()) is None:
        raise ValueError(f"{name}: bot/payloads.yml does not know {payload}")
    return {"type": "click", "name": name, "key": payload}
