"""The desk's API: who gets in, who may do what, and what customers never see."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from desk_kit import (
    PASSWORD,
    Browser,
    ask_for_human,
    desk_of,
    held_on_wechat,
    seen_by,
)
from edge_kit import ROOT, FakeBrain, make_settings, served
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from channels.console.templates import load_categories, load_templates


async def test_that_only_agents_get_in(tmp_path):
    async with desk_of(tmp_path) as (_, web, (agent, *_)):
        me = (await agent.get("me")).json()
        assert (me["name"], me["title"], me["skills"]) == ("agent1", "小王", ["理赔"])
        for name, password in (("agent1", "wrong pass"), ("nobody", PASSWORD)):
            stranger = Browser(str(web.base_url))
            answer = await stranger.login(name, password)
            assert answer.status_code == 401
            assert (await stranger.get("queue")).status_code == 401
            await stranger.client.aclose()
        cookie = agent.client.cookies.jar._cookies
        flags = str(cookie)
        assert "baoke_desk" in flags
        await agent.post("logout")
        assert (await agent.get("me")).status_code == 401


async def test_that_five_wrong_passwords_lock_the_account(tmp_path):
    async with desk_of(tmp_path) as (_, web, (agent, *_)):
        stranger = Browser(str(web.base_url))
        for _ in range(5):
            assert (await stranger.login("agent1", "wrong pass")).status_code == 401
        locked = await stranger.login("agent1")
        assert locked.status_code == 429
        assert "锁定" in locked.json()["error"]["message"]
        assert int(locked.headers["retry-after"]) > 500
        assert (await agent.get("me")).status_code == 200  # who is in stays in
        await stranger.client.aclose()


async def test_that_a_write_needs_the_pages_own_word(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (agent, *_)):
        _, sender_id = await ask_for_human(edge, web)
        path = f"conversations/{sender_id}/accept"
        for word in ("", "guess", "猜"):
            headers = {"X-CSRF-Token": word.encode()}
            answer = await agent.client.post(
                f"/api/desk/{path}", json={"key": "k"}, headers=headers
            )
            assert answer.status_code == 403
        assert (await edge.backstage.ledger.messages.holder(sender_id))[0] == "queued"


async def test_that_of_two_agents_the_first_gets_it(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, two, _)):
        visitor, sender_id = await ask_for_human(edge, web)
        listed = (await two.get("queue")).json()["conversations"]
        assert [row["sender_id"] for row in listed] == [sender_id]
        assert listed[0]["reason"] == "customer_asked"
        path = f"conversations/{sender_id}/accept"
        answers = await asyncio.gather(one.post(path, key="a"), two.post(path, key="b"))
        codes = sorted(answer.status_code for answer in answers)
        assert codes == [200, 409]
        late = await (two if answers[0].is_success else one).post(path, key="c")
        assert late.status_code == 409
        assert (
            await one.post("conversations/web:nobody/accept", key="c")
        ).status_code == 404
        winner = one if answers[0].status_code == 200 else two
        said = await winner.post(
            f"conversations/{sender_id}/messages", text="您好，请讲", key="1"
        )
        assert said.status_code == 200
        again = await winner.post(
            f"conversations/{sender_id}/messages", text="您好，请讲", key="1"
        )
        assert again.json() == {"repeat": True}
        seen = await seen_by(web, visitor)
        assert seen.count("您好，请讲") == 1
        assert "人工客服小" in seen and "已加入" in seen
        assert "agent1" not in seen and "agent2" not in seen


async def test_that_only_the_holder_writes_and_the_bot_is_silent(tmp_path):
    brain = FakeBrain()
    async with desk_of(tmp_path, brain) as (edge, web, (one, two, leader)):
        visitor, sender_id = await ask_for_human(edge, web)
        base = f"conversations/{sender_id}"
        early = await one.post(f"{base}/messages", text="抢答", key="0")
        assert early.status_code == 409
        assert (await one.post(f"{base}/accept", key="a")).status_code == 200
        for other in (two, leader):
            said = await other.post(f"{base}/messages", text="插话", key="1")
            assert said.status_code == 409
        assert (await two.get(base)).status_code == 404  # not hers to read
        assert (await leader.get(base)).status_code == 200
        asked = len(brain.asked)
        await visitor.post(text="我的案子", client_message_id="m2")
        waiting = one.get(f"{base}/messages", after=99, wait=0.2)
        assert (await waiting).json() == {"messages": []}
        found = (await one.get(f"{base}/messages", after=0)).json()["messages"]
        assert found[-1]["parts"] == [{"type": "text", "text": "我的案子"}]
        assert len(brain.asked) == asked
        assert (await one.post(f"{base}/release", key="r")).status_code == 200
        await visitor.post(text="谢谢", client_message_id="m3")
        async with asyncio.timeout(60):
            while "答：谢谢" not in await seen_by(web, visitor):
                await asyncio.sleep(0.05)


async def test_that_notes_never_reach_the_customer_or_the_bot(tmp_path):
    brain = FakeBrain()
    async with desk_of(tmp_path, brain) as (edge, web, (one, two, leader)):
        visitor, sender_id = await ask_for_human(edge, web)
        base = f"conversations/{sender_id}"
        await one.post(f"{base}/accept", key="a")
        secret = "机密-客户情绪激动"
        assert (await one.post(f"{base}/notes", text=secret)).status_code == 200
        memo = {"skill": "理赔", "memo": "转给理赔-机密"}
        assert (await one.post(f"{base}/transfer", key="t", **memo)).status_code == 200
        listed = (await two.get("queue")).json()["conversations"]
        assert (listed[0]["skill"], listed[0]["priority"]) == ("理赔", "high")
        await two.post(f"{base}/accept", key="b")
        notes = (await two.get(f"{base}/notes")).json()["notes"]
        assert [note["text"] for note in notes] == [secret, "转给理赔-机密"]
        await two.post(f"{base}/close", key="c", summary="已解释-机密")
        await visitor.post(text="又来了", client_message_id="m9")
        async with asyncio.timeout(60):
            while "答：又来了" not in await seen_by(web, visitor):
                await asyncio.sleep(0.05)
        assert "机密" not in await seen_by(web, visitor)
        assert "机密" not in str(brain.asked)
        moves = (await leader.get(base)).json()["moves"]
        assert [move["moved_to"] for move in moves] == [
            "queued", "agent", "queued", "agent", "closed", "bot",
        ]  # fmt: skip


async def test_that_a_leader_passes_a_conversation_on(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, two, leader)):
        visitor, sender_id = await ask_for_human(edge, web)
        base = f"conversations/{sender_id}"
        await one.post(f"{base}/accept", key="a")
        stolen = await two.post(f"{base}/transfer", key="x", to="agent2")
        assert stolen.status_code == 404
        gone = await leader.post(f"{base}/transfer", key="x", to="nobody")
        assert gone.status_code == 404
        moved = await leader.post(f"{base}/transfer", key="y", to="agent2")
        assert moved.status_code == 200
        assert "人工客服小李已加入" in await seen_by(web, visitor)
        held = (await leader.get("conversations", everybody=True)).json()
        assert held["conversations"][0]["agent"] == "agent2"
        assert (await one.get("conversations")).json() == {"conversations": []}
        another, other_id = await ask_for_human(edge, web)
        full = await two.post(f"conversations/{other_id}/accept", key="z")
        assert full.status_code == 409
        assert "已满" in full.json()["error"]["message"]
        assert another is not None


async def test_that_an_agent_sees_what_wechat_still_allows(tmp_path):
    async with held_on_wechat(tmp_path) as (fake, browser, base):
        await browser.post(f"{base}/messages", text="我是小王", key="1")
        await fake.until(lambda: "我是小王" in fake.followers["oCustomer1"].texts)
        async with asyncio.timeout(60):
            while (left := (await browser.get(base)).json()["left"])["pushes"] != 2:
                await asyncio.sleep(0.05)
        assert datetime.fromisoformat(left["until"]) > datetime.now(UTC)
        found = (await browser.get(f"{base}/messages", after=0)).json()["messages"]
        assert found[-1]["delivery"] == {"state": "delivered", "reason": None}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("conversations/web:x/messages", {"text": "", "key": "k"}),
        ("conversations/web:x/messages", {"text": "好", "key": "空 格"}),
        ("conversations/web:x/messages", {"text": "长" * 4001, "key": "k"}),
        ("conversations/web:x/messages", {"text": 3, "key": "k"}),
        ("conversations/web:x/accept", {}),
        ("presence", {"ready": "maybe"}),
        ("conversations/web:x/messages", {"text": "前\x00后", "key": "k"}),
        ("conversations/web:x/notes", {"text": "\x00"}),
        ("conversations/web:x/close", {"key": "k", "summary": "前\x00后"}),
        ("login", {"name": "agent1\x00", "password": PASSWORD}),
    ],
)
async def test_that_a_bad_body_is_refused(tmp_path, path, body):
    async with desk_of(tmp_path) as (_, _, (agent, *_)):
        answer = await agent.post(path, **body)
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "bad_request"


async def test_that_half_a_character_is_refused(tmp_path):
    async with desk_of(tmp_path) as (_, web, _agents):
        raw = b'{"name": "agent1", "password": "\\ud800"}'
        answer = await web.post("/api/desk/login", content=raw)
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "bad_request"


async def test_that_unknown_conversations_are_nobodys(tmp_path):
    async with desk_of(tmp_path) as (_, _, (agent, *_)):
        for name in ("web:nobody", "wechat:' OR 1=1"):
            assert (await agent.get(f"conversations/{name}")).status_code == 404
        said = await agent.post("conversations/web:nobody/messages", text="a", key="k")
        assert said.status_code == 409
        assert (
            await agent.post("conversations/web:nobody/release", key="k")
        ).status_code == 409


def test_that_agents_are_added_listed_and_closed(tmp_path):
    make_settings(tmp_path)
    env = os.environ | {
        "BAOKE_DATABASE_URL": f"sqlite:///{tmp_path}/baoke.db",
        "BAOKE_VAR_DIR": str(tmp_path),
    }

    def baoke(*words, given="", **more):
        command = [sys.executable, "-m", "channels.cli", "agents", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=env | more, input=given, text=True,
            capture_output=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    assert baoke("list") == (0, "no agents\n")
    code, said = baoke("demo")
    assert code == 0
    password = (tmp_path / "agent_password").read_text().strip()
    assert password not in said
    assert (tmp_path / "agent_password").stat().st_mode & 0o77 == 0
    code, said = baoke("add", "wang", "--title", "小王", given="short\n")
    assert (code, "8 to 200" in said) == (1, True)
    code, said = baoke("add", "wang", "--title", "小王", given="long enough\n")
    assert code == 0
    code, said = baoke("list")
    assert [line.split()[0] for line in said.splitlines()] == [
        "agent1", "agent2", "leader", "wang",
    ]  # fmt: skip
    assert baoke("add", "hook:wang", "--title", "x", given="long enough\n")[0] == 2
    assert baoke("log") == (0, "")
    assert baoke("disable", "wang")[0] == 0
    assert baoke("disable", "nobody")[0] == 2
    assert "(closed)" in baoke("list")[1]


CLAUSE = {
    "document": "service", "ref": "第三条(四)2", "title": "协议", "quote": "十五日内答复",
    "version": "1", "effective_from": "2026-01-01", "plain": "", "open_blanks": [],
}  # fmt: skip


def backroom(asked):
    async def customer(request):
        asked.append(request.query_params["sender_id"])
        return JSONResponse({"verified": True, "name": "张*"})

    async def clauses(request):
        return JSONResponse([CLAUSE])

    async def clause(request):
        known = request.query_params["ref"] == CLAUSE["ref"]
        return JSONResponse(CLAUSE if known else None, 200 if known else 404)

    routes = {"customer": customer, "clauses": clauses, "clause": clause}
    return Starlette(routes=[Route(f"/desk/{k}", v) for k, v in routes.items()])


async def test_that_a_clause_is_quoted_from_the_agreement_and_not_from_the_page(
    tmp_path,
):
    asked = []
    async with served(backroom(asked)) as actions_url:
        nobody = "http://127.0.0.1:9"
        both = f"{nobody},{actions_url}"  # the first is away
        async with desk_of(tmp_path, actions_url=both) as (edge, web, (one, two, _)):
            visitor, sender_id = await ask_for_human(edge, web)
            base = f"conversations/{sender_id}"
            await one.post(f"{base}/accept", key="a")
            found = (await one.get("clauses", q="投诉多久")).json()["clauses"]
            assert found == [CLAUSE]
            pick = {
                "document": "service",
                "ref": "第三条(四)2",
                "quote": "一天内赔一万",
            }
            said = await one.post(f"{base}/messages", text="请看", key="1", clause=pick)
            assert said.status_code == 200
            seen = await seen_by(web, visitor)
            assert "十五日内答复" in seen
            assert "一万" not in seen
            lost = await one.post(
                f"{base}/messages", text="再看", key="2",
                clause={"document": "service", "ref": "第九条"},
            )  # fmt: skip
            assert lost.status_code == 409
            assert "再看" not in await seen_by(web, visitor)
            shown = (await one.get(f"{base}/customer")).json()
            assert shown == {"customer": {"verified": True, "name": "张*"}}
            assert (await two.get(f"{base}/customer")).status_code == 404
            assert asked == [sender_id]


async def test_that_agents_go_on_while_the_backroom_is_away(tmp_path):
    nobody = "http://127.0.0.1:9"
    async with desk_of(tmp_path, actions_url=nobody) as (edge, web, (one, *_)):
        visitor, sender_id = await ask_for_human(edge, web)
        base = f"conversations/{sender_id}"
        await one.post(f"{base}/accept", key="a")
        assert (await one.get(f"{base}/customer")).json() == {"customer": None}
        assert (await one.get("clauses", q="投诉")).json() == {"clauses": []}
        said = await one.post(f"{base}/messages", text="稍等", key="1")
        assert said.status_code == 200
        assert "稍等" in await seen_by(web, visitor)


async def test_that_an_agent_sees_why_and_has_templates(tmp_path):
    async with desk_of(tmp_path) as (edge, web, (one, two, _)):
        _, sender_id = await ask_for_human(edge, web)
        base = f"conversations/{sender_id}"
        await one.post(f"{base}/accept", key="a")
        why = (await one.get(f"{base}/why/2")).json()
        assert why["asked"][0]["text"] == "在吗"
        assert why["intent"] == "greet"
        for seq in (0, -1, 99, 2**70):
            assert (await one.get(f"{base}/why/{seq}")).status_code == 404
        assert (await two.get(f"{base}/why/2")).status_code == 404
        found = (await one.get("templates")).json()["templates"]
        assert "我是人工客服小王" in found[0]["text"]


@pytest.mark.parametrize(
    "text", ["[", "templates: [3]", "x: 1", "templates: [{shortcut: a, text: '{b}'}]"]
)
def test_that_a_wrong_template_is_told(tmp_path, text):
    path = tmp_path / "templates.yml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"templates\.yml"):
        load_templates(path)
    assert load_templates(tmp_path / "none.yml") == ()


def test_that_a_wrong_list_of_categories_is_told(tmp_path):
    path = tmp_path / "categories.yml"
    for text in ("[", "categories: 3", "x: 1"):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"categories\.yml"):
            load_categories(path)
    path.write_text("categories: [理赔, 1]", encoding="utf-8")
    assert load_categories(path) == ("理赔", "1")
    assert load_categories(tmp_path / "none.yml") == ()
