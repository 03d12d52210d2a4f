"""What the console asks of the action server: a customer's business, and clauses.

In: a conversation or words. Out: JSON as actions/for_agents.py makes it; None when the
action server does not answer, so that agents can go on working without it.
"""

from collections.abc import Sequence
from typing import Any

import httpx
import structlog

from bot.message import CitationPart

_SECONDS = 4.0

log = structlog.get_logger()


class Backroom:
    """Asks the action servers, one after the other until one answers."""

    def __init__(self, client: httpx.AsyncClient, urls: Sequence[str]) -> None:
        self._client = client
        self._urls = tuple(urls)

    async def customer(self, sender_id: str, *, reveal: bool = False) -> Any:
        """Return who a conversation belongs to and their business, masked or not."""
        asked = {"reveal": "yes"} if reveal else {}
        return await self._ask("customer", sender_id=sender_id, **asked)

    async def promise(self) -> Any:
        """Return how soon questions are answered: its clause, amount and unit."""
        return await self._ask("promise")

    async def clauses(self, question: str) -> Any:
        """Return clauses that answer a question."""
        return await self._ask("clauses", q=question)

    async def clause(self, document: str, ref: str) -> CitationPart | None:
        """Return a clause as it may be quoted: from the agreement, not from a page."""
        found = await self._ask("clause", document=document, ref=ref)
        if not isinstance(found, dict):
            return None
        names = ("ref", "quote", "title", "version", "effective_from")
        return CitationPart(**{name: found[name] for name in names})

    async def _ask(self, path: str, **query: str) -> Any:
        for url in self._urls:
            try:
                answer = await self._client.get(
                    f"{url}/desk/{path}", params=query, timeout=_SECONDS
                )
            except httpx.HTTPError as err:
                log.warning("desk.backroom_away", error=type(err).__name__)
                continue
            if answer.status_code == httpx.codes.OK:
                return answer.json()
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            log.warning("desk.backroom_failed", status=answer.status_code)
        return None
