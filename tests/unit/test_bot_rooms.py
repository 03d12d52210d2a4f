"""Brain, dispatcher, feed, outbox and the edge's limits, without net or disk."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.brain import RasaBrain, read_answer
from bot.desk_rules import Priority, Status
from bot.errors import (
    BrainFailed,
    BrainUnreachable,
    Overloaded,
    StoreError,
)
from bot.feed import Feed
from bot.ledger.values import Written
from bot.message import Author, ButtonsPart, CitationPart, StoredMessage, TextPart
from bot.outbox import Outbox
from bot.ports import Question
from channels.limits import RateLimit

NOW = datetime(2026, 11, 23, tzinfo=UTC)
QUESTION = Question("web:a", "turn-1", "你好", {"channel": "web"})


def brain_over(handler, budget: float = 0.0) -> tuple[RasaBrain, httpx.AsyncClient]:
    client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    brain = RasaBrain(
        client, ["http://rasa/"], timedelta(seconds=1), timedelta(seconds=budget)
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
    with pytest.raises(BrainUnreachable) as caught:
        await brain.ask(QUESTION)
    assert (caught.value.code, len(asked)) == ("timeout", 1)
    assert caught.value.suspicious
    await client.aclose()


async def test_that_another_server_answers_when_one_is_gone():
    asked = []

    def one_is_gone(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        if request.url.host == "gone":
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json={"replies": [{"text": "好"}]})

    client = httpx.AsyncClient(transport=httpx.MockTransport(one_is_gone))
    brain = RasaBrain(
        client, ["http://gone", "http://here"], timedelta(seconds=1), timedelta(0)
    )
    for _ in range(3):
        assert (await brain.ask(QUESTION)).replies == ((TextPart("好"),),)
    assert asked == ["gone", "here", "here", "here"]
    await client.aclose()


async def test_that_several_servers_share_the_questions():
    asked, go = [], asyncio.Event()

    async def wait(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        await go.wait()
        return httpx.Response(200, json={"replies": [{"text": "好"}]})

    client = httpx.AsyncClient(transport=httpx.MockTransport(wait))
    brain = RasaBrain(
        client, ["http://a", "http://b"], timedelta(seconds=1), timedelta(0)
    )
    tasks = [asyncio.create_task(brain.ask(QUESTION)) for _ in range(4)]
    await asyncio.sleep(0.01)
    go.set()
    await asyncio.gather(*tasks)
    assert sorted(asked) == ["a", "a", "b", "b"]
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


async def test_that_a_watch_hears_news_that_came_before_it_waited():
    feed = Feed()
    with feed.watch("a") as watch, feed.watch("a") as other:
        await feed.publish("a", Written((), Status.BOT, 1))
        await feed.publish("b", Written((), Status.BOT, 1))
        assert await watch.news(0.01)
        assert not await watch.news(0.01)
        assert await other.news(0.01)
    assert feed._waiters == {}


class FakeDeliveries:
    def __init__(self) -> None:
        self.confirmed: list[dict[str, int]] = []
        self.failures = 0

    async def confirm(self, reached, now) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreError("busy")
        self.confirmed.append(reached)


class FakeSenders:
    load = 0

    def __init__(self) -> None:
        self.woken: list[str] = []

    async def wake(self, sender_id: str) -> None:
        self.woken.append(sender_id)

    async def stop(self) -> None: ...


class FixedClock:
    def now(self) -> datetime:
        return NOW


def written(sender_id: str, *authors: Author) -> Written:
    messages = tuple(
        StoredMessage(sender_id, seq, author, NOW, ())
        for seq, author in enumerate(authors, 1)
    )
    return Written(messages, Status.BOT, len(messages))


async def test_that_only_messages_to_customers_of_a_platform_wake_its_sender():
    senders = FakeSenders()
    platforms = {"mail": object()}
    box = Outbox(FakeDeliveries(), platforms, Feed(), FixedClock(), senders)
    await box.publish("mail:a", written("mail:a", Author.CUSTOMER))
    await box.publish("web:a", written("web:a", Author.CUSTOMER, Author.BOT))
    assert senders.woken == []
    await box.publish("mail:a", written("mail:a", Author.CUSTOMER, Author.BOT))
    assert senders.woken == ["mail:a"]


async def test_that_receipts_are_gathered_and_survive_a_failure():
    deliveries = FakeDeliveries()
    box = Outbox(deliveries, {}, Feed(), FixedClock(), FakeSenders())
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
