"""What a Telegram update means for us; plain JSON in, a plain value out.

Updates are read by hand and not by python-telegram-bot: one odd field in an update makes
its reader fail, and an update that cannot be read must not stop those behind it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from bot.inbox import clean_text
from channels.telegram import CHANNEL

COMMANDS: Mapping[str, str] = {
    "start": "/greet",
    "help": "/greet",
    "human": "/request_handoff",
    "cancel": "/cancel",
}
# What we cannot read: field of a message, key of its name in the notices. Any other field
# that is neither of these nor below has the name "other".
UNREADABLE: Mapping[str, str] = {
    "voice": "voice",
    "audio": "audio",
    "video": "video",
    "video_note": "video",
    "animation": "video",
    "live_photo": "video",
    "sticker": "sticker",
    "poll": "poll",
    "dice": "dice",
    "game": "game",
    "story": "story",
    "checklist": "checklist",
    "paid_media": "paid_media",
    "giveaway": "giveaway",
    "giveaway_winners": "giveaway",
    "invoice": "invoice",
    "contact": "contact",  # without a number
    "venue": "place",  # without a place on earth
    "location": "place",
}
# What the app writes by itself, beside the customer: nobody waits for an answer. Source:
# core.telegram.org/bots/api#message, by way of python-telegram-bot 22.8 (2026-12-01).
SERVICE = frozenset(
    {
        "boost_added", "channel_chat_created", "chat_background_set",
        "chat_owner_changed", "chat_owner_left", "checklist_tasks_added",
        "checklist_tasks_done", "connected_website", "delete_chat_photo",
        "direct_message_price_changed", "forum_topic_closed", "forum_topic_created",
        "forum_topic_edited", "forum_topic_reopened", "general_forum_topic_hidden",
        "general_forum_topic_unhidden", "giveaway_completed", "giveaway_created",
        "group_chat_created", "left_chat_member", "managed_bot_created",
        "message_auto_delete_timer_changed", "migrate_from_chat_id",
        "migrate_to_chat_id", "new_chat_members", "new_chat_photo", "new_chat_title",
        "paid_message_price_changed", "pinned_message", "poll_option_added",
        "poll_option_deleted", "proximity_alert_triggered", "suggested_post_approved",
        "suggested_post_approval_failed", "suggested_post_declined",
        "suggested_post_paid", "suggested_post_refunded", "supergroup_chat_created",
        "video_chat_ended", "video_chat_participants_invited", "video_chat_scheduled",
        "video_chat_started", "write_access_allowed",
    }
)  # fmt: skip
_EDITS = ("edited_message", "edited_business_message", "edited_channel_post")
_TITLES = ("question", "title", "emoji")  # fields by which people know such a thing
_MAX_TITLE_CHARS = 300
_MAX_CALLBACK_CHARS = 64
_MAX_NUMBER = 2**53  # ids have at most 52 bits, and other numbers fewer
_FILE_ID = re.compile(r"[!-{}~]{1,400}")  # no bar, see media_ref
_ALBUM = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class File:
    """A file that lies at Telegram.

    Attributes:
        size_bytes: As Telegram says; None when it does not.
    """

    file_id: str
    name: str
    size_bytes: int | None


@dataclass(frozen=True)
class Press:
    """A pressed button: the message and the button in it, by number."""

    callback_id: str
    seq: int
    index: int


@dataclass(frozen=True)
class Update:
    """One update that somebody has to be answered for.

    Exactly one of the last fields is set; ``text`` may stand beside ``file``,
    ``unreadable`` and ``edits``.

    Attributes:
        unreadable: Key of the name of what we cannot read.
        edits: Number of the message whose new form this is.
        place: (latitude, longitude, title), in degrees.
        album: Files with the same one were sent together.
    """

    update_id: int
    chat_id: int
    text: str | None = None
    payload: str | None = None
    press: Press | None = None
    file: File | None = None
    place: tuple[float, float, str] | None = None
    unreadable: str | None = None
    edits: int | None = None
    album: str | None = None

    @property
    def sender_id(self) -> str:
        """The conversation."""
        return f"{CHANNEL}:{self.chat_id}"

    @property
    def message_key(self) -> str:
        """What makes a repeat a repeat."""
        return f"update-{self.update_id}"


def chat_of(sender_id: str) -> int:
    """Return the chat of a conversation."""
    return int(sender_id.partition(":")[2])


def callback_data(seq: int, index: int) -> str:
    """Return what a button sends: where it stands, not what it means (64 bytes)."""
    return f"{seq}.{index}"


def update_number(data: Any) -> int | None:
    """Return the number of an update; None when it is not the shape of one."""
    value = data.get("update_id") if isinstance(data, Mapping) else None
    return value if _is_number(value) and value >= 0 else None


def read_update(data: Any) -> Update | None:
    """Read an update; None when nobody waits for an answer to it.

    Groups, channels and members are such, and whatever has not the shape of an update:
    its sender is Telegram, which would send it again and again. What a customer sent in
    a chat of their own is never such, however odd it looks.
    """
    number = update_number(data)
    if number is None:
        return None
    try:
        if callback := data.get("callback_query"):
            return _read_press(number, callback)
        if message := data.get("message"):
            return _read_message(number, message)
        for name in _EDITS:
            if message := data.get(name):
                return _read_edit(number, message)
        if message := data.get("business_message"):
            return _read_business(number, message)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        pass
    return None


def _read_press(update_id: int, callback: Mapping[str, Any]) -> Update | None:
    chat_id = _private_chat(callback["message"]["chat"])
    if chat_id is None:
        return None
    sent = str(callback.get("data") or "")[:_MAX_CALLBACK_CHARS]
    seq, _, index = sent.partition(".")
    known = seq.isascii() and seq.isdigit() and index.isascii() and index.isdigit()
    # What is none of ours names a button that does not exist, which is told politely.
    where = (int(seq), int(index)) if known and len(seq) < 19 else (0, 0)
    return Update(update_id, chat_id, press=Press(str(callback["id"]), *where))


def _read_message(update_id: int, message: Mapping[str, Any]) -> Update | None:
    chat_id = _private_chat(message["chat"])
    if chat_id is None or _sender(message).get("is_bot") is True:
        return None
    try:
        found = _content(message)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        found = {"unreadable": "other"}
    return None if found is None else Update(update_id, chat_id, **found)


def _read_edit(update_id: int, message: Mapping[str, Any]) -> Update | None:
    """Read the new form of a message; a place that moves on is none."""
    update = _read_message(update_id, message)
    if update is None or update.place is not None:
        return None
    if "from" in message and _sender(message).get("id") != update.chat_id:
        return None  # a business's own words
    number = message.get("message_id")
    edits = number if _is_number(number) else 0
    kind = update.unreadable or ("file" if update.file is not None else None)
    return Update(update_id, update.chat_id, update.text, unreadable=kind, edits=edits)


def _read_business(update_id: int, message: Mapping[str, Any]) -> Update | None:
    """Read what a customer wrote to a business; we answer in the bot's own chat."""
    update = _read_message(update_id, message)
    if update is None or _sender(message).get("id") != update.chat_id:
        return None
    said = update.text
    return Update(update_id, update.chat_id, said, unreadable="business")


