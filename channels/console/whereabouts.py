"""Where a conversation is now, in words for whoever no longer has it.

In: a conversation. Out: who holds it, as a sentence; nothing of what was said in it.
"""

from bot.desk_rules import Status
from bot.errors import BadInput
from bot.ledger.desk_view import Listed
from channels.console.bodies import is_storable
from channels.console.shapes import Json
from channels.visitors import WebRooms


async def whereabouts(rooms: WebRooms, sender_id: str) -> Json:
    """Answer who holds a conversation, with words for an agent.

    Raises:
        BadInput: There is no such conversation.
    """
    known = is_storable(sender_id)
    row = await rooms.ledger.desk.one(sender_id) if known else None
    if row is None:
        raise BadInput("not_found", 404)
    title = await title_of(rooms, row.agent)
    words = rooms.notices.tell(f"with_{row.status.value}", agent=title)
    return {"status": row.status.value, "agent": row.agent, "words": words}


async def gone_from(
    rooms: WebRooms, row: Listed | None, code: str = "not_yours"
) -> BadInput:
    """Return the refusal of a step whose conversation is elsewhere by now."""
    status = Status.CLOSED if row is None else row.status
    title = await title_of(rooms, None if row is None else row.agent)
    where = rooms.notices.tell(f"with_{status.value}", agent=title)
    return BadInput(code, 409, words=where)


async def title_of(rooms: WebRooms, name: str | None) -> str:
    """Return what colleagues call an account, also one of another desk's."""
    if name is None:
        return ""
    found = await rooms.ledger.agents.get(name)
    return found.title if found is not None else name.rpartition(":")[2]
