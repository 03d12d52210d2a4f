"""A core system that answers slowly, wrongly, twice or not at all."""

import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from reference_core import build_core, contract
from store_kit import NOW, TOKEN, ZHANG, ZHANG_CAR, a_report, opened

from actions.calling import Breaker
from actions.errors import CoreAway, RepeatedTurn, UnknownPolicy
from actions.policystore import core_http
from actions.policystore.core_http import CoreSystem
from actions.policystore.model import Customer, Locked, Mismatch, Verified

ROOT = Path(__file__).resolve().parents[2]
POLICY = {
    "policy_no": ZHANG_CAR, "product": "车险", "product_code": "car", "name": "车险",
    "status": "in_force", "insured_name": "张伟", "sum_insured_fen": 1, "premium_fen": 1,
    "start": "2026-01-01", "end": "2026-12-31",
}  # fmt: skip


NAIVE = {"due_on": "2026-01-01", "amount_fen": 1, "paid_at": "2026-01-01T00:00:00"}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("actions.calling._PAUSE", 0.0)


def core(answer, **more):
    """A client whose network is a function."""
    return CoreSystem("http://core", transport=httpx.MockTransport(answer), **more)


def says(status, body=None, raw=None):
    content = json.dumps(body).encode() if raw is None else raw
    return lambda request: httpx.Response(status, content=content)


def with_policy(**changes):
    return says(200, {"policies": [{**POLICY, **changes}]})


def test_that_a_good_answer_is_read():
    (found,) = core(with_policy()).policies(ZHANG)
    assert (found.policy_no, found.end.isoformat()) == (ZHANG_CAR, "2026-12-31")


@pytest.mark.parametrize(
    "answer",
    [
        says(200, {"policies": None}),
        says(200, {"polices": []}),
        says(200, []),
        says(200, raw=b"<html>login</html>"),
        says(200, raw=b""),
        says(200, raw=b"\xff\xfe"),
        says(200, raw=b"[" * 100_000),
        says(200, raw=b" " * (core_http.MAX_ANSWER_BYTES + 1)),
        says(302, {}),
        says(401, {}),
        says(422, {}),
        says(500, {}),
        with_policy(status="gone"),
        with_policy(premium_fen=-1),
        with_policy(premium_fen="viel"),
        with_policy(start="2026-02-30"),
        with_policy(start=None),
        with_policy(premiums=[NAIVE]),
        with_policy(coverages=[{"name": "x", "amount_fen": -5}]),
    ],
)  # fmt: skip
def test_that_nonsense_is_no_answer(answer):
    with pytest.raises(CoreAway) as caught:
        core(answer).policies(ZHANG)
    assert "login" not in str(caught.value) and ZHANG_CAR not in str(caught.value)


def test_that_another_policy_than_the_one_asked_for_is_no_answer():
    with pytest.raises(CoreAway):
        core(says(200, {**POLICY, "policy_no": "P2099010100001"})).policy(
            ZHANG, ZHANG_CAR
        )
    assert core(says(404, {})).policy(ZHANG, ZHANG_CAR) is None


@pytest.mark.parametrize(
    "person",
    [
        {"customer_id": "x" * 41, "name": "a", "phone": "1"},
        {"customer_id": "", "name": "a", "phone": "1"},
        {"customer_id": "x", "name": "a\0", "phone": "1"},
        {"customer_id": "x", "name": "a"},
        "x",
    ],
)
def test_that_a_customer_who_cannot_be_kept_is_no_answer(person):
    with pytest.raises(CoreAway):
        core(says(200, {"customer": person})).check_identity(ZHANG_CAR, "1234")


def test_that_a_short_illness_is_sat_out_and_a_long_one_is_not_asked_about():
    asked, now = [], [0.0]
    script = [503, 500]

    def answer(request):
        asked.append(request.url.path)
        if script:
            status = script.pop(0)
            if status:
                return httpx.Response(status)
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json={"policies": []})

    breaker = Breaker(CoreAway, failures=2, pause=10, clock=lambda: now[0])
    system = core(answer, breaker=breaker)
    assert system.policies(ZHANG) == []
    assert len(asked) == 3
    script[:] = [0] * 6
    for _ in range(2):
        with pytest.raises(CoreAway):
            system.policies(ZHANG)
    assert len(asked) == 9
    with pytest.raises(CoreAway, match="not asked"):
        system.policies(ZHANG)
    assert len(asked) == 9
    now[0] = 11.0
    script[:] = [0] * 3
    with pytest.raises(CoreAway):
        system.policies(ZHANG)  # one may try
    with pytest.raises(CoreAway, match="not asked"):
        system.policies(ZHANG)
    now[0] = 22.0
    assert system.policies(ZHANG) == []
    assert system.policies(ZHANG) == []


