"""WeChat: messages with what XML forbids, signatures used twice, files that never come."""

import asyncio
import copy
import json
import time
from datetime import timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from edge_kit import FakeBrain, make_settings, visiting
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.responses import JSONResponse, Response
from wechat_kit import ACCOUNT, TOKEN, service, settings_for, wechat, xml_of

from bot.errors import StoreError
from channels.fetching import Patience
from channels.wechat.reading import Does, read_callback
from channels.wechat.setup import wechat_envelope

WHO = "oCustomer1"
SENDER = f"wechat:{WHO}"
MODES = ("plain", "compat", "safe")
FIXTURES = Path(__file__).parents[1] / "fixtures" / "platforms"
SAMPLES = [
    sample["xml"]
    for name in ("official_docs", "wechatpy_tests")
    for sample in json.loads((FIXTURES / f"wechat_inbound_{name}.json").read_text())
]


async def said(edge, sender_id=SENDER):
    """What agents read of the customer's words."""
    found = await edge.backstage.ledger.messages.after(sender_id, 0)
    return [m.text for m in found if m.author == "customer"]


@pytest.mark.parametrize("mode", MODES)
async def test_that_a_message_with_what_xml_forbids_is_stored_without_it(
    tmp_path, mode
):
    brain = FakeBrain()
    odd = "我\x01要\x00退\x0b保\ufffe\uffff\x1f"
    async with wechat(mode=mode) as fake, service(tmp_path, brain, fake) as edge:
        assert await fake.say(odd) == "答：我要退保"
        where = {"Location_X": "23.1", "Location_Y": "113.3", "Label": "海\x02珠"}
        assert "海珠" in await fake.send(WHO, MsgType="location", **where)
        link = {"Title": "看\x03看", "Url": "http://x\x04"}
        await fake.send(WHO, MsgType="link", **link)
        answer = await fake.say("\x01\x02")  # nothing is left: told, not lost
        assert answer.startswith("抱歉，我暂时看不懂")
        await fake.event("CLICK", EventKey="/gre\x05et")
        assert brain.asked[-1].text == "/greet"
        assert [status for status, _ in fake.answers] == [200] * 5
        assert (await said(edge))[0] == "我要退保"
        assert (await said(edge))[2] == "（发来了链接）\n看看\nhttp://x"


@pytest.mark.parametrize("name", ["ToUserName", "FromUserName", "CreateTime", "MsgId"])
async def test_that_no_field_loses_a_message(tmp_path, name):
    brain = FakeBrain()
    fields = {"ToUserName": ACCOUNT, "FromUserName": WHO, "CreateTime": "1700000000",
              "MsgType": "text", "Content": "在吗", "MsgId": "7"}  # fmt: skip
    fields[name] = fields[name][:3] + "\x01\x00" + fields[name][3:]
    async with wechat(mode="plain") as fake, service(tmp_path, brain, fake) as edge:
        answer = await fake.post(xml_of(**fields))
        assert (answer.status_code, "答：在吗" in answer.text) == (200, True)
        await fake.post(xml_of(**fields))  # a second try
        assert await said(edge) == ["在吗"]


async def test_that_references_and_odd_bytes_lose_no_message(tmp_path):
    brain = FakeBrain()
    async with wechat(mode="plain") as fake, service(tmp_path, brain, fake) as edge:
        head = f"<xml><FromUserName>{WHO}</FromUserName><MsgType>text</MsgType>"
        for number, words in enumerate(
            [
                b"a&#x1;b",
                b"a&#0;b",
                b"a&#xD83D;b",
                b"a\xffb",
                b"a\xed\xa0\xbdb",
                b"a&#xFFFF;b",
            ]
        ):
            end = f"<MsgId>{number}</MsgId></xml>".encode()
            body = head.encode() + b"<Content>" + words + b"</Content>" + end
            params, _ = fake.signed("")
            url = f"{fake.server}/webhooks/wechat"
            answer = await fake.client.post(
                url, params=params, content=body, timeout=10
            )
            assert answer.status_code == 200
            assert "答：ab" in answer.text
        assert await said(edge) == ["ab"] * 6