def _sender(message: Mapping[str, Any]) -> Mapping[str, Any]:
    sender = message.get("from")
    return sender if isinstance(sender, Mapping) else {}


def _content(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a message holds; None when the app wrote it by itself."""
    words = _words(message, "text")
    if words is not None:
        if command := _command(words):
            return {"text": words[:100], "payload": command}
        return {"text": words}
    if file := _file(message):
        album = str(message.get("media_group_id") or "")
        known = _ALBUM.fullmatch(album)
        said = _words(message, "caption")
        return {"text": said, "file": file, "album": album if known else None}
    if number := _words(message.get("contact"), "phone_number"):
        return {"text": number}
    if place := _place(message):
        return {"place": place}
    if not UNREADABLE.keys() & message.keys() and SERVICE & message.keys():
        return None
    key = next((each for each in UNREADABLE if each in message), None)
    thing = message.get(key) if key else None
    title = next(filter(None, (_words(thing, t) for t in _TITLES)), "")
    lines = (title[:_MAX_TITLE_CHARS], _words(message, "caption"))
    said = "\n".join(line for line in lines if line) or None
    return {"text": said, "unreadable": UNREADABLE[key] if key else "other"}


def _words(data: object, name: str) -> str | None:
    """Return a field with words in it; None when there are none."""
    value = data.get(name) if isinstance(data, Mapping) else None
    return value if isinstance(value, str) and clean_text(value) else None


def _is_number(value: object) -> TypeGuard[int]:
    return type(value) is int and abs(value) < _MAX_NUMBER


def _private_chat(chat: Mapping[str, Any]) -> int | None:
    number = chat.get("id")
    private = chat.get("type", "private") == "private"
    return number if private and _is_number(number) else None


def _command(text: str) -> str | None:
    word = text.split(maxsplit=1)[0] if text.strip() else ""
    name = word[1:].partition("@")[0].lower()
    return COMMANDS.get(name) if word.startswith("/") else None


def _place(message: Mapping[str, Any]) -> tuple[float, float, str] | None:
    place = message.get("location")
    if not isinstance(place, Mapping):
        return None
    latitude, longitude = _degrees(place, "latitude"), _degrees(place, "longitude")
    if latitude is None or longitude is None or abs(latitude) > 90:
        return None
    title = _words(message.get("venue"), "title") or ""
    return latitude, longitude, title[:100]


def _degrees(place: Mapping[str, Any], name: str) -> float | None:
    value = place.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if abs(value) <= 180 else None


def _file(message: Mapping[str, Any]) -> File | None:
    """Return the file of a message; animations are documents too, for older readers."""
    if "animation" in message:
        return None
    photos, document = message.get("photo"), message.get("document")
    if isinstance(photos, list) and photos:
        largest, name = photos[-1], "photo.jpg"
    else:
        largest, name = document, _words(document, "file_name") or "file"
    file_id = _words(largest, "file_id")
    if file_id is None or not _FILE_ID.fullmatch(file_id):
        return None
    size = largest.get("file_size") if isinstance(largest, Mapping) else None
    return File(file_id, name, size if _is_number(size) else None)
