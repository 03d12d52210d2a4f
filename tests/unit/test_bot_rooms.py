"""Brain, dispatcher, feed, outbox and the edge's limits, without net or disk."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.brain import RasaBrain, read_answer
from bot.desk_rules import Priority, Status
from bot.dispatch import LocalDispatcher
from bot.errors import (
    BrainFailed,
    BrainUnreachable,
    Overloaded,
    Retryable,
    StoreError,
)
from bot.feed import Feed
from bot.ledger.values import Written
from bot.message import Author, ButtonsPart, CitationPart, StoredMessage, TextPart
from bot.outbox import Outbox
from bot.ports import DeliveryState, Question, Receipt, Rest
from channels.limits import RateLimit

NOW = datetime(2026, 11, 23, tzinfo=UTC)
QUESTION = Question("web:a", "turn-1", "你好", {"channel": "web"})


def brain_over(handler, budget: float = 0.0) -> tuple[RasaBrain, httpx.AsyncClient]:
    client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    brain = RasaBrain(
        client, "http://rasa/", timedelta(seconds=1), timedelta(seconds=budget)
    )
    return brain, client


def test_that_an_answer_keeps_the_agreed_order_of_parts():
    answer = read_answer(
        {
            "replies": [
                {
                    "text": "如下",
                    "buttons": [{"title": "好", "payload": "/affirm"}, {"title": "不"}],
                    "custom": {"citations": [{"ref": "第一条", "quote": "原文"}]},
                },
                {
                    "text": None,
                    "custom": {
                        "handoff": {
                            "reason": "dispute",
                            "priority": "high",
                            "skill": "理赔",
                            "summary": "不同意",
                        }
                    },
                },
            ],
            "intent": {"name": "dispute_claim", "confidence": 0.9},
            "ranking": [{"name": "dispute_claim", "confidence": 0.9}],
        }
    )
    assert [type(part) for part in answer.replies[0]] == [
        TextPart,
        CitationPart,
        ButtonsPart,
    ]
    assert answer.replies[0][2].buttons[1].payload == "不"
    assert len(answer.replies) == 1
    assert (answer.handoff.priority, answer.handoff.skill) == (Priority.HIGH, "理赔")
    assert (answer.intent, answer.confidence) == ("dispute_claim", 0.9)
    assert set(answer.trace) == {"ranking"}


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (500, {"error": {"code": "turn_failed"}}, BrainFailed, "turn_failed"),
        (500, {"error": {"code": "no_model"}}, BrainUnreachable, "no_model"),
        (503, {}, BrainUnreachable, "turn_failed"),
        (400, {"error": "odd"}, BrainFailed, "turn_failed"),
        (200, {"replies": []}, BrainFailed, "silent"),
        (200, {"replies": [{"text": ""}]}, BrainFailed, "silent"),
        (200, {}, BrainFailed, "bad_answer"),
        (200, [], BrainFailed, "bad_answer"),
    ],
)
async def test_that_failures_of_rasa_are_told_apart(status, body, error, code):
    brain, client = brain_over(lambda request: httpx.Response(status, json=body))
    with pytest.raises(error) as caught:
        await brain.ask(QUESTION)
    assert caught.value.code == code
    await client.aclose()


async def test_that_a_slow_answer_is_not_asked_for_again():
    asked = []

    def slow(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ReadTimeout("slow")

    brain, client = brain_over(slow, budget=5)
    with pytest.raises(BrainFailed) as caught:
        await brain.ask(QUESTION)
    assert (caught.value.code, len(asked)) == ("timeout", 1)
    await client.aclose()


async def test_that_a_cut_line_is_tried_again_and_an_urgent_question_is_not():
    asked = []

    def cut_once(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if len(asked) % 2:
            raise httpx.RemoteProtocolError("server disconnected")
        return httpx.Response(200, json={"replies": [{"text": "好"}]})

    brain, client = brain_over(cut_once, budget=5)
    assert (await brain.ask(QUESTION)).replies == ((TextPart("好"),),)
    assert asked[0].content == asked[1].content
    urgent = Question("web:a", "t", "人工", urgent=True)
    with pytest.raises(BrainUnreachable):
        await brain.ask(urgent)
    assert len(asked) == 3
    await client.aclose()


async def test_that_a_conversation_never_runs_twice_at_once():
    running, log = set(), []

    async def run(sender_id: str, rest: Rest) -> bool:
        assert sender_id not in running
        running.add(sender_id)
        await asyncio.sleep(0)
        running.remove(sender_id)
        log.append(sender_id)
        return False

    dispatcher = LocalDispatcher(run, 4)
    for _ in range(3):
        dispatcher.wake("a")
        dispatcher.wake("b")
        await asyncio.sleep(0)
    await dispatcher.idle()
    assert dispatcher.load == 0
    assert log.count("a") >= 2
    assert log.count("b") >= 2


async def test_that_a_wake_during_a_turn_is_not_lost():
    turns = 0

    async def run(sender_id: str, rest: Rest) -> bool:
        nonlocal turns
        turns += 1
        if turns == 1:
            dispatcher.wake(sender_id)
        return False

    dispatcher = LocalDispatcher(run, 1)
    dispatcher.wake("a")
    await dispatcher.idle()
    assert turns == 2


async def test_that_a_resting_conversation_lets_another_one_work():
    log = []

    async def run(sender_id: str, rest: Rest) -> bool:
        log.append(f"{sender_id} begins")
        if sender_id == "slow":
            await rest(0.01)
        log.append(f"{sender_id} ends")
        return False

    dispatcher = LocalDispatcher(run, 1)
    dispatcher.wake("slow")
    dispatcher.wake("quick")
    await dispatcher.idle()
    assert log == ["slow begins", "quick begins", "quick ends", "slow ends"]


async def test_that_a_store_failure_is_tried_again(monkeypatch):
    monkeypatch.setattr("bot.dispatch._FIRST_PAUSE", 0.001)
    left = [StoreError("busy"), StoreError("busy")]

    async def run(sender_id: str, rest: Rest) -> bool:
        if left:
            raise left.pop()
        return False

    dispatcher = LocalDispatcher(run, 1)
    dispatcher.wake("a")
    await dispatcher.idle()
    assert left == []


async def test_that_a_stopped_dispatcher_starts_nothing():
    started = []

    async def run(sender_id: str, rest: Rest) -> bool:
        started.append(sender_id)
        return True

    dispatcher = LocalDispatcher(run, 1)
    await dispatcher.stop()
    dispatcher.wake("a")
    await dispatcher.idle()
    assert started == []


async def test_that_a_watch_hears_news_that_came_before_it_waited():
    feed = Feed()
    with feed.watch("a") as watch, feed.watch("a") as other:
        await feed.publish("a", Written((), Status.BOT, 1))
        await feed.publish("b", Written((), Status.BOT, 1))
        assert await watch.news(0.01)
        assert not await watch.news(0.01)
        assert await other.news(0.01)
    assert feed._waiters == {}


class FakeMail:
    """A platform that is pushed to."""

    name = "mail"
    pushes = True

    def __init__(self, *results) -> None:
        self.results = list(results)
        self.sent: list[int] = []
        self.status: list[Status] = []

    async def deliver(self, message: StoredMessage) -> Receipt:
        self.sent.append(message.seq)
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    async def show_typing(self, sender_id: str, on: bool) -> None: ...

    async def show_status(self, sender_id, status, last_seq) -> None:
        self.status.append(status)


class FakeDeliveries:
    def __init__(self) -> None:
        self.noted: list[tuple[int, str, str | None]] = []
        self.confirmed: list[dict[str, int]] = []
        self.failures = 0

    async def note(self, message, receipt, at) -> None:
        self.noted.append((message.seq, receipt.state.value, receipt.reason))

    async def confirm(self, reached, now) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreError("busy")
        self.confirmed.append(reached)


class FakeHolder:
    def __init__(self, status: Status) -> None:
        self.status = status

    async def holder(self, sender_id: str) -> tuple[Status, int]:
        return self.status, 9


class FixedClock:
    def now(self) -> datetime:
        return NOW


def outbox_over(mail: FakeMail, status: Status = Status.BOT):
    deliveries = FakeDeliveries()
    box = Outbox(deliveries, FakeHolder(status), {"mail": mail}, Feed(), FixedClock())
    return box, deliveries


def written(*authors: Author, moved: bool = False) -> Written:
    messages = tuple(
        StoredMessage("mail:a", seq, author, NOW, ())
        for seq, author in enumerate(authors, 1)
    )
    return Written(messages, Status.BOT, len(messages), moved)


DELIVERED = Receipt(DeliveryState.DELIVERED)


async def test_that_only_messages_to_the_customer_are_pushed_and_noted():
    mail = FakeMail(DELIVERED, Receipt(DeliveryState.UNDELIVERABLE, "blocked"))
    box, deliveries = outbox_over(mail)
    await box.publish(
        "mail:a", written(Author.CUSTOMER, Author.BOT, Author.SYSTEM, moved=True)
    )
    assert mail.sent == [2, 3]
    assert deliveries.noted == [(2, "delivered", None), (3, "undeliverable", "blocked")]
    assert mail.status == [Status.BOT]


async def test_that_a_bot_reply_is_not_pushed_after_a_takeover():
    mail = FakeMail(DELIVERED)
    box, deliveries = outbox_over(mail, Status.AGENT)
    await box.publish("mail:a", written(Author.BOT, Author.AGENT))
    assert mail.sent == [2]
    assert deliveries.noted[0] == (1, "undeliverable", "agent_took_over")


async def test_that_a_platform_that_asks_for_patience_gets_some():
    mail = FakeMail(Retryable(timedelta(0)), Retryable(timedelta(0)), DELIVERED)
    box, deliveries = outbox_over(mail)
    await box.publish("mail:a", written(Author.BOT))
    assert mail.sent == [1, 1, 1]
    assert deliveries.noted == [(1, "delivered", None)]
    tired = FakeMail(*[Retryable(timedelta(0))] * 9)
    box, deliveries = outbox_over(tired)
    await box.publish("mail:a", written(Author.BOT))
    assert deliveries.noted == [(1, "undeliverable", "tries_used_up")]


async def test_that_receipts_are_gathered_and_survive_a_failure():
    box, deliveries = outbox_over(FakeMail())
    deliveries.failures = 1
    for seq in (3, 5, 4):
        box.confirm("mail:a", seq)
    await box.flush()
    assert deliveries.confirmed == []
    await box.flush()
    await box.flush()
    assert deliveries.confirmed == [{"mail:a": 5}]


def test_that_a_bucket_refills_and_forgets_nobody_too_early():
    seconds = 0.0
    limit = RateLimit(rate=2, burst=3, clock=lambda: seconds)
    for _ in range(3):
        limit.take("a")
    with pytest.raises(Overloaded) as caught:
        limit.take("a")
    assert caught.value.retry_after == timedelta(seconds=1)
    limit.take("b")
    seconds = 0.5
    limit.take("a")
    with pytest.raises(Overloaded):
        limit.take("a")
    seconds = 100
    for _ in range(3):
        limit.take("a")
    with pytest.raises(Overloaded):
        limit.take("a")
