"""Pushing to platforms, on both databases: order, rules, crashes, an operator's hand."""

import asyncio
from collections import defaultdict
from datetime import timedelta

import pytest
from test_ledger import NOW, announce, ledger, url

from bot.channel_rules import ChannelRules
from bot.desk_rules import Handoff, Move, Status
from bot.dispatch import LocalDispatcher
from bot.errors import Retryable
from bot.ledger.values import Conclusion, Outcome
from bot.message import Author, Inbound, Kind, Outbound, TextPart
from bot.pace import Pace
from bot.ports import DeliveryState, Receipt
from bot.sending import Counter, send_next, sender

__all__ = ["ledger", "url"]  # fixtures
WINDOW = timedelta(seconds=2)
DELIVERED = Receipt(DeliveryState.DELIVERED)


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self):
        return self.at


class Mail:
    """A platform that keeps what arrives and does what the script says."""

    name = "mail"

    def __init__(self, rules=None) -> None:
        self.rules = rules or ChannelRules()
        self.arrived = defaultdict(list)
        self.script = []

    def render(self, messages):
        text = "\n".join(part.text for m in messages for part in m.parts)
        return self.rules.split(text)

    async def send(self, sender_id, piece):
        step = self.script.pop(0) if self.script else DELIVERED
        if isinstance(step, Receipt) and step.state is DeliveryState.UNDELIVERABLE:
            return step
        if isinstance(step, Retryable):
            raise step
        self.arrived[sender_id].append(piece)
        if isinstance(step, BaseException):
            raise step
        return step

    async def show_typing(self, sender_id, on): ...


@pytest.fixture
def post(ledger):
    """A post office: clock, platform, and the counter between them."""

    class Post:
        clock = Clock()

        def __init__(self) -> None:
            self.clock = Clock()
            self.use(Mail())

        def use(self, mail) -> None:
            self.mail = mail
            pace = Pace(lambda: self.clock.at.timestamp())
            self.counter = Counter(ledger.parcels, {"mail": mail}, self.clock, pace)

        async def run(self, sender_id="mail:a"):
            """Send until nothing can be sent now; return what the last step said."""

            async def rest(seconds):
                self.clock.at += timedelta(seconds=seconds)

            again = 0
            while again == 0:
                again = await send_next(self.counter, sender_id, rest)
            return again

        async def states(self, sender_id="mail:a"):
            listed = await ledger.deliveries.listed(sender_id=sender_id)
            return [(d.seq, d.state.value, d.reason) for d in reversed(listed)]

    return Post()


async def ask(ledger, *answers, sender_id="mail:a", key="k", at=NOW):
    await ledger.messages.accept(Inbound(sender_id, key, at, Kind.TEXT, text="问"))
    turn = await ledger.turns.begin(sender_id, at, WINDOW)
    said = tuple(
        Outbound(sender_id, Author.BOT, (TextPart(a),), f"{key}:{a}", turn.last_seq)
        for a in answers
    )
    end = Conclusion(Outcome.ANSWERED, said, announce, timedelta(hours=1))
    return await ledger.turns.finish(turn, end, at)


async def test_that_messages_arrive_once_and_in_order(ledger, post):
    await ask(ledger, "一", "二")
    await ask(ledger, "三", key="k2")
    assert await post.run() is None
    assert post.mail.arrived["mail:a"] == ["一", "二", "三"]
    assert [state for _, state, _ in await post.states()] == ["delivered"] * 3
    assert await post.run() is None
    assert len(post.mail.arrived["mail:a"]) == 3


async def test_that_a_long_text_arrives_in_pieces(ledger, post):
    post.use(Mail(ChannelRules(max_length=10)))
    await ask(ledger, "甲" * 8 + "。" + "乙" * 8 + "。", "丙")
    await post.run()
    assert post.mail.arrived["mail:a"] == ["甲" * 8 + "。", "乙" * 8 + "。", "丙"]


async def test_that_a_turn_is_merged_where_the_rules_say_so(ledger, post):
    post.use(Mail(ChannelRules(merge=True)))
    await ask(ledger, "一", "二")
    await ask(ledger, "三", key="k2")
    await post.run()
    assert post.mail.arrived["mail:a"] == ["一\n二", "三"]
    assert [state for _, state, _ in await post.states()] == ["delivered"] * 3


async def test_that_a_crash_while_sending_never_sends_twice(ledger, post):
    post.use(Mail(ChannelRules(max_length=4)))
    await ask(ledger, "一一一。二二二。三三三。")
    post.mail.script = [DELIVERED, asyncio.CancelledError()]  # kill -9 after the call
    with pytest.raises(asyncio.CancelledError):
        await post.run()
    await post.run()
    assert post.mail.arrived["mail:a"] == ["一一一。", "二二二。", "三三三。"]
    ((_, state, reason),) = await post.states()
    assert (state, reason) == ("unknown", "1 of 3")


async def test_that_a_platform_that_asks_for_patience_gets_it(ledger, post):
    await ask(ledger, "一")
    await ask(ledger, "二", key="k2")
    post.mail.script = [Retryable(timedelta(seconds=30)), Retryable(timedelta(0))]
    assert await post.run() == 30
    assert await post.run() == pytest.approx(30)
    assert post.mail.arrived == {}  # the second does not overtake the first
    post.clock.at += timedelta(seconds=31)
    assert await post.run() == 2  # the second try of a piece waits longer
    post.clock.at += timedelta(seconds=2)
    assert await post.run() is None
    assert post.mail.arrived["mail:a"] == ["一", "二"]


