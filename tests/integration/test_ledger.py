"""The ledger on both databases: numbers, repeats, turns, moves."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from edge_kit import _template
from sqlalchemy import create_engine, inspect, text

from bot.desk_rules import Handoff, Move, Priority, QueuePlace, Status
from bot.errors import IllegalMove, StaleTurn, StoreError
from bot.ledger.database import sync_url
from bot.ledger.migrate import newest, upgrade
from bot.ledger.repository import Ledger
from bot.ledger.tables import metadata
from bot.ledger.values import Conclusion, Outcome
from bot.message import Author, Inbound, Kind, Outbound, TextPart

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
WINDOW = timedelta(seconds=2)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        shutil.copy(_template(), tmp_path / "ledger.db")
        return f"sqlite:///{tmp_path}/ledger.db"
    found = request.getfixturevalue("postgres_url")
    upgrade(sync_url(found, Path("/")))
    return found


@pytest.fixture
async def ledger(url):
    opened = Ledger.at(url, Path("/"))
    yield opened
    await opened.close()


def inbound(key: str, sender: str = "web:a", after: float = 0, **more) -> Inbound:
    at = NOW + timedelta(seconds=after)
    return Inbound(sender, key, at, Kind.TEXT, **{"text": key, **more})


def outbound(key: str, sender: str = "web:a") -> Outbound:
    return Outbound(sender, Author.BOT, (TextPart(key),), key)


def announce(place: QueuePlace) -> Outbound:
    return outbound(f"place {place.ahead} {place.already}")


def ended(*replies: Outbound, move: Move | None = None) -> Conclusion:
    return Conclusion(Outcome.ANSWERED, replies, announce, timedelta(hours=1), move)


async def waiting(ledger) -> list[str]:
    return [sender_id for _, sender_id in await ledger.turns.waiting(None, 10)]


async def test_that_waiting_conversations_are_found_page_by_page(ledger):
    for number, sender in enumerate(("web:c", "web:a", "web:b", "web:d")):
        await ledger.messages.accept(inbound("k", sender, after=number // 2))
    first = await ledger.turns.waiting(None, 3)
    assert [s for _, s in first] == ["web:a", "web:c", "web:b"]
    assert [s for _, s in await ledger.turns.waiting(first[-1], 3)] == ["web:d"]


async def test_that_only_the_last_to_take_a_turn_up_may_end_it(ledger):
    await ledger.messages.accept(inbound("k"))
    paused = await ledger.turns.begin("web:a", NOW, WINDOW)
    alive = await ledger.turns.begin("web:a", NOW, WINDOW)
    with pytest.raises(StaleTurn):
        await ledger.turns.finish(paused, ended(outbound("from the dead")), NOW)
    with pytest.raises(StaleTurn):
        await ledger.turns.postpone(paused, outbound("later"), NOW)
    written = await ledger.turns.finish(alive, ended(outbound("once")), NOW)
    assert [m.parts[0].text for m in written.messages] == ["once"]


async def test_that_a_customer_is_told_once_that_a_turn_waits(ledger):
    await ledger.messages.accept(inbound("k"))
    for expected in (1, 0, 0):
        turn = await ledger.turns.begin("web:a", NOW, WINDOW)
        told = await ledger.turns.postpone(turn, outbound("patience"), NOW)
        assert len(told.messages) == expected
    await ledger.messages.accept(inbound("later", after=60))
    turn = await ledger.turns.begin("web:a", NOW, WINDOW)
    assert (turn.postponed_at, turn.attempt) == (NOW, 4)
    assert [m.text for m in turn.behind] == ["later"]
    assert await waiting(ledger) == ["web:a"]


async def test_that_numbers_have_no_gaps_under_parallel_writers_and_repeats(ledger):
    keys = [f"k{i % 20}" for i in range(60)]
    accepted = await asyncio.gather(*(ledger.messages.accept(inbound(k)) for k in keys))
    by_key = dict(zip(keys, [a.seq for a in accepted], strict=True))
    assert sorted(by_key.values()) == list(range(1, 21))
    assert sum(not a.repeat for a in accepted) == 20
    assert all(a.seq == by_key[k] for k, a in zip(keys, accepted, strict=True))
    stored = await ledger.messages.after("web:a", 0)
    assert [m.seq for m in stored] == list(range(1, 21))


async def test_that_two_ledgers_on_one_database_share_the_numbers(ledger, url):
    other = Ledger.at(url, Path("/"))
    accepted = await asyncio.gather(
        *(
            (ledger if i % 2 else other).messages.accept(inbound(f"k{i // 2}"))
            for i in range(40)
        )
    )
    await other.close()
    assert sorted({a.seq for a in accepted}) == list(range(1, 21))


async def test_that_a_turn_is_resumed_with_its_own_messages_and_ends_once(ledger):
    for i, after in enumerate((0, 1, 2)):
        await ledger.messages.accept(inbound(f"k{i}", after=after))
    turn = await ledger.turns.begin("web:a", NOW, WINDOW)
    await ledger.messages.accept(inbound("later", after=2.5))
    again = await ledger.turns.begin("web:a", NOW, WINDOW)
    assert (again.turn_id, again.messages) == (turn.turn_id, turn.messages)
    assert (turn.resumed, again.resumed, again.more) == (False, True, True)
    assert [m.text for m in turn.messages] == ["k0", "k1", "k2"]
    assert await waiting(ledger) == ["web:a"]
    written = await ledger.turns.finish(again, ended(outbound("r")), NOW)
    assert [m.seq for m in written.messages] == [5]
    with pytest.raises(StaleTurn):
        await ledger.turns.finish(turn, ended(outbound("r2")), NOW)
    assert len(await ledger.messages.after("web:a", 0)) == 5
    rest = await ledger.turns.begin("web:a", NOW, WINDOW)
    assert [m.text for m in rest.messages] == ["later"]
    await ledger.turns.finish(rest, ended(), NOW)
    assert await ledger.turns.begin("web:a", NOW, WINDOW) is None
    assert await waiting(ledger) == []


async def test_that_payloads_files_and_pauses_end_a_burst(ledger):
    for item in (
        inbound("a"),
        inbound("b", after=1),
        Inbound("web:a", "p", NOW, Kind.PAYLOAD, payload="/affirm"),
        inbound("c", after=2),
        inbound("d", after=9),
    ):
        await ledger.messages.accept(item)
    bursts = []
    while turn := await ledger.turns.begin("web:a", NOW, WINDOW):
        bursts.append([m.text or m.payload for m in turn.messages])
        await ledger.turns.finish(turn, ended(), NOW)
    assert bursts == [["a", "b"], ["/affirm"], ["c"], ["d"]]


async def test_that_nothing_of_a_failed_end_is_written(ledger):
    await ledger.messages.accept(inbound("k"))
    turn = await ledger.turns.begin("web:a", NOW, WINDOW)

    def broken(place: QueuePlace) -> Outbound:
        raise RuntimeError("no words")

    move = Move(Status.QUEUED, "bot", Handoff("x"))
    end = Conclusion(Outcome.ANSWERED, (outbound("r"),), broken, WINDOW, move)
    with pytest.raises(RuntimeError):
        await ledger.turns.finish(turn, end, NOW)
    assert await ledger.messages.holder("web:a") == (Status.BOT, 1)
    assert await ledger.moves.history("web:a") == ()
    await ledger.turns.finish(turn, ended(outbound("r")), NOW)


async def test_that_words_waiting_at_a_takeover_are_left_to_the_human(ledger):
    await ledger.messages.accept(inbound("k"))
    turn = await ledger.turns.begin("web:a", NOW, WINDOW)
    await ledger.messages.accept(inbound("next", after=1))
    for to, actor in ((Status.QUEUED, "system"), (Status.AGENT, "agent:agent1")):
        move = Move(to, actor, Handoff("x"))
        await ledger.moves.make("web:a", move, NOW, lambda place: ())
    assert await ledger.turns.begin("web:a", NOW, WINDOW) is None
    assert await waiting(ledger) == []
    with pytest.raises(StaleTurn):  # held; its late answer has nowhere to go
        await ledger.turns.finish(turn, ended(outbound("r")), NOW)
    assert len(await ledger.messages.after("web:a", 0)) == 2


async def test_that_the_queue_counts_who_is_really_ahead(ledger):
    places = []

    def tell(place: QueuePlace):
        places.append(place.ahead)
        return ()

    for i, (name, priority) in enumerate(
        [
            ("a", "normal"),
            ("b", "normal"),
            ("c", "high"),
            ("d", "high"),
            ("e", "normal"),
        ]
    ):
        sender = f"web:{name}"
        await ledger.messages.accept(inbound("k", sender))
        move = Move(Status.QUEUED, "bot", Handoff("x", Priority(priority)))
        await ledger.moves.make(sender, move, NOW + timedelta(seconds=i), tell)
    assert places == [0, 1, 0, 1, 4]
    with pytest.raises(IllegalMove):
        await ledger.moves.make("web:a", move, NOW, tell)


async def test_that_one_key_stores_one_message_to_the_customer(ledger):
    await ledger.messages.post((outbound("once"),), NOW)
    from sqlalchemy.exc import IntegrityError

    with pytest.raises(IntegrityError):
        await ledger.messages.post((outbound("once"),), NOW)
    assert await ledger.messages.holder("web:a") == (Status.BOT, 1)


async def test_that_receipts_cover_what_came_before(ledger):
    for i in range(4):
        await ledger.messages.post((outbound(f"m{i}"),), NOW)
    await ledger.deliveries.confirm({"web:a": 3, "web:nobody": 9}, NOW)
    missed = await ledger.deliveries.undelivered("web:a")
    assert [m.seq for m in missed] == [4]


async def test_that_the_tables_are_what_the_code_says(ledger, url):
    await ledger.check()
    engine = create_engine(sync_url(url, Path("/")))
    with engine.connect() as connection:
        found = inspect(connection)
        for table in metadata.tables.values():
            columns = {c["name"] for c in found.get_columns(table.name)}
            assert columns == set(table.columns.keys())
            indexes = {i["name"] for i in found.get_indexes(table.name)}
            assert {i.name for i in table.indexes} <= indexes
    engine.dispose()
    assert upgrade(sync_url(url, Path("/"))) == newest()


async def test_that_a_missing_database_is_a_store_error(tmp_path):
    ledger = Ledger.at(f"sqlite:///{tmp_path}/none/ledger.db", Path("/"))
    with pytest.raises(StoreError, match="no such table"):
        await ledger.messages.accept(inbound("k"))
    with pytest.raises(StoreError, match="baoke db upgrade"):
        await ledger.check()
    await ledger.close()


async def test_that_reading_what_waits_uses_the_small_indexes(tmp_path):
    shutil.copy(_template(), tmp_path / "ledger.db")
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.db")
    queries = {
        "SELECT seq FROM messages WHERE sender_id='a' AND awaiting = 1 ORDER BY seq": (
            "ix_messages_awaiting"
        ),
        "SELECT DISTINCT sender_id FROM messages WHERE awaiting = 1": (
            "ix_messages_awaiting"
        ),
        "UPDATE deliveries SET state='delivered' WHERE sender_id='a' AND seq<=5 "
        "AND state = 'pending'": "ix_deliveries_pending",
    }
    with engine.connect() as connection:
        for query, index in queries.items():
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {query}")).all()
            assert index in str(plan), query
    engine.dispose()
