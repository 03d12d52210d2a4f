"""Who may decide and pay claims, who is kept from complaints about them, what is untrue."""
# ruff: noqa: RUF001 - full-width letters are what is tested

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from case_kit import case_services
from store_kit import ZHANG, a_report, file_complaint

from actions.errors import IllegalStep
from actions.for_agents import case_for, cases_for, customer_of, file_for, step_for
from actions.people import Person

DESK = [
    {"login": "agent1", "title": "小王", "leader": False, "active": True},
    {"login": "agent2", "title": "小李", "leader": False, "active": True},
    {"login": "agent2b", "title": "客服小李", "leader": False, "active": True},
    {"login": "leader", "title": "陈组长", "leader": True, "active": True},
    {"login": "leader2", "title": "周主管", "leader": True, "active": True},
    {"login": "gone", "title": "小赵", "leader": False, "active": False},
]
TITLES = {row["login"]: row["title"] for row in DESK}
LEADERS = {row["login"] for row in DESK if row["leader"]}


@pytest.fixture
def services(tmp_path):
    with case_services(tmp_path) as made:
        yield made


def step(services, who, kind, number, name, **told):
    asked = {
        "kind": kind,
        "number": number,
        "step": name,
        "told": {key.replace("_", "-"): value for key, value in told.items()},
        "actor": who,
        "title": TITLES[who],
        "leader": who in LEADERS,
        "desk": DESK,
    }
    return step_for(services, asked)["case"]


def why(services, *told, **more):
    with pytest.raises(IllegalStep) as caught:
        step(services, *told, **more)
    return caught.value.why


def reader(login):
    return Person(login, TITLES[login])


@pytest.fixture
def complaint(services):
    return file_complaint(services.unit_of_work).complaint_no


@pytest.mark.parametrize(
    "accused",
    ["小李", "客服小李", " 小 李 ", "小李老师", "小李经理", "agent2", "ＡＧＥＮＴ２", "Agent2 ",
     "小李（agent2）", "你们那个叫小李的坐席", "李经理", "老李", "小李明"],
)  # fmt: skip
@pytest.mark.parametrize("handler", ["agent2", "客服小李", "agent2b"])
def test_that_nobody_gets_a_complaint_about_themselves(
    services, complaint, accused, handler
):
    told = {"handler": handler, "accused": accused}

    refused = why(services, "leader", "complaints", complaint, "assign", **told)

    assert refused in ("is_accused", "accused_unclear", "unknown_handler")


@pytest.mark.parametrize(
    "accused", ["李经理", "不知道是谁", "某客服", "小李明", "不是我们的人"]
)
def test_that_a_doubtful_name_needs_a_choice(services, complaint, accused):
    told = {"handler": "agent1", "accused": accused}
    assert (
        why(services, "leader", "complaints", complaint, "assign", **told)
        == "accused_unclear"
    )

    case = step(
        services, "leader", "complaints", complaint, "assign", outside="yes", **told
    )

    assert (case["handler"], case["accused_login"]) == ("agent1", "-")
    assert case_for(services, "complaints", complaint, reader("agent2")) is not None


def test_that_a_name_like_nobodys_is_taken_as_it_is(services, complaint):
    told = {"handler": "小王", "accused": "王强"}

    case = step(services, "leader", "complaints", complaint, "assign", **told)

    assert (case["handler"], case["accused"]) == ("agent1", "王强")


@pytest.mark.parametrize("handler", ["gone", "agent9", "小", "小李"])
def test_that_only_an_open_account_is_put_in_charge(services, complaint, handler):
    refused = why(
        services, "leader", "complaints", complaint, "assign", handler=handler
    )

    assert refused == "unknown_handler"


