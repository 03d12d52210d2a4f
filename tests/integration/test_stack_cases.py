"""A case from the customer's first word to the review, against everything that is real."""

import re

import httpx
import pytest
from stack import Customer

pytestmark = pytest.mark.rasa
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


class Agent:
    """An agent's browser."""

    def __init__(self, stack, name):
        self.http = httpx.Client(base_url=stack.url, timeout=60)
        password = (stack.var / "agent_password").read_text().strip()
        login = {"name": name, "password": password}
        me = self.http.post("/api/desk/login", json=login).raise_for_status().json()
        self.http.headers["X-CSRF-Token"] = me["csrf"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def step(self, kind, number, step, **told):
        path = f"/api/desk/cases/{kind}/{number}/steps"
        answer = self.http.post(path, json={"step": step, "told": told})
        return answer.raise_for_status().json()


def number_in(text, letter):
    return re.search(rf"{letter}\d{{13}}", text).group()


def heard(customer):
    """Everything said to the customer so far."""
    events = customer.http.get("/api/chat/events", params={"after": 0}).json()["events"]
    return "\n".join(
        part["text"] for e in events for part in e["parts"] if part["type"] == "text"
    )


def send_file(customer, name):
    sent = customer.http.post("/api/chat/attachments", files={"file": (name, PNG)})
    return customer.wait_for_answer(sent.raise_for_status().json()["seq"])


def test_that_a_complaint_is_told_decided_and_reviewed(stack):
    with (
        Customer(stack.url) as customer,
        Agent(stack, "leader") as leader,
        Agent(stack, "agent1") as agent,
    ):
        customer.say("我要投诉，业务员泄露我的个人信息，天天骚扰电话")
        customer.say("停止骚扰，给个说法")
        customer.say("13900000008")
        filed = customer.press("确认提交")
        number = number_in(filed.text, "T")
        send_file(customer, "通话记录.png")
        assert number in customer.press("作为投诉材料").text

        waiting = leader.http.get("/api/desk/cases/complaints").json()["cases"]
        case = next(each for each in waiting if each["complaint_no"] == number)
        assert case["category"] == "信息安全"
        leader.step("complaints", number, "assign", handler="agent1", accused="agent2")
        agent.step("complaints", number, "progress", text="已经约谈业务员。")
        agent.step("complaints", number, "decide", text="已停止外呼，并向您道歉。")
        assert "已经约谈业务员。" in heard(customer)
        assert heard(customer).count("已停止外呼，并向您道歉。") == 1

        status = customer.say("我的投诉怎么样了")
        assert "已停止外呼，并向您道歉。" in status.text
        review = customer.press("申请核查")
        assert "第二十条" in review.text
        assert review.status == "queued"
        shown = agent.http.get(f"/api/desk/cases/complaints/{number}").json()["case"]
        assert [entry["kind"] for entry in shown["entries"]] == [
            "filed",
            "evidence",
            "assigned",
            "progress",
            "decided",
            "review_asked",
        ]


def report_claim(customer):
    """Report a bumped car; returns the claim's number."""
    customer.say("我要报案")
    customer.press("车险 P2023060100027")
    for words in ("倒车撞到石墩，后保险杠裂了", "昨天下午三点", "建国路88号地下车库"):
        customer.say(words)
    for title in ("没有人受伤", "就用这个"):
        customer.press(title)
    return number_in(customer.press("确认提交").text, "C")


def test_that_a_photo_becomes_the_missing_paper(stack):
    with Customer(stack.url) as customer:
        customer.prove_identity("张伟")
        number = report_claim(customer)
        missing = customer.say(f"理赔{number}到哪了").text
        assert "还缺这些材料" in missing
        send_file(customer, "证件.png")
        which = customer.press("作为理赔材料")
        if "哪件理赔的材料" in which.text:  # other tests have reported claims too
            which = customer.press(next(t for t in which.buttons if number in t))
        assert "哪份材料" in which.text
        mine = [title for title in which.buttons if number[-4:] in title]
        paper = mine[0].partition("（")[0]
        assert paper in missing
        kept = customer.press(mine[0]).text
        assert f"理赔{number}的“{paper}”" in kept
        assert paper not in customer.say(f"理赔{number}到哪了").text


def test_that_a_request_is_followed_by_its_number(stack):
    with Customer(stack.url) as customer, Agent(stack, "agent1") as agent:
        customer.prove_identity("李娜")
        customer.say("给我发一份电子发票")
        made = customer.press("确认提交")
        number = number_in(made.text, "R")
        assert "最迟" in made.text
        assert "等待办理" in customer.say(f"{number}办到哪了").text
        agent.step("requests", number, "move", to="done", result="已发到您的邮箱。")
        assert "已发到您的邮箱。" in heard(customer)
        assert "已办结" in customer.say(number.lower()).text


def test_that_the_calculation_is_shown(stack):
    with Customer(stack.url) as customer:
        customer.prove_identity("张伟")
        reply = customer.say("理赔C2026090100005为什么只赔这么点，怎么算的")
        assert "前保险杠更换 4,200.00元" in reply.text
        assert any(c["ref"] == "第三条(一)5" for c in reply.citations)
