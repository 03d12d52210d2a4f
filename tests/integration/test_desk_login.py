"""Agents' logins under attack: counted first, slow for nobody else, telling nothing."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from desk_kit import HASH, PASSWORD, Browser, ask_for_human, desk_of
from edge_kit import FakeBrain, _template, make_edge, served

from bot.ledger.database import sync_url
from bot.ledger.login_tries import Scope, budget_for
from bot.ledger.migrate import upgrade
from bot.ledger.repository import Ledger
from channels.console import hashing
from channels.console.hashing import PasswordChecks
from channels.limits import network_of

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DEVICE = "baoke_desk_device"


class Clock:
    def __init__(self):
        self.moment = NOW

    def now(self):
        return self.moment


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "sqlite":
        shutil.copy(_template(), tmp_path / "login.db")
        return f"sqlite:///{tmp_path}/login.db"
    found = request.getfixturevalue("postgres_url")
    upgrade(sync_url(found, Path("/")))
    return found


@pytest.fixture
async def ledger(database_url):
    opened = Ledger.at(database_url, Path("/"))
    yield opened
    await opened.close()


@pytest.fixture
async def place(tmp_path, database_url, monkeypatch):
    """An edge with one agent on either database: its address and its clock."""
    # Argon2 all the same, only without the work: many tries are made here.
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    light = quick.hash(PASSWORD)
    monkeypatch.setattr(hashing, "_NOBODY", quick.hash("nobody's"))
    clock = Clock()
    settings = {"database_url": database_url, "clock": clock}
    edge = make_edge(tmp_path, FakeBrain(), address_burst=10_000, **settings)
    async with served(edge) as url:
        agents = edge.backstage.ledger.agents
        await agents.put("agent1", "小王", light)
        await agents.put("agent2", "小李", light)
        await agents.put("gone", "小赵", light)
        await agents.disable("gone")
        yield url, clock, agents


async def login(url, name, password=PASSWORD, address="203.0.113.1", device=None):
    cookies = {DEVICE: device} if device else None
    headers = {"X-Forwarded-For": address}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, cookies=cookies, timeout=120, verify=False
    ) as client:
        body = {"name": name, "password": password}
        return await client.post("/api/desk/login", json=body)


async def test_that_of_many_wrong_passwords_at_once_few_are_tried(place):
    url, _, _ = place
    # The right one is among them, late: it must not be found.
    words = ["wrong pass"] * 119 + [PASSWORD]
    answers = await asyncio.gather(*(login(url, "agent1", word) for word in words))
    codes = [answer.status_code for answer in answers]
    tried = len(codes) - codes.count(429)
    assert tried == 5
    assert codes.count(401) + codes.count(200) == tried


async def test_that_a_stranger_cannot_lock_an_agent(place):
    url, clock, _ = place
    for _ in range(8):
        await login(url, "agent1", "wrong pass", "198.51.100.7")
    assert (await login(url, "agent1", address="198.51.100.7")).status_code == 429
    assert (await login(url, "agent1", address="203.0.113.1")).status_code == 200
    clock.moment += 10 * MINUTE
    assert (await login(url, "agent1", address="198.51.100.7")).status_code == 200


async def test_that_one_network_is_one_stranger_in_ipv6(place):
    url, _, _ = place
    for n in range(5):
        await login(url, "agent1", "wrong pass", f"2001:db8:1:2::{n + 1:x}")
    inside = await login(url, "agent1", address="2001:db8:1:2:ffff::9")
    assert inside.status_code == 429
    assert (await login(url, "agent1", address="2001:db8:1:3::1")).status_code == 200


async def test_that_guessing_from_everywhere_is_slow_and_a_known_browser_gets_in(place):
    url, clock, _ = place
    device = (await login(url, "agent1")).cookies[DEVICE]
    codes = [
        (await login(url, "agent1", "wrong pass", f"198.51.{n}.1")).status_code
        for n in range(70)
    ]
    assert codes == [401] * 60 + [429] * 10
    stranger = await login(url, "agent1", address="192.0.2.1")
    assert stranger.status_code == 429
    assert int(stranger.headers["retry-after"]) <= 30
    for address in ("192.0.2.2", "198.51.1.1"):  # wherever it is now
        known = await login(url, "agent1", address=address, device=device)
        assert known.status_code == 200
    clock.moment += MINUTE / 2
    assert (await login(url, "agent1", address="192.0.2.3")).status_code == 200


@pytest.mark.parametrize("change", ["forged", "another name's", "too old", "odd"])
async def test_that_only_a_true_cookie_makes_a_browser_known(place, change):
    url, clock, _ = place
    device = (await login(url, "agent1")).cookies[DEVICE]
    other = (await login(url, "agent2")).cookies[DEVICE]
    if change == "too old":
        clock.moment += timedelta(days=181)
    for _ in range(5):
        await login(url, "agent1", "wrong pass")
    shown = {
        "forged": device[:-1] + ("0" if device[-1] != "0" else "1"),
        "another name's": other,
        "too old": device,
        "odd": "." * 150,
    }[change]
    assert (await login(url, "agent1", device=shown)).status_code == 429


async def test_that_a_known_browser_is_no_way_to_guess(place):
    url, _, _ = place
    device = (await login(url, "agent1")).cookies[DEVICE]
    codes = [
        (await login(url, "agent1", "wrong pass", device=device)).status_code
        for _ in range(7)
    ]
    assert codes == [401] * 5 + [429] * 2


async def test_that_spraying_many_names_is_stopped_by_the_address(place):
    url, _, _ = place
    codes = [
        (await login(url, f"name{n}", "wrong pass")).status_code for n in range(65)
    ]
    assert codes == [401] * 60 + [429] * 5
    assert (await login(url, "agent1", address="192.0.2.9")).status_code == 200


async def test_that_the_answers_do_not_tell_which_names_exist(place):
    url, _, _ = place

    async def told(name, address):
        answers = [await login(url, name, "wrong pass", address) for _ in range(7)]
        return [
            (answer.status_code, answer.json(), answer.headers.get("retry-after"))
            for answer in answers
        ]

    known = await told("agent1", "198.51.100.1")
    for n, name in enumerate(("nobody", "gone", "agent1 ", "AGENT1", "保客")):
        assert await told(name, f"198.51.101.{n}") == known
    assert [code for code, *_ in known] == [401] * 5 + [429] * 2
    assert (await login(url, "gone", PASSWORD, "192.0.2.1")).status_code == 401


async def test_that_known_and_unknown_names_make_the_same_steps(tmp_path, monkeypatch):
    hashed, written = [], []
    async with desk_of(tmp_path) as (edge, web, _):
        checks = _checks_of(monkeypatch, hashed)
        database = edge.backstage.ledger._database
        write = database.write

        async def counted(work):
            written.append(work)
            return await write(work)

        monkeypatch.setattr(database, "write", counted)
        steps = []
        for name in ("agent2", "nobody"):
            await login(str(web.base_url), name, "wrong pass", f"192.0.2.{len(name)}")
            steps.append((len(hashed), len(written)))
            hashed.clear()
            written.clear()
        assert steps[0] == steps[1]
        assert steps[0][0] == 1
        assert checks


def _checks_of(monkeypatch, hashed):
    fits = hashing._fits

    def noted(*words):
        hashed.append(words)
        return fits(*words)

    monkeypatch.setattr(hashing, "_fits", noted)
    return True


async def test_that_many_logins_hold_up_no_page(tmp_path):
    async with desk_of(tmp_path, address_burst=10_000) as (_, web, _):
        url = str(web.base_url)
        logins = [
            asyncio.create_task(login(url, f"n{n}", "x" * 200, f"198.51.100.{n}"))
            for n in range(60)
        ]
        await asyncio.wait(logins, return_when=asyncio.FIRST_COMPLETED)
        for path in ("/healthz", "/console", "/widget.js"):
            assert (await web.get(path)).status_code == 200
        # Three pages came while most passwords still waited for their turn.
        assert sum(not task.done() for task in logins) > 10
        answers = await asyncio.gather(*logins)
        busy = [answer for answer in answers if answer.status_code == 429]
        assert [a.status_code for a in answers if a not in busy].count(401) >= 32
        assert busy
        for answer in busy:
            assert answer.json()["error"]["code"] == "login_busy"
            assert int(answer.headers["retry-after"]) > 0
        # What was not tried was not counted.
        again = await login(url, "n59", "x", "198.51.100.59")
        assert again.status_code == 401


async def test_that_whoever_hangs_up_leaves_no_place_taken(tmp_path):
    checks = PasswordChecks(most=2)
    for _ in range(5):
        waiting = [
            asyncio.create_task(checks.fits(HASH, "wrong pass")) for _ in range(2)
        ]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        while checks._open:
            await asyncio.sleep(0.01)
    assert await checks.fits(HASH, PASSWORD)
    assert not await checks.fits(None, PASSWORD)


async def test_that_a_new_password_lets_the_agent_in_at_once(place):
    url, _, agents = place
    for _ in range(6):
        await login(url, "agent1", "wrong pass")
    assert (await login(url, "agent1")).status_code == 429
    await agents.put("agent1", "小王", HASH)
    assert (await login(url, "agent1")).status_code == 200


async def test_that_a_right_password_makes_the_tries_whole(place):
    url, _, _ = place
    for _ in range(4):
        for _ in range(4):
            assert (await login(url, "agent1", "wrong pass")).status_code == 401
        assert (await login(url, "agent1")).status_code == 200


async def test_that_budgets_are_exact_on_both_databases(ledger):
    budget = budget_for(Scope.PAIR, ("a", "b"), 3, MINUTE)
    tries = ledger.login_tries
    waits = await asyncio.gather(*(tries.take([budget], NOW) for _ in range(20)))
    assert sorted(waits, key=str).count(None) == 3
    assert {wait for wait in waits if wait} == {MINUTE}
    assert await tries.take([budget], NOW + MINUTE - timedelta(seconds=1)) is not None
    assert await tries.take([budget], NOW + MINUTE) is None
    assert await tries.take([budget], NOW + MINUTE) == MINUTE


async def test_that_a_spent_budget_costs_the_others_nothing(ledger):
    spent = budget_for(Scope.PAIR, ("a", "b"), 1, MINUTE)
    whole = budget_for(Scope.NAME, ("a",), 1, MINUTE)
    assert await ledger.login_tries.take([spent], NOW) is None
    assert await ledger.login_tries.take([whole, spent], NOW) == MINUTE
    assert await ledger.login_tries.take([whole], NOW) is None
    await ledger.login_tries.give_back([whole])
    assert await ledger.login_tries.take([whole], NOW) is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_that_a_network_is_what_one_visitor_holds(address, network):
    assert network_of(address) == network


async def test_that_the_browser_that_logged_in_is_known_by_its_cookie(tmp_path):
    async with desk_of(tmp_path) as (_, web, _):
        browser = Browser(str(web.base_url))
        first = await browser.login("agent1")
        kept = first.headers.get_list("set-cookie")
        (device,) = [line for line in kept if line.startswith(DEVICE)]
        assert "HttpOnly" in device and "SameSite=strict" in device
        assert "Path=/api/desk/login" in device
        await browser.client.aclose()


@pytest.mark.parametrize("path", ["changes", "conversations/{}/messages"])
async def test_that_a_closed_account_hears_no_more(tmp_path, path):
    async with desk_of(tmp_path) as (edge, web, (agent, *_)):
        visitor, sender_id = await ask_for_human(edge, web)
        since = (await agent.get("changes")).json()["number"]
        query = {"after": 50, "since": since, "wait": 20}
        poll = asyncio.create_task(agent.get(path.format(sender_id), **query))
        await asyncio.sleep(0.5)  # closed too early it hears nothing either
        await edge.backstage.ledger.agents.disable("agent1")
        await visitor.post(text="还在吗", client_message_id="m9")
        assert (await poll).status_code == 401