@pytest.mark.parametrize("login", ["agent2", "agent2b"])
def test_that_the_accused_sees_nothing_of_it(services, complaint, login):
    with services.unit_of_work() as uow:
        uow.complaints.add_evidence(
            "web:one", None, complaint, "f1", "录音.png", services.now()
        )
    step(services, "leader", "complaints", complaint, "assign", handler="agent1",
         accused="agent2")  # fmt: skip

    with pytest.raises(IllegalStep, match="is_accused"):
        case_for(services, "complaints", complaint, reader(login))
    assert cases_for(services, "complaints", reader(login)) == []
    assert customer_of(services, "web:one", reader=reader(login))["complaints"] == []
    assert file_for(services, "web:one", "f1", reader(login)) == {"accused": True}
    assert file_for(services, "web:one", "f1", reader("agent1")) == {"accused": False}
    assert len(cases_for(services, "complaints", reader("agent1"))) == 1
    for name, told in (
        ("progress", {"text": "在查"}),
        ("decide", {"text": "好"}),
        ("ask-extension", {"text": "忙"}),
    ):
        refused = why(services, login, "complaints", complaint, name, **told)
        assert refused == "is_accused"


def test_that_an_accused_leader_assigns_and_reads_nothing(services, complaint):
    told = {"handler": "agent1", "accused": "陈组长"}
    step(services, "leader2", "complaints", complaint, "assign", **told)

    for name, told in (
        ("assign", {"handler": "agent2b"}),
        ("accuse", {"accused": "小李", "outside": "yes"}),
        ("progress", {"text": "在查"}),
    ):
        refused = why(services, "leader", "complaints", complaint, name, **told)
        assert refused == "is_accused"
    assert cases_for(services, "complaints", reader("leader")) == []


def test_that_who_is_accused_later_loses_the_case(services, complaint):
    step(services, "leader", "complaints", complaint, "assign", handler="agent1")

    case = step(services, "leader", "complaints", complaint, "accuse", accused="小王")

    assert (case["handler"], case["accused_login"]) == (None, "agent1")
    with services.unit_of_work() as uow:
        assert uow.complaints.verify().ok


def test_that_an_old_row_with_a_name_keeps_its_person_out(
    services, complaint, tmp_path
):
    with sqlite3.connect(tmp_path / "cases.db") as db:
        db.execute("UPDATE complaints SET accused = '客服小李'")

    with pytest.raises(IllegalStep, match="is_accused"):
        case_for(services, "complaints", complaint, reader("agent2"))
    refused = why(
        services, "leader", "complaints", complaint, "assign", handler="agent2"
    )
    assert refused == "is_accused"


def test_that_a_complaint_is_nobodys_business_but_its_handlers(services, complaint):
    told = {"text": "在查"}
    refused = why(services, "agent1", "complaints", complaint, "progress", **told)
    assert refused == "no_handler"
    step(services, "leader", "complaints", complaint, "assign", handler="agent1")

    refused = why(services, "agent2", "complaints", complaint, "progress", **told)

    assert refused == "not_in_charge"
    step(services, "agent1", "complaints", complaint, "progress", **told)
    step(services, "leader", "complaints", complaint, "progress", **told)


@pytest.fixture
def claim(services):
    """A claim under assessment whose handler is agent1."""
    with services.unit_of_work() as uow:
        report = a_report(papers=())
        number = uow.claims.report(ZHANG, report, "t-1", services.now()).claim_no
    step(services, "agent1", "claims", number, "move", to="under_assessment")
    step(services, "leader", "claims", number, "assign", handler="agent1")
    return number


def decide(services, who, claim, amount, **told):
    told = {"outcome": "approved", "amount": amount, **told}
    return step(services, who, "claims", claim, "decide", **told)


def test_that_a_claim_is_decided_and_paid_by_who_is_in_charge(services, claim):
    told = {"outcome": "approved", "amount": "9000"}
    assert why(services, "agent2", "claims", claim, "decide", **told) == "not_in_charge"
    decide(services, "agent1", claim, "9000")
    for to in ("paying", "paid"):
        refused = why(services, "agent2", "claims", claim, "move", to=to)
        assert refused == "not_in_charge"
        step(services, "agent1", "claims", claim, "move", to=to)
    told = {"handler": "agent2"}
    assert why(services, "agent1", "claims", claim, "assign", **told) == "leaders_only"