async def test_that_nobody_speaks_for_another_by_what_is_left_out(tmp_path):
    brain = FakeBrain()
    evil = "]]\x01></Content><FromUserName>oVictim</FromUserName><Content><![CDATA[退保"
    async with wechat(mode="plain") as fake, service(tmp_path, brain, fake) as edge:
        await fake.say(evil)
        assert await said(edge, "wechat:oVictim") == []
        assert await said(edge) == [evil.replace("\x01", "")]


class Call:
    """One signed call that somebody wrote down."""

    def __init__(self, fake, xml, **query):
        self.fake = fake
        params, self.body = fake.signed(xml)
        self.params = params | query
        self.url = f"{fake.server}/webhooks/wechat"

    async def post(self, body=None, **query):
        body = self.body if body is None else body.encode()
        params = self.params | query
        return await self.fake.client.post(
            self.url, params=params, content=body, timeout=20
        )

    async def get(self, **query):
        return await self.fake.client.get(self.url, params=self.params | query)


def text(words, number=1, who=WHO):
    return xml_of(ToUserName=ACCOUNT, FromUserName=who, CreateTime=1, MsgType="text",
                  Content=words, MsgId=number)  # fmt: skip


async def test_that_a_signature_carries_one_body(tmp_path):
    brain = FakeBrain()
    async with wechat(mode="plain") as fake, service(tmp_path, brain, fake) as edge:
        call = Call(fake, text("在吗"))
        first = await call.post()
        assert "答：在吗" in first.text
        for forged in (
            text("我要退保", 2),
            text("我要退保", 1, "oVictim"),
            text("在吗") + " ",
            xml_of(FromUserName=WHO, MsgType="event", Event="unsubscribe"),
            "",
            "<xml>",
        ):
            for query in ({}, {"encrypt_type": "raw"}, {"openid": "x"}):
                answer = await call.post(forged, **query)
                assert answer.status_code == 403, forged
        same = await call.post()  # the platform's own second try
        assert (same.status_code, "答：在吗" in same.text) == (200, True)
        assert [q.text for q in brain.asked] == ["在吗"]
        assert await said(edge) == ["在吗"]
        assert await said(edge, "wechat:oVictim") == []
        assert (await call.get(echostr="1")).status_code == 403


@pytest.mark.parametrize(
    "first",
    [
        xml_of(FromUserName=WHO, MsgType="event", Event="VIEW", EventKey="http://x"),
        xml_of(MsgType="text"),
        "<xml>",
        "",
    ],
)
async def test_that_a_call_that_needs_no_answer_uses_its_signature_too(tmp_path, first):
    brain = FakeBrain()
    async with wechat(mode="plain") as fake, service(tmp_path, brain, fake):
        call = Call(fake, first)
        status = (await call.post()).status_code
        assert status in (200, 400)
        assert (await call.post()).status_code == status
        assert (await call.post(text("我要退保"))).status_code == 403
        assert brain.asked == []


async def test_that_of_two_bodies_at_once_one_counts(tmp_path):
    brain = FakeBrain()
    async with wechat(mode="plain") as fake, service(tmp_path, brain, fake):
        call = Call(fake, "")
        calls = [call.post(text(f"第{n}句", n)) for n in range(8)]
        answers = await asyncio.gather(*calls)
        assert sorted(a.status_code for a in answers) == [200] + [403] * 7
        assert len(brain.asked) == 1


async def test_that_a_greeting_is_echoed_once(tmp_path):
    async with wechat(mode="plain") as fake, service(tmp_path, FakeBrain(), fake):
        call = Call(fake, "")
        for _ in range(2):
            answer = await call.get(echostr="4375")
            assert (answer.status_code, answer.text) == (200, "4375")
        assert (await call.get(echostr="<b>")).status_code == 403
        assert (await call.post(text("我要退保"))).status_code == 403
        old = Call(fake, "")
        old.params, _ = fake.signed("", time.time() - 3600)
        assert (await old.get(echostr="4375")).status_code == 403


