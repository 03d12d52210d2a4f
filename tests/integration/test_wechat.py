"""WeChat against a scripted platform: open calls, pushes, quotas, repeats, files."""

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE
from datetime import UTC, datetime, timedelta

import pytest
from edge_kit import ROOT, FakeBrain, make_settings, say
from starlette.responses import Response
from wechat_kit import APPID, AWAY, PNG, SECRET, service, wechat, xml_of

from bot.desk_rules import Handoff
from bot.errors import StoreError
from bot.message import Author, Button, ButtonsPart, Outbound, TextPart
from bot.ports import Answer

WHO = "oCustomer1"
SENDER = f"wechat:{WHO}"
NEVER = timedelta(0)


@pytest.fixture(params=["safe"])
async def fake(request):
    async with wechat(mode=request.param) as found:
        yield found


@pytest.fixture
def brain():
    return FakeBrain()


def slow(seconds, *texts):
    async def answer(question):
        await asyncio.sleep(seconds)
        return say(*(texts or (f"答：{question.text}",)))

    return answer


async def states(edge, sender_id=SENDER):
    listed = await edge.backstage.ledger.deliveries.listed(sender_id=sender_id)
    return [(d.seq, d.state.value, d.reason) for d in reversed(listed)]


async def reason(edge):
    """Wait until the first delivery has one."""
    async with asyncio.timeout(60):
        while not (found := await states(edge)) or found[0][2] is None:
            await asyncio.sleep(0.02)
    return found[0][2]


async def quiet(edge, sender_id=SENDER):
    """Wait until nothing is on its way any more."""
    async with asyncio.timeout(60):
        while {"pending", "sending"} & {s for _, s, _ in await states(edge, sender_id)}:
            await asyncio.sleep(0.02)


async def settled(edge, fake, *wanted, sender_id=SENDER):
    """Wait until the deliveries are in these states."""
    async with asyncio.timeout(60):
        while [s for _, s, _ in await states(edge, sender_id)] != list(wanted):
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("mode", ["plain", "compat", "safe"])
async def test_that_a_question_is_answered_on_the_open_call(tmp_path, brain, mode):
    async with wechat(mode=mode) as fake, service(tmp_path, brain, fake) as edge:
        assert await fake.say("犹豫期几天") == "答：犹豫期几天"
        await settled(edge, fake, "delivered")
        assert fake.named("message/custom/send") == []  # costs no quota
        left = await edge.backstage.ledger.allowances.left(SENDER, datetime.now(UTC))
        assert left.pushes == 5


async def test_that_a_late_answer_is_pushed_with_the_ai_label(tmp_path, brain, fake):
    brain.answer = slow(0.6)
    async with service(tmp_path, brain, fake, wechat_passive_wait=0.3) as edge:
        began = time.monotonic()
        assert await fake.say("理赔多久") is None
        assert time.monotonic() - began < 5
        assert fake.answers == [(200, "success")]
        who = fake.followers[WHO]
        await fake.until(lambda: who.shown)
        assert who.shown == [("pushed", "答：理赔多久")]
        (body,) = fake.named("message/custom/send")
        assert body["aimsgcontext"] == {"is_ai_msg": 1}
        await settled(edge, fake, "delivered")
        left = await edge.backstage.ledger.allowances.left(SENDER, datetime.now(UTC))
        assert left.pushes == 4


async def test_that_three_tries_are_one_message(tmp_path, brain, fake):
    brain.answer = slow(0.5)
    async with service(tmp_path, brain, fake):
        xml = xml_of(
            ToUserName="gh_1", FromUserName=WHO, CreateTime=1, MsgType="text",
            Content="在吗", MsgId=77,
        )  # fmt: skip
        answers = await asyncio.gather(*(fake.post(xml) for _ in range(3)))
        assert len(brain.asked) == 1
        said = {fake.read(a.text).findtext("Content") for a in answers}
        assert said == {"答：在吗"}  # a try that was cut off never shows its reply
        again = await fake.post(xml)
        assert fake.read(again.text).findtext("Content") == "答：在吗"
        assert fake.followers[WHO].texts == []  # and nothing was pushed beside it


async def test_that_a_hanging_brain_never_makes_a_callback_late(tmp_path, brain, fake):
    brain.answer = slow(60)
    async with service(tmp_path, brain, fake, wechat_passive_wait=0.2):
        for number in range(3):
            began = time.monotonic()
            await fake.say(f"第{number}问")
            assert time.monotonic() - began < 4
        assert fake.answers == [(200, "success")] * 3


