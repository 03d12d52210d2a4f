"""Difficult clients and clocks, against the edge alone."""

import asyncio
from datetime import UTC, datetime, timedelta

import socketio
from edge_kit import FakeBrain, make_edge, say, served, visiting, words

from bot.ports import Question


class JumpingClock:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


async def test_that_a_clock_that_jumps_changes_no_order_and_loses_nothing(tmp_path):
    clock = JumpingClock()
    edge = make_edge(tmp_path, FakeBrain(), clock=clock)
    async with served(edge) as url, visiting(url) as visitor:
        for number, jump in enumerate((0, -3600, 7200, -86400, 3 * 86400)):
            clock.offset += timedelta(seconds=jump)
            await visitor.say(f"第{number}句？", f"k{number}")
            events = await visitor.until(2 * number + 2)
    assert [e["seq"] for e in events] == list(range(1, 11))
    answers = [words(e) for e in events if e["author"] == "bot"]
    assert answers == [f"答：第{number}句？" for number in range(5)]


async def test_that_copies_of_a_message_in_any_order_are_one(tmp_path):
    async def slow(question: Question):
        await asyncio.sleep(0.05)
        return say("好")

    edge = make_edge(tmp_path, FakeBrain(slow), burst_window=timedelta(0))
    async with served(edge) as url, visiting(url) as visitor:
        keys = [f"k{number % 5}" for number in range(40)]
        numbers = await asyncio.gather(*(visitor.say(key, key) for key in keys))
        late = await visitor.say("k0", "k0")
        events = await visitor.until(10)
    by_key = dict(zip(keys, numbers, strict=True))
    assert late == by_key["k0"]
    assert len(set(by_key.values())) == 5
    assert sum(event["author"] == "customer" for event in events) == 5
    assert sum(event["author"] == "bot" for event in events) == 5


async def test_that_a_client_that_reads_nothing_holds_nobody_up(tmp_path):
    edge = make_edge(tmp_path, FakeBrain(), visitor_burst=10_000)
    async with served(edge) as url, visiting(url) as visitor:
        host, port = url.removeprefix("http://").split(":")
        deaf = []
        for _ in range(5):
            # It asks for long answers again and again and never reads one.
            reader, writer = await asyncio.open_connection(host, int(port), limit=64)
            reader._transport.pause_reading()
            head = f"GET /api/chat/events?after=0&wait=0 HTTP/1.1\r\nHost: {host}\r\n"
            token = visitor.headers["Authorization"]
            writer.write((head + f"Authorization: {token}\r\n\r\n").encode() * 200)
            deaf.append(writer)
        for number in range(20):
            await visitor.say(f"第{number}句？", f"k{number}")
            await visitor.until(2 * number + 2)
        for writer in deaf:
            writer.transport.abort()


async def test_that_a_thousand_reconnects_leave_nothing_behind(tmp_path):
    edge = make_edge(tmp_path, FakeBrain(), address_burst=1_000_000)
    async with served(edge) as url, visiting(url) as visitor:
        seq = await visitor.say("你好")
        await visitor.until(2)
        token = visitor.token

        async def reconnect(times: int) -> None:
            for _ in range(times):
                client = socketio.AsyncClient(reconnection=False)
                await client.connect(
                    url,
                    transports=["websocket"],
                    auth={"token": token},
                    wait_timeout=30,
                )
                again = {"customData": {"client": "baoke"}, "after": seq}
                await client.call("session_request", again, timeout=30)
                await client.disconnect()

        await asyncio.gather(*(reconnect(100) for _ in range(10)))
        async with asyncio.timeout(60):
            while edge.door.count:
                await asyncio.sleep(0.05)
        windows = edge.door._windows
        assert not list(windows.everybody())
        assert await visitor.say("还在吗")
        assert len(await visitor.until(4)) == 4
