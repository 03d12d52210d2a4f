"""Pushing to platforms, on both databases: order, rules, crashes, an operator's hand."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest
from test_ledger import NOW, announce, ledger, url

from bot.channel_rules import Allowance, ChannelRules
from bot.desk_rules import Handoff, Move, Status
from bot.dispatch import LocalDispatcher
from bot.errors import Retryable
from bot.ledger.contacts import Fetch, Token
from bot.ledger.values import Conclusion, Outcome
from bot.message import Author, Inbound, Kind, Outbound, Terms, TextPart
from bot.pace import Pace
from bot.ports import DeliveryState, Receipt
from bot.sending import Counter, send_next, sender

__all__ = ["ledger", "url"]  # fixtures
WINDOW = timedelta(seconds=2)
DELIVERED = Receipt(DeliveryState.DELIVERED)
NOT_SENT = (DeliveryState.UNDELIVERABLE, DeliveryState.KEPT)
TERMS = Terms("message", 2, NOW + timedelta(hours=48))


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
        self.reminded = []

    def render(self, messages):
        text = "\n".join(part.text for m in messages for part in m.parts)
        return self.rules.split(text)

    async def send(self, sender_id, piece):
        step = self.script.pop(0) if self.script else DELIVERED
        if isinstance(step, Receipt) and step.state in NOT_SENT:
            return step
        if isinstance(step, Retryable):
            raise step
        self.arrived[sender_id].append(piece)
        if isinstance(step, BaseException):
            raise step
        return step

    def close(self, piece):
        return f"close:{piece}"

    async def remind(self, sender_id):
        self.reminded.append(sender_id)

    async def show_typing(self, sender_id, on): ...

    async def stop(self): ...


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


async def ask(ledger, *answers, sender_id="mail:a", key="k", at=NOW, terms=None):
    inbound = Inbound(sender_id, key, at, Kind.TEXT, text="问", terms=terms)
    await ledger.messages.accept(inbound)
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


RULES = ChannelRules(
    max_length=4, allowances={"message": Allowance(2, timedelta(hours=48))}
)


async def test_that_what_the_platform_refuses_is_kept_until_the_customer_writes(
    ledger, post
):
    post.use(Mail(RULES))
    await ask(ledger, "一一一", "二二二", "三三三", terms=TERMS)
    post.mail.script = [DELIVERED, DELIVERED, Receipt(DeliveryState.KEPT, "used up")]
    await post.run()
    assert (await post.states())[2] == (4, "kept", "used up")
    assert post.mail.arrived["mail:a"] == ["一一一", "close:二二二"]
    assert post.mail.reminded == ["mail:a"]
    await ask(ledger, "四四四", key="k2")  # not by the customer: nothing is asked
    await post.run()
    assert (await post.states())[3] == (6, "kept", "used up")
    assert len(post.mail.arrived["mail:a"]) == 2
    await ask(ledger, "五五五", key="k3", terms=TERMS)
    await post.run()
    assert post.mail.arrived["mail:a"][2:] == ["三三三", "close:四四四", "五五五"]
    assert [state for _, state, _ in await post.states()] == ["delivered"] * 5


async def test_that_our_count_alone_never_silences_anybody(ledger, post):
    post.use(Mail(RULES))
    await ask(ledger, "一", "二", "三", terms=TERMS)
    await post.run()  # the platform takes the third although we counted two
    assert [state for _, state, _ in await post.states()] == ["delivered"] * 3
    left = await ledger.allowances.left("mail:a", NOW)
    assert (left.pushes, left.refused) == (0, None)


async def test_that_triggers_are_counted_on_what_ends_first(ledger, post):
    post.use(Mail(RULES))
    minute = Terms("menu", 3, NOW + timedelta(minutes=1))
    await ask(ledger, "一", terms=TERMS)
    await ask(ledger, "二", key="k2", terms=minute)
    assert (await ledger.allowances.left("mail:a", NOW)).pushes == 5
    await post.run()
    later = NOW + timedelta(minutes=2)
    assert (await ledger.allowances.left("mail:a", later)).pushes == 2
    assert (await ledger.allowances.left("mail:a", TERMS.until)).pushes == 0


async def test_that_nothing_is_pushed_while_an_open_call_may_carry_it(ledger, post):
    until = NOW + timedelta(seconds=5)
    await ask(ledger, "一", "二", terms=replace(TERMS, push_after=until))
    assert await post.run() == 5
    parcel = await ledger.parcels.next("mail:a", False, NOW)
    assert await ledger.passive.claim(parcel, 1, "一", False, NOW)
    assert not await ledger.passive.claim(
        parcel, 1, "一", False, NOW
    )  # the second is late
    assert await ledger.passive.given("mail:a", 1) == "一"
    claimed = replace(parcel, attempts=parcel.attempts + 1)
    await ledger.passive.settle(claimed, 1, until, NOW)
    await post.run()
    assert post.mail.arrived["mail:a"] == ["二"]
    assert (await ledger.allowances.left("mail:a", NOW)).pushes == 1


async def test_that_a_younger_call_keeps_its_own_time(ledger, post):
    first, second = NOW + timedelta(seconds=5), NOW + timedelta(seconds=9)
    await ask(ledger, "一", terms=replace(TERMS, push_after=first))
    await ask(ledger, "二", key="k2", terms=replace(TERMS, push_after=second))
    await ledger.passive.let_go("mail:a", first)
    assert await post.run() == 9
    await ledger.passive.let_go("mail:a", second)
    assert await post.run() is None


async def test_that_one_of_many_fetches_a_token(ledger):
    taken = [await ledger.tokens.lease("wx", None, NOW, 20) for _ in range(3)]
    assert taken == [True, False, False]
    token = Token("t1", NOW + timedelta(hours=2))
    await ledger.tokens.put("wx", token)
    assert await ledger.tokens.get("wx") == token
    assert not await ledger.tokens.lease("wx", None, NOW, 20)  # it is good
    assert not await ledger.tokens.lease("wx", "t0", NOW, 20)  # that one has gone
    assert await ledger.tokens.lease("wx", "t1", NOW, 20)
    after = NOW + timedelta(seconds=21)  # whoever had the lease died
    assert await ledger.tokens.lease("wx", "t1", after, 20)


async def test_that_files_to_fetch_are_taken_by_one(ledger):
    fetch = Fetch("a1", "mail:a", "media", "photo.jpg", 0)
    await ledger.fetches.add(fetch, NOW)
    again = NOW + timedelta(minutes=1)
    (taken,) = await ledger.fetches.take(NOW, again, 5)
    assert taken == replace(fetch, attempts=1)
    assert not await ledger.fetches.take(NOW, again, 5)
    (taken,) = await ledger.fetches.take(again, again + timedelta(minutes=1), 5)
    assert taken.attempts == 2
    await ledger.fetches.done("a1")
    assert not await ledger.fetches.take(again + timedelta(hours=1), again, 5)


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
    async with asyncio.timeout(60):
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


async def test_that_a_busy_platform_with_allowances_keeps_what_it_never_took(
    ledger, post
):
    post.use(Mail(replace(RULES, tries=2)))
    await ask(ledger, "一", terms=TERMS)
    post.mail.script = [Retryable(timedelta(0))] * 2
    while (again := await post.run()) is not None:
        post.clock.at += timedelta(seconds=again)
    assert (await post.states())[0] == (2, "kept", "tries_used_up")
    await ask(ledger, "二", key="k2", terms=TERMS)  # the customer writes again
    await post.run()
    assert post.mail.arrived["mail:a"] == ["一", "二"]
