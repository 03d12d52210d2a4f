"""A complaint as who handles it and who audits it sees it; frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from actions.policystore.model import Complaint


@dataclass(frozen=True)
class CaseEntry:
    """One entry of a complaint's log, for who handles it and for the auditor.

    Attributes:
        kind: What happened: filed, assigned, progress, decided, …
        words: What was said with it; None when nothing was.
        data: What the complaint's state became by it.
    """

    entry_no: int
    at: datetime
    kind: str
    actor: str
    words: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True)
class ComplaintCase:
    """A complaint as who handles it sees it.

    Attributes:
        sender_id: The conversation it came from.
        handler: Who is in charge; never the one complained about.
        accused: Whom the complaint is about, when that is a person, as it was said.
        accused_login: The account that is; "-" when none of ours, None when not known.
        extension_level: 0; 1 after the first extension (30 days), 2 after the second.
        extension_asked_by: Who has asked for more time and waits for approval.
    """

    complaint: Complaint
    sender_id: str
    customer_id: str | None
    handler: str | None
    accused: str | None
    accused_login: str | None
    accused_title: str | None
    extension_level: int
    extension_asked_by: str | None
    decided_by: str | None
    entries: tuple[CaseEntry, ...] = ()


@dataclass(frozen=True)
class OpenLimit:
    """By when an open complaint has to be answered."""

    complaint_no: str
    filed_at: datetime
    due_at: datetime


@dataclass(frozen=True)
class LogCheck:
    """Result of reading the whole complaint log.

    Attributes:
        first_bad: Number of the first entry that was changed, removed or reordered,
            or whose complaint was; None when all is well.
    """

    entries: int
    ok: bool
    first_bad: int | None
