"""How an action speaks: a response of the domain, values, citations, buttons.

In: names of ``utter_…`` responses and values for them. Out: messages in the dispatcher
whose ``custom`` carries citations or a handoff. No sentence is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rasa_sdk.executor import CollectingDispatcher

from actions.agreement.cite import Citation
from actions.words import words

Button = dict[str, str]


class Say:
    """Speaks through one dispatcher."""

    def __init__(self, dispatcher: CollectingDispatcher) -> None:
        self._dispatcher = dispatcher

    def __call__(
        self,
        response: str,
        citations: Iterable[Citation] = (),
        buttons: Sequence[Button] = (),
        **values: object,
    ) -> None:
        """Utter one response of the domain.

        Args:
            response: name in the domain, ``utter_…``.
            citations: clauses the reply rests on.
            buttons: buttons beside those the response has itself.
            values: values for the response's placeholders; None is shown as nothing.
        """
        cited = list(citations)
        shown = [citation_json(citation) for citation in cited]
        # Responses that are the quotation itself have a place for it.
        values.setdefault("quotes", quoted(cited))
        self._dispatcher.utter_message(
            response=response,
            buttons=list(buttons),
            json_message={"citations": shown} if shown else None,
            **{key: "" if value is None else value for key, value in values.items()},
        )

    def hand_off(
        self,
        response: str | None,
        reason: str,
        *,
        priority: str = "normal",
        skill: str | None = None,
        summary: str = "",
        **values: object,
    ) -> None:
        """Utter a response and ask the desk for a human.

        Args:
            response: name in the domain; None when the desk's own words are enough.
            reason: machine name, e.g. ``customer_asked``; the desk shows its words.
            priority: ``normal`` or ``high``.
            skill: ``理赔``, ``保全`` or None for anybody.
            summary: one line for the agent, without identity numbers.
            values: values for the response's placeholders.
        """
        self._dispatcher.utter_message(
            response=response,
            json_message={
                "handoff": {
                    "reason": reason,
                    "priority": priority,
                    "skill": skill,
                    "summary": summary,
                }
            },
            **values,
        )


def quoted(citations: Sequence[Citation]) -> str:
    """The reply's own text: the first clause in plain words, then all word for word."""
    plain = citations[0].plain if citations else ""
    said = [words()["plain"].format(sentence=plain)] if plain else []
    return "\n".join([*said, *(f"“{c.quote}”（{c.ref}）" for c in citations)])


def citation_json(citation: Citation) -> dict[str, Any]:
    """The citation as channels show it."""
    return asdict(citation)


def button(title: str, intent: str, **entities: str) -> Button:
    """A button whose press means ``intent`` with these entities."""
    import json

    payload = f"/{intent}"
    if entities:
        payload += json.dumps(entities, ensure_ascii=False, separators=(",", ":"))
    return {"title": title, "payload": payload}
