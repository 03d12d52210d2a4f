"""Turns: crash and resume, takeover races, the desk, Rasa away."""

import asyncio
from datetime import datetime, timedelta

import pytest
from edge_kit import (
    FakeBrain,
    FakeHours,
    FakeRasa,
    Visitor,
    eventually,
    make_edge,
    say,
    served,
    visiting,
    words,
)
from sqlalchemy import text

from bot.clock import SystemClock
from bot.desk_rules import Handoff, Priority, Status
from bot.errors import BrainUnreachable, IllegalMove, StoreError
from bot.ports import Answer, Question


async def rows(edge, query: str) -> list[tuple]:
    return await edge.backstage.ledger._database.read(
        lambda c: [tuple(row) for row in c.execute(text(query))]
    )


async def sender_of(edge) -> str:
    return (await rows(edge, "SELECT sender_id FROM conversations"))[0][0]


def buttons(event: dict) -> list[str]:
    return [
        button["payload"]
        for part in event["parts"]
        if part["type"] == "buttons"
        for button in part["buttons"]
    ]


async def test_that_a_new_process_finishes_the_turn_under_the_same_id(tmp_path):
    never = asyncio.Event()

    async def hang(question: Question) -> Answer:
        await never.wait()
        raise AssertionError

    first_brain, second_brain = FakeBrain(hang), FakeBrain()
    edge = make_edge(tmp_path, first_brain)
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("我要报案", "k")
        await eventually(lambda: first_brain.asked)
        await visitor.say("地点在南京路", "later")
        # As kill -9 would: the tasks vanish, nothing is written any more.
        for busy in edge.backstage.turns._busy.values():
            busy.task.cancel()
        token = visitor.headers
    async with served(make_edge(tmp_path, second_brain)) as url, visiting(url) as again:
        again.headers = token
        events = await again.until(4)
        assert await again.say("我要报案", "k") == 1
    assert first_brain.asked[0].turn_id == second_brain.asked[0].turn_id
    assert [q.text for q in second_brain.asked] == ["我要报案", "地点在南京路"]
    assert [e["seq"] for e in events] == [1, 2, 3, 4]
    assert [e["in_reply_to"] for e in events] == [None, None, 1, 2]


async def test_that_a_message_stored_just_before_a_crash_is_answered_after_it(
    tmp_path,
):
    edge = make_edge(tmp_path, FakeBrain())

    async def crash(sender_id: str) -> None: ...

    edge.backstage.turns.wake = crash  # it comes before the turn
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("在吗")
        token = visitor.headers
    async with served(make_edge(tmp_path, FakeBrain())) as url, visiting(url) as again:
        again.headers = token
        assert words((await again.until(2))[1]) == "答：在吗"


async def unfinished_unless_it_asks(question: Question) -> Answer:
    if question.may_wait and "？" not in question.text:
        return Answer((), unfinished=True)
    return say(f"答：{question.text}")


async def test_that_pieces_of_one_question_are_answered_as_one(tmp_path):
    brain = FakeBrain(unfinished_unless_it_asks)
    edge = make_edge(tmp_path, brain, burst_wait=timedelta(seconds=30))
    async with served(edge) as url, visiting(url) as visitor:
        for number, piece in enumerate(("你好", "我那个车险", "几时到期？")):
            await visitor.say(piece, f"k{number}")
            await eventually(lambda: not brain.asked or brain.asked[-1].may_wait)
            await asyncio.sleep(0.05)
        events = await visitor.until(4)
        turns = await rows(edge, "SELECT DISTINCT turn_id FROM messages")
    assert words(events[3]) == "答：你好，我那个车险，几时到期？"
    assert [e["author"] for e in events] == ["customer"] * 3 + ["bot"]
    assert events[3]["in_reply_to"] == 3
    assert len(turns) == 1


async def test_that_a_lone_piece_is_answered_when_nothing_follows(tmp_path):
    brain = FakeBrain(unfinished_unless_it_asks)
    edge = make_edge(tmp_path, brain, burst_wait=timedelta(seconds=0.3))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("你好")
        events = await visitor.until(2)
    assert words(events[1]) == "答：你好"
    assert [question.may_wait for question in brain.asked] == [True, False]


async def test_that_a_button_ends_the_waiting(tmp_path):
    brain = FakeBrain(unfinished_unless_it_asks)
    edge = make_edge(tmp_path, brain, burst_wait=timedelta(seconds=30))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("你好")
        await eventually(lambda: brain.asked)
        assert (await visitor.post(payload="/request_handoff")).status_code == 202
        events = await visitor.until(4)
    assert words(events[2]) == "答：你好"
    assert [question.text for question in brain.asked][1:] == [
        "你好",
        "/request_handoff",
    ]


