"""The bridge to Chatwoot, against a server that behaves as its API is documented."""

import asyncio
import json
import time
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from desk_kit import ask_for_human, desk_of, seen_by
from edge_kit import eventually, served
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from channels.links.signing import sign

EVENTS = Path(__file__).parents[1] / "fixtures/platforms/chatwoot_webhook_events.json"
INBOX, ACCOUNT, TOKEN, SECRET = "inbox1", 1, "agent token", "path-secret-1"
HOOK = f"/webhooks/chatwoot/{SECRET}"


def recorded(name):
    found = {each["id"]: each["payload"] for each in json.loads(EVENTS.read_text())}
    return json.loads(json.dumps(found[f"chatwoot:{name}"]))


class Chatwoot:
    """Contacts, conversations, messages, as the API channel has them.

    Attributes:
        messages: (conversation, type, private, content) in the order of arrival.
        script: Status codes of the next answers.
    """

    def __init__(self, keeps_attributes=True) -> None:
        self.keeps_attributes = keeps_attributes  # older versions do not
        self.contacts, self.conversations, self.messages = {}, {}, []
        self.script = []
        self.web = None

    def app(self):
        public = f"/public/api/v1/inboxes/{INBOX}/contacts"
        private = f"/api/v1/accounts/{ACCOUNT}/conversations/{{id:int}}"
        return Starlette(
            routes=[
                Route(public, self.contact, methods=["POST"]),
                Route(f"{public}/{{source}}/conversations", self.talk, methods=["GET", "POST"]),
                Route(f"{public}/{{source}}/conversations/{{id:int}}/messages",
                      self.incoming, methods=["POST"]),
                Route(f"{private}/messages", self.outgoing, methods=["POST"]),
                Route(f"{private}/toggle_status", self.toggle, methods=["POST"]),
                Route(private, self.show),
            ]
        )  # fmt: skip

    def trouble(self, request, private=False):
        if self.script and (status := self.script.pop(0)) != 200:
            return Response(status_code=status)
        if private and request.headers.get("api_access_token") != TOKEN:
            return Response(status_code=401)
        return None

    async def contact(self, request):
        if found := self.trouble(request):
            return found
        body = await request.json()
        self.contacts[body["source_id"]] = body["name"]
        return JSONResponse({"source_id": body["source_id"], "name": body["name"]})

    async def talk(self, request):
        source = request.path_params["source"]
        if request.method == "GET":
            rows = [
                {"id": n}
                for n, row in self.conversations.items()
                if row["source"] == source
            ]
            return JSONResponse(rows)
        if found := self.trouble(request):
            return found
        number = 10 + len(self.conversations)
        self.conversations[number] = {"source": source, "status": "open"}
        return JSONResponse({"id": number})

    async def incoming(self, request):
        if found := self.trouble(request):
            return found
        body, number = await request.json(), request.path_params["id"]
        self.messages.append((number, "incoming", False, body["content"]))
        self.conversations[number]["status"] = "open"
        event = recorded("message_created_incoming") | {"content": body["content"]}
        event["conversation"]["id"] = number
        await self.tell(event)
        return JSONResponse({"id": len(self.messages)})

    async def outgoing(self, request):
        if found := self.trouble(request, private=True):
            return found
        body, number = await request.json(), request.path_params["id"]
        self.messages.append((number, "outgoing", body["private"], body["content"]))
        event = self.event(
            number, body["content"], 900 + len(self.messages), private=True
        )
        kept = body["content_attributes"] if self.keeps_attributes else {}
        source = body.get("source_id")
        await self.tell(event | {"content_attributes": kept, "source_id": source})
        return JSONResponse({"id": len(self.messages)})

    async def toggle(self, request):
        if found := self.trouble(request, private=True):
            return found
        number = request.path_params["id"]
        self.conversations[number]["status"] = (await request.json())["status"]
        return JSONResponse({"payload": {"success": True}})

    async def show(self, request):
        if found := self.trouble(request, private=True):
            return found
        number = request.path_params["id"]
        if number not in self.conversations:
            return Response(status_code=404)
        return JSONResponse(
            {"id": number, "status": self.conversations[number]["status"]}
        )

    # What its people do.

    def event(
        self,
        number,
        content,
        key,
        private=False,
        attributes=None,
        person=14,
        name="John",
    ):
        event = recorded("message_created_incoming")
        event |= {
            "id": key,
            "content": content,
            "message_type": "outgoing",
            "private": private,
        }
        event["content_attributes"] = attributes or {}
        event["sender"] = {"id": person, "name": name, "type": "user"}
        event["conversation"]["id"] = number
        return event

    async def tell(self, event):
        answer = await self.web.post(HOOK, json=event)
        assert answer.status_code == 200, answer.text

    async def resolve(self, number):
        self.conversations[number]["status"] = "resolved"
        event = recorded("conversation_status_changed") | {
            "status": "resolved",
            "id": number,
        }
        await self.tell(event)

    def notes(self):
        return [content for _, _, private, content in self.messages if private]

    def said(self):
        return [content for _, kind, _, content in self.messages if kind == "incoming"]


