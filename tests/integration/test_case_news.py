"""What customers are told of their cases: once, in order, whoever steps and dies."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from case_kit import cases_served
from desk_kit import ask_for_human, desk_of, seen_by
from edge_kit import ROOT, make_edge, served
from store_kit import file_complaint
from test_desk_cases import step

from actions.handling import take_step
from actions.telling import note_news, waiting_news

FAST = {"news_every": timedelta(seconds=0.05)}


async def until_seen(web, visitor, words):
    async with asyncio.timeout(60):
        while words not in (seen := await seen_by(web, visitor)):
            await asyncio.sleep(0.02)
    return seen


def stepped(services, number, name, **told):
    """A step as the command takes it: nobody announces anything."""
    return take_step(services, "complaints", number, name, told, "leader")


async def test_that_steps_by_command_are_told_like_those_of_the_console(tmp_path):
    async with (
        cases_served(tmp_path) as (services, url),
        desk_of(tmp_path, actions_url=url, **FAST) as (edge, web, _),
    ):
        visitor, sender_id = await ask_for_human(edge, web)
        number = file_complaint(services.unit_of_work, sender_id=sender_id).complaint_no
        stepped(services, number, "assign", handler="agent1")
        for words in ("甲甲甲", "乙乙乙", "丙丙丙"):
            stepped(services, number, "progress", text=words)

        seen = await until_seen(web, visitor, "丙丙丙")

        assert seen.index("甲甲甲") < seen.index("乙乙乙") < seen.index("丙丙丙")
        assert seen.count("乙乙乙") == 1
        assert "工作人员回复" in seen


async def test_that_a_process_that_dies_after_the_step_loses_no_news(tmp_path):
    async with cases_served(tmp_path) as (services, url):
        async with desk_of(tmp_path, actions_url="http://127.0.0.1:9") as (
            edge,
            web,
            _,
        ):
            visitor, sender_id = await ask_for_human(edge, web)
            store = services.unit_of_work
            number = file_complaint(store, sender_id=sender_id).complaint_no
            stepped(services, number, "assign", handler="agent1")
            code = (
                "import os, sys\n"
                "from actions.handling import take_step\n"
                "from actions.services import open_services\n"
                "told = {'text': '已联系理赔部'}\n"
                "take_step(open_services(), 'complaints', sys.argv[1], 'progress', told, 'x')\n"
                "os._exit(9)\n"
            )
            env = {**os.environ, "PYTHONPATH": str(ROOT),
                   "BAOKE_DATABASE_URL": f"sqlite:///{tmp_path}/cases.db"}  # fmt: skip
            died = subprocess.run(
                [sys.executable, "-c", code, number], cwd=ROOT, env=env, check=False
            )
            assert died.returncode == 9
            assert "已联系理赔部" not in await seen_by(web, visitor)
        for _ in range(2):  # the second edge finds nothing left to tell
            edge = make_edge(tmp_path, actions_url=url, **FAST)
            async with served(edge):
                async with asyncio.timeout(60):
                    while waiting_news(services)["news"]:
                        await asyncio.sleep(0.02)
                said = await edge.backstage.ledger.messages.after(sender_id, 0)
                told = [m for m in said if "已联系理赔部" in str(m.parts)]
                assert len(told) == 1


async def test_that_news_told_but_not_acknowledged_is_told_once(tmp_path):
    async with (
        cases_served(tmp_path) as (services, url),
        desk_of(tmp_path, actions_url=url, news_every=timedelta(days=1)) as desk,
    ):
        edge, web, _ = desk
        visitor, sender_id = await ask_for_human(edge, web)
        number = file_complaint(services.unit_of_work, sender_id=sender_id).complaint_no
        stepped(services, number, "assign", handler="agent1")
        stepped(services, number, "progress", text="在查在查")
        (news,) = waiting_news(services)["news"]
        loop = edge.backstage.news
        assert await loop._tell(news) == (None, False)  # and dies before the word back

        await loop.deliver()

        assert (await seen_by(web, visitor)).count("在查在查") == 1
        assert waiting_news(services) == {"news": []}


async def test_that_news_that_cannot_be_told_holds_up_nobody(tmp_path):
    async with (
        cases_served(tmp_path) as (services, url),
        desk_of(tmp_path, actions_url=url, **FAST) as (edge, web, _),
    ):
        visitor, sender_id = await ask_for_human(edge, web)
        store = services.unit_of_work
        with store() as uow:
            for kind, notice, values in (
                ("a", "no_such_notice", {}),
                ("b", "case_progress", {"number": "x"}),
            ):
                found = {"notice": notice, "values": values, "senders": [sender_id],
                         "key": f"case:{kind}"}  # fmt: skip
                uow.news.add("complaints", kind, found, services.now())
        gone = file_complaint(store, "t-2", sender_id="web:nobody").complaint_no
        number = file_complaint(store, sender_id=sender_id).complaint_no
        for one in (gone, number):
            stepped(services, one, "assign", handler="agent1")
            stepped(services, one, "progress", text="在查在查")

        await until_seen(web, visitor, "在查在查")

        async with asyncio.timeout(60):
            while True:
                with store() as uow:
                    given_up = [why for _, why in uow.news.given_up()]
                if len(given_up) == 2:
                    break
                await asyncio.sleep(0.02)
        assert given_up == ["no words: KeyError"] * 2


async def test_that_a_step_of_the_console_tells_what_waited_before_it(tmp_path):
    async with (
        cases_served(tmp_path) as (services, url),
        desk_of(tmp_path, actions_url=url, news_every=timedelta(days=1)) as desk,
    ):
        edge, web, (one, _, _) = desk
        visitor, sender_id = await ask_for_human(edge, web)
        number = file_complaint(services.unit_of_work, sender_id=sender_id).complaint_no
        stepped(services, number, "assign", handler="agent1")
        stepped(services, number, "progress", text="甲甲甲")

        told = await step(one, number, "progress", text="乙乙乙")

        assert told.json()["told"] == 1
        seen = await seen_by(web, visitor)
        assert seen.index("甲甲甲") < seen.index("乙乙乙")


async def test_that_a_refused_step_leaves_no_news(tmp_path):
    async with cases_served(tmp_path) as (services, _):
        number = file_complaint(services.unit_of_work).complaint_no
        with pytest.raises(Exception, match="no_handler"):
            stepped(services, number, "decide", text="好")
        assert waiting_news(services) == {"news": []}
        for wrong in ({"told": "x"}, {"told": [None]}, {"failed": [1]}):
            with pytest.raises(Exception, match="unreadable_news"):
                note_news(services, wrong)
