"""What the desk's API answers, as JSON."""

from datetime import datetime
from typing import Any

from bot.ledger.agents import Agent, DeskSession
from bot.ledger.desk_view import Listed
from bot.ledger.ratings import Scores
from bot.ledger.waiting import is_here
from bot.message import StoredMessage
from channels.console.due import Promise
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
        "ready": agent.ready,
        "csrf": session.csrf,
        "expires_at": session.expires_at.isoformat(),
    }


def agent_json(agent: Agent, held: int, now: datetime, scores: Scores | None) -> Json:
    """Return an account as colleagues see it."""
    here = is_here(agent.seen_at, now)
    return {
        "name": agent.name,
        "title": agent.title,
        "role": agent.role.value,
        "skills": list(agent.skills),
        "capacity": agent.capacity,
        "held": held,
        "state": "away" if not here else "ready" if agent.ready else "busy",
        "scores": scores
        and {
            "asked": scores.asked,
            "answered": scores.answered,
            "average": scores.average,
        },
    }


def row_json(row: Listed, due: Promise | None = None) -> Json:
    """Return a conversation in a list, with when an answer is due."""
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
        "offered_to": row.offered_to,
        "offered_at": row.offered_at and row.offered_at.isoformat(),
        "due": due and {"at": due.at.isoformat(), "clause": due.clause},
    }


def message_json(message: StoredMessage, state: tuple[str, str | None] | None) -> Json:
    """Return a message with the state of its delivery."""
    shown = event(message)
    if state is not None:
        shown["delivery"] = {"state": state[0], "reason": state[1]}
    return shown