@pytest.mark.parametrize("mode", ["compat", "safe"])
async def test_that_sealed_modes_take_no_other_body_under_a_signature(tmp_path, mode):
    brain = FakeBrain()
    async with wechat(mode=mode) as fake, service(tmp_path, brain, fake) as edge:
        call, other = Call(fake, text("在吗")), Call(fake, text("我要退保", 2))
        assert (await call.post()).status_code == 200
        assert (await call.post(other.body.decode())).status_code == 403
        assert (await call.post(text("我要退保", 3))).status_code == 403
        forged = call.body.decode().replace("<xml>", f"<xml>{text('退保', 4)[5:-6]}", 1)
        await call.post(forged)  # what is not sealed is not read
        assert await said(edge) == ["在吗"]


async def test_that_a_used_signature_is_known_after_a_restart(tmp_path):
    async with wechat(mode="plain") as fake:
        async with service(tmp_path, FakeBrain(), fake):
            call = Call(fake, text("在吗"))
            assert (await call.post()).status_code == 200
        brain = FakeBrain()
        async with service(tmp_path, brain, fake):
            call.url = f"{fake.server}/webhooks/wechat"
            assert (await call.post(text("我要退保", 2))).status_code == 403
            assert brain.asked == []


async def test_that_signatures_are_forgotten_when_they_are_too_old(tmp_path):
    async with (
        wechat(mode="plain") as fake,
        service(tmp_path, FakeBrain(), fake, wechat_passive_wait=timedelta(0)) as edge,
    ):
        nonces, keep = edge.backstage.ledger.nonces, timedelta(minutes=21)
        now = edge.backstage.clock.now()
        assert await nonces.use("a", "1", now, keep)
        assert not await nonces.use("a", "2", now + keep / 2, keep)
        assert await nonces.use("b", "1", now + keep + timedelta(minutes=1), keep)
        assert await nonces.use("a", "2", now + keep + timedelta(minutes=1), keep)


async def test_that_a_sick_store_is_told_in_plain_mode_too(tmp_path, monkeypatch):
    brain = FakeBrain()
    short = {"wechat_passive_wait": timedelta(seconds=0.2)}
    async with (
        wechat(mode="plain") as fake,
        service(tmp_path, brain, fake, **short) as edge,
    ):
        database = edge.backstage.ledger._database
        real = database.write

        async def fail(work):
            raise StoreError("disk full")

        monkeypatch.setattr(database, "write", fail)
        call = Call(fake, text("在吗"))
        assert "系统暂时不可用" in (await call.post()).text
        assert (await fake.event("VIEW", EventKey="x")) is None
        assert fake.answers[-1][0] == 200
        monkeypatch.setattr(database, "write", real)
        await call.post()
        await fake.until(lambda: brain.asked)


@pytest.mark.parametrize("token", ["t", "ab", "a" * 33, "令牌令牌", "abc def", "abc-1"])
def test_that_a_token_that_wechat_does_not_give_is_told(tmp_path, token):
    class Nowhere:
        mode, url = "plain", "http://127.0.0.1:9"

    values = settings_for(Nowhere) | {"wechat_token": token}
    with pytest.raises(ValueError, match="BAOKE_WECHAT_TOKEN"):
        wechat_envelope(make_settings(tmp_path, **values))
    wechat_envelope(make_settings(tmp_path, **(values | {"wechat_token": TOKEN})))


# Files.


async def _odd_errcode():
    return JSONResponse({"errcode": {"a": 1}})


async def _video():
    return JSONResponse({"video_url": "http://x"})


async def _page():
    return Response("<html>", media_type="text/html")


async def _huge_number():
    return Response('{"errcode": 1e999}', media_type="application/json")


async def _too_many():
    return Response("", status_code=429)


async def _nothing():
    return Response(b"", media_type="image/jpeg")


