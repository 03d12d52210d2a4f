"""What a Telegram update means for us; plain JSON in, a plain value out.

Updates are read by hand and not by python-telegram-bot: one odd field in an update makes
its reader fail, and an update that cannot be read must not stop those behind it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from channels.telegram import CHANNEL

COMMANDS: Mapping[str, str] = {
    "start": "/greet",
    "help": "/greet",
    "human": "/request_handoff",
    "cancel": "/cancel",
}
# What we cannot read: field of a message, key of its name in the notices.
UNREADABLE: Mapping[str, str] = {
    "voice": "voice",
    "audio": "voice",
    "video": "video",
    "video_note": "video",
    "animation": "video",
    "sticker": "sticker",
    "poll": "other",
    "dice": "sticker",
}
_MAX_CALLBACK_CHARS = 64


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

    Exactly one of the last fields is set; ``text`` may stand beside ``file``.

    Attributes:
        unreadable: Key of the name of what we cannot read.
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


def read_update(data: Any) -> Update | None:
    """Read an update; None when nobody waits for an answer to it.

    Edits, groups, channels and members are such, and whatever has not the shape of an
    update: its sender is Telegram, which would send it again and again.
    """
    try:
        update_id = int(data["update_id"])
        if callback := data.get("callback_query"):
            return _read_press(update_id, callback)
        message = data.get("message")
        return _read_message(update_id, message) if message else None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
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
    if chat_id is None or (message.get("from") or {}).get("is_bot"):
        return None
    if (text := message.get("text")) is not None:
        words = str(text)
        if command := _command(words):
            return Update(update_id, chat_id, text=words[:100], payload=command)
        return Update(update_id, chat_id, text=words)
    if file := _file(message):
        caption = message.get("caption")
        said = str(caption) if caption else None
        album = message.get("media_group_id")
        return Update(
            update_id, chat_id, text=said, file=file,
            album=str(album)[:64] if album else None,
        )  # fmt: skip
    if contact := message.get("contact"):
        return Update(update_id, chat_id, text=str(contact["phone_number"]))
    if place := message.get("location"):
        title = str((message.get("venue") or {}).get("title") or "")
        where = (float(place["latitude"]), float(place["longitude"]), title[:100])
        return Update(update_id, chat_id, place=where)
    for key, name in UNREADABLE.items():
        if key in message:
            return Update(update_id, chat_id, unreadable=name)
    return None  # somebody joined, a pin, a new title


def _private_chat(chat: Mapping[str, Any]) -> int | None:
    private = chat.get("type", "private") == "private"
    return int(chat["id"]) if private else None


def _command(text: str) -> str | None:
    word = text.split(maxsplit=1)[0] if text.strip() else ""
    name = word[1:].partition("@")[0].lower()
    return COMMANDS.get(name) if word.startswith("/") else None


def _file(message: Mapping[str, Any]) -> File | None:
    if photos := message.get("photo"):
        largest = photos[-1]
        return File(str(largest["file_id"]), "photo.jpg", largest.get("file_size"))
    if document := message.get("document"):
        name = str(document.get("file_name") or "file")
        return File(str(document["file_id"]), name, document.get("file_size"))
    return None