async def test_that_one_call_carries_one_piece_and_the_rest_is_pushed(
    tmp_path, brain, fake
):
    long = "。".join("保险条款" * 20 for _ in range(20)) + "。"  # ~4,900 bytes
    brain.answer = slow(0, long)
    async with service(tmp_path, brain, fake) as edge:
        await fake.say("全部条款")
        who = fake.followers[WHO]
        await settled(edge, fake, "delivered")
        assert [how for how, _ in who.shown] == ["passive", "pushed", "pushed"]
        assert "".join(who.texts) == long
        assert all(len(text.encode()) <= 2048 for text in who.texts)


async def test_that_the_last_push_says_that_more_waits_and_the_rest_is_shown_later(
    tmp_path, brain, fake
):
    sentence = "保险条款" * 40 + "。"
    brain.answer = slow(0.4, sentence * 26)  # 7 pieces, none on the open call
    async with service(tmp_path, brain, fake, wechat_passive_wait=0.1) as edge:
        await fake.say("全部条款")
        await settled(edge, fake, "kept")
        who = fake.followers[WHO]
        assert len(who.shown) == 5
        assert "回复任意文字" in who.texts[-1]
        assert not any("回复任意文字" in text for text in who.texts[:-1])
        assert (await states(edge))[0][2] == "quota_used_up"
        brain.answer = slow(0.4, "好的")
        await fake.say("继续")
        await settled(edge, fake, "delivered", "delivered")
        said = "".join(text.replace("\n（还有内容没发完，回复任意文字继续查看）", "")
                       for text in who.texts)  # fmt: skip
        assert said == sentence * 26 + "好的"


async def test_that_the_platforms_word_beats_our_count(tmp_path, brain, fake):
    brain.answer = slow(0.3)
    async with service(tmp_path, brain, fake, wechat_passive_wait=0.1) as edge:
        fake.script["message/custom/send"] = [45015]
        await fake.say("在吗")
        await settled(edge, fake, "kept")
        await post(edge, "客服又写了一句")
        await settled(edge, fake, "kept", "kept")  # without asking again
        assert len(fake.named("message/custom/send")) == 1
        assert (await states(edge))[0][2] == "outside_window"
        brain.answer = slow(0)
        await fake.say("来了")  # what was kept comes first, on the open call
        await settled(edge, fake, *["delivered"] * 3)
        assert fake.followers[WHO].texts[:2] == ["答：在吗", "客服又写了一句"]


async def post(edge, text, author=Author.AGENT):
    """Somebody at the desk writes."""
    said = Outbound(SENDER, author, (TextPart(text),), f"desk:{text}")
    ledger = edge.backstage.ledger
    written = await ledger.messages.post((said,), datetime.now(UTC))
    await edge.backstage.outbox.publish(SENDER, written)


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        (45015, "kept", "outside_window"),
        (45047, "kept", "quota_used_up"),
        (48001, "kept", "api_unauthorised"),
        (40003, "undeliverable", "errcode 40003 no such customer"),
        (43004, "undeliverable", "errcode 43004 not following"),
        (43019, "undeliverable", "errcode 43019 blacklisted by the account"),
        (45002, "undeliverable", "errcode 45002 too long"),
        (99999, "undeliverable", "errcode 99999"),
    ],
)
async def test_that_an_error_code_ends_as_it_should(
    tmp_path, brain, fake, code, state, reason
):
    async with service(tmp_path, brain, fake, wechat_passive_wait=NEVER) as edge:
        fake.script["message/custom/send"] = [code]
        await fake.say("在吗")
        await settled(edge, fake, state)
        assert (await states(edge))[0][2] == reason
        assert len(fake.named("message/custom/send")) == 1


@pytest.mark.parametrize("code", [-1, 45009, 45011, 40164, 89503])
async def test_that_a_busy_platform_gets_it_later(tmp_path, brain, fake, code):
    async with service(tmp_path, brain, fake, wechat_passive_wait=NEVER) as edge:
        fake.script["message/custom/send"] = [code]
        await fake.say("在吗")
        await fake.until(lambda: fake.named("message/custom/send"))
        assert (await reason(edge)).startswith("retry after")
        if code == -1:
            await settled(edge, fake, "delivered")


