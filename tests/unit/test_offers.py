"""Who is asked to take what waits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.ledger.offers import Present, Waiting
from bot.offers import deal

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
PATIENCE = timedelta(seconds=30)


def wait(name="web:a", **more):
    return Waiting(name, NOW, **more)


def agent(name, skills=(), capacity=5, held=0):
    return Present(name, skills, capacity, held)


def asked(changed):
    return {row.sender_id: row.offered_to for row in changed}


def test_that_whoever_has_most_room_is_asked():
    here = [agent("a", held=2), agent("b", held=1), agent("c", capacity=2, held=1)]
    assert asked(deal([wait()], here, NOW, PATIENCE)) == {"web:a": "b"}


def test_that_whoever_served_last_is_asked_first_when_there_is_room():
    row = wait(last_agent="a")
    here = [agent("a", held=4), agent("b")]
    assert asked(deal([row], here, NOW, PATIENCE)) == {"web:a": "a"}
    full = [agent("a", held=5), agent("b")]
    assert asked(deal([row], full, NOW, PATIENCE)) == {"web:a": "b"}


def test_that_a_skill_is_asked_for_while_somebody_has_it():
    row = wait(skill="理赔")
    here = [agent("a"), agent("b", ("理赔",), held=4)]
    assert asked(deal([row], here, NOW, PATIENCE)) == {"web:a": "b"}
    busy = [agent("a"), agent("b", ("理赔",), held=5)]
    assert deal([row], busy, NOW, PATIENCE) == ()  # b comes back to it
    assert asked(deal([row], [agent("a")], NOW, PATIENCE)) == {"web:a": "a"}


def test_that_several_are_spread():
    rows = [wait(f"web:{n}") for n in range(5)]
    here = [agent("a", capacity=2), agent("b", capacity=2)]
    found = asked(deal(rows, here, NOW, PATIENCE))
    assert found == {"web:0": "a", "web:1": "b", "web:2": "a", "web:3": "b"}


def test_that_an_unanswered_offer_goes_round():
    here = [agent("a"), agent("b")]
    row, at, names = wait(), NOW, []
    for _ in range(4):
        (row,) = deal([row], here, at, PATIENCE) or (row,)
        names.append(row.offered_to)
        at += PATIENCE
    assert names == ["a", "b", "a", "b"]


def test_that_an_offer_stays_while_it_is_fresh():
    row = wait(offered_to="b", offered_at=NOW)
    here = [agent("a"), agent("b")]
    assert deal([row], here, NOW + PATIENCE - timedelta(seconds=1), PATIENCE) == ()


def test_that_the_offer_of_somebody_who_left_goes_on_at_once():
    row = wait(offered_to="b", offered_at=NOW)
    assert asked(deal([row], [agent("a")], NOW, PATIENCE)) == {"web:a": "a"}
    (gone,) = deal([row], [], NOW, PATIENCE)
    assert gone.offered_to is None
    assert (
        deal([replace(gone)], [], NOW, PATIENCE) == ()
    )  # and nothing is written again


@given(
    st.lists(st.tuples(st.sampled_from([None, "理赔"]), st.booleans()), max_size=12),
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 3), st.integers(0, 3)), max_size=4
    ),
)
def test_that_nobody_is_asked_beyond_their_room(waiting, people):
    rows = [
        wait(f"web:{n}", skill=skill, last_agent="a0" if known else None)
        for n, (skill, known) in enumerate(waiting)
    ]
    here = [
        agent(f"a{n}", ("理赔",) if able else (), capacity, held)
        for n, (able, capacity, held) in enumerate(people)
    ]
    found = asked(deal(rows, here, NOW, PATIENCE))
    for person in here:
        offers = sum(name == person.name for name in found.values())
        assert offers <= max(0, person.capacity - person.held)
