"""Despair and other words of rank: who is told what, and who comes first."""

from datetime import UTC, datetime

import pytest
from edge_kit import FakeBrain, FakeHours, make_edge, say, served, visiting, words
from test_web_turns import rows, wants_human

from bot.desk_rules import Priority
from bot.errors import BrainUnreachable
from bot.ports import Answer, Question

# --- despair, and wishes of different strength ---------------------------------------


async def wishes(edge) -> list[tuple]:
    return await rows(edge, "SELECT reason, priority FROM handoffs ORDER BY id")


@pytest.mark.parametrize(
    "text", ["不想活了", "你们逼死我吧", "活着没意思，不如死了算了"]
)
async def test_that_despair_is_answered_without_the_brain_by_a_human_first(
    tmp_path, text
):
    brain = FakeBrain()
    edge = make_edge(tmp_path, brain)
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say(text)
        events = await visitor.until(2)
        assert "12356" in words(events[1])
        assert "人工" in words(events[1])
        assert await wishes(edge) == [("despair", "critical")]
        assert brain.asked == []  # a form that is open hears nothing and stays


async def test_that_despair_moves_a_waiting_customer_before_all_others(tmp_path):
    async def answer(question: Question) -> Answer:
        high = "律师" in question.text
        return wants_human(priority=Priority.HIGH if high else Priority.NORMAL)

    edge = make_edge(tmp_path, FakeBrain(answer))
    async with served(edge) as url, visiting(url) as one, visiting(url) as other:
        await one.say("人工")
        await one.until(2)
        await other.say("找律师，人工")
        await other.until(2)
        first = (await edge.backstage.ledger.offers.waiting())[0].sender_id
        await one.say("我不想活了")
        told = words((await one.until(4))[3])
        order = [w.sender_id for w in await edge.backstage.ledger.offers.waiting()]
        history = await edge.backstage.ledger.moves.history(order[0])
    assert "12356" in told
    assert order[1] == first
    assert history[-1] == ("queued", "queued", "bot", "despair")


async def test_that_a_weaker_wish_changes_nothing_in_the_queue(tmp_path):
    async def answer(question: Question) -> Answer:
        return wants_human()

    edge = make_edge(tmp_path, FakeBrain(answer))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("我不想活了")
        await visitor.until(2)
        await visitor.say("人工")
        await visitor.until(4)
        assert await wishes(edge) == [("despair", "critical")]


async def test_that_despair_after_hours_names_the_line_and_the_next_day(tmp_path):
    closed = FakeHours(open=False, opens=datetime(2026, 12, 1, 1, 0, tzinfo=UTC))
    edge = make_edge(tmp_path, FakeBrain(), hours=closed)
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("我想死")
        told = words((await visitor.until(2))[1])
    assert "非工作时间" in told
    assert "12356" in told
    assert "09:00" in told


async def test_that_despair_is_answered_while_the_brain_is_away(tmp_path):
    async def away(question: Question) -> Answer:
        raise BrainUnreachable("unreachable")

    edge = make_edge(tmp_path, FakeBrain(away))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("我要自杀")
        assert "12356" in words((await visitor.until(2))[1])


@pytest.mark.parametrize(
    ("text", "reason", "priority"),
    [
        ("人工！不然我去法院告你们", "lawsuit", "high"),
        ("转人工，再不来我就发抖音曝光", "media", "high"),
        ("人工，我不是要起诉你们", "customer_asked", "normal"),
    ],
)
async def test_that_a_word_keeps_its_rank_when_the_bot_hands_off_itself(
    tmp_path, text, reason, priority
):
    async def answer(question: Question) -> Answer:
        return wants_human(skill="理赔")

    edge = make_edge(tmp_path, FakeBrain(answer))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say(text)
        await visitor.until(2)
        found = await rows(edge, "SELECT reason, priority, skill FROM handoffs")
    assert found == [(reason, priority, "理赔")]


async def test_that_a_word_of_rank_moves_who_waits_already_forward(tmp_path):
    async def answer(question: Question) -> Answer:
        return wants_human() if "人工" in question.text else say("好的")

    edge = make_edge(tmp_path, FakeBrain(answer))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("人工")
        await visitor.until(2)
        await visitor.say("我要起诉你们")
        await visitor.until(4)
        assert await wishes(edge) == [
            ("customer_asked", "normal"),
            ("lawsuit", "high"),
        ]
        listed = await rows(edge, "SELECT queue_rank FROM conversations")
    assert listed == [(-1,)]


@pytest.mark.parametrize("how", ["不需要转人工了", "不用转人工", "别转了。"])
async def test_that_a_refusal_of_a_human_leaves_the_queue(tmp_path, how):
    async def answer(question: Question) -> Answer:
        return wants_human()

    edge = make_edge(tmp_path, FakeBrain(answer))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("人工")
        await visitor.until(2)
        await visitor.say(how)
        assert "取消排队" in words((await visitor.until(4))[3])