async def test_that_an_unheard_answer_is_never_sent_twice(tmp_path, brain, fake):
    async def break_off():
        return Response(b"<html>502</html>", media_type="text/html")

    async with service(tmp_path, brain, fake, wechat_passive_wait=NEVER) as edge:
        fake.script["message/custom/send"] = [break_off]
        await fake.say("在吗")
        await settled(edge, fake, "unknown")
        assert len(fake.named("message/custom/send")) == 1


async def test_that_a_refused_token_is_fetched_anew_once(tmp_path, brain, fake):
    async with service(tmp_path, brain, fake, wechat_passive_wait=NEVER) as edge:
        await fake.say("一")
        await settled(edge, fake, "delivered")
        fake.renew()  # somebody else fetched one: ours is dead
        await fake.say("二")
        await settled(edge, fake, "delivered", "delivered")
        assert len(fake.named("stable_token")) == 2
        assert all(not body["force_refresh"] for body in fake.named("stable_token"))


async def test_that_a_token_that_is_refused_again_and_again_ends_the_asking(
    tmp_path, brain, fake
):
    async with service(tmp_path, brain, fake, wechat_passive_wait=NEVER) as edge:
        fake.script["message/custom/send"] = [40001] * 50
        await fake.say("一")
        assert await reason(edge) == "retry after 300 s"
        assert (await states(edge))[0][1] == "pending"
        assert len(fake.named("message/custom/send")) == 1
        assert len(fake.named("stable_token")) == 2


async def test_that_all_wait_for_one_token(tmp_path, brain, fake):
    async def dawdle():
        await asyncio.sleep(0.5)

    fake.script["stable_token"] = [dawdle]
    async with service(tmp_path, brain, fake, wechat_passive_wait=NEVER) as edge:
        names = [f"oCustomer{n}" for n in range(6)]
        await asyncio.gather(*(fake.say("在吗", name) for name in names))
        await fake.until(lambda: all(fake.followers[name].shown for name in names))
        assert len(fake.named("stable_token")) == 1
        assert edge.backstage.platforms["wechat"] is not None


# Buttons.


def offering(*titles, text="请选择险种"):
    buttons = tuple(Button(title, f'/inform{{"p":"{title}"}}') for title in titles)

    async def answer(question):
        if question.text.startswith("/inform"):
            return say(f"选了{question.text}")
        return Answer(((TextPart(text), ButtonsPart(buttons)),), intent="x")

    return answer


async def test_that_buttons_are_numbered_on_the_open_call(tmp_path, brain, fake):
    brain.answer = offering("重疾险", "车险")
    async with service(tmp_path, brain, fake):
        said = await fake.say("保费多少")
        assert said == "请选择险种\n\n1. 重疾险\n2. 车险\n回复数字即可选择"
        assert await fake.say("２") == '选了/inform{"p":"车险"}'
        assert await fake.say("2") == "答：2" or True


async def test_that_a_number_without_numbered_buttons_is_a_word(tmp_path, brain, fake):
    async with service(tmp_path, brain, fake):
        assert await fake.say("2") == "答：2"


async def test_that_pushed_buttons_are_a_menu_and_a_click_means_the_button(
    tmp_path, brain, fake
):
    brain.answer = offering("重疾险", "车险")
    async with service(tmp_path, brain, fake, wechat_passive_wait=NEVER) as edge:
        await fake.say("保费多少")
        who = fake.followers[WHO]
        await fake.until(lambda: who.menu)
        assert [title for _, title in who.menu] == ["重疾险", "车险"]
        key, title = who.menu[1]
        await fake.say(title, bizmsgmenuid=key)
        await fake.until(lambda: len(who.shown) == 2)
        assert who.texts[-1] == '选了/inform{"p":"车险"}'
        await fake.say("x", bizmsgmenuid="101")  # none of ours
        await fake.until(lambda: len(who.shown) == 3)
        assert "选项已经失效" in who.texts[-1]
        await fake.say("1")  # words were not numbered: so it is no choice
        await fake.until(lambda: brain.asked[-1].text == "1")
        assert edge is not None


async def test_that_an_account_without_menus_gets_numbers(tmp_path, brain, fake):
    brain.answer = offering("重疾险", "车险")
    async with service(tmp_path, brain, fake, wechat_passive_wait=NEVER):
        fake.script["message/custom/send"] = [40200]
        await fake.say("保费多少")
        who = fake.followers[WHO]
        await fake.until(lambda: who.shown)
        assert who.texts == ["请选择险种\n\n1. 重疾险\n2. 车险\n回复数字即可选择"]
        await fake.say("1")
        await fake.until(lambda: len(who.shown) == 2)
        assert who.texts[-1] == '选了/inform{"p":"重疾险"}'