def test_that_a_claim_without_a_handler_is_paid_by_no_agent(services):
    told = {"outcome": "approved", "amount": "1"}
    refused = why(services, "agent1", "claims", "C2026101500012", "decide", **told)

    assert refused == "no_handler"


def test_that_two_agree_to_much_money(services, claim):
    case = decide(services, "agent1", claim, "10000.01")
    assert (case["status"], case["approval"]["second"]) == ("under_assessment", None)
    told = {"amount": "10000.01"}
    assert why(services, "agent1", "claims", claim, "approve", **told) == "same_person"
    refused = why(services, "leader", "claims", claim, "approve", amount="10000.02")
    assert refused == "amount_changed"
    refused = why(services, "agent2", "claims", claim, "approve", **told)
    assert refused == "not_in_charge"

    case = step(services, "leader", "claims", claim, "approve", **told)

    assert (case["status"], case["amount_fen"]) == ("approved", 1_000_001)
    refused = why(services, "leader2", "claims", claim, "approve", **told)
    assert refused == "nothing_to_approve"
    step(services, "agent1", "claims", claim, "move", to="paying")


def test_that_another_amount_voids_the_first_yes(services, claim):
    decide(services, "agent1", claim, "20000")
    decide(services, "agent1", claim, "30000")
    refused = why(services, "leader", "claims", claim, "approve", amount="20000")
    assert refused == "amount_changed"

    case = decide(services, "leader", claim, "25000")  # becomes the first of its own

    assert case["status"] == "under_assessment"
    assert case["approval"]["first"]["login"] == "leader"
    assert decide(services, "agent1", claim, "25000")["status"] == "approved"


def test_that_another_account_is_no_second_person(services, claim):
    step(services, "leader", "claims", claim, "assign", handler="agent2b")
    decide(services, "agent2b", claim, "20000")
    step(services, "leader", "claims", claim, "assign", handler="agent2")

    refused = why(services, "agent2", "claims", claim, "approve", amount="20000")

    assert refused == "same_person"


def test_that_of_two_who_agree_at_once_one_does(services, claim):
    decide(services, "agent1", claim, "20000")

    def agree(who):
        try:
            step(services, who, "claims", claim, "approve", amount="20000")
        except IllegalStep as err:
            return err.why
        return "agreed"

    with ThreadPoolExecutor(2) as pool:
        found = sorted(pool.map(agree, ["leader", "leader2"]))

    assert found == ["agreed", "nothing_to_approve"]


def test_that_an_old_decision_of_one_is_not_paid(services, claim, tmp_path):
    decide(services, "agent1", claim, "9000")
    with sqlite3.connect(tmp_path / "cases.db") as db:
        db.execute("UPDATE claims SET amount_fen = 5000000, approval = NULL "
                   "WHERE claim_no = ?", (claim,))  # fmt: skip
    refused = why(services, "agent1", "claims", claim, "move", to="paying")
    assert refused == "needs_second"
    refused = why(services, "agent1", "claims", claim, "approve", amount="50000")
    assert refused == "same_person"

    step(services, "leader", "claims", claim, "approve", amount="50000")

    step(services, "agent1", "claims", claim, "move", to="paying")


def test_that_an_amount_changed_behind_the_agreement_is_not_paid(
    services, claim, tmp_path
):
    decide(services, "agent1", claim, "20000")
    step(services, "leader", "claims", claim, "approve", amount="20000")
    with sqlite3.connect(tmp_path / "cases.db") as db:
        db.execute(
            "UPDATE claims SET amount_fen = 2100000 WHERE claim_no = ?", (claim,)
        )

    refused = why(services, "agent1", "claims", claim, "move", to="paying")

    assert refused == "needs_second"


