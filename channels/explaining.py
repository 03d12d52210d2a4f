"""One turn's "why", as a JSON document and as lines for a person.

In: a `Why` of the ledger. Out: what ``baoke why`` prints.
"""

from collections.abc import Iterator
from typing import Any

from bot.ledger.why import Why
from bot.message import CitationPart, StoredMessage, TextPart

Json = dict[str, Any]


def why_json(why: Why) -> Json:
    """Return the document of ``baoke why --json``."""
    trace = why.trace
    return {
        "turn_id": why.turn_id,
        "started_at": why.started_at.isoformat(),
        "finished_at": why.finished_at.isoformat() if why.finished_at else None,
        "outcome": why.outcome,
        "note": why.note,
        "asked": [
            {"seq": m.seq, "text": m.text, "payload": m.payload} for m in why.asked
        ],
        "intent": why.intent,
        "confidence": why.confidence,
        "ranking": [
            {"intent": guess.get("name"), "confidence": guess.get("confidence")}
            for guess in trace.get("ranking", [])
        ],
        "entities": trace.get("entities", []),
        "values": trace.get("values", []),
        "actions": trace.get("actions", []),
        "active_form": trace.get("active_form"),
        "responses": trace.get("responses", []),
        "searched": trace.get("searched", []),
        "replies": [
            {
                "seq": m.seq,
                "author": m.author.value,
                "text": words_of(m),
                "citations": [
                    part.ref for part in m.parts if isinstance(part, CitationPart)
                ],
            }
            for m in why.replies
        ],
    }


def words_of(message: StoredMessage) -> str:
    """Return the text a message shows."""
    return "\n".join(p.text for p in message.parts if isinstance(p, TextPart))


def why_lines(why: Why) -> Iterator[str]:
    """Yield the same for a person, one fact a line."""
    document = why_json(why)
    for asked in document["asked"]:
        pressed = f"  [{asked['payload']}]" if asked["payload"] else ""
        yield f"#{asked['seq']} asked     {asked['text']}{pressed}"
    yield f"outcome      {why.outcome or 'still running'}" + (
        f" ({why.note})" if why.note else ""
    )
    for rank, guess in enumerate(document["ranking"]):
        name = "understood" if rank == 0 else ""
        yield f"{name:<12} {_percent(guess['confidence'])}  {guess['intent']}"
    for entity in document["entities"]:
        place = f"{entity.get('start')}-{entity.get('end')}"
        yield f"entity       {entity.get('entity')} = {entity.get('value')} ({place})"
    for read in document["values"]:
        value = read.get("value") or "not readable"
        yield f"value        {read.get('entity')}: {read.get('said')} -> {value}"
    for action in document["actions"]:
        yield f"action       {action.get('name')}  by {action.get('policy')}"
    if why.trace.get("active_form"):
        yield f"form         {why.trace['active_form']}"
    for search in document["searched"]:
        verdict = "refused: none is good enough" if search.get("refused") else "found"
        yield f"clauses      {search.get('document')}, {verdict}"
        for clause in search.get("clauses", []):
            yield f"{'':<12} {_percent(clause.get('score'))}  {clause.get('ref')}"
    for reply in document["replies"]:
        first = reply["text"].split("\n")[0]
        cited = f"  <- {', '.join(reply['citations'])}" if reply["citations"] else ""
        yield f"#{reply['seq']} {reply['author']:<9} {first}{cited}"
    if document["responses"]:
        yield f"texts        {', '.join(document['responses'])}"


def _percent(share: float | None) -> str:
    return "   -  " if share is None else f"{share:6.1%}"