@pytest.mark.parametrize(
    ("answer", "says"),
    [(40007, "没有取到"), (40004, "没有取到"), (_odd_errcode, "没有取到"),
     (_page, "没有取到"), (_huge_number, "图片"), (_too_many, "没有取到"),
     (-1, "没有取到"), (_video, "图片"), (_nothing, "图片")],
    ids=str,
)  # fmt: skip
async def test_that_a_file_that_never_comes_is_told_and_others_come(
    tmp_path, monkeypatch, answer, says
):
    patience = Patience(timedelta(milliseconds=10), tries=4)
    monkeypatch.setattr("channels.wechat.media._PATIENCE", patience)
    monkeypatch.setattr("channels.wechat.api._LATER", {-1: timedelta(0)})
    monkeypatch.setattr("channels.wechat.api._SOON", timedelta(0))
    monkeypatch.setattr("channels.wechat.door._FETCH_DELAY", timedelta(0))
    monkeypatch.setattr("channels.fetching._EVERY_SECONDS", 0.02)
    async with wechat() as fake, service(tmp_path, FakeBrain(), fake) as edge:
        fake.script["media/get"] = [answer] * 4
        await fake.send(WHO, MsgType="image", MediaId="m1")
        who = fake.followers[WHO]
        await fake.until(lambda: len(who.shown) == 2)
        assert says in who.texts[-1]
        fake.script["media/get"].clear()
        await fake.send("oOther", MsgType="image", MediaId="m2")
        folder = edge.backstage.settings.attachments_dir
        await fake.until(lambda: folder.exists() and len(list(folder.iterdir())) == 1)
        assert len(who.shown) == 2


# Samples made odd.

ODD = st.one_of(
    st.text(st.characters(), max_size=10),
    st.sampled_from(["", "\x00", "\x01a", "\ud83d", "]]>", "<b>", "&", "1e999", "nan",
                     "9" * 400, "-1", "event", "text", "image", "location"]),
)  # fmt: skip


@st.composite
def odd_samples(draw):
    """Fields of a sample, changed; written with sections or with references."""
    from channels.wechat.xml_fields import read_xml

    sample = read_xml(draw(st.sampled_from(SAMPLES)).encode())
    fields = {k: v for k, v in copy.deepcopy(sample).items() if isinstance(v, str)}
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from(sorted(fields) or ["Content"]))
        if draw(st.booleans()) and len(fields) > 1:
            del fields[name]
        else:
            fields[name] = draw(ODD)
    if draw(st.booleans()):
        return xml_of(**fields).encode("utf-8", "surrogatepass")
    rows = "".join(f"<{k}>{escape(v)}</{k}>" for k, v in fields.items())
    return f"<xml>{rows}</xml>".encode("utf-8", "surrogatepass")


async def test_that_no_odd_callback_is_a_5xx_and_nothing_is_lost(tmp_path):
    from channels.wechat.xml_fields import read_xml

    tried = []

    @settings(max_examples=120, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(odd_samples())
    def collect(body):
        tried.append(body)

    await asyncio.to_thread(collect)
    late = {"wechat_passive_wait": timedelta(0)}
    async with (
        wechat(mode="plain") as fake,
        service(tmp_path, FakeBrain(), fake, **late) as edge,
    ):
        url, messages = f"{fake.server}/webhooks/wechat", edge.backstage.ledger.messages
        for body in tried:
            params, _ = fake.signed("")
            answer = await fake.client.post(url, params=params, content=body)
            assert answer.status_code == 200, body
            callback = read_callback(read_xml(body))
            if callback is None or not callback.is_message:
                continue
            assert callback.does is Does.SAY
            assert await messages.knows(callback.sender_id, callback.message_key), body


async def test_that_odd_numbers_and_deep_bodies_are_refused_everywhere(tmp_path):
    brain = FakeBrain()
    deep = b'{"text": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    bodies = [
        b'{"text": 1e999}', b'{"text": NaN}', b'{"text": "a", "x": -Infinity}', deep[:60_000],
        b'{"text": ' + b"[" * 500 + b"]" * 500 + b"}", b'{"text": "a", "text": "b"}',
        b'{"text": "\xff"}', b"[1e999]", b"1e999", b'{"name": NaN, "password": 1e999}',
    ]  # fmt: skip
    async with wechat() as fake, service(tmp_path, brain, fake):
        async with visiting(fake.server) as visitor:
            for body in bodies:
                for path in ("/api/chat/messages", "/api/desk/login"):
                    answer = await visitor.client.post(
                        path,
                        content=body,
                        headers={**visitor.headers, "content-type": "application/json"},
                    )
                    assert answer.status_code in (400, 422), (path, body[:60])
            for path in (
                "/static/" + "a" * 3000,
                "/static/a%00b",
                "/static/" + "a/" * 900,
            ):
                assert (await visitor.client.get(path)).status_code == 404
    assert brain.asked == []
