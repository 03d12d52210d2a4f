"""News of cases for the edge: what is to be told, and what became of it.

In: a request of the edge. Out: JSON. Fetching changes nothing, so any number of edges may
ask; what was told, or never can be, is noted.
"""

from __future__ import annotations

from typing import Any

from actions.errors import IllegalStep
from actions.policystore.news import News
from actions.services import Services

Json = dict[str, Any]
MOST = 100  # acknowledged at once


def waiting_news(services: Services, number: str | None = None) -> Json:
    """Return what is to be told now, of every case (or of one) the oldest first."""
    with services.unit_of_work() as uow:
        found = uow.news.waiting(services.now(), number or None)
    return {"news": [_shown(one) for one in found]}


def note_news(services: Services, asked: Json) -> Json:
    """Note what was told and what was not.

    Args:
        services: Store and clock.
        asked: ``told``: ids; ``failed``: objects with id, why and final.

    Raises:
        IllegalStep: ``unreadable_news``.
    """
    told, failed = asked.get("told", []), asked.get("failed", [])
    if not isinstance(told, list) or not all(_is_id(one) for one in told):
        raise IllegalStep("unreadable_news")
    if not isinstance(failed, list) or not all(
        isinstance(one, dict) and _is_id(one.get("id")) for one in failed
    ):
        raise IllegalStep("unreadable_news")
    now = services.now()
    with services.unit_of_work() as uow:
        uow.news.told(told[:MOST], now)
        for one in failed[:MOST]:
            final = one.get("final") is True
            uow.news.not_told(one["id"], str(one.get("why") or ""), now, final=final)
    return {}


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 < value < 2**62


def _shown(one: News) -> Json:
    return {
        "id": one.news_id,
        "kind": one.kind,
        "number": one.number,
        "notice": one.notice,
        "values": dict(one.values),
        "senders": list(one.senders),
        "key": one.key,
    }
