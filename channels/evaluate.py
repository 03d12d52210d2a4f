"""How well the assistant understands: figures from right and predicted answers.

In: rows of an evaluation file and what the model said. Out: plain dictionaries as
``baoke eval`` prints them. No model, no file, no Rasa here.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from channels.evaluation_files import EntityRow, IntentRow, Span

OUT_OF_SCOPE = "out_of_scope"
# Not a label but the classifier's doubt; the best real intent stands behind it.
DOUBT = "nlu_fallback"
# What customers say; the domain has further ones that only buttons set.
ENTITIES = (
    *("policy_no", "claim_no", "complaint_no", "id_number", "id_tail"),
    *("phone", "date", "amount", "product", "plate_no"),
)
_DIGITS = 4

Json = dict[str, Any]


@dataclass(frozen=True)
class Understanding:
    """What the model made of one text.

    Attributes:
        text: The text.
        ranking: Intents with their confidence, best first, without ``DOUBT``.
        entities: ``{"entity", "value", "start", "end"}`` each.
    """

    text: str
    ranking: tuple[tuple[str, float], ...]
    entities: tuple[Json, ...] = ()

    @property
    def intent(self) -> str | None:
        """The best intent."""
        return self.ranking[0][0] if self.ranking else None

    @property
    def confidence(self) -> float:
        """Of the best intent, 0 when there is none."""
        return self.ranking[0][1] if self.ranking else 0.0

    def to_json(self) -> Json:
        """Return one line of ``baoke parse --json``."""
        return {
            "text": self.text,
            "intent": self.intent,
            "confidence": self.confidence,
            "ranking": [{"intent": n, "confidence": c} for n, c in self.ranking],
            "entities": list(self.entities),
        }


def read_understanding(text: str, parsed: Json) -> Understanding:
    """Read what Rasa's ``/model/parse`` answers."""
    guesses = parsed.get("intent_ranking") or [parsed.get("intent") or {}]
    ranking = tuple(
        (str(guess["name"]), float(guess.get("confidence") or 0.0))
        for guess in guesses
        if guess.get("name") and guess["name"] != DOUBT
    )
    keys = ("entity", "value", "start", "end")
    entities = tuple(
        {key: entity.get(key) for key in keys}
        for entity in parsed.get("entities") or ()
    )
    return Understanding(text, ranking, entities)


def evaluate_intents(
    rows: Sequence[IntentRow], answers: Sequence[Understanding]
) -> Json:
    """Compare intents.

    ``macro_f1`` is the mean over every intent that is right or predicted somewhere. A
    ratio without a case is None.

    Returns:
        The document of ``baoke eval nlu --json``.
    """
    pairs = list(zip(rows, answers, strict=True))
    right, predicted, hit = Counter[str](), Counter[str](), Counter[str]()
    for row, answer in pairs:
        right[row.intent] += 1
        if answer.intent is not None:
            predicted[answer.intent] += 1
            hit[row.intent] += answer.intent == row.intent
    per_intent = {
        name: {
            **_scores(hit[name], predicted[name], right[name]),
            "support": right[name],
        }
        for name in sorted({*right, *predicted})
    }
    strict = sum(hit.values())
    lenient = sum(
        answer.intent == row.intent or answer.intent in row.acceptable
        for row, answer in pairs
    )
    outside = per_intent.get(OUT_OF_SCOPE) or _scores(0, 0, 0)
    f1s = [float(scores["f1"] or 0.0) for scores in per_intent.values()]
    return {
        "n": len(pairs),
        "accuracy": _ratio(strict, len(pairs)),
        "accuracy_acceptable": _ratio(lenient, len(pairs)),
        "macro_f1": _ratio(sum(f1s), len(f1s)),
        "out_of_scope": {key: outside[key] for key in ("recall", "precision")},
        "per_intent": per_intent,
        "errors": [
            _intent_error(row, answer)
            for row, answer in pairs
            if answer.intent != row.intent
        ],
    }


def _intent_error(row: IntentRow, answer: Understanding) -> Json:
    return {
        "text": row.text,
        "intent": row.intent,
        "predicted": answer.intent,
        "confidence": round(answer.confidence, _DIGITS),
        "acceptable": answer.intent in row.acceptable,
    }


def evaluate_entities(
    rows: Sequence[EntityRow], answers: Sequence[Understanding]
) -> Json:
    """Compare entities: a hit has the same name, start and end.

    Precision, recall and F1 count all entities together (micro).

    Returns:
        The document of ``baoke eval entities --json``.
    """
    right, predicted, hit = Counter[str](), Counter[str](), Counter[str]()
    errors: list[Json] = []
    for row, answer in zip(rows, answers, strict=True):
        found = spans_of(answer)
        right.update(span.entity for span in row.spans)
        predicted.update(span.entity for span in found)
        hit.update(span.entity for span in row.spans & found)
        if row.spans != found:
            missed, extra = row.spans - found, found - row.spans
            errors.append(
                {
                    "text": row.text,
                    "missed": _shown(row.text, missed),
                    "extra": _shown(row.text, extra),
                }
            )
    return {
        "n": len(rows),
        **_scores(hit.total(), predicted.total(), right.total()),
        "per_entity": {
            name: {
                **_scores(hit[name], predicted[name], right[name]),
                "support": right[name],
            }
            for name in sorted({*right, *predicted})
        },
        "errors": errors,
    }


def spans_of(answer: Understanding) -> frozenset[Span]:
    """Return the scored entities of an answer, each place once."""
    return frozenset(
        Span(entity["entity"], entity["start"], entity["end"])
        for entity in answer.entities
        if entity["entity"] in ENTITIES
    )


def _shown(text: str, spans: Iterable[Span]) -> list[Json]:
    return [
        {
            "entity": s.entity,
            "value": text[s.start : s.end],
            "start": s.start,
            "end": s.end,
        }
        for s in sorted(spans, key=lambda span: (span.start, span.end, span.entity))
    ]


def _scores(hit: int, predicted: int, right: int) -> dict[str, float | int | None]:
    return {
        "precision": _ratio(hit, predicted),
        "recall": _ratio(hit, right),
        "f1": _ratio(2 * hit, predicted + right),
    }


def _ratio(part: float, whole: float) -> float | None:
    return round(part / whole, _DIGITS) if whole else None