def test_that_payments_together_count_for_the_second_person(services, claim):
    decide(services, "agent1", claim, "9000")
    for to in ("paying", "paid"):
        step(services, "agent1", "claims", claim, "move", to=to)
    told = {"to": "under_assessment", "reason": "客户补充了发票"}
    step(services, "agent1", "claims", claim, "move", **told)

    case = decide(services, "agent1", claim, "9000")

    assert (case["status"], case["paid_fen"]) == ("under_assessment", 900_000)


def test_that_no_more_than_the_cover_is_paid(services, claim):
    # The car's policy covers 2,210,000 yuan, of which 8,600 were paid on another claim.
    told = {"outcome": "approved", "amount": "2201400.01"}
    assert why(services, "agent1", "claims", claim, "decide", **told) == "above_cover"
    told = {"outcome": "approved", "amount": "50000.01",
            "benefit": "车上人员责任保险(驾驶人)"}  # fmt: skip
    assert why(services, "agent1", "claims", claim, "decide", **told) == "above_cover"
    told["benefit"] = "宠物责任险"
    assert why(services, "agent1", "claims", claim, "decide", **told) == "no_benefit"

    case = decide(services, "agent1", claim, "2201400")

    assert case["approval"]["wish"]["amount_fen"] == 220_140_000


def test_that_missing_papers_need_a_reason(services):
    number = "C2026101500012"
    step(services, "leader", "claims", number, "assign", handler="agent1")
    told = {"outcome": "approved", "amount": "9000"}
    refused = why(services, "agent1", "claims", number, "decide", **told)
    assert refused == "papers_need_reason"

    case = decide(services, "agent1", number, "9000", papers_reason="医院直接寄来")

    assert case["status"] == "approved"
    step(services, "agent1", "claims", number, "move", to="paying")


def request(services, kind, detail):
    with services.unit_of_work() as uow:
        made = uow.requests.record(
            "web:one", ZHANG, kind, {"detail": detail}, f"t-{detail}", services.now()
        )
    return made.request_no


@pytest.mark.parametrize(
    "result",
    ["已删除全部个人信息", "您的个人信息已全部删除。", "已办结。已删除全部个人信息",
     "所有资料都删光了", "已将您的一切数据彻底清除", "我们删除了您的所有资料",
     "您申请的删除全部个人信息已完成"],
)  # fmt: skip
def test_that_what_is_untrue_is_told_to_nobody(services, complaint, result):
    number = request(services, "privacy", "删除我的个人信息")
    told = {"to": "done", "result": result, "evidence": "工单D1"}
    refused = why(services, "agent1", "requests", number, "move", **told)
    assert refused == "untrue_deleted"
    step(services, "leader", "complaints", complaint, "assign", handler="agent1")

    refused = why(services, "agent1", "complaints", complaint, "decide", text=result)

    assert refused == "untrue_deleted"


@pytest.mark.parametrize(
    "detail", ["删除我的个人信息", "导出我的个人信息", "把我的资料都注销"]
)
def test_that_deletion_and_export_are_not_done_without_evidence(services, detail):
    number = request(services, "privacy", detail)
    for told in ({}, {"result": "已处理"}, {"evidence": "工单D1"}):
        refused = why(services, "agent1", "requests", number, "move", to="done", **told)
        assert refused == "needs_evidence"
    told = {"result": "已在核心系统删除营销电话，其余依法保存", "evidence": "工单D1"}

    case = step(services, "agent1", "requests", number, "move", to="done", **told)

    assert (case["status"], case["evidence"]) == ("done", "工单D1")


@pytest.mark.parametrize(
    "words",
    [
        "依法不能删除全部个人信息。",
        "已受理您删除全部个人信息的申请。",
        "已补付200元，并道歉。",
    ],
)
def test_that_honest_words_may_be_told(services, complaint, words):
    step(services, "leader", "complaints", complaint, "assign", handler="agent1")

    case = step(services, "agent1", "complaints", complaint, "progress", text=words)

    assert case["progress"][-1]["text"] == words
