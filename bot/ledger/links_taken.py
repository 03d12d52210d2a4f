"""Which conversations another desk has to be told about, and from where on."""

from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update

from bot.desk_rules import Status
from bot.ledger.desk_tables import desk_links
from bot.ledger.tables import conversations, handoffs

TRANSCRIPT = 50  # messages from before the wish for a human that are told
_CURSOR = ""  # sender_id of the row that says which moves were looked at
_HUMAN = (Status.QUEUED, Status.AGENT)
_LATE = 200  # rows that may become visible after later ones


def cursor_of(link: str) -> Any:
    """Select up to which move a link looked."""
    return select(desk_links.c.move_id).where(
        desk_links.c.link == link, desk_links.c.sender_id == _CURSOR
    )


def strays_of(link: str) -> Any:
    """Select (sender_id, last move) of what a human has or should have and is not told.

    Numbers of handoffs may become visible out of order, and a conversation may be
    queued again while its end is being told.
    """
    told = (
        select(desk_links.c.sender_id)
        .where(
            desk_links.c.link == link,
            desk_links.c.sender_id == conversations.c.sender_id,
            desk_links.c.active,
        )
        .exists()
    )
    return (
        select(conversations.c.sender_id, func.max(handoffs.c.id))
        .join(handoffs, handoffs.c.sender_id == conversations.c.sender_id)
        .where(conversations.c.status.in_(_HUMAN), ~told)
        .group_by(conversations.c.sender_id)
    )


def register(connection: Connection, link: str) -> None:
    """Take up conversations in which somebody moved since the last look."""
    seen = connection.execute(cursor_of(link)).scalar()
    newest = connection.execute(select(func.max(handoffs.c.id))).scalar() or 0
    blank = {"active": False, "external": {}, "seq": 0}
    if seen is None:  # attached today: what was before is not told
        row = {"link": link, "sender_id": _CURSOR, "move_id": newest, **blank}
        connection.execute(insert(desk_links).values(row))
        seen = newest
        moved = {row[0]: newest for row in connection.execute(strays_of(link))}
    else:
        query = (
            select(handoffs.c.sender_id, func.min(handoffs.c.id) - 1)
            .where(handoffs.c.id > seen - _LATE)
            .group_by(handoffs.c.sender_id)
        )
        moved = {row[0]: row[1] for row in connection.execute(query)}
        for stray, last in connection.execute(strays_of(link)).all():
            moved.setdefault(stray, last - 1)
    for sender_id, before in moved.items():
        _activate(connection, link, sender_id, before)
    connection.execute(
        update(desk_links)
        .where(desk_links.c.link == link, desk_links.c.sender_id == _CURSOR)
        .values(move_id=newest)
    )


def _activate(connection: Connection, link: str, sender_id: str, before: int) -> None:
    """Let a conversation be told from its last messages on."""
    t = desk_links.c
    mine = and_(t.link == link, t.sender_id == sender_id)
    row = connection.execute(select(t.seq, t.move_id, t.active).where(mine)).first()
    last_seq, status = connection.execute(
        select(conversations.c.last_seq, conversations.c.status).where(
            conversations.c.sender_id == sender_id
        )
    ).one()
    seq = max(0, last_seq - TRANSCRIPT)
    if row is None:
        made = {"link": link, "sender_id": sender_id, "seq": seq, "move_id": before}
        connection.execute(insert(desk_links).values(active=True, external={}, **made))
        return
    newest = connection.execute(
        select(func.max(handoffs.c.id)).where(handoffs.c.sender_id == sender_id)
    ).scalar_one()
    if not row.active and (newest > row.move_id or status in _HUMAN):
        again = (
            update(desk_links).where(mine).values(active=True, seq=max(seq, row.seq))
        )
        connection.execute(again)
