"""Cases at the desk: what waits, steps with their rules, news to the customer once."""

import pytest
from case_kit import cases_served
from desk_kit import ask_for_human, desk_of, seen_by
from store_kit import NOW, ZHANG, file_complaint

NOBODY = "http://127.0.0.1:9"


async def step(browser, number, name, kind="complaints", **told):
    path = f"cases/{kind}/{number}/steps"
    return await browser.post(path, step=name, told=told)


async def test_that_a_complaint_is_handled_at_the_desk(tmp_path):
    async with (
        cases_served(tmp_path) as (services, url),
        # The first action server is away.
        desk_of(tmp_path, actions_url=f"{NOBODY},{url}") as desk,
    ):
        edge, web, (one, two, leader) = desk
        visitor, sender_id = await ask_for_human(edge, web)
        number = file_complaint(services.unit_of_work, sender_id=sender_id).complaint_no
        (waiting,) = (await one.get("cases/complaints")).json()["cases"]
        assert (waiting["complaint_no"], waiting["status_word"]) == (number, "处理中")
        assert waiting["contact_phone"] == "139****0009"
        assert sender_id not in str(waiting)

        assert (await step(one, number, "assign", handler="agent1")).status_code == 409
        taken = await step(leader, number, "assign", handler="agent1", accused="agent2")
        assert taken.json()["case"]["handler"] == "agent1"
        refused = await step(leader, number, "assign", handler="agent2")
        assert refused.status_code == 409
        assert "被投诉" in refused.json()["error"]["message"]
        assert "不能由" in refused.text

        told = await step(one, number, "progress", text="已联系理赔部核实")
        assert told.json()["told"] == 1
        assert "已联系理赔部核实" in await seen_by(web, visitor)
        assert (await step(two, number, "decide", text="不行")).status_code == 409
        await step(one, number, "ask-extension", text="等回函")
        assert (await step(one, number, "extend")).status_code == 409
        assert (await step(leader, number, "extend")).json()["told"] == 1
        done = await step(one, number, "decide", text="补付200元，并道歉。")
        assert done.json()["case"]["status"] == "decided"
        seen = await seen_by(web, visitor)
        assert "补付200元" in seen
        assert "等回函" not in seen  # why is the insurer's own business
        # Whom it is about neither reads it nor sees it in a list.
        assert (await two.get(f"cases/complaints/{number}")).status_code == 403
        shown = (await leader.get(f"cases/complaints/{number.lower()}")).json()["case"]
        assert [entry["kind"] for entry in shown["entries"]][-1] == "decided"
        log = await edge.backstage.ledger.agents.logged(5)
        assert ("leader", "case") in [(row["agent"], row["what"]) for row in log]
        with services.unit_of_work() as uow:
            assert uow.complaints.verify().ok


async def test_that_requests_and_claims_go_on_at_the_desk(tmp_path):
    async with (
        cases_served(tmp_path) as (services, url),
        desk_of(tmp_path, actions_url=url) as (edge, web, (one, *_)),
    ):
        visitor, sender_id = await ask_for_human(edge, web)
        with services.unit_of_work() as uow:
            uow.identity.verify(sender_id, "P2023060100027", "4321", NOW)
            made = uow.requests.record(
                sender_id, ZHANG, "document", {"detail": "发票"}, "t-1", NOW
            )
        number = made.request_no
        refused = await step(one, number, "move", "requests", to="declined")
        assert "原因" in refused.json()["error"]["message"]
        await step(
            one, number, "move", "requests", to="done", result="已发到您的邮箱。"
        )
        again = await step(one, number, "move", "requests", to="done")
        assert again.status_code == 409
        seen = await seen_by(web, visitor)
        assert seen.count("已发到您的邮箱。") == 1
        assert (await one.get("cases/requests")).json() == {"cases": []}
        moved = await step(
            one, "C2026101500012", "move", "claims", to="under_survey"
        )  # fmt: skip
        assert moved.json()["told"] == 1
        assert "查勘中" in await seen_by(web, visitor)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("cases/complaints/T2099010100001/steps", {"step": "close"}, 404),
        ("cases/complaints/T2099010100001/steps", {"step": "burn"}, 409),
        ("cases/houses/T2099010100001/steps", {"step": "close"}, 422),
        ("cases/complaints/T1/steps", {"step": "decide", "told": {"text": "x" * 4001}}, 422),
        ("cases/complaints/T1/steps", {"step": "decide", "told": {"text": {"a": 1}}}, 422),
        ("cases/complaints/T1/steps", {"step": "decide", "told": {"text": ["a"]}}, 409),
        ("cases/complaints/T1/steps", {"step": "decide"}, 409),
        ("cases/complaints/%00/steps", {"step": "close"}, 404),
        ("cases/complaints/T1/steps", {}, 422),
    ],
)  # fmt: skip
async def test_that_what_cannot_be_is_refused(tmp_path, path, body, status):
    async with (
        cases_served(tmp_path) as (_, url),
        desk_of(tmp_path, actions_url=url) as (_, _, (*_, leader)),
    ):
        answer = await leader.post(path, **body)
        assert answer.status_code == status
        assert "error" in answer.json() or status == 422


