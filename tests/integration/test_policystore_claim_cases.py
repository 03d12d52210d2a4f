"""Claims as they are handled: legal moves, papers once, decisions that add up."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from store_kit import LI, NOW, ZHANG, a_report

from actions.errors import IllegalStep, UnknownCase
from actions.policystore.claim_cases import DECISIONS, NEXT
from actions.policystore.model import CalculationLine, ClaimFile, ClauseRef

CLAUSE = ClauseRef("车险", "第六条(二)")
LINES = (
    CalculationLine("定损金额", 500_000),
    CalculationLine("绝对免赔额", -50_000),
)


def report(store, turn_id="turn-1", papers=("驾驶证", "维修发票")):
    with store() as uow:
        return uow.claims.report(ZHANG, a_report(papers=papers), turn_id, NOW).claim_no


def move(store, number, to, **told):
    with store() as uow:
        return uow.claim_cases.move(number, to, "agent1", NOW, **told)


def decide(store, number, outcome, **told):
    with store() as uow:
        return uow.claim_cases.decide(number, outcome, "agent1", NOW, **told)


def receive(store, number, paper, file_id="f-1", customer_id=ZHANG):
    file = ClaimFile(file_id, paper, "照片.jpg", NOW)
    with store() as uow:
        return uow.claims.receive_paper(customer_id, number, paper, file)


def why(step, *told, **more):
    with pytest.raises(IllegalStep) as caught:
        step(*told, **more)
    return caught.value.why


@pytest.fixture
def assessed(store):
    number = report(store, papers=())
    move(store, number, "under_assessment")
    return number


def test_that_a_claim_goes_from_report_to_payment(store):
    number = report(store)
    with store() as uow:
        uow.claim_cases.want_papers(number, ["维修发票", "事故认定书"], "agent1", NOW)
    assert why(move, store, number, "under_assessment") == "papers_missing"
    for position, paper in enumerate(("驾驶证", "维修发票", "事故认定书")):
        receive(store, number, paper, f"f-{position}")
    move(store, number, "under_survey")
    move(store, number, "under_assessment")
    decide(store, number, "partially_approved", amount_fen=450_000, lines=LINES,
           reason="扣除绝对免赔额", clause=CLAUSE)  # fmt: skip
    move(store, number, "paying")
    claim = move(store, number, "paid", reason="已转入尾号1234的账户")

    assert [(c.status, c.actor) for c in claim.history] == [
        ("reported", "customer"),
        ("papers_missing", "agent:agent1"),
        ("under_survey", "agent:agent1"),
        ("under_assessment", "agent:agent1"),
        ("partially_approved", "agent:agent1"),
        ("paying", "agent:agent1"),
        ("paid", "agent:agent1"),
    ]
    assert (claim.amount_fen, claim.calculation) == (450_000, LINES)
    with store() as uow:  # what the customer is shown is the same
        assert uow.claims.get(ZHANG, number) == claim


def test_that_papers_are_asked_for_once(store):
    number = report(store)
    with store() as uow:
        uow.claim_cases.want_papers(number, ["事故认定书"], "agent1", NOW)
    move(store, number, "under_survey")

    def again():
        with store() as uow:
            uow.claim_cases.want_papers(number, ["银行卡"], "agent1", NOW)

    assert why(again) == "asked_already"


def test_that_nothing_is_asked_for_when_nothing_is_missing(store):
    number = report(store, papers=())

    def ask():
        with store() as uow:
            uow.claim_cases.want_papers(number, [" "], "agent1", NOW)

    assert why(ask) == "nothing_missing"


def test_that_a_file_is_tied_to_its_paper_once(store):
    number = report(store)

    first = receive(store, number, "驾驶证")
    again = receive(store, number, "驾驶证")
    more = receive(store, number, "驾驶证", "f-2")

    assert again == first
    assert [p.received_at for p in first.papers] == [NOW, None]
    assert [(f.file_id, f.paper) for f in more.files] == [
        ("f-1", "驾驶证"),
        ("f-2", "驾驶证"),
    ]


def test_that_files_go_to_nobodys_claim(store):
    number = report(store)

    assert receive(store, number, "驾驶证", customer_id=LI) is None
    assert receive(store, "C2099010100001", "驾驶证") is None
    assert why(receive, store, number, "房产证") == "no_paper"
    move(store, number, "withdrawn")
    assert why(receive, store, number, "驾驶证") == "not_running"


@pytest.mark.parametrize(
    ("outcome", "told", "reason"),
    [
        ("approved", {}, "needs_amount"),
        ("approved", {"amount_fen": 0}, "needs_amount"),
        ("approved", {"amount_fen": -1}, "needs_amount"),
        ("approved", {"amount_fen": 10**19}, "needs_amount"),
        ("approved", {"amount_fen": 1, "lines": LINES}, "lines_do_not_add_up"),
        ("partially_approved", {"amount_fen": 1}, "needs_reason"),
        ("declined", {"reason": "等待期内"}, "needs_clause"),
        ("declined", {"clause": CLAUSE}, "needs_reason"),
        ("declined", {"reason": "x", "clause": CLAUSE, "amount_fen": 1}, "no_amount"),
        ("paid", {"amount_fen": 1}, "no_such_move"),
    ],
)
def test_that_a_decision_must_stand(store, assessed, outcome, told, reason):
    assert why(decide, store, assessed, outcome, **told) == reason
    with store() as uow:
        assert uow.claim_cases.get(assessed).status == "under_assessment"


def test_that_a_decided_claim_is_assessed_anew_with_a_reason(store, assessed):
    decide(store, assessed, "declined", reason="等待期内", clause=CLAUSE)
    assert why(move, store, assessed, "under_assessment") == "needs_reason"

    claim = move(store, assessed, "under_assessment", reason="客户补充了诊断证明")

    assert (claim.decision_reason, claim.decision_clause) == (None, None)
    assert claim.history[-2].reason == "等待期内"
    decided = decide(store, assessed, "approved", amount_fen=100, lines=())
    assert decided.amount_fen == 100


def test_that_a_decision_is_not_a_move(store, assessed):
    assert why(move, store, assessed, "approved") == "needs_decision"
    assert why(move, store, assessed, "papers_missing") == "needs_papers"
    with pytest.raises(UnknownCase):
        move(store, "C2099010100001", "paying")


def test_that_of_two_who_decide_at_once_one_decides(store, assessed):
    def one(amount):
        try:
            decide(store, assessed, "approved", amount_fen=amount)
        except IllegalStep as err:
            return err.why
        return "decided"

    with ThreadPoolExecutor(2) as pool:
        found = sorted(pool.map(one, [100, 200]))

    assert found == ["decided", "no_such_move"]
    with store() as uow:
        assert len(uow.claim_cases.get(assessed).history) == 3


STATES = sorted(NEXT)


@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(wished=some.lists(some.sampled_from(STATES), max_size=8))
def test_that_no_way_leads_past_the_legal_moves(store, wished):
    number = report(store, uuid4().hex, papers=())
    at = "reported"
    for to in wished:
        if to in DECISIONS:
            continue
        try:
            move(store, number, to, reason="x")
        except IllegalStep:
            assert to not in NEXT[at] or to == "papers_missing"
            continue
        assert to in NEXT[at]
        at = to
    with store() as uow:
        claim = uow.claim_cases.get(number)
    assert claim.status == at == claim.history[-1].status
