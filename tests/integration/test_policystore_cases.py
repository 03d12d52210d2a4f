"""Complaints as they are handled: in charge, progress, more time, decision, review."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from store_kit import CLAUSE, DUE, NOW, execute, file_complaint
from test_policystore_complaints import get, unseal, verify

from actions.errors import IllegalStep, UnknownCase
from actions.policystore.case_model import LogCheck

DAY = timedelta(days=1)
LAW = "办法第十八条"


def step(store, name, number, *told, **more):
    with store() as uow:
        return getattr(uow.cases, name)(number, *told, now=more.pop("now", NOW), **more)


def refused(store, name, number, *told, **more):
    with pytest.raises(IllegalStep) as caught:
        step(store, name, number, *told, **more)
    return caught.value.why


@pytest.fixture
def number(store):
    return file_complaint(store).complaint_no


@pytest.fixture
def in_charge(store, number):
    step(store, "assign", number, "agent1", "leader", accused="王强")
    return number


def ask_review(store, number, now=NOW, sender_id="web:one"):
    with store() as uow:
        return uow.complaints.ask_review(sender_id, None, number, DUE, LAW, now)


def test_that_a_case_goes_from_filing_to_its_end(store, in_charge):
    step(store, "progress", in_charge, "已经联系理赔部核实。", "agent1")
    step(
        store,
        "decide",
        in_charge,
        "已补付交通费，并向您道歉。",
        "agent1",
        now=NOW + DAY,
    )
    step(store, "close", in_charge, "leader")

    with store() as uow:
        case = uow.cases.get(in_charge.lower())
    assert [(e.kind, e.actor, e.words) for e in case.entries] == [
        ("filed", "customer:web", None),
        ("assigned", "agent:leader", None),
        ("progress", "agent:agent1", "已经联系理赔部核实。"),
        ("decided", "agent:agent1", "已补付交通费，并向您道歉。"),
        ("closed", "agent:leader", None),
    ]
    assert (case.handler, case.accused) == ("agent1", "王强")
    assert verify(store) == LogCheck(5, True, None)


def test_that_the_customer_sees_progress_and_decision(store, in_charge):
    step(store, "progress", in_charge, "已经联系理赔部核实。", "agent1")
    assert get(store, in_charge).decision is None

    step(store, "decide", in_charge, "已补付。", "agent1")

    seen = get(store, in_charge)
    assert seen.status == "decided"
    assert [said.text for said in seen.progress] == ["已经联系理赔部核实。"]
    assert (seen.decision.text, seen.decision.at) == ("已补付。", NOW)


def test_that_nobody_handles_a_complaint_about_themselves(store, number):
    why = refused(store, "assign", number, " Agent1", "leader", accused="agent1")

    assert why == "is_accused"
    step(store, "assign", number, "agent2", "leader", accused="agent1")
    assert refused(store, "assign", number, "AGENT1", "leader") == "is_accused"


def test_that_who_is_in_charge_decides_and_nobody_else(store, number):
    assert refused(store, "decide", number, "好", "agent1") == "no_handler"
    step(store, "assign", number, "agent1", "leader")
    assert refused(store, "decide", number, "好", "agent2") == "not_in_charge"
    assert refused(store, "decide", number, " \0", "agent1") == "no_words"
    step(store, "decide", number, "好", "agent1")
    assert refused(store, "decide", number, "好", "agent1") == "not_open"


def test_that_more_time_needs_somebody_elses_yes(store, in_charge):
    later, latest = NOW + 30 * DAY, NOW + 60 * DAY
    told = (in_charge, later, LAW)
    assert refused(store, "extend", *told, "leader") == "not_asked"

    step(store, "ask_extension", in_charge, "等医院回函", "agent1")

    assert (
        refused(store, "ask_extension", in_charge, "再等", "agent1") == "asked_already"
    )
    assert refused(store, "extend", *told, "agent1") == "own_wish"
    case = step(store, "extend", *told, "leader")
    assert (case.complaint.status, case.complaint.due_at) == ("extended", later)
    assert (case.complaint.due_clause, case.extension_level) == (LAW, 1)
    step(store, "ask_extension", in_charge, "鉴定未出", "agent1")
    step(store, "extend", in_charge, latest, LAW, "leader")
    assert (
        refused(store, "ask_extension", in_charge, "还要", "agent1") == "no_more_time"
    )
    assert verify(store).ok


def test_that_a_refused_extension_leaves_the_limit(store, in_charge):
    step(store, "ask_extension", in_charge, "忙", "agent1")

    case = step(store, "refuse_extension", in_charge, "材料已齐，按期办结", "leader")

    assert (case.complaint.due_at, case.extension_asked_by) == (DUE, None)
    assert case.complaint.status == "investigating"


def test_that_a_review_goes_to_somebody_else(store, in_charge):
    step(store, "decide", in_charge, "不予补付。", "agent1")

    taken = ask_review(store, in_charge, NOW + 30 * DAY)

    assert (taken.status, taken.due_at, taken.due_clause) == ("reviewing", DUE, LAW)
    assert ask_review(store, in_charge, NOW + 30 * DAY) == taken
    why = refused(store, "assign", in_charge, "agent1", "leader")
    assert why == "decided_before"
    step(store, "assign", in_charge, "agent2", "leader")
    case = step(store, "decide", in_charge, "补付200元。", "agent2")
    assert case.complaint.decision.text == "补付200元。"
    assert verify(store).ok


def test_that_a_review_has_its_time_and_its_owner(store, in_charge):
    with pytest.raises(IllegalStep, match="not_decided"):
        ask_review(store, in_charge)
    step(store, "decide", in_charge, "不予补付。", "agent1")

    assert ask_review(store, in_charge, sender_id="web:two") is None
    with pytest.raises(IllegalStep, match="too_late"):
        ask_review(store, in_charge, NOW + 31 * DAY)


def test_that_evidence_stands_in_the_log(store, number):
    with store() as uow:
        uow.complaints.add_evidence("web:one", None, number, "a1b2", "截图.png", NOW)

    with store() as uow:
        entry = uow.cases.get(number).entries[-1]
    assert (entry.kind, entry.words, entry.data["file"]) == (
        "evidence",
        "截图.png",
        "a1b2",
    )


def test_that_a_moved_limit_is_written_down(store, number):
    case = step(store, "move_due", number, DUE - DAY, CLAUSE, "agreement 2027.1")

    entry = case.entries[-1]
    assert (entry.kind, entry.actor) == ("due_moved", "system")
    assert (entry.data["why"], entry.data["due_before"]) == (
        "agreement 2027.1",
        DUE.isoformat(),
    )
    assert case.complaint.due_at == DUE - DAY


def test_that_the_first_due_comes_first(store):
    numbers = [file_complaint(store, f"turn-{n}").complaint_no for n in range(3)]
    step(store, "move_due", numbers[2], DUE - DAY, CLAUSE, "x")
    step(store, "assign", numbers[0], "agent1", "leader")
    step(store, "decide", numbers[0], "好", "agent1")

    with store() as uow:
        found = [case.complaint.complaint_no for case in uow.cases.open_ones()]

    assert found == [numbers[2], numbers[1]]


def test_that_there_is_no_case_of_an_unknown_number(store):
    with pytest.raises(UnknownCase):
        step(store, "close", "T2099010100001", "leader")
    with store() as uow:
        assert uow.cases.get("T2099010100001") is None


def test_that_of_two_who_decide_at_once_one_decides(store, in_charge):
    def decide(text):
        try:
            step(store, "decide", in_charge, text, "agent1")
        except IllegalStep as err:
            return err.why
        return "decided"

    with ThreadPoolExecutor(2) as pool:
        found = sorted(pool.map(decide, ["甲", "乙"]))

    assert found == ["decided", "not_open"]
    assert verify(store).ok


@pytest.mark.parametrize(
    ("statement", "first_bad"),
    [
        ("UPDATE complaint_words SET text = '已补付8000。' WHERE kind = 'decided'", 3),
        ("DELETE FROM complaint_words WHERE kind = 'decided'", 3),
        ("UPDATE complaints SET handler = 'agent2'", 3),
        ("UPDATE complaints SET extension_level = 1", 3),
        ("UPDATE complaints SET decided_by = 'leader'", 3),
        ("UPDATE complaint_words SET entry_no = 9", 3),
    ],
)
def test_that_what_was_done_behind_the_log_is_found(
    store, in_charge, statement, first_bad
):
    step(store, "decide", in_charge, "已补付800。", "agent1")
    assert verify(store) == LogCheck(3, True, None)
    unseal(store)

    execute(store, statement)

    found = verify(store)
    assert (found.ok, found.first_bad) == (False, first_bad)
