"""Figures of `baoke eval`: computed by hand here, by channels/evaluate.py there."""

from channels.evaluate import (
    Understanding,
    evaluate_entities,
    evaluate_intents,
    read_understanding,
)
from channels.evaluation_files import EntityRow, IntentRow, Span


def said(text: str, *ranking: str) -> Understanding:
    pairs = tuple((name, 0.9 - 0.1 * i) for i, name in enumerate(ranking))
    return Understanding(text, pairs)


ROWS = [
    IntentRow("a", "track_claim"),
    IntentRow("b", "track_claim", frozenset({"dispute_claim"})),
    IntentRow("c", "greet"),
    IntentRow("d", "out_of_scope"),
    IntentRow("e", "out_of_scope"),
]
ANSWERS = [
    said("a", "track_claim"),
    said("b", "dispute_claim"),
    said("c", "out_of_scope"),
    said("d", "out_of_scope"),
    said("e", "greet"),
]


def test_that_accuracy_counts_the_first_intent_and_the_acceptable_ones_apart() -> None:
    found = evaluate_intents(ROWS, ANSWERS)
    assert found["n"] == 5
    assert found["accuracy"] == 0.4
    assert found["accuracy_acceptable"] == 0.6


def test_that_f1_is_the_mean_over_right_and_predicted_intents() -> None:
    found = evaluate_intents(ROWS, ANSWERS)
    # track_claim 2/3, greet 0, out_of_scope 1/2, dispute_claim 0
    assert found["macro_f1"] == round((2 / 3 + 0.5) / 4, 4)
    assert found["per_intent"]["track_claim"] == {
        "precision": 1.0,
        "recall": 0.5,
        "f1": 0.6667,
        "support": 2,
    }
    assert found["per_intent"]["dispute_claim"]["recall"] is None


def test_that_out_of_scope_has_recall_and_precision_of_its_own() -> None:
    found = evaluate_intents(ROWS, ANSWERS)
    assert found["out_of_scope"] == {"recall": 0.5, "precision": 0.5}


def test_that_without_out_of_scope_rows_its_figures_are_unknown() -> None:
    found = evaluate_intents(ROWS[:1], ANSWERS[:1])
    assert found["out_of_scope"] == {"recall": None, "precision": None}


def test_that_errors_name_text_both_intents_and_confidence() -> None:
    errors = evaluate_intents(ROWS, ANSWERS)["errors"]
    assert [error["text"] for error in errors] == ["b", "c", "e"]
    assert errors[0] == {
        "text": "b",
        "intent": "track_claim",
        "predicted": "dispute_claim",
        "confidence": 0.9,
        "acceptable": True,
    }


def test_that_no_answer_at_all_is_an_error_and_no_prediction() -> None:
    found = evaluate_intents([IntentRow("", "greet")], [Understanding("", ())])
    assert found["accuracy"] == 0.0
    assert found["errors"][0]["predicted"] is None
    assert list(found["per_intent"]) == ["greet"]


def test_that_doubt_is_no_label() -> None:
    parsed = {
        "intent": {"name": "nlu_fallback", "confidence": 0.7},
        "intent_ranking": [
            {"name": "nlu_fallback", "confidence": 0.7},
            {"name": "greet", "confidence": 0.3},
            {"name": "thank", "confidence": 0.2},
        ],
        "entities": [
            {"entity": "date", "value": "明天", "start": 0, "end": 2, "extractor": "X"}
        ],
    }
    found = read_understanding("明天好", parsed)
    assert found.to_json() == {
        "text": "明天好",
        "intent": "greet",
        "confidence": 0.3,
        "ranking": [
            {"intent": "greet", "confidence": 0.3},
            {"intent": "thank", "confidence": 0.2},
        ],
        "entities": [{"entity": "date", "value": "明天", "start": 0, "end": 2}],
    }


def test_that_an_answer_without_intent_is_read_as_none() -> None:
    found = read_understanding("", {"intent": {"name": None, "confidence": 0.0}})
    assert (found.intent, found.confidence) == (None, 0.0)


def with_entities(text: str, *spans: tuple[str, int, int]) -> Understanding:
    entities = tuple(
        {"entity": name, "value": text[start:end], "start": start, "end": end}
        for name, start, end in spans
    )
    return Understanding(text, (), entities)


def test_that_an_entity_counts_only_with_exact_bounds() -> None:
    text = "昨天下午京A12345"
    rows = [EntityRow(text, frozenset({Span("date", 0, 4), Span("plate_no", 4, 11)}))]
    answer = with_entities(text, ("date", 0, 2), ("plate_no", 4, 11))
    found = evaluate_entities(rows, [answer])
    assert (found["precision"], found["recall"], found["f1"]) == (0.5, 0.5, 0.5)
    assert found["per_entity"]["plate_no"]["f1"] == 1.0
    assert found["per_entity"]["date"] == {
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0,
        "support": 1,
    }
    assert found["errors"][0]["missed"][0]["value"] == "昨天下午"
    assert found["errors"][0]["extra"][0]["value"] == "昨天"


def test_that_buttons_entities_are_not_scored_and_repeats_count_once() -> None:
    text = "重疾险"
    rows = [EntityRow(text, frozenset({Span("product", 0, 3)}))]
    answer = with_entities(text, ("product", 0, 3), ("product", 0, 3), ("choice", 0, 3))
    assert evaluate_entities(rows, [answer])["f1"] == 1.0
