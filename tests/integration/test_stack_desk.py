"""The desk against everything that is real: a verified customer, an agent, a clause."""

import httpx
import pytest
from stack import Customer

pytestmark = pytest.mark.rasa


def test_that_an_agent_sees_the_proven_customer_and_quotes_a_clause(stack):
    password = (stack.var / "agent_password").read_text().strip()
    with (
        Customer(stack.url) as customer,
        httpx.Client(base_url=stack.url, timeout=60) as desk,
    ):
        customer.prove_identity("张伟")
        customer.say("转人工")
        login = {"name": "agent1", "password": password}
        me = desk.post("/api/desk/login", json=login).json()
        desk.headers["X-CSRF-Token"] = me["csrf"]
        queue = desk.get("/api/desk/queue").json()["conversations"]
        sender_id = queue[-1]["sender_id"]
        base = f"/api/desk/conversations/{sender_id}"
        assert desk.post(f"{base}/accept", json={"key": "a"}).status_code == 200
        shown = desk.get(f"{base}/customer").json()["customer"]
        assert (shown["verified"], shown["name"]) == (True, "张*")
        assert len(shown["policies"]) == 2
        asked = desk.get("/api/desk/clauses", params={"q": "投诉多久有结果"}).json()
        best = asked["clauses"][0]
        assert best["ref"] == "第三条(四)2"
        pick = {"document": best["document"], "ref": best["ref"]}
        body = {"text": "您看这一条", "key": "1", "clause": pick}
        assert desk.post(f"{base}/messages", json=body).status_code == 200
        events = customer.http.get("/api/chat/events", params={"after": 0}).json()
        parts = [part for event in events["events"] for part in event["parts"]]
        quotes = [part["quote"] for part in parts if part["type"] == "citation"]
        assert quotes[-1] and best["quote"] in quotes[-1]
        closing = {"key": "c", "summary": "已说明"}
        assert desk.post(f"{base}/close", json=closing).status_code == 200
