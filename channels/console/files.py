"""Files at the desk's API: what customers sent, and what agents send them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from bot.errors import BadInput
from bot.ledger.agents import DeskSession
from bot.message import FilePart
from channels.attachments import give_file, keep_file, media_type_of, read_upload
from channels.console.bodies import read_key
from channels.console.entry import ONE, Entry, say
from channels.console.shapes import Json
from channels.console.whereabouts import gone_from

FILES = f"{ONE}/files"
# What WeChat shows; it takes no other files from a service account.
_WECHAT_TYPES = frozenset({"image/png", "image/jpeg", "image/gif"})


def add_routes(router: APIRouter, entry: Entry) -> None:
    """Add the routes of files."""
    rooms = entry.rooms
    Reader = Annotated[DeskSession, Depends(entry.reader)]
    Writer = Annotated[DeskSession, Depends(entry.writer)]

    @router.get(f"{FILES}/{{attachment_id}}", summary="Get a file")
    async def download(sender_id: str, attachment_id: str, session: Reader) -> Response:
        """Return a file of a conversation that this agent may look into."""
        await entry.visible(sender_id, session)
        if await entry.backroom.is_against(sender_id, attachment_id, session.agent):
            raise BadInput("step_is_accused", 403)
        return await give_file(rooms, sender_id, attachment_id)

    @router.post(FILES, summary="Send an image or a PDF")
    async def upload(request: Request, sender_id: str, session: Writer) -> Json:
        """Take multipart fields ``file`` and ``key``, and send it to the customer."""
        row = await entry.visible(sender_id, session)
        name = session.agent.name
        if row.agent != name:
            raise await gone_from(rooms, row)
        rooms.limits.attachment.take(f"agent:{name}")
        sent = await read_upload(request, rooms.settings.max_attachment_bytes)
        key = read_key(sent.key)
        kind = media_type_of(sent.content[:12])
        if row.channel == "wechat" and kind not in _WECHAT_TYPES:
            raise BadInput("wechat_images", 415)
        now = rooms.clock.now()
        kept = await keep_file(rooms, sender_id, sent.name, sent.content, now)
        part = FilePart(kept.attachment_id, kept.name)
        return await say(rooms, sender_id, name, (part,), f"agent:{name}:{key}")