async def test_that_patience_ends_and_the_next_message_still_arrives(ledger, post):
    post.use(Mail(ChannelRules(tries=3)))
    await ask(ledger, "一", "二")
    post.mail.script = [Retryable(timedelta(0))] * 3
    while (again := await post.run()) is not None:
        post.clock.at += timedelta(seconds=again)
    assert post.mail.arrived["mail:a"] == ["二"]
    assert (await post.states())[0] == (2, "undeliverable", "tries_used_up")


async def test_that_a_refusal_is_final_and_told(ledger, post):
    await ask(ledger, "一", "二")
    post.mail.script = [Receipt(DeliveryState.UNDELIVERABLE, "blocked by the user")]
    await post.run()
    assert await post.states() == [
        (2, "undeliverable", "blocked by the user"),
        (3, "delivered", None),
    ]


async def test_that_the_window_and_the_quota_of_a_platform_are_kept(ledger, post):
    post.use(Mail(ChannelRules(window=timedelta(hours=48), quota=2)))
    await ask(ledger, "一", "二", "三")
    await post.run()
    assert (await post.states())[2] == (4, "undeliverable", "quota_used_up")
    await ask(ledger, "四", key="k2")  # the customer wrote again
    post.clock.at += timedelta(hours=49)
    await post.run()
    assert (await post.states())[3] == (6, "undeliverable", "outside_window")
    assert post.mail.arrived["mail:a"] == ["一", "二"]


async def test_that_a_bot_line_is_not_sent_after_a_takeover(ledger, post):
    await ask(ledger, "一")
    for to, actor in ((Status.QUEUED, "system"), (Status.AGENT, "agent:agent1")):
        move = Move(to, actor, Handoff("x"))
        hello = Outbound("mail:a", Author.SYSTEM, (TextPart(to),), f"hello {to}")
        await ledger.moves.make("mail:a", move, NOW, lambda place, h=hello: (h,))
    await post.run()
    assert post.mail.arrived["mail:a"] == ["queued", "agent"]
    assert (await post.states())[0] == (2, "undeliverable", "agent_took_over")


async def test_that_one_slow_recipient_holds_nobody_else_up(ledger, post):
    for number in range(3):
        await ask(ledger, "好", sender_id=f"mail:{number}")
    release = asyncio.Event()
    real = post.mail.send

    async def send(sender_id, piece):
        if sender_id == "mail:0":
            await release.wait()
        return await real(sender_id, piece)

    post.mail.send = send
    dispatcher = LocalDispatcher(sender(post.counter), 2)
    for number in range(3):
        await dispatcher.wake(f"mail:{number}")
    async with asyncio.timeout(20):
        while len(post.mail.arrived) < 2:
            await asyncio.sleep(0.01)
    assert set(post.mail.arrived) == {"mail:1", "mail:2"}
    release.set()
    await dispatcher.idle()
    assert set(post.mail.arrived) == {"mail:0", "mail:1", "mail:2"}


async def test_that_broken_code_of_a_platform_costs_one_message_not_the_queue(
    ledger, post
):
    await ask(ledger, "一", "二")
    post.mail.script = [RuntimeError("a bug")]
    dispatcher = LocalDispatcher(sender(post.counter), 1)
    await dispatcher.wake("mail:a")
    await dispatcher.idle()
    assert [(s, state) for s, state, _ in await post.states()] == [
        (2, "unknown"),
        (3, "delivered"),
    ]


async def test_that_what_waits_to_be_sent_is_found(ledger, post):
    for number in range(3):
        at = NOW + timedelta(seconds=number)
        await ask(ledger, "好", sender_id=f"mail:{9 - number}", at=at)
    await ask(ledger, "好", sender_id="web:a")  # is fetched, not pushed
    page = await ledger.parcels.due(None, 2, NOW)
    assert [s for _, s in page] == ["mail:9", "mail:8"]
    rest = await ledger.parcels.due(page[-1], 2, NOW)
    assert [s for _, s in rest] == ["mail:7"]
    post.mail.script = [Retryable(timedelta(seconds=60))]
    await post.run("mail:7")
    found = await ledger.parcels.due(None, 9, NOW)
    assert [s for _, s in found] == ["mail:9", "mail:8"]


async def test_that_an_operator_can_send_again_and_give_up(ledger, post):
    await ask(ledger, "一", "二")
    post.mail.script = [Receipt(DeliveryState.UNDELIVERABLE, "blocked")] * 2
    await post.run()
    stuck = await ledger.deliveries.listed(stuck_before=NOW + timedelta(days=1))
    assert [d.seq for d in stuck] == [3, 2]
    assert await ledger.deliveries.retry("mail:a", 2, NOW)
    assert await ledger.deliveries.drop("mail:a", 3, NOW)
    await post.run()
    assert post.mail.arrived["mail:a"] == ["一"]
    assert [state for _, state, _ in await post.states()] == ["delivered", "dropped"]
    assert not await ledger.deliveries.retry("mail:a", 2, NOW)  # it has arrived
    assert not await ledger.deliveries.drop("mail:a", 99, NOW)