def test_that_a_report_whose_answer_was_lost_makes_one_claim(core_settings):
    lost = []

    class Lossy(httpx.HTTPTransport):
        def handle_request(self, request):
            answer = super().handle_request(request)
            if request.method == "POST" and not lost:
                answer.read()
                lost.append(answer.status_code)
                raise httpx.ReadTimeout("no answer")
            return answer

    system = CoreSystem(core_settings.policy_store_url, TOKEN, transport=Lossy())
    before = len(system.claims(ZHANG))
    made = system.report(ZHANG, a_report(), "turn-1", NOW)
    assert lost == [200]
    assert len(system.claims(ZHANG)) == before + 1
    assert system.report(ZHANG, a_report(), "turn-1", NOW) == made
    with pytest.raises(UnknownPolicy):
        system.report(ZHANG, a_report(policy_no="P2099010100001"), "turn-2", NOW)
    with pytest.raises(RepeatedTurn):
        system.report("CU000002", a_report(policy_no="P2025080800033"), "turn-1", NOW)
    system.close()


def test_that_a_wrong_token_is_no_answer(core_settings):
    system = CoreSystem(core_settings.policy_store_url, "guess")
    with pytest.raises(CoreAway):
        system.policies(ZHANG)
    system.close()


def test_that_an_absent_core_system_binds_and_counts_nothing(core_settings):
    away = core_settings.model_copy(update={"policy_store_url": "http://127.0.0.1:9"})
    from actions import migrate

    with opened(away) as store:
        migrate.upgrade(store.engine)
        with pytest.raises(CoreAway), store() as uow:
            uow.identity.verify("web:one", ZHANG_CAR, "1234", NOW)
        with store() as uow:
            assert uow.identity.customer_of("web:one", NOW) is None
            assert uow.identity.locked_until("web:one", NOW) is None
    with opened(core_settings) as store, store() as uow:
        assert isinstance(
            uow.identity.verify("web:one", ZHANG_CAR, "0000", NOW), Mismatch
        )


def test_that_many_guesses_at_once_never_pass_the_limit(core_settings):
    """The core system is slow; all of them ask before the first failure is written."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    from actions import migrate

    gate = Barrier(8, timeout=60)
    right = "5678"

    def check(policy_no, tail):
        gate.wait()
        return Customer(ZHANG, "张伟", "13900000001") if tail == right else None

    with opened(core_settings) as store:
        migrate.upgrade(store.engine)
        store.core.check_identity = check

        def guess(tail):
            with store() as uow:
                return uow.identity.verify("web:one", ZHANG_CAR, tail, NOW)

        tails = [*(f"{n:04}" for n in range(7)), right]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(guess, tails))
        counted = [one for one in found if isinstance(one, (Mismatch, Locked))]
        mismatches = sum(isinstance(one, Mismatch) for one in found)
        assert mismatches <= 2 * (1 + sum(isinstance(o, Verified) for o in found))
        assert len(counted) >= 7
        passed = [one for one in found if isinstance(one, Verified)]
        assert len(passed) <= 1


def test_that_the_written_contract_is_the_servers(core_settings):
    with opened(core_settings) as store:
        written = (ROOT / "docs/core-system.openapi.json").read_text(encoding="utf-8")
        assert json.loads(written) == json.loads(contract(build_core(store)))


def test_that_the_reference_server_refuses_rubbish(core_settings):
    url = core_settings.policy_store_url
    with httpx.Client(
        base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}
    ) as web:
        assert web.post("/v1/identity-checks", json={"policy_no": 3}).status_code == 422
        assert web.get("/v1/customers/x/policies/y").status_code == 404
        path = f"/v1/customers/{ZHANG}/claims"
        assert (
            web.post(path, json={}, headers={"Idempotency-Key": "1"}).status_code == 422
        )
    assert httpx.get(f"{url}/v1/customers/x/policies").status_code == 401


async def test_that_a_customer_is_given_to_a_human_while_it_is_away(
    core_settings, tmp_path
):
    """No apology of the machine, no half answer: words, and somebody who can help."""
    from action_kit import Ear, services_of, with_services
    from rasa_sdk import Tracker

    from actions import migrate
    from actions.query_policy import ActionQueryPolicy

    with opened(core_settings) as store:
        migrate.upgrade(store.engine)
        with store() as uow:
            uow.identity._remember(Customer(ZHANG, "张伟", "13900000001"))
            uow.identity._bind("web:one", ZHANG, NOW)
        away = core_settings.model_copy(
            update={"policy_store_url": "http://127.0.0.1:9"}
        )
        with opened(away) as store:
            services = services_of(store, now=NOW)
            services = replace(services, unit_of_work=store)
            action, ear = with_services(ActionQueryPolicy, services), Ear()
            message = {
                "text": "我的保单",
                "intent": {"name": "query_policy", "confidence": 1.0},
            }
            tracker = Tracker(
                "web:one", {}, message, [], False, None, {}, "action_listen"
            )
            events = await action.perform(ear.dispatcher, tracker)
    (said,) = ear.heard
    assert (said.response, said.handoff["reason"]) == ("utter_core_away", "core_away")
    assert events == []
