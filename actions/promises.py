"""When something is answered: the agreement's clause and the law, whichever is earlier.

In: what came in and when. Out: the moment and the clause that says so. A promise that was
told is never put off because agreement or calendar changed; it may come earlier.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime

from actions.agreement.cite import Citation, cite
from actions.policystore.model import RequestKind
from actions.services import Services

log = logging.getLogger(__name__)

COMPLAINT = "第三条(四)2"
# 银行业保险业消费投诉处理管理办法 (read 2026-11): 15 natural days, 30 when complex, 30
# more with approval (18); a review is decided within 30 (20).
LEGAL_DAYS = 15
EXTENDED_DAYS = (30, 60)  # after filing, by level of extension
REVIEW_DAYS = 30
LAW_TIME, LAW_REVIEW = "办法第十八条", "办法第二十条"
# Which clause says how soon a request is answered.
REQUESTS: dict[RequestKind, str] = {
    "document": "第三条(二)2",
    "change": "第三条(二)2",
    "surrender": "第三条(二)2",
    "notice": "第三条(二)2",
    "privacy": "第六条(三)1",
}
# Without these nothing can be promised; an import says which are missing. By the topic
# (data/agreement/topics.yml) each must be about.
PROMISED_TOPICS = {"response_time": "第三条(二)2", "complaint_deadline": COMPLAINT}
PROMISES = tuple(PROMISED_TOPICS.values())
BROUGHT_TO = "due_dates"  # store fact: agreement and calendar the limits are from


@dataclass(frozen=True)
class Promise:
    """When a complaint is answered.

    Attributes:
        due_at: the earlier of the clause's and the law's limit.
        rule: reference of the clause, or of the law when no clause gives a limit.
        clause_due_at: what the agreement's clause gives; None when it gives nothing.
        citation: the clause.
    """

    due_at: datetime
    rule: str
    clause_due_at: datetime | None = None
    citation: Citation | None = None


def promise_for(services: Services, received: datetime) -> Promise:
    """The limit that is told to the customer; never later than the law's.

    An agreement that promises no number of days takes nobody the right to complain:
    then the law's limit is the promise.
    """
    library = services.library()
    commitment = library.commitment(COMPLAINT)
    clause = library.clause(COMPLAINT)
    calendar = services.calendar
    legal = calendar.add_natural_days(received, LEGAL_DAYS)
    if commitment is None or clause is None:
        return Promise(legal, LAW_TIME)
    due = calendar.due(received, commitment.amount, commitment.unit)
    return Promise(min(due, legal), COMPLAINT, due, cite(clause))


def extension_for(
    services: Services, filed: datetime, level: int
) -> tuple[datetime, str]:
    """The limit of a complaint after its first or second extension, and its rule."""
    days = EXTENDED_DAYS[min(level, len(EXTENDED_DAYS)) - 1]
    return services.calendar.add_natural_days(filed, days), LAW_TIME


def review_for(services: Services, asked: datetime) -> tuple[datetime, str]:
    """The limit of a review, and its rule."""
    return services.calendar.add_natural_days(asked, REVIEW_DAYS), LAW_REVIEW


def request_due(
    services: Services, kind: RequestKind, received: datetime
) -> tuple[datetime, str] | None:
    """When a request is answered and the clause; None when no clause gives a limit."""
    ref = REQUESTS[kind]
    commitment = services.library().commitment(ref)
    if commitment is None:
        return None
    due = services.calendar.due(received, commitment.amount, commitment.unit)
    return due, ref


def renew_due_dates(services: Services) -> int:
    """Recompute open limits when agreement or calendar are not those of last time.

    Limits that come earlier are written down with the reason; none comes later than
    what the customer was told.

    Returns:
        How many complaints have another limit now.
    """
    basis = _basis(services)
    with services.unit_of_work() as uow:
        if uow.facts.get(BROUGHT_TO) == basis:
            return 0
    moved = 0
    with services.unit_of_work() as uow:
        for limit in uow.cases.open_limits():
            promise = promise_for(services, limit.filed_at)
            if promise.due_at < limit.due_at:
                uow.cases.move_due(
                    limit.complaint_no,
                    promise.due_at,
                    promise.rule,
                    basis,
                    services.now(),
                )
                moved += 1
        uow.facts.set(BROUGHT_TO, basis, services.now())
    if moved:
        log.warning("due dates: %d moved, now from %s", moved, basis)
    return moved


def _basis(services: Services) -> str:
    """Name of agreement version and calendar that limits are computed from."""
    clause = services.library().clause(COMPLAINT)
    version = clause.source.version if clause else "-"
    digest = hashlib.sha256()
    for name in ("cn.yml", "hours.yml"):
        file = services.settings.calendar_dir / name
        digest.update(file.read_bytes())
    return f"agreement {version}, calendar {digest.hexdigest()[:12]}"[:200]