@asynccontextmanager
async def bridged(tmp_path, keeps_attributes=True, **more):
    fake = Chatwoot(keeps_attributes)
    async with served(fake.app()) as url:
        settings = {
            "chatwoot_url": url,
            "chatwoot_inbox": INBOX,
            "chatwoot_account": ACCOUNT,
            "chatwoot_token": TOKEN,
            "chatwoot_secret": SECRET,
            **more,
        }
        async with desk_of(tmp_path, **settings) as (edge, web, browsers):
            fake.web = web
            yield fake, edge, web, browsers


async def test_that_chatwoots_people_serve_a_customer(tmp_path):
    async with bridged(tmp_path) as (fake, edge, web, (one, *_)):
        visitor, sender_id = await ask_for_human(edge, web)
        await eventually(lambda: len(fake.notes()) == 2)
        assert "客户：在吗" in fake.notes()[0] and "机器人：答：在吗" in fake.notes()[0]
        assert "customer_asked" in fake.notes()[1]
        (source,) = fake.contacts
        assert visitor.session_id not in str(fake.contacts)
        assert sender_id.partition(":")[2] not in source
        for _ in range(2):  # a repeat says nothing again
            await fake.tell(fake.event(10, "您好，我是 John", 500))
        seen = await seen_by(web, visitor)
        assert "人工客服John已加入" in seen
        assert seen.count("您好，我是 John") == 1
        await visitor.say("我的理赔呢", "m2")
        await eventually(lambda: "我的理赔呢" in fake.said())
        assert "答：我的理赔呢" not in await seen_by(web, visitor)
        await fake.tell(fake.event(10, "这位客户很急", 501, private=True))
        await fake.tell(fake.event(10, "这位客户很急", 501, private=True))
        notes = await edge.backstage.ledger.agents.notes_of(sender_id)
        assert [note.text for note in notes] == ["这位客户很急"]
        assert "很急" not in await seen_by(web, visitor)
        await fake.tell(fake.event(10, "我来接手", 502, person=15, name="Mary"))
        assert "人工客服Mary已加入" in await seen_by(web, visitor)
        await fake.resolve(10)
        await fake.resolve(10)
        seen = await seen_by(web, visitor)
        assert seen.count("由智能客服继续为您服务") == 1
        await visitor.say("谢谢", "m3")
        async with asyncio.timeout(60):
            while "答：谢谢" not in await seen_by(web, visitor):
                await asyncio.sleep(0.05)
        assert "谢谢" not in fake.said()
        # Nothing of what it was told came back as words of somebody.
        assert fake.said() == ["我的理赔呢"]
        assert (await one.get("conversations")).json() == {"conversations": []}


async def test_that_trouble_over_there_loses_and_doubles_nothing(tmp_path):
    async with bridged(tmp_path) as (fake, edge, web, _):
        fake.script = [500, 200, 503, 200, 200, 502]
        visitor, _ = await ask_for_human(edge, web)
        await eventually(lambda: len(fake.notes()) == 2)
        assert len(fake.conversations) == 1
        fake.script = [500, 429]
        for number in range(3):
            await visitor.say(f"第{number}句", f"n{number}")
        await eventually(lambda: "第2句" in "".join(fake.said()))
        lines = "\n".join(fake.said())
        places = [lines.index(f"第{n}句") for n in range(3)]
        assert places == sorted(places)
        assert all(lines.count(f"第{n}句") == 1 for n in range(3))


