"""Where Rasa keeps its dialogue state: SQL, tuned, with the turn in hand.

In: trackers of finished turns. Out: the same, after a restart too. It adds to Rasa's own
store: SQLite in WAL mode (a commit need not wait for the disk), a look-up of a turn by
its id, and the tracker just saved, so that the connector need not read it again.
"""

from __future__ import annotations

import contextvars
import json
import os
from typing import Any, Optional

import sqlalchemy as sa
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

# The tracker the running turn saved last; set in the task that handles the turn.
SAVED_TRACKER: contextvars.ContextVar[Optional[DialogueStateTracker]] = (
    contextvars.ContextVar("saved_tracker", default=None)
)
# Names of actions that failed in the running turn; None outside a turn of the connector.
FAILED_ACTIONS: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar(
    "failed_actions", default=None
)
RECENT_USER_MESSAGES = 5


class BaokeTrackerStore(SQLTrackerStore):
    """`SQLTrackerStore` at ``url`` (from endpoints.yml, usually an env variable)."""

    def __init__(
        self,
        domain: Optional[Domain] = None,
        host: Optional[str] = None,
        url: Optional[str] = None,
        event_broker: Optional[EventBroker] = None,
        **kwargs: Any,
    ) -> None:
        address = os.path.expandvars(url or host or "sqlite:///rasa.db")
        super().__init__(
            domain=domain, host=address, event_broker=event_broker, **kwargs
        )
        if self.engine.dialect.name == "sqlite":
            sa.event.listen(self.engine, "connect", _tune_sqlite)
            self.engine.dispose()

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Store the turn's events and keep the tracker for the connector.

        A turn in which an action failed is not stored: the dialogue stands where it
        stood, and the same turn can be taken again.
        """
        if FAILED_ACTIONS.get():
            return
        await super().save(tracker)
        SAVED_TRACKER.set(tracker)

    def has_turn(self, sender_id: str, turn_id: str) -> bool:
        """Whether one of the last messages of ``sender_id`` was this turn's."""
        event = self.SQLEvent
        with self.session_scope() as session:
            rows = (
                session.query(event.data)
                .filter(event.sender_id == sender_id, event.type_name == "user")
                .order_by(event.id.desc())
                .limit(RECENT_USER_MESSAGES)
                .all()
            )
        return any(
            (json.loads(data).get("metadata") or {}).get("turn_id") == turn_id
            for (data,) in rows
        )


def _tune_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()
