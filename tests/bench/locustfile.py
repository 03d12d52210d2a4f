"""Load on your own staging with Locust (not one of our dependencies).

    pip install locust
    locust -f tests/bench/locustfile.py --host https://staging.example.com -u 50 -r 5

Every user opens a session, asks, waits for the answer by long poll, thinks, asks again.
The time of "turn" is from the question to its answer. Raise BAOKE_ADDRESS_RATE and
BAOKE_ADDRESS_BURST on the staging: all users come from one address.
"""

import random
import time
import uuid

from locust import HttpUser, between, task

QUESTIONS = (
    "重疾险等待期多久",
    "理赔要多久才能到账",
    "客服电话是多少",
    "投诉多久有结果",
    "犹豫期是几天",
    "报案要准备什么材料",
)
PATIENCE_SECONDS = 60


class Customer(HttpUser):
    """A customer of the web chat."""

    wait_time = between(3, 15)

    def on_start(self) -> None:
        """Open a session."""
        answer = self.client.post("/api/chat/sessions")
        self.client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        self.after = 0

    @task
    def ask(self) -> None:
        """Ask something and wait for the answer."""
        began = time.perf_counter()
        body = {"text": random.choice(QUESTIONS), "client_message_id": uuid.uuid4().hex}
        said = self.client.post("/api/chat/messages", json=body)
        if said.status_code != 202:
            return
        error = (
            None if self._answered(said.json()["seq"]) else TimeoutError("no answer")
        )
        self.environment.events.request.fire(
            request_type="chat",
            name="turn",
            response_time=(time.perf_counter() - began) * 1000,
            response_length=0,
            exception=error,
            context={},
        )

    def _answered(self, seq: int) -> bool:
        until = time.perf_counter() + PATIENCE_SECONDS
        while time.perf_counter() < until:
            path = f"/api/chat/events?after={self.after}&wait=20"
            page = self.client.get(path, name="/api/chat/events")
            for event in page.json().get("events", ()):
                self.after = event["seq"]
                if event["author"] != "customer" and event["in_reply_to"] == seq:
                    return True
        return False
