"""Domain, rules and training data fit together; read as YAML, without Rasa."""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = sorted((ROOT / "bot/assistant/domain").glob("*.yml"))
NLU = sorted((ROOT / "data/nlu").rglob("*.yml"))
RULES = sorted((ROOT / "data/rules").glob("*.yml"))
CAPABILITIES = {path.stem for path in RULES}
INTENTS_FIXED = [
    "ask_product",
    "ask_coverage",
    "ask_exclusion",
    "ask_premium",
    "ask_application",
    "ask_cooling_off",
    "ask_waiting_period",
    "query_policy",
    "ask_renewal",
    "change_policy",
    "surrender_policy",
    "request_document",
    "ask_clause_change",
    "report_claim",
    "track_claim",
    "ask_claim_process",
    "ask_claim_materials",
    "ask_claim_survey",
    "ask_claim_help",
    "dispute_claim",
    "file_complaint",
    "track_complaint",
    "ask_complaint_process",
    "withdraw_complaint",
    "ask_service_channel",
    "ask_service_hours",
    "ask_service_standard",
    "ask_value_added",
    "ask_rights",
    "ask_definition",
    "manage_notice",
    "manage_privacy",
    "request_handoff",
    "greet",
    "goodbye",
    "thank",
    "affirm",
    "deny",
    "cancel",
    "bot_challenge",
    "inform",
    "out_of_scope",
]
DAILY_EXAMPLES = 40


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def domain_keys(section):
    return [key for path in DOMAIN for key in (read(path).get(section) or [])]


def examples():
    found = {}
    for path in NLU:
        for block in read(path)["nlu"]:
            if "intent" in block:
                lines = block["examples"].splitlines()
                found[block["intent"]] = [
                    line.strip()[2:] for line in lines if line.strip().startswith("- ")
                ]
    return found


@pytest.mark.parametrize(
    "section", ["intents", "slots", "responses", "forms", "actions"]
)
def test_that_no_domain_key_stands_in_two_files(section):
    repeated = [key for key, n in Counter(domain_keys(section)).items() if n > 1]
    assert not repeated


def test_that_the_intents_are_the_fixed_ones():
    assert sorted(domain_keys("intents")) == sorted(INTENTS_FIXED)


def test_that_every_intent_has_enough_varied_examples():
    found = examples()
    thin = {
        name: len(set(found.get(name, [])))
        for name in INTENTS_FIXED
        if len(set(found.get(name, []))) < DAILY_EXAMPLES
    }
    assert not thin


def test_that_no_example_stands_twice():
    plain = Counter(
        re.sub(r"[^\w]", "", text) for lines in examples().values() for text in lines
    )
    assert not [text for text, n in plain.items() if n > 1 and text]


def test_that_every_intent_has_a_rule():
    ruled = {
        step["intent"]
        for path in RULES
        for rule in read(path)["rules"]
        for step in rule["steps"]
        if "intent" in step
    }
    assert set(INTENTS_FIXED) <= ruled


def test_that_every_response_is_used_and_every_used_one_exists():
    defined = set(domain_keys("responses"))
    code = "\n".join(
        p.read_text(encoding="utf-8") for p in (ROOT / "actions").rglob("*.py")
    )
    used = set(re.findall(r'"(utter_[a-z_]+)"', code))
    slots = {
        slot
        for path in DOMAIN
        for form in (read(path).get("forms") or {}).values()
        for slot in form["required_slots"]
    }
    asked = {f"utter_ask_{slot}" for slot in slots}
    families = tuple(re.findall(r'f"(utter_[a-z_]+_)\{', code))
    assert not used - defined
    unused = {
        name
        for name in defined - used - asked
        if not (families and name.startswith(families))
    }
    assert not unused


def test_that_every_capability_has_a_conversation():
    played = {
        p.stem.removeprefix("test_")
        for p in (ROOT / "tests/conversations").glob("*.yml")
    }
    # A handoff is asked for inside the other capabilities' conversations too.
    assert CAPABILITIES - {"request_handoff"} <= played


def test_that_forms_ask_for_every_slot():
    for path in DOMAIN:
        loaded = read(path)
        for form in (loaded.get("forms") or {}).values():
            for slot in form["required_slots"]:
                assert slot in (loaded.get("slots") or {}), slot
                assert f"utter_ask_{slot}" in (loaded.get("responses") or {}) or (
                    f"action_ask_{slot}" in (loaded.get("actions") or [])
                ), slot
