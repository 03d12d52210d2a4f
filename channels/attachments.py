"""Customers' files: images and PDF, checked by content, kept outside the web root."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from bot.errors import BadInput
from bot.inbox import clean_text
from bot.ledger.values import StoredAttachment
from bot.message import Attachment, Inbound, Kind
from channels.file_scan import check_clean
from channels.file_store import open_files
from channels.tokens import Session
from channels.visitors import WebRooms, read_key, take_in
from channels.web import address_of, session_of

FORM_OVERHEAD_BYTES = 64 * 1024  # multipart borders and small fields
MAX_NAME_CHARS = 120
_HEAD_BYTES = 12

# What a file is, is read from its first bytes; its name and the sender's word for
# its type are not believed.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
# A file is saved by the browser, never shown in our origin.
FILE_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-store",
}


@dataclass(frozen=True)
class Upload:
    """One file as it arrived."""

    name: str
    content: bytes
    key: str | None  # makes a repeat a repeat


def media_type_of(head: bytes) -> str | None:
    """Say what a file is by its first bytes; None when it is not accepted."""
    for magic, media_type in _MAGIC:
        if head.startswith(magic):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None


def safe_name(name: str | None) -> str:
    """Return a file name that is only a name."""
    last = re.split(r"[/\\]", clean_text(name or ""))[-1]
    kept = re.sub(r'[\n\t<>:"|?*;]', "_", last).strip(". ")
    return kept[-MAX_NAME_CHARS:] or "file"


def build_router(rooms: WebRooms) -> APIRouter:
    """Return the routes of files under /api/chat."""
    router = APIRouter(prefix="/api/chat", tags=["chat"])

    @router.post("/attachments", summary="Send an image or a PDF")
    async def upload(request: Request) -> JSONResponse:
        """Take multipart field ``file``, answer ``{"attachment_id", "seq"}``."""
        session = session_of(request, rooms)
        rooms.limits.attachment.take(session.sender_id)
        limit = rooms.settings.max_attachment_bytes
        sent = await read_upload(request, limit, "client_message_id")
        attachment, seq = await _keep(rooms, session, address_of(request), sent)
        return JSONResponse({"attachment_id": attachment.attachment_id, "seq": seq})

    @router.get("/attachments/{attachment_id}", summary="Get a file of one's own")
    async def download(request: Request, attachment_id: str) -> Response:
        """Return the file to the session that it belongs to, to nobody else."""
        session = session_of(request, rooms)
        return await give_file(rooms, session.sender_id, attachment_id)

    return router


async def give_file(rooms: WebRooms, sender_id: str, attachment_id: str) -> Response:
    """Answer with a file of a conversation.

    Raises:
        BadInput: The conversation has no such file, or it is not clean (any more).
        StoreError: The files cannot be reached.
    """
    found = await rooms.ledger.attachments.get(sender_id, attachment_id)
    store = open_files(rooms.settings)
    content = await store.read(found.attachment_id) if found else None
    if found is None or content is None:
        raise BadInput("not_found", status=404)
    await check_clean(rooms.settings.scan_command, content)  # for what came before it
    disposition = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
    headers = {**FILE_HEADERS, "Content-Disposition": disposition}
    return Response(content, media_type=found.media_type, headers=headers)


async def read_upload(
    request: Request, max_bytes: int, key_field: str = "key"
) -> Upload:
    """Read one file of a form; at most one byte more than is allowed.

    Raises:
        BadInput: There is none.
    """
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        raise BadInput("attachment_missing")
    try:
        form = await request.form(max_files=1, max_fields=5)
    except (HTTPException, MultiPartException, ValueError, KeyError) as err:
        raise BadInput("attachment_missing") from err
    try:
        files = [v for v in form.values() if isinstance(v, UploadFile)]
        if not files:
            raise BadInput("attachment_missing")
        content = await files[0].read(max_bytes + 1)
        key = form.get(key_field)
        name = files[0].filename or ""
        return Upload(name, content, key if isinstance(key, str) else None)
    finally:
        await form.close()


async def _keep(
    rooms: WebRooms, session: Session, address: str, sent: Upload
) -> tuple[Attachment, int]:
    """Keep the file and put it into the conversation."""
    now = rooms.clock.now()
    attachment = await keep_file(rooms, session.sender_id, sent.name, sent.content, now)
    key = {"client_message_id": sent.key}
    inbound = Inbound(
        session.sender_id,
        read_key(key),
        now,
        Kind.ATTACHMENT,
        attachments=(attachment,),
    )
    accepted = await take_in(rooms, session, address, inbound)
    return attachment, accepted.seq


async def keep_file(
    rooms: WebRooms,
    sender_id: str,
    name: str,
    content: bytes,
    now: datetime,
    *,
    attachment_id: str | None = None,
) -> Attachment:
    """Check a customer's file, write it and note it.

    Args:
        rooms: Where it is noted.
        sender_id: Whose it is.
        name: As the customer called it.
        content: Its bytes.
        now: When it came.
        attachment_id: Chosen before; None: a new one.

    Raises:
        BadInput: It is too large, neither image nor PDF, or not clean; nothing is kept.
        StoreError: It could not be kept or noted.
    """
    if len(content) > rooms.settings.max_attachment_bytes:
        raise BadInput("attachment_too_large", status=413)
    if (media_type := media_type_of(content[:_HEAD_BYTES])) is None:
        raise BadInput("attachment_type", status=415)
    await check_clean(rooms.settings.scan_command, content)
    row = StoredAttachment(
        attachment_id=attachment_id or secrets.token_hex(16),
        sender_id=sender_id,
        name=safe_name(name),
        media_type=media_type,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        created_at=now,
    )
    await open_files(rooms.settings).write(row.attachment_id, content)
    await rooms.ledger.attachments.add(row)
    return Attachment(row.attachment_id, row.name, row.media_type, row.size_bytes)
