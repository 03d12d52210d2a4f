"""Complaints and requests in the console: a leader assigns, an agent decides."""

import pytest
from case_kit import cases_served
from desk_stage import Desk
from store_kit import file_complaint
from test_console import violations

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(tmp_path):
    made = []

    async def backroom(stack):
        services, url = await stack.enter_async_context(cases_served(tmp_path))
        made.append(services)
        return services, {"actions_url": url}

    with Desk(tmp_path, platform=backroom) as running:
        yield running


def say_yes(page, words=None):
    if words is not None:
        page.locator("#ask-words").fill(words)
    page.locator("#ask").get_by_role("button", name="确定").click()


def test_that_a_complaint_goes_through_the_console(desk, agent_page):
    number = file_complaint(desk.fake.unit_of_work).complaint_no
    leader = agent_page("leader")
    leader.get_by_role("button", name="投诉与申请").click()
    leader.get_by_role("list", name="投诉").get_by_role("button").first.click()
    leader.get_by_role("button", name="指定承办人").click()
    leader.locator("#ask-select").select_option("agent1")
    say_yes(leader, "王强")
    case = leader.get_by_role("region", name="详情")
    case.get_by_text("王强").wait_for()
    assert case.get_by_role("button", name="作出答复").count() == 0

    agent = agent_page()
    agent.get_by_role("button", name="投诉与申请").click()
    agent.get_by_label("投诉号、申请号或理赔号").fill(f" {number.lower()} ")
    agent.get_by_role("button", name="找").click()
    agent.get_by_role("button", name="作出答复").click()
    agent.locator("#ask").get_by_role("button", name="确定").click()
    assert agent.locator("#ask").is_visible()  # a decision needs words
    say_yes(agent, "补付200元，<b>并道歉</b>。")
    case = agent.get_by_role("region", name="详情")
    case.get_by_role("heading", name=f"{number}：已答复").wait_for()
    case.get_by_text("补付200元，<b>并道歉</b>。").first.wait_for()
    agent.get_by_role("listitem").filter(has_text="作出答复（小王）").wait_for()
    agent.locator("#complaints-count", has_text="0").wait_for()


def test_that_a_refused_step_is_said(desk, agent_page):
    number = file_complaint(desk.fake.unit_of_work).complaint_no
    page = agent_page("leader")
    page.get_by_role("button", name="投诉与申请").click()
    page.get_by_role("list", name="投诉").get_by_role("button").first.click()
    page.get_by_role("button", name="告知进展").wait_for()
    with desk.fake.unit_of_work() as uow:  # the customer is faster
        uow.complaints.withdraw("web:one", None, number, "t", desk.fake.now())
    page.get_by_role("button", name="告知进展").click()
    say_yes(page, "在查")

    page.get_by_role("alert").get_by_text("已经办结或撤回").wait_for()


def test_that_an_unknown_number_is_said(desk, agent_page):
    page = agent_page()
    page.get_by_role("button", name="投诉与申请").click()
    page.get_by_label("投诉号、申请号或理赔号").fill("T2099010100001")
    page.get_by_role("button", name="找").click()

    page.get_by_role("alert").get_by_text("没有这个编号。").wait_for()


def test_that_axe_finds_nothing(desk, agent_page):
    file_complaint(desk.fake.unit_of_work)
    for scheme in ("light", "dark"):
        page = agent_page("leader", color_scheme=scheme)
        page.get_by_role("button", name="投诉与申请").click()
        page.get_by_role("list", name="投诉").get_by_role("button").first.click()
        page.get_by_role("button", name="指定承办人").wait_for()
        assert violations(page) == []