async def test_that_a_wait_without_patience_never_begins(tmp_path):
    brain = FakeBrain(unfinished_unless_it_asks)
    edge = make_edge(tmp_path, brain, burst_wait=timedelta(0))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("你好")
        assert words((await visitor.until(2))[1]) == "答：你好"
    assert [question.may_wait for question in brain.asked] == [False]


async def test_that_a_late_reply_after_a_takeover_is_dropped_and_noted(tmp_path):
    gate = asyncio.Event()

    async def slow(question: Question) -> Answer:
        await gate.wait()
        return say("机器人的迟到回答")

    brain = FakeBrain(slow)
    edge = make_edge(tmp_path, brain)
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("查理赔")
        await eventually(lambda: brain.asked)
        sender = await sender_of(edge)
        await edge.backstage.desk.request(sender, Handoff("dispute"), "r1")
        await edge.backstage.desk.accept(sender, "agent1", "a1")
        await visitor.say("有人吗")
        gate.set()
        await edge.backstage.turns.idle()
        events = await visitor.events()
        assert [e["author"] for e in events] == [
            "customer",
            "system",
            "system",
            "customer",
        ]
        assert len(brain.asked) == 1
        noted = await rows(edge, "SELECT outcome, note, dropped FROM turns")
    assert noted[0][:2] == ("dropped", "agent_took_over")
    assert "机器人的迟到回答" in noted[0][2]


async def test_that_the_bot_is_silent_with_an_agent_and_back_after_release(tmp_path):
    brain = FakeBrain()
    edge = make_edge(tmp_path, brain)
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("你好")
        await visitor.until(2)
        sender = await sender_of(edge)
        await edge.backstage.desk.request(sender, Handoff("x"), "1")
        await edge.backstage.desk.accept(sender, "agent1", "2")
        with pytest.raises(IllegalMove):
            await edge.backstage.desk.accept(sender, "agent2", "3")
        await visitor.say("只给坐席看")
        await edge.backstage.turns.idle()
        assert len(brain.asked) == 1
        await edge.backstage.desk.release(sender, "agent1", "4")
        await visitor.say("回来了")
        await edge.backstage.turns.idle()
        assert [q.text for q in brain.asked] == ["你好", "回来了"]
        await edge.backstage.desk.request(sender, Handoff("x"), "5")
        await edge.backstage.desk.accept(sender, "agent2", "6")
        await edge.backstage.desk.close(sender, "agent2", "7", summary="办完")
        with pytest.raises(IllegalMove):
            await edge.backstage.desk.release(sender, "agent2", "8")
        await visitor.say("又来了")
        await edge.backstage.turns.idle()
        assert brain.asked[-1].text == "又来了"
        moves = await edge.backstage.ledger.moves.history(sender)
    assert [(m[0], m[1]) for m in moves] == [
        ("bot", "queued"),
        ("queued", "agent"),
        ("agent", "bot"),
        ("bot", "queued"),
        ("queued", "agent"),
        ("agent", "closed"),
        ("closed", "bot"),
    ]
    assert moves[1][2] == "agent:agent1"


