"""What a WeChat callback means for us; its fields in, a plain value out.

Fields are read by hand and not by wechatpy's message classes: those convert when an
attribute is used, so one odd field of a new event would raise far from here.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.inbox import clean_text
from channels.wechat import CHANNEL

MESSAGE, MENU, FOLLOW, SCAN = "message", "menu", "follow", "scan"
_SCENE = "qrscene_"
_OPENID = re.compile(r"[A-Za-z0-9_@.-]{1,100}")
_NUMBER = re.compile(r"[\s(（【]*([0-9]{1,2})[\s)）】.、。]*")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９", "0123456789")
# What we cannot read: MsgType, key of its name in the notices.
_UNREADABLE = {"video": "video", "shortvideo": "video", "link": "link"}


class Does(StrEnum):
    """What somebody did."""

    SAY = "say"  # wants an answer
    LEAVE = "leave"
    SERVICE = "service"  # WeChat's own customer-service tool tells of a session
    NOTICE = "notice"  # what became of a notice of ours
    NOTHING = "nothing"  # nobody waits for anything


@dataclass(frozen=True)
class Media:
    """A file that lies at WeChat, for three days."""

    media_id: str
    name: str


@dataclass(frozen=True)
class Session:
    """A step of a session in WeChat's own tool: whom it leaves, whom it joins."""

    left: str | None = None
    joined: str | None = None


@dataclass(frozen=True)
class Callback:
    """One callback.

    Of what somebody says exactly one is set; ``text`` may stand beside the others.

    Attributes:
        openid: The customer.
        account: Our account, as the platform calls it.
        message_key: What makes a repeat a repeat.
        does: What it is about.
        trigger: Which allowance it grants; None: none.
        press: (seq, index) of a pressed button.
        number: The text is a number, which may stand for a numbered button.
        place: (latitude, longitude, label), in degrees.
        unreadable: Key of the name of what we cannot read.
        scene: The QR code somebody came by; None when by none.
        is_message: It is a message and no event.
    """

    openid: str
    account: str
    message_key: str
    does: Does = Does.NOTHING
    trigger: str | None = None
    text: str | None = None
    payload: str | None = None
    press: tuple[int, int] | None = None
    number: int | None = None
    media: Media | None = None
    place: tuple[float, float, str] | None = None
    unreadable: str | None = None
    scene: str | None = None
    session: Session | None = None
    follows: bool = False
    is_message: bool = False

    @property
    def sender_id(self) -> str:
        """The conversation."""
        return f"{CHANNEL}:{self.openid}"


def openid_of(sender_id: str) -> str:
    """Return the customer of a conversation."""
    return sender_id.partition(":")[2]


def menu_id(seq: int, index: int) -> str:
    """Return the id of a button in a msgmenu: where it stands, not what it means."""
    return f"{seq}.{index}"


def read_callback(fields: Mapping[str, Any]) -> Callback | None:
    """Read a callback; None when it has not the shape of one."""
    openid, account = _text(fields, "FromUserName"), _text(fields, "ToUserName")
    kind = _text(fields, "MsgType").lower()
    if not kind or not _OPENID.fullmatch(openid):
        return None
    head = (openid, account, _key(fields, kind))
    if kind == "event":
        return _read_event(head, fields)
    return _read_message(head, kind, fields)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""


def _key(fields: Mapping[str, Any], kind: str) -> str:
    """Messages have an id; events are told apart by when and what."""
    if kind != "event" and (number := _text(fields, "MsgId")):
        return f"{kind}-{number}"[:150]
    words = "|".join(f"{name}={fields[name]}" for name in sorted(fields))
    digest = hashlib.sha256(words.encode()).hexdigest()[:16]
    parts = (kind, *(_text(fields, n) for n in ("CreateTime", "Event")), digest)
    return "-".join(parts)[:150]


def _read_message(
    head: tuple[str, str, str], kind: str, fields: Mapping[str, Any]
) -> Callback:
    text, trigger = _text(fields, "Content"), MESSAGE
    values: dict[str, Any] = {}
    match kind:
        case "text":
            values["text"] = text
            if pressed := _text(fields, "bizmsgmenuid"):
                trigger, values["press"] = MENU, _press(pressed)
            elif found := _NUMBER.fullmatch(text.translate(_FULL_WIDTH)):
                values["number"] = int(found[1])
            elif not clean_text(text):
                values = {"unreadable": "other"}  # or nobody would be answered
        case "image":
            values["media"] = Media(_text(fields, "MediaId")[:500], "photo.jpg")
        case "voice" if heard := clean_text(_text(fields, "Recognition")):
            values["text"] = heard
        case "voice":
            values["unreadable"] = "voice"
        case "location":
            values["place"] = _place(fields)
            if values["place"] is None:
                values = {"unreadable": "place"}
        case _:
            values["unreadable"] = _UNREADABLE.get(kind, "other")
            said = (_text(fields, name) for name in ("Title", "Url"))
            values["text"] = "\n".join(word for word in said if word)[:500] or None
    return Callback(*head, Does.SAY, trigger, is_message=True, **values)


def _press(pressed: str) -> tuple[int, int]:
    """Where a pressed button stands; nowhere when it is none of ours."""
    seq, _, index = pressed.partition(".")
    ours = seq.isascii() and seq.isdigit() and index.isascii() and index.isdigit()
    return (int(seq), int(index)) if ours and len(pressed) < 19 else (0, 0)


def _place(fields: Mapping[str, Any]) -> tuple[float, float, str] | None:
    try:
        where = float(_text(fields, "Location_X")), float(_text(fields, "Location_Y"))
    except ValueError:
        return None
    if not (abs(where[0]) <= 90 and abs(where[1]) <= 180):
        return None
    return (*where, _text(fields, "Label")[:100])


def _read_event(head: tuple[str, str, str], fields: Mapping[str, Any]) -> Callback:
    event, key = _text(fields, "Event").lower(), _text(fields, "EventKey")
    match event:
        case "subscribe":
            scene = key.removeprefix(_SCENE) if key.startswith(_SCENE) else None
            return Callback(*head, Does.SAY, FOLLOW, payload="/greet", scene=scene,
                            follows=True)  # fmt: skip
        case "unsubscribe":
            return Callback(*head, Does.LEAVE)
        case "scan":
            return Callback(*head, Does.SAY, SCAN, payload="/greet", scene=key,
                            follows=True)  # fmt: skip
        case "click":
            return Callback(*head, Does.SAY, MENU, payload=key)
        case "scancode_waitmsg":
            info = fields.get("ScanCodeInfo")
            scanned = _text(info, "ScanResult") if isinstance(info, Mapping) else ""
            return Callback(*head, Does.SAY, MENU, text=scanned)
        case "kf_create_session":
            who = Session(joined=_text(fields, "KfAccount"))
        case "kf_close_session":
            who = Session(left=_text(fields, "KfAccount"))
        case "kf_switch_session":
            left, joined = _text(fields, "FromKfAccount"), _text(fields, "ToKfAccount")
            who = Session(left, joined)
        case "templatesendjobfinish":
            return Callback(*head, Does.NOTICE, text=_text(fields, "Status"))
        case _:
            return Callback(*head)
    return Callback(*head, Does.SERVICE, session=who)