async def test_that_our_own_agents_come_first(tmp_path):
    async with bridged(tmp_path) as (fake, edge, web, (one, *_)):
        visitor, sender_id = await ask_for_human(edge, web)
        await eventually(lambda: len(fake.notes()) == 2)
        base = f"conversations/{sender_id}"
        await one.post(f"{base}/accept", key="a")
        await eventually(lambda: len(fake.notes()) == 3)
        await fake.tell(fake.event(10, "抢着说", 500))
        await eventually(lambda: "没有发给客户" in fake.notes()[-1])
        assert "抢着说" not in await seen_by(web, visitor)
        await one.post(f"{base}/messages", text="我来", key="1")
        await eventually(lambda: "坐席：我来" in fake.notes())
        await one.post(f"{base}/close", key="c")
        await eventually(lambda: fake.conversations[10]["status"] == "resolved")


async def test_that_a_missed_end_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("channels.links.chatwoot._LOOK_EVERY", timedelta(seconds=0.2))
    async with bridged(tmp_path) as (fake, edge, web, _):
        visitor, _ = await ask_for_human(edge, web)
        await eventually(lambda: fake.conversations)
        await eventually(lambda: len(fake.notes()) == 2)
        await fake.tell(fake.event(10, "您好", 500))
        fake.conversations[10]["status"] = "resolved"  # and the event is lost
        async with asyncio.timeout(60):
            while "由智能客服继续为您服务" not in await seen_by(web, visitor):
                await asyncio.sleep(0.05)


async def test_that_one_that_is_gone_hides_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr("channels.links.chatwoot._LOOK_EVERY", timedelta(seconds=0.2))
    async with bridged(tmp_path) as (fake, edge, web, _):
        found = [await ask_for_human(edge, web) for _ in range(2)]
        visitors = {sender_id: visitor for visitor, sender_id in found}
        await eventually(lambda: len(fake.notes()) == 4)
        for key, number in enumerate(list(fake.conversations)):
            await fake.tell(fake.event(number, "您好", 500 + key))
        held = await edge.backstage.ledger.links.held("chatwoot", "chatwoot:")
        (_, _, gone), (sender_id, _, other) = held  # in the order of the look
        fake.conversations[int(other)]["status"] = "resolved"
        del fake.conversations[int(gone)]
        async with asyncio.timeout(60):
            while "由智能客服" not in await seen_by(web, visitors[sender_id]):
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "change",
    [
        {"message_type": "incoming"},
        {"message_type": "template"},
        {"content": None},
        {"content": {"a": 1}},
        {"conversation": {"id": 99}},
        {"conversation": None},
        {"sender": {"id": 3, "type": "agent_bot", "name": "bot"}},
        {"sender": None},
        {"id": "500"},
        {"id": True},
        {"id": 10**30},
        {"sender": {"id": 10**200, "type": "user", "name": "x"}},
        {"account": {"id": 2}},
        {"event": "conversation_created"},
        {"event": None},
        {"content_attributes": {"baoke": True}},
    ],
)
async def test_that_what_is_no_reply_is_passed_over(tmp_path, change):
    async with bridged(tmp_path) as (fake, edge, web, _):
        visitor, sender_id = await ask_for_human(edge, web)
        await eventually(lambda: len(fake.notes()) == 2)
        before = await seen_by(web, visitor)
        await fake.tell(fake.event(10, "请看", 500) | change)
        assert await seen_by(web, visitor) == before
        assert (await edge.backstage.ledger.messages.holder(sender_id))[0] == "queued"


async def test_that_signatures_are_checked_when_their_secret_is_known(tmp_path):
    settings = {"chatwoot_signing_secret": "inbox secret"}
    async with bridged(tmp_path, **settings) as (fake, _edge, web, _):
        raw = json.dumps(fake.event(10, "请看", 500)).encode()
        now = str(int(time.time()))
        old = str(int(time.time()) - 600)
        for stamp, given in (
            (None, None),
            (now, sign("guess", now, raw)),
            (now, sign("inbox secret", now, raw + b" ")),
            (old, sign("inbox secret", old, raw)),
        ):
            head = {"X-Chatwoot-Timestamp": stamp, "X-Chatwoot-Signature": given}
            head = {name: value for name, value in head.items() if value}
            answer = await web.post(HOOK, content=raw, headers=head)
            assert answer.status_code == 401
            assert "error" in answer.json()
        good = {
            "X-Chatwoot-Timestamp": now,
            "X-Chatwoot-Signature": sign("inbox secret", now, raw),
        }
        assert (await web.post(HOOK, content=raw, headers=good)).status_code == 200