async def test_that_two_agents_cannot_take_one_conversation(tmp_path):
    edge = make_edge(tmp_path, FakeBrain())
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("你好")
        await visitor.until(2)
        sender = await sender_of(edge)
        await edge.backstage.desk.request(sender, Handoff("x"), "1")
        results = await asyncio.gather(
            *(
                edge.backstage.desk.accept(sender, f"agent{i}", f"a{i}")
                for i in range(6)
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(r, IllegalMove) for r in results) == 5
        joined = [e for e in await visitor.events() if e["author"] == "system"]
        assert len(joined) == 2  # queued, one agent joined


def wants_human(**more) -> Answer:
    return Answer((), Handoff("customer_asked", **more), intent="request_handoff")


async def test_that_a_handoff_queues_in_the_same_turn_with_the_true_position(
    tmp_path,
):
    async def to_human(question: Question) -> Answer:
        if question.text == "急":
            return wants_human(priority=Priority.HIGH)
        return say("答") if question.text == "问" else wants_human(skill="理赔")

    edge = make_edge(tmp_path, FakeBrain(to_human))
    async with served(edge) as url, visiting(url) as first:
        second = await Visitor.arrive(first.client)
        urgent = await Visitor.arrive(first.client)
        await first.say("转人工")
        queued = (await first.until(2))[1]
        assert "第 1 位" in words(queued)
        assert buttons(queued) == ["/cancel_handoff"]
        await second.say("转人工")
        assert "前面还有 1 位" in words((await second.until(2))[1])
        await urgent.say("急")
        assert "第 1 位" in words((await urgent.until(2))[1])
        await second.say("转人工")  # asked again: the place now, no second move
        assert "前面还有 2 位" in words((await second.until(4))[3])
        await second.say("问")  # still answered, and not told again at once
        await edge.backstage.turns.idle()
        events = await second.events()
        assert [words(e) for e in events[4:]] == ["问", "答"]
        made = await rows(edge, "SELECT count(*), max(skill) FROM handoffs")
    assert made[0] == (3, "理赔")


async def test_that_a_waiting_customer_is_reminded_after_a_while(tmp_path):
    async def answer(question: Question) -> Answer:
        return wants_human() if question.text == "人工" else say("答")

    edge = make_edge(tmp_path, FakeBrain(answer), queue_hint_every=timedelta(0))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("人工")
        await visitor.until(2)
        await visitor.say("问")
        events = await visitor.until(5)
    assert [e["author"] for e in events[3:]] == ["bot", "system"]
    assert "第 1 位" in words(events[4])


@pytest.mark.parametrize(
    ("now", "opens", "told_as"),
    [
        ("2026-11-30T08:00+08:00", "2026-11-30T09:00+08:00", "今天 09:00"),
        ("2026-11-30T20:00+08:00", "2026-12-01T09:00+08:00", "明天 09:00"),
        ("2026-11-28T12:00+08:00", "2026-12-01T09:00+08:00", "2026年12月1日 09:00"),
        ("2026-12-31T20:00+08:00", "2027-01-04T09:00+08:00", "2027年1月4日 09:00"),
        ("2028-02-28T20:00+08:00", "2028-02-29T09:00+08:00", "明天 09:00"),
    ],
)
async def test_that_after_hours_the_next_working_time_is_told(
    tmp_path, now, opens, told_as
):
    async def answer(question: Question) -> Answer:
        return wants_human()

    edge = make_edge(
        tmp_path,
        FakeBrain(answer),
        hours=FakeHours(open=False, opens=datetime.fromisoformat(opens)),
        clock=SystemClock(datetime.fromisoformat(now)),
    )
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("人工")
        told = words((await visitor.until(2))[1])
    assert "非工作时间" in told
    assert told_as in told


@pytest.mark.parametrize("how", ["取消排队", "不等了。", "/cancel_handoff"])
async def test_that_a_customer_can_leave_the_queue(tmp_path, how):
    async def answer(question: Question) -> Answer:
        return wants_human()

    brain = FakeBrain(answer)
    edge = make_edge(tmp_path, brain)
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("人工")
        await visitor.until(2)
        await visitor.say(how)
        events = await visitor.until(4)
        assert "已为您取消排队" in words(events[3])
        status, _ = await edge.backstage.ledger.messages.holder(await sender_of(edge))
    assert status is Status.BOT
    assert len(brain.asked) == 1


async def test_that_cancelling_without_waiting_is_answered_by_the_right_room(tmp_path):
    brain = FakeBrain()
    edge = make_edge(tmp_path, brain)
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("不等了")
        await visitor.until(2)
        await visitor.post(payload="/cancel_handoff")
        events = await visitor.until(4)
    assert [question.text for question in brain.asked] == ["不等了"]
    assert "没有在排队" in words(events[3])


@pytest.mark.parametrize(
    "body", [{"text": "人工"}, {"text": "转人工！"}, {"payload": "/request_handoff"}]
)
async def test_that_a_human_can_be_asked_for_without_rasa(tmp_path, body):
    edge = make_edge(tmp_path, rasa_url="http://127.0.0.1:9")
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.post(**body)
        events = await visitor.until(2)
        assert "正在为您转接" in words(events[1])
        status, _ = await edge.backstage.ledger.messages.holder(await sender_of(edge))
    assert status is Status.QUEUED


async def test_that_rasa_gets_a_while_to_come_back(tmp_path):
    rasa = FakeRasa(status=503, error="no_model")
    async with served(rasa.app()) as rasa_url:
        edge = make_edge(
            tmp_path, rasa_url=rasa_url, brain_retry_budget=timedelta(seconds=20)
        )
        async with served(edge) as url, visiting(url) as visitor:
            await visitor.say("你好")
            await eventually(lambda: len(rasa.asked) > 1)
            rasa.status = 200
            events = await visitor.until(2)
    assert words(events[1]) == "您好"
    assert len({asked["turn_id"] for asked in rasa.asked}) == 1


@pytest.mark.parametrize(
    ("status", "replies", "note"),
    [
        (500, [], "action_failed"),
        (200, [], "silent"),
        (200, [{"text": None}], "silent"),
        (200, [{"buttons": [{}]}], "bad_answer"),
        (200, None, "bad_answer"),
    ],
)
async def test_that_every_failure_of_rasa_becomes_one_apology(
    tmp_path, status, replies, note
):
    rasa = FakeRasa(status=status, replies=replies)
    async with served(rasa.app()) as rasa_url:
        edge = make_edge(tmp_path, rasa_url=rasa_url)
        async with served(edge) as url, visiting(url) as visitor:
            await visitor.say("你好")
            events = await visitor.until(2)
            await edge.backstage.turns.idle()
            assert len(await visitor.events()) == 2
            noted = await rows(edge, "SELECT outcome, note FROM turns")
    assert buttons(events[1]) == ["/request_handoff"]
    assert noted[0][0] == "failed"
    assert note in noted[0][1]
    assert len(rasa.asked) == 1


async def test_that_a_fault_in_our_own_code_still_answers_the_customer(
    tmp_path, monkeypatch
):
    edge = make_edge(tmp_path, FakeBrain())

    def broken(turn):
        raise RuntimeError("a bug")

    monkeypatch.setattr(edge.backstage.desk, "command", broken)
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("你好")
        events = await visitor.until(2)
    assert buttons(events[1]) == ["/request_handoff"]


async def test_that_a_database_failure_delays_a_turn_and_loses_nothing(tmp_path):
    edge = make_edge(tmp_path, FakeBrain())
    real, failures = edge.backstage.ledger.turns.finish, [StoreError("disk full")]

    async def finish(*args):
        if failures:
            raise failures.pop()
        return await real(*args)

    edge.backstage.ledger.turns.finish = finish
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("你好")
        events = await visitor.until(2)
    assert words(events[1]) == "答：你好"


async def test_that_a_database_failure_on_receipt_is_a_503_and_not_an_ack(tmp_path):
    edge = make_edge(tmp_path, FakeBrain())
    async with served(edge) as url, visiting(url) as visitor:

        async def full(*args, **kwargs):
            raise StoreError("disk full")

        edge.backstage.ledger.messages.accept = full
        answer = await visitor.post(text="你好")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert "disk" not in answer.text


async def test_that_a_slow_conversation_does_not_hold_up_others(tmp_path):
    gate = asyncio.Event()

    async def one_hangs(question: Question) -> Answer:
        if question.text == "慢":
            await gate.wait()
        return say(question.text)

    edge = make_edge(tmp_path, FakeBrain(one_hangs), turn_concurrency=2)
    async with served(edge) as url, visiting(url) as slow:
        await slow.say("慢")
        other = await Visitor.arrive(slow.client)
        await other.say("快")
        assert words((await other.until(2))[1]) == "快"
        gate.set()
        await slow.until(2)


async def test_that_no_more_turns_run_at_once_than_allowed(tmp_path):
    running, most = 0, 0
    full = asyncio.Event()

    async def count(question: Question) -> Answer:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            full.set()
        await full.wait()
        await asyncio.sleep(0)  # a fourth one would get its chance here
        running -= 1
        return say("好")

    edge = make_edge(tmp_path, FakeBrain(count), turn_concurrency=3)
    async with served(edge) as url, visiting(url) as visitor:
        visitors = [await Visitor.arrive(visitor.client) for _ in range(12)]
        await asyncio.gather(*(v.say("你好") for v in visitors))
        await asyncio.gather(*(v.until(2) for v in visitors))
    assert most == 3


async def test_that_an_unreachable_brain_is_not_waited_for_by_everybody():
    import httpx

    from bot.brain import RasaBrain

    tries = []

    def refuse(request: httpx.Request) -> httpx.Response:
        tries.append(request)
        raise httpx.ConnectError("nobody")

    transport = httpx.MockTransport(refuse)
    async with httpx.AsyncClient(transport=transport) as client:
        brain = RasaBrain(
            client, ["http://rasa"], timedelta(seconds=1), timedelta(seconds=0.5)
        )
        question = Question("web:a", "t", "你好")
        with pytest.raises(BrainUnreachable):
            await brain.ask(question)
        first = len(tries)
        with pytest.raises(BrainUnreachable):
            await brain.ask(question)
    assert first > 1
    assert len(tries) == first + 1


async def test_that_a_fault_while_showing_a_reply_spoils_no_further_turn(tmp_path):
    edge = make_edge(tmp_path, FakeBrain(), burst_window=timedelta(0))
    real, faults = edge.backstage.outbox.publish, [RuntimeError("a bug")]

    async def publish(sender_id, written):
        if faults and written.outcome is not None:
            raise faults.pop()
        await real(sender_id, written)

    edge.backstage.outbox.publish = publish
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("一")
        await visitor.say("二")
        await edge.backstage.turns.idle()
        events = await visitor.until(4)
    answers = [words(e) for e in events if e["author"] != "customer"]
    assert answers == ["答：一", "答：二"]


async def away(question: Question) -> Answer:
    raise BrainUnreachable("unreachable")


async def test_that_messages_wait_for_the_brain_and_are_answered_when_it_is_back(
    tmp_path,
):
    brain = FakeBrain(away)
    edge = make_edge(tmp_path, brain, brain_recheck=timedelta(seconds=0.1))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("我的理赔到哪了")
        told = (await visitor.until(2))[1]
        await visitor.say("在吗")
        await eventually(lambda: len(brain.asked) > 3)
        assert len(await visitor.events()) == 3  # told once, not at every try
        brain.answer = None
        events = await visitor.until(5)
    assert "不用重复发送" in words(told)
    assert buttons(told) == ["/request_handoff"]
    assert [words(e) for e in events[3:]] == ["答：我的理赔到哪了", "答：在吗"]
    assert len({q.turn_id for q in brain.asked}) == 2


async def test_that_a_human_is_reached_while_another_message_waits(tmp_path):
    edge = make_edge(tmp_path, FakeBrain(away))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("我的理赔到哪了")
        await visitor.until(2)
        await visitor.say("转人工")
        events = await visitor.until(4)
        status, _ = await edge.backstage.ledger.messages.holder(await sender_of(edge))
    assert "人工客服" in words(events[3])
    assert status is Status.QUEUED


async def test_that_a_message_that_brings_the_brain_down_is_ended(tmp_path):
    async def dies(question: Question) -> Answer:
        raise BrainUnreachable("cut_off", suspicious=True)

    brain = FakeBrain(dies)
    edge = make_edge(tmp_path, brain, brain_recheck=timedelta(seconds=0.01))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("毒")
        events = await visitor.until(3)
        await edge.backstage.turns.idle()
    assert "没能答复" in words(events[2])
    assert len(brain.asked) == 5


async def test_that_a_message_that_silences_the_brain_is_asked_twice_at_most(tmp_path):
    async def says_nothing(question: Question) -> Answer:
        raise BrainUnreachable("timeout", suspicious=True)

    brain = FakeBrain(says_nothing)
    edge = make_edge(tmp_path, brain, brain_recheck=timedelta(seconds=0.01))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("毒")
        events = await visitor.until(3)
        await edge.backstage.turns.idle()
    assert "没能答复" in words(events[2])
    assert len(brain.asked) == 2


async def test_that_nobody_waits_for_ever(tmp_path):
    edge = make_edge(tmp_path, FakeBrain(away), brain_patience=timedelta(0))
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("在吗")
        assert "没能答复" in words((await visitor.until(2))[1])


async def test_that_old_work_leaves_room_for_new_customers(tmp_path):
    asleep = make_edge(tmp_path, FakeBrain())

    async def crash(sender_id: str) -> None: ...

    asleep.backstage.turns.wake = crash
    async with served(asleep) as url:
        for _ in range(12):
            async with visiting(url) as visitor:
                await visitor.say("旧消息")
    most = 0

    async def slow(question: Question) -> Answer:
        nonlocal most
        most = max(most, dispatcher.load)
        await asyncio.sleep(0.02)
        return say("好")

    edge = make_edge(tmp_path, FakeBrain(slow), max_waiting=6, turn_concurrency=1)
    dispatcher = edge.backstage.turns
    async with served(edge) as url, visiting(url) as visitor:
        await visitor.say("新消息")  # not refused: 503 while old work is done
        await visitor.until(2)

        async def left() -> int:
            return len(await edge.backstage.ledger.turns.waiting(None, 100))

        async with asyncio.timeout(60):
            while await left():
                await asyncio.sleep(0.02)
    assert most <= 4  # two old ones, the new one, and one being woken