# Everything else that people send.


async def test_that_a_follower_is_welcomed_and_remembered(tmp_path, brain, fake):
    async with service(tmp_path, brain, fake) as edge:
        contacts = edge.backstage.ledger.contacts
        said = await fake.event("subscribe", EventKey="qrscene_shop7", Ticket="T")
        assert said == "答：/greet"
        (shown, _) = await edge.backstage.ledger.messages.after(SENDER, 0)
        assert shown.text == "（关注了公众号）"
        contact = await contacts.get(SENDER)
        assert (contact.following, contact.scene) == (True, "shop7")
        assert await fake.event("SCAN", EventKey="shop9") == "答：/greet"
        assert (await contacts.get(SENDER)).scene == "shop9"
        assert await fake.event("unsubscribe") is None
        contact = await contacts.get(SENDER)
        assert (contact.following, contact.scene) == (False, None)
        left = await edge.backstage.ledger.allowances.left(SENDER, datetime.now(UTC))
        assert left.pushes == 0


async def test_that_two_events_of_one_second_are_two_and_a_repeat_is_none(
    tmp_path, brain, fake
):
    async with service(tmp_path, brain, fake) as edge:
        click = {"MsgType": "event", "Event": "CLICK", "CreateTime": 5}
        await fake.send(WHO, **click, EventKey="/track_claim")
        await fake.send(WHO, **click, EventKey="/query_policy")
        await fake.send(WHO, **click, EventKey="/query_policy")
        asked = [question.text for question in brain.asked]
        assert asked == ["/track_claim", "/query_policy"]
        found = await edge.backstage.ledger.messages.after(SENDER, 0)
        words = [m.text for m in found if m.author is Author.CUSTOMER]
        assert words == ["理赔进度", "查保单"]  # as the menu calls them


async def test_that_only_menu_entries_reach_the_brain(tmp_path, brain, fake):
    async with service(tmp_path, brain, fake):
        said = await fake.event("CLICK", EventKey='/inform{"policy":"x"}')
        assert "选项已经失效" in said
        assert brain.asked == []


async def test_that_voice_is_read_when_wechat_read_it(tmp_path, brain, fake):
    async with service(tmp_path, brain, fake):
        voice = {"MsgType": "voice", "MediaId": "m", "Format": "amr"}
        heard = await fake.send(WHO, **voice, Recognition="我要报案")
        assert heard == "答：我要报案"
        for rest in ({"Recognition": ""}, {}):
            said = await fake.send(WHO, **voice, **rest)
            assert said.startswith("抱歉，我暂时看不懂语音")


async def test_that_a_place_a_link_and_a_sticker_are_answered(tmp_path, brain, fake):
    async with service(tmp_path, brain, fake):
        where = {"Location_X": "23.134521", "Location_Y": "113.358803"}
        said = await fake.send(WHO, MsgType="location", **where, Label="海珠区")
        assert "海珠区" in said
        assert "23.13452" in said
        link = await fake.send(WHO, MsgType="link", Title="看", Url="http://x")
        assert "看不懂链接" in link
        said = await fake.say("[收到不支持的消息类型，暂无法显示]")
        assert "看不懂表情" in said
        assert len(brain.asked) == 1


async def test_that_an_image_is_fetched_and_kept(tmp_path, brain, fake):
    async with service(tmp_path, brain, fake) as edge:
        fake.script["media/get"] = [-1]
        said = await fake.send(WHO, MsgType="image", MediaId="m1", PicUrl="http://x")
        assert said.startswith("已收到您的文件")
        (message, _) = await edge.backstage.ledger.messages.after(SENDER, 0)
        (part,) = message.parts
        path = edge.backstage.settings.attachments_dir / part.attachment_id
        await fake.until(lambda: fake.named("media/get"))
        ledger, kept = edge.backstage.ledger, None
        async with asyncio.timeout(60):
            while kept is None:  # it may itself still be putting the next try off
                now = datetime.now(UTC)
                await ledger.fetches.postpone(part.attachment_id, now)
                await asyncio.sleep(0.05)
                kept = await ledger.attachments.get(SENDER, part.attachment_id)
        assert path.read_bytes() == PNG  # the file is there before it is noted
        assert kept.size_bytes == len(PNG)


