"""Two whole instances side by side, the second told nothing but its folder and port."""

import json

import pytest
from stack import Customer, started

pytestmark = pytest.mark.rasa


def test_that_two_instances_share_nothing(tmp_path):
    with started(tmp_path / "one") as one, started(tmp_path / "the second") as two:
        notes = [json.loads((s.var / "instance.json").read_text()) for s in (one, two)]
        addresses = [
            n[key] for n in notes for key in ("url", "rasa_url", "actions_url")
        ]
        assert len(set(addresses)) == 6
        for stack in (one, two):
            for name in ("baoke.db", "rasa.db", "secret_key", "agent_password"):
                assert (stack.var / name).is_file(), name
        keys = {(s.var / "secret_key").read_text() for s in (one, two)}
        assert len(keys) == 2
        with Customer(one.url) as customer:
            assert customer.say("你好").text
            token = {"authorization": customer.http.headers["authorization"]}
            path = "/api/chat/events"
            assert customer.http.get(path, params={"after": 0}).status_code == 200
            other = customer.http.get(f"{two.url}{path}", headers=token)
            assert other.status_code == 401
