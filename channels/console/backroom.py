"""What the console asks of the action server: a customer's business, and clauses.

In: a conversation or words. Out: JSON as actions/for_agents.py makes it; None when the
action server does not answer, so that agents can go on working without it.
"""

from collections.abc import Sequence
from typing import Any

import httpx
import structlog

from bot.errors import BadInput
from bot.ledger.agents import Agent
from bot.message import CitationPart

_SECONDS = 4.0

log = structlog.get_logger()


def _as(reader: Agent) -> dict[str, str]:
    return {"actor": reader.name, "title": reader.title}


class Backroom:
    """Asks the action servers, one after the other until one answers."""

    def __init__(self, client: httpx.AsyncClient, urls: Sequence[str]) -> None:
        self._client = client
        self._urls = tuple(urls)

    async def customer(
        self, sender_id: str, reader: Agent, *, reveal: bool = False
    ) -> Any:
        """Return who a conversation belongs to and their business, masked or not.

        Complaints about the reader are left out.
        """
        asked = {**_as(reader), **({"reveal": "yes"} if reveal else {})}
        return await self._ask("customer", sender_id=sender_id, **asked)

    async def is_against(self, sender_id: str, file_id: str, reader: Agent) -> bool:
        """Say whether a customer's file is evidence against who wants to open it.

        Not known while no action server answers: then files can still be opened.
        """
        found = await self._ask(
            "file", sender_id=sender_id, file_id=file_id, **_as(reader)
        )
        return isinstance(found, dict) and found.get("accused") is True

    async def news(self, number: str | None = None) -> Any:
        """Return what customers are to be told of their cases; None: nobody answers."""
        asked = {"number": number} if number else {}
        return await self._ask("news", **asked)

    async def note_news(self, became: dict[str, Any]) -> None:
        """Note what was told; what cannot be noted now is told again, which is nothing."""
        await self._post("news/told", became)

    async def promise(self) -> Any:
        """Return how soon questions are answered: its clause, amount and unit."""
        return await self._ask("promise")

    async def cases(self, kind: str, reader: Agent) -> Any:
        """Return what waits of a kind of case; None for no such kind."""
        return await self._ask("cases", kind=kind, **_as(reader))

    async def case(self, kind: str, number: str, reader: Agent) -> Any:
        """Return a case with all that happened to it; None when there is none.

        Raises:
            BadInput: 403: it is about the reader.
        """
        return await self._ask("case", kind=kind, number=number, **_as(reader))

    async def take_step(self, asked: dict[str, Any]) -> Any:
        """Take a step in a case.

        Another server is asked only when the one before was not reached at all: else
        the step may have been taken.

        Returns:
            The case as it is then and what the customer is told, or None when nobody
            answers.

        Raises:
            BadInput: 404: no such case; 409: the step is refused, its code says why.
        """
        answer = await self._post("step", asked)
        if answer is None:
            return None
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise BadInput("not_found", 404)
        if answer.status_code == httpx.codes.CONFLICT:
            refused = answer.json()
            who = "、".join(refused.get("who") or ())
            code = f"step_{refused['why']}"
            raise BadInput(f"{code}_who" if who else code, 409, name=who)
        return answer.json() if answer.status_code == httpx.codes.OK else None

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

    async def _post(self, path: str, asked: dict[str, Any]) -> httpx.Response | None:
        for url in self._urls:
            try:
                return await self._client.post(
                    f"{url}/desk/{path}", json=asked, timeout=_SECONDS
                )
            except httpx.HTTPError as err:
                log.warning("desk.backroom_away", error=type(err).__name__)
                if not isinstance(err, (httpx.ConnectError, httpx.ConnectTimeout)):
                    return None
        return None

    async def _ask(self, path: str, **query: str) -> Any:
        for url in self._urls:
            try:
                answer = await self._client.get(
                    f"{url}/desk/{path}", params=query, timeout=_SECONDS
                )
            except httpx.HTTPError as err:
                tell = (
                    log.debug if path == "news" else log.warning
                )  # asked all the time
                tell("desk.backroom_away", error=type(err).__name__)
                continue
            if answer.status_code == httpx.codes.OK:
                return answer.json()
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            if answer.status_code == httpx.codes.CONFLICT:
                raise BadInput(f"step_{answer.json()['why']}", 403)
            log.warning("desk.backroom_failed", status=answer.status_code)
        return None