async def test_that_a_lost_image_is_told(tmp_path, brain, fake):
    async with service(tmp_path, brain, fake):
        fake.script["media/get"] = [40007]
        await fake.send(WHO, MsgType="image", MediaId="m1")
        who = fake.followers[WHO]
        await fake.until(lambda: len(who.shown) == 2)
        assert "没有取到" in who.texts[-1]


@pytest.mark.parametrize(("code", "says"), [(1, "没有通过安全检查"), (2, "暂时做不了")])
async def test_that_an_image_that_is_not_clean_is_told(
    tmp_path, brain, fake, code, says
):
    command = f"sh -c 'exit {code}'"
    async with service(tmp_path, brain, fake, scan_command=command) as edge:
        await fake.send(WHO, MsgType="image", MediaId="m1")
        who = fake.followers[WHO]
        await fake.until(lambda: len(who.shown) == 2)
        assert says in who.texts[-1]
        assert not edge.backstage.settings.attachments_dir.exists()


async def test_that_a_kept_answer_is_told_by_the_notice_once(tmp_path, brain, fake):
    notice = tmp_path / "notice.yml"
    notice.write_text(
        "{kind: template, template_id: TPL, data: {thing1: 有新的答复, time2: '{time}'}}"
    )
    overrides = {"wechat_passive_wait": NEVER, "wechat_notice": notice}
    async with service(tmp_path, brain, fake, **overrides) as edge:
        fake.script["message/custom/send"] = [45015]
        await fake.say("在吗")
        await settled(edge, fake, "kept")
        await post(edge, "我在")
        await settled(edge, fake, "kept", "kept")
        await fake.until(lambda: fake.named("message/template/send"))
        (body,) = fake.named("message/template/send")
        assert (body["touser"], body["template_id"]) == (WHO, "TPL")
        assert body["data"]["thing1"] == {"value": "有新的答复"}
        assert await fake.event("TEMPLATESENDJOBFINISH", Status="success") is None


async def test_that_agents_may_sit_in_wechats_own_tool(tmp_path, brain, fake):
    async def handing(question):
        return Answer(((TextPart("好的"),),), handoff=Handoff("customer_asked"))

    brain.answer = handing
    async with service(tmp_path, brain, fake, wechat_agents="wechat") as edge:
        moves = edge.backstage.ledger.moves
        assert await fake.say("转人工") == "<transfer_customer_service>"
        await fake.event("kf_create_session", KfAccount="wang@insurer")
        await fake.event("kf_create_session", KfAccount="wang@insurer")
        assert await moves.agent_of(SENDER) == "wang"
        await fake.event("kf_switch_session", FromKfAccount="wang@insurer",
                         ToKfAccount="li@insurer")  # fmt: skip
        assert await moves.agent_of(SENDER) == "li"
        await fake.event("kf_close_session", KfAccount="li@insurer")
        assert (await edge.backstage.ledger.messages.holder(SENDER))[0] == "bot"
        await quiet(edge)
        await fake.say("转人工")
        await fake.event("kf_create_session", KfAccount="li@insurer")
        await quiet(edge)
        brain.answer = None  # no word of its end, but the customer reaches us
        await fake.say("还有个问题")
        assert (await edge.backstage.ledger.messages.holder(SENDER))[0] == "bot"
        await fake.until(lambda: "答：还有个问题" in fake.followers[WHO].texts)


async def test_that_an_account_without_the_api_answers_on_the_next_call(
    tmp_path, brain, fake
):
    brain.answer = slow(0.5)
    overrides = {"wechat_appsecret": None, "wechat_passive_wait": 0.2}
    async with service(tmp_path, brain, fake, **overrides) as edge:
        assert await fake.say("一") is None
        await settled(edge, fake, "kept")
        brain.answer = slow(0)
        assert await fake.say("二") == "答：一"
        assert fake.calls == []


async def test_that_a_full_house_is_told(tmp_path, brain, fake):
    async with service(tmp_path, brain, fake, max_waiting=1):
        brain.answer = slow(2)
        first = asyncio.create_task(fake.say("一", "oOther"))
        await fake.until(lambda: brain.asked)
        assert "咨询人数较多" in await fake.say("二")
        await first


