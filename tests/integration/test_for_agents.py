"""What agents are shown of a customer: theirs alone, masked, on both databases."""

import json
from types import SimpleNamespace

from store_kit import NOW, empty_store, store, store_settings

from actions.agreement.library import open_library
from actions.for_agents import clause_at, customer_of

__all__ = ["empty_store", "store", "store_settings"]
SENDER = "web:somebody"


def services_of(opened):
    return SimpleNamespace(unit_of_work=opened, now=lambda: NOW)


def test_that_a_stranger_has_no_business(store):
    found = customer_of(services_of(store), SENDER)
    assert found["verified"] is False
    assert (found["name"], found["policies"], found["claims"]) == (None, [], [])


def test_that_a_proven_customer_is_shown_masked(store):
    with store() as unit:
        unit.identity.verify(SENDER, "P2024013100018", "4321", NOW)
    found = customer_of(services_of(store), SENDER)
    assert found["verified"] is True
    assert found["name"] == "张*"
    assert {policy["number"] for policy in found["policies"]} == {"P…0018", "P…0027"}
    assert {claim["number"] for claim in found["claims"]} == {"C…0005", "C…0012"}
    assert "8,600.00元" in [claim["amount"] for claim in found["claims"]]
    text = json.dumps(found, ensure_ascii=False)
    for secret in ("张伟", "13900000001", "P2024013100018", "4321"):
        assert secret not in text
    assert customer_of(services_of(store), "web:other")["verified"] is False


def test_that_requests_are_shown_to_agents(store):
    with store() as unit:
        unit.identity.verify(SENDER, "P2024013100018", "4321", NOW)
        unit.requests.record(SENDER, "CU000001", "document", {}, "turn-1", NOW)

    (shown,) = customer_of(services_of(store), SENDER)["requests"]

    assert (shown["what"], shown["status"]) == ("材料申请", "已登记，等待办理")
    assert shown["number"].startswith("R…")


def test_that_a_clause_is_quoted_from_the_agreement(store_settings):
    library = open_library(store_settings, NOW)
    found = clause_at(library, "service", "第三条(四)2")
    clause = library.clause("第三条(四)2")
    assert found["quote"] in clause.text
    assert found["version"] == clause.source.version
    assert clause_at(library, "service", "第九十九条") is None
    assert clause_at(library, "nothing", "第三条(四)2") is None
