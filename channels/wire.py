"""Stored messages as the web's two wires show them: REST events and Socket.IO.

``bot_uttered`` carries exactly Rasa's keys: rasa-webchat drops a message with any
further key, except ``metadata``, which it strips first.
"""

from typing import Any

from bot.message import (
    CitationPart,
    FilePart,
    ImagePart,
    StoredMessage,
    TextPart,
)
from bot.notices import Notices

Json = dict[str, Any]


def event(message: StoredMessage) -> Json:
    """Return one entry of ``GET /api/chat/events``."""
    shown: Json = {
        "seq": message.seq,
        "author": message.author.value,
        "at": message.at.isoformat(),
        "parts": [part.to_json() for part in message.parts],
        "in_reply_to": message.in_reply_to,
    }
    if message.message_key is not None:
        shown["client_message_id"] = message.message_key
    return shown


def echo(message: StoredMessage) -> Json:
    """Return ``user_echoed``: what the visitor said, for their other windows."""
    return {
        "text": _text(message),
        "metadata": {
            "seq": message.seq,
            "author": message.author.value,
            "at": message.at.isoformat(),
            "client_message_id": message.message_key,
            "parts": [part.to_json() for part in message.parts],
        },
    }


def uttered(message: StoredMessage) -> Json:
    """Return the one ``bot_uttered`` our own widget gets; it renders the parts."""
    metadata = _metadata(message)
    images = [part for part in message.parts if isinstance(part, ImagePart)]
    if images and not _text(message) and not _quick_replies(message):
        return {"attachment": _image(images[0]), "metadata": metadata}
    return {**_words(message, _text(message)), "metadata": metadata}


def uttered_plain(message: StoredMessage, notices: Notices) -> list[Json]:
    """Return the ``bot_uttered`` events of a ready-made Rasa widget.

    It knows words, quick replies and images only, so clauses become words.
    """
    metadata = _metadata(message)
    words = plain_text(message, notices)
    said: list[Json] = [
        {"attachment": _image(part), "metadata": metadata}
        for part in message.parts
        if isinstance(part, ImagePart)
    ]
    if words or _quick_replies(message):
        said.append({**_words(message, words), "metadata": metadata})
    return said


def plain_text(message: StoredMessage, notices: Notices, *, files: bool = True) -> str:
    """Return a message as words, with its clauses and the names of its files or not."""
    lines = [_text(message)] if _text(message) else []
    for part in message.parts:
        if isinstance(part, CitationPart):
            values = {key: value or "" for key, value in part.to_json().items()}
            # An answer that is the quotation itself need not say it twice.
            said_already = bool(part.quote) and part.quote in _text(message)
            lines.append(notices.citation(said_already=said_already, **values))
        elif isinstance(part, FilePart) and files:
            lines.append(part.name)
    return "\n".join(lines)


def _metadata(message: StoredMessage) -> Json:
    return {
        "seq": message.seq,
        "author": message.author.value,
        "at": message.at.isoformat(),
        "parts": [part.to_json() for part in message.parts],
        "in_reply_to": message.in_reply_to,
    }


def _words(message: StoredMessage, text: str) -> Json:
    replies = _quick_replies(message)
    return {"text": text, "quick_replies": replies} if replies else {"text": text}


def _text(message: StoredMessage) -> str:
    return "\n".join(p.text for p in message.parts if isinstance(p, TextPart))


def _quick_replies(message: StoredMessage) -> list[Json]:
    return [
        {"content_type": "text", "title": button.title, "payload": button.payload}
        for button in message.buttons
    ]


def _image(part: ImagePart) -> Json:
    return {"type": "image", "payload": {"src": part.url}}