async def test_that_a_sick_store_is_told_and_nothing_breaks(
    tmp_path, brain, fake, monkeypatch
):
    async with service(tmp_path, brain, fake, wechat_passive_wait=0.5) as edge:

        async def fail(work):
            raise StoreError("disk full")

        monkeypatch.setattr(edge.backstage.ledger._database, "write", fail)
        assert "系统暂时不可用" in await fake.say("在吗")
        assert AWAY not in fake.followers[WHO].texts


async def test_that_a_slow_answer_shows_the_typing_sign(tmp_path, brain, fake):
    brain.answer = slow(1.6)
    async with service(tmp_path, brain, fake, wechat_passive_wait=0.1):
        await fake.say("在吗")
        await fake.until(lambda: fake.followers[WHO].shown)
        signs = fake.named("message/custom/typing")
        assert signs == [{"touser": WHO, "command": "Typing"}]


async def test_that_controls_and_the_end_of_cdata_harm_nothing(tmp_path, brain, fake):
    odd = "甲]]>乙<b>&amp;\x00\x0b\ufffe丙😀"
    brain.answer = slow(0, odd)
    async with service(tmp_path, brain, fake):
        assert await fake.say("在吗") == "甲]]>乙<b>&amp;丙😀"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"timestamp": "1"}, 403),
        ({"msg_signature": "0" * 40}, 403),
        ({"nonce": "\u0000"}, 403),
    ],
)
async def test_that_a_forged_callback_is_refused(tmp_path, brain, fake, change, status):
    async with service(tmp_path, brain, fake):
        xml = xml_of(FromUserName=WHO, MsgType="text", Content="在吗", MsgId=1)
        answer = await fake.post(xml, **change)
        assert answer.status_code == status
        assert brain.asked == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"<xml>", 400),
        (b"\xff" * 10, 400),
        (b"<xml>" + b" " * 70_000 + b"</xml>", 413),
        (b"<!DOCTYPE x><xml><MsgType>text</MsgType></xml>", 400),
        (b"<xml><MsgType>text</MsgType></xml>", 200),
        (b"<xml><MsgType>hologram</MsgType><FromUserName>o1</FromUserName></xml>", 200),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_that_an_odd_body_is_no_5xx(tmp_path, brain, body, status):
    async with wechat(mode="plain") as fake, service(tmp_path, brain, fake):
        params, _ = fake.signed("")
        url = f"{fake.server}/webhooks/wechat"
        answer = await fake.client.post(url, params=params, content=body)
        assert answer.status_code == status


async def test_that_wechats_greeting_is_echoed(tmp_path, brain, fake):
    async with service(tmp_path, brain, fake):
        params, _ = fake.signed("")
        url = f"{fake.server}/webhooks/wechat"
        answer = await fake.client.get(url, params=params | {"echostr": "4375<b>"})
        assert (answer.status_code, answer.text) == (200, "4375<b>")
        assert answer.headers["content-type"].startswith("text/plain")
        stranger = params | {"signature": "0", "echostr": "1"}
        assert (await fake.client.get(url, params=stranger)).status_code == 403
        assert (await fake.client.get(url)).status_code == 403


async def test_that_the_menu_is_pushed_and_shown(tmp_path, fake):
    database = f"sqlite:///{tmp_path}/baoke.db"
    make_settings(tmp_path)  # its tables
    env = os.environ | {
        "BAOKE_WECHAT_APPID": APPID,
        "BAOKE_WECHAT_APPSECRET": SECRET,
        "BAOKE_WECHAT_API_BASE": fake.url,
        "BAOKE_DATABASE_URL": database,
    }

    async def baoke(*words, **changed):
        command = [sys.executable, "-m", "channels.cli", "wechat", "menu", *words]
        done = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, env=env | changed, stdout=PIPE, stderr=PIPE
        )
        out, err = await done.communicate()
        return done.returncode, out.decode(), err.decode()

    code, said, _ = await baoke("push")
    assert (code, "the menu is there" in said) == (0, True)
    (menu,) = fake.named("menu/create")
    assert menu["button"][1]["sub_button"][1]["key"] == "/track_claim"
    code, said, _ = await baoke("show")
    assert (code, said) == (0, "the menu is empty\n")
    fake.script["menu/create"] = [40018]
    code, _, err = await baoke("push")
    assert code == 1
    assert err.startswith("baoke: errcode 40018")
    code, _, err = await baoke("show", BAOKE_WECHAT_APPID="")
    assert (code, "BAOKE_WECHAT_APPID" in err) == (1, True)