async def test_that_the_desk_says_when_nobody_knows(tmp_path):
    async with desk_of(tmp_path, actions_url=NOBODY) as (_, _, (one, *_)):
        assert (await one.get("cases/complaints")).json() == {"cases": None}
        assert (await one.get("cases/complaints/T1")).status_code == 404
        away = await step(one, "T1", "close")
        assert away.status_code == 503
        assert "没有回应" in away.json()["error"]["message"]
        assert (await one.get("cases/houses")).status_code == 422


async def test_that_strangers_see_no_case(tmp_path):
    async with desk_of(tmp_path) as (_, web, _):
        for path in ("cases/complaints", "cases/complaints/T1"):
            assert (await web.get(f"/api/desk/{path}")).status_code == 401
        posted = await web.post(
            "/api/desk/cases/complaints/T1/steps", json={"step": "close"}
        )
        assert posted.status_code == 401


async def test_that_a_doubtful_name_is_refused_with_who_it_could_be(tmp_path):
    async with (
        cases_served(tmp_path) as (services, url),
        desk_of(tmp_path, actions_url=url) as (_, _, (one, two, leader)),
    ):
        number = file_complaint(services.unit_of_work).complaint_no
        told = {"handler": "agent1", "accused": "李经理"}
        refused = await step(leader, number, "assign", **told)
        assert refused.json()["error"]["code"] == "step_accused_unclear_who"
        assert "小李（agent2）" in refused.json()["error"]["message"]
        for accused in ("客服小李", "小李老师"):
            refused = await step(
                leader, number, "assign", handler="agent2", accused=accused
            )
            assert refused.json()["error"]["code"] == "step_is_accused"
        told["accused"] = "客服小李"
        assert (await step(leader, number, "assign", **told)).status_code == 200
        assert (await two.get(f"cases/complaints/{number}")).status_code == 403
        assert (await two.get("cases/complaints")).json() == {"cases": []}
        assert (await one.get(f"cases/complaints/{number}")).status_code == 200


async def test_that_a_claim_is_paid_by_its_handler_and_a_second_person(tmp_path):
    async with (
        cases_served(tmp_path) as (_, url),
        desk_of(tmp_path, actions_url=url) as (_, _, (one, two, leader)),
    ):
        number = "C2026101500012"

        async def take(who, name, **told):
            answer = await step(who, number, name, "claims", **told)
            error = answer.json().get("error", {})
            assert error.get("message") != "请求无法处理。"  # every refusal has words
            return error.get("code")

        wish = {"outcome": "approved", "amount": "45000", "papers-reason": "已核实"}
        assert await take(one, "decide", **wish) == "step_no_handler"
        assert await take(one, "assign", handler="agent1") == "step_leaders_only"
        assert await take(leader, "assign", handler="小王") is None
        assert await take(two, "decide", **wish) == "step_not_in_charge"
        assert await take(one, "decide", outcome="approved", amount="45000") == (
            "step_papers_need_reason"
        )
        more = {**wish, "amount": "500000.01"}
        assert await take(one, "decide", **more) == "step_above_cover"
        assert await take(one, "decide", **wish) is None
        assert await take(one, "approve", amount="45000") == "step_same_person"
        assert await take(leader, "approve", amount="1") == "step_amount_changed"
        assert await take(leader, "approve", amount="45000") is None
        assert await take(two, "move", to="paying") == "step_not_in_charge"
        assert await take(one, "move", to="paying") is None


async def test_that_a_finished_deletion_says_who_says_so(tmp_path):
    async with (
        cases_served(tmp_path) as (services, url),
        desk_of(tmp_path, actions_url=url) as (edge, web, (one, *_)),
    ):
        visitor, sender_id = await ask_for_human(edge, web)
        with services.unit_of_work() as uow:
            uow.identity.verify(sender_id, "P2023060100027", "4321", NOW)
            wish = {"detail": "删除我的个人信息"}
            made = uow.requests.record(sender_id, ZHANG, "privacy", wish, "t-1", NOW)
        told = {"kind": "requests", "to": "done"}
        refused = await step(one, made.request_no, "move", **told, result="已删除")
        assert refused.json()["error"]["code"] == "step_needs_evidence"
        told["evidence"] = "信息安全部工单D-17"
        untrue = {**told, "result": "已删除全部个人信息"}
        refused = await step(one, made.request_no, "move", **untrue)
        assert refused.json()["error"]["code"] == "step_untrue_deleted"
        assert "已办结" not in await seen_by(web, visitor)

        told["result"] = "营销电话已删除，其余依法保存。"
        await step(one, made.request_no, "move", **told)

        seen = await seen_by(web, visitor)
        assert "工作人员回复：营销电话已删除" in seen
        assert "办理凭据（工作人员填写）：信息安全部工单D-17" in seen
