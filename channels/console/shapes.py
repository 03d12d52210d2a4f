"""What the desk's API answers, as JSON."""

from typing import Any

from bot.ledger.agents import DeskSession
from bot.ledger.desk_view import Listed
from bot.message import StoredMessage
from channels.wire import event

Json = dict[str, Any]


def session_json(session: DeskSession) -> Json:
    """Return who is logged in."""
    agent = session.agent
    return {
        "name": agent.name,
        "title": agent.title,
        "role": agent.role.value,
        "skills": list(agent.skills),
        "capacity": agent.capacity,
        "csrf": session.csrf,
        "expires_at": session.expires_at.isoformat(),
    }


def row_json(row: Listed) -> Json:
    """Return a conversation in a list."""
    return {
        "sender_id": row.sender_id,
        "channel": row.channel,
        "status": row.status.value,
        "agent": row.agent,
        "skill": row.skill,
        "waiting_since": row.waiting_since and row.waiting_since.isoformat(),
        "last_seq": row.last_seq,
        "reason": row.reason,
        "priority": row.priority,
        "summary": row.summary,
        "last_text": row.last_text,
        "asked_seq": row.asked_seq,
        "last_at": row.last_at and row.last_at.isoformat(),
    }


def message_json(message: StoredMessage, state: tuple[str, str | None] | None) -> Json:
    """Return a message with the state of its delivery."""
    shown = event(message)
    if state is not None:
        shown["delivery"] = {"state": state[0], "reason": state[1]}
    return shown