async def test_that_strangers_and_rubbish_are_refused(tmp_path):
    async with bridged(tmp_path) as (fake, _, web, _agents):
        event = fake.event(10, "x", 500)
        assert (
            await web.post("/webhooks/chatwoot/guess", json=event)
        ).status_code == 404
        for raw in (b"", b"[]", b'{"a":', b"\xff", b"[" * 5000):
            answer = await web.post(HOOK, content=raw)
            assert answer.status_code == 400
            assert "error" in answer.json()


@pytest.mark.parametrize("keeps_attributes", [True, False])
async def test_that_our_own_notes_do_not_come_back(tmp_path, keeps_attributes):
    async with bridged(tmp_path, keeps_attributes) as (fake, edge, web, _):
        visitor, sender_id = await ask_for_human(edge, web)
        await visitor.say("还在吗", "m2")  # told after the notes, which have come back
        await eventually(lambda: "还在吗" in fake.said())
        await eventually(lambda: "机器人：答：还在吗" in fake.notes())
        assert len(fake.notes()) == 3
        assert await edge.backstage.ledger.agents.notes_of(sender_id) == ()


@pytest.mark.parametrize("key", [500, 501])
async def test_that_a_repeat_takes_nothing_back_from_the_bot(tmp_path, key):
    async with bridged(tmp_path) as (fake, edge, web, _):
        visitor, sender_id = await ask_for_human(edge, web)
        await eventually(lambda: len(fake.notes()) == 2)
        await fake.tell(fake.event(10, "第一句", 500))
        await fake.tell(fake.event(10, "第二句", 501))
        await fake.tell(fake.event(10, "我来接手", 502, person=15, name="Mary"))
        await fake.tell(fake.event(10, "第二句", key))
        assert await edge.backstage.ledger.moves.agent_of(sender_id) == "chatwoot:15"
        await fake.resolve(10)
        before = await seen_by(web, visitor)
        await fake.tell(fake.event(10, "第二句", key))
        assert (await edge.backstage.ledger.messages.holder(sender_id))[0] == "bot"
        assert await seen_by(web, visitor) == before


@pytest.mark.parametrize(
    "change",
    [
        {"content": "前\ud800后"},
        {"content": "前\x00后"},
        {"content": "前\ud800后", "private": True},
        {"sender": {"id": 14, "name": "J\ud800", "type": "user"}},
    ],
)
async def test_that_what_no_store_can_keep_is_refused(tmp_path, change):
    async with bridged(tmp_path) as (fake, edge, web, _):
        visitor, sender_id = await ask_for_human(edge, web)
        await eventually(lambda: len(fake.notes()) == 2)
        before = await seen_by(web, visitor)
        raw = json.dumps(fake.event(10, "请看", 500) | change).encode()
        answer = await web.post(HOOK, content=raw)
        assert answer.status_code == 400
        assert "error" in answer.json()
        assert await seen_by(web, visitor) == before
        assert await edge.backstage.ledger.agents.notes_of(sender_id) == ()
        assert (await edge.backstage.ledger.messages.holder(sender_id))[0] == "queued"


async def test_that_files_over_there_come_as_addresses(tmp_path):
    async with bridged(tmp_path) as (fake, edge, web, _):
        visitor, _ = await ask_for_human(edge, web)
        await eventually(lambda: len(fake.notes()) == 2)
        files = [
            {"data_url": "https://chatwoot.example/a.png"},
            {"data_url": "file:///etc/passwd"},
            {"data_url": 3},
            "x",
        ]
        await fake.tell(fake.event(10, "请看图", 500) | {"attachments": files})
        seen = await seen_by(web, visitor)
        assert "https://chatwoot.example/a.png" in seen
        assert "passwd" not in seen
