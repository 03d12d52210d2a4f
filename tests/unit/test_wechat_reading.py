"""WeChat's envelope and callbacks: official vectors, every sample, hostile bodies."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadInput
from channels.wechat.envelope import Envelope, read_xml
from channels.wechat.notice import LateNotice
from channels.wechat.reading import Does, read_callback

FIXTURES = Path(__file__).parents[1] / "fixtures" / "platforms"
VECTORS = json.loads((FIXTURES / "wechat_crypto_vectors.json").read_text())
SAMPLES = [
    *json.loads((FIXTURES / "wechat_inbound_official_docs.json").read_text()),
    *json.loads((FIXTURES / "wechat_inbound_wechatpy_tests.json").read_text()),
]
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


def vectors(kind, form=None):
    found = [v for v in VECTORS if v["kind"] == kind]
    return [v for v in found if form is None or v.get("format", "xml") == form]


def at(vector):
    return datetime.fromtimestamp(int(vector["timestamp"]), UTC)


@pytest.mark.parametrize("vector", vectors("url_verify"), ids=lambda v: v["id"])
def test_that_tencents_greetings_are_known(vector):
    envelope = Envelope(vector["token"], "plain")
    names = ("signature", "timestamp", "nonce", "echostr")
    query = {name: vector[name] for name in names}
    assert envelope.greets(query)
    assert not envelope.greets(query | {"nonce": "1"})
    assert not envelope.greets({})


@pytest.mark.parametrize("vector", vectors("receive", "xml"), ids=lambda v: v["id"])
def test_that_tencents_callbacks_are_opened(vector):
    names = ("timestamp", "nonce", "msg_signature")
    query = {name: vector[name] for name in names} | {"encrypt_type": "aes"}
    keys = ("A" * 43, vector["encoding_aes_key"])  # the second is the previous one
    envelope = Envelope(vector["token"], "safe", vector["appid"], keys)
    body = vector["post_body"].encode()
    opened = envelope.open(query, body, at(vector))
    assert opened.fields["FromUserName"]
    for name in names:
        with pytest.raises(BadInput):
            envelope.open(query | {name: "1"}, body, at(vector))
    stranger = Envelope(vector["token"], "safe", "wx0000000000000000", keys)
    with pytest.raises(BadInput):
        stranger.open(query, body, at(vector))


def test_that_a_reply_is_sealed_with_the_key_that_opened():
    old = Envelope("t", "safe", "wx1", ("B" * 43,))
    new = Envelope("t", "safe", "wx1", (KEY, "B" * 43))
    sealed, query = _sealed(old, "<xml><MsgType>text</MsgType></xml>")
    opened = new.open(query, sealed, NOW)
    answer = opened.seal("<xml><Content>好</Content></xml>", NOW)
    found = ElementTree.fromstring(answer)
    given = {
        "msg_signature": found.findtext("MsgSignature"),
        "timestamp": found.findtext("TimeStamp"),
        "nonce": found.findtext("Nonce"),
        "encrypt_type": "aes",
    }
    assert old.open(given, answer.encode(), NOW).fields == {"Content": "好"}


def _sealed(envelope, xml, nonce="n"):
    moment = str(int(NOW.timestamp()))
    sealed = envelope._cryptos[0].encrypt_message(xml, nonce, moment)
    signature = ElementTree.fromstring(sealed).findtext("MsgSignature")
    query = {"timestamp": moment, "nonce": nonce, "encrypt_type": "aes"}
    return sealed.encode(), query | {"msg_signature": signature}


def _signed_plain(token="t", moment=NOW):
    from channels.wechat.envelope import _sign

    stamp = str(int(moment.timestamp()))
    return {"timestamp": stamp, "nonce": "n", "signature": _sign(token, stamp, "n")}


def test_that_a_downgrade_is_refused():
    xml = b"<xml><MsgType>text</MsgType><FromUserName>o</FromUserName></xml>"
    for mode in ("compat", "safe"):
        envelope = Envelope("t", mode, "wx1", (KEY,))
        for extra in ({}, {"encrypt_type": "raw"}, {"encrypt_type": "aes"}):
            with pytest.raises(BadInput, match="unauthorized"):
                envelope.open(_signed_plain() | extra, xml, NOW)
    assert Envelope("t", "plain").open(_signed_plain(), xml, NOW).fields


def test_that_compatible_mode_trusts_the_encrypted_part_alone():
    envelope = Envelope("t", "compat", "wx1", (KEY,))
    sealed, query = _sealed(envelope, "<xml><Content>真</Content></xml>")
    forged = sealed.replace(b"<xml>", "<xml><Content>假</Content>".encode(), 1)
    assert envelope.open(query, forged, NOW).fields["Content"] == "真"


def test_that_an_old_callback_is_refused():
    envelope = Envelope("t", "plain", window=timedelta(minutes=10))
    xml = b"<xml><MsgType>text</MsgType></xml>"
    for minutes, fine in ((0, True), (9, True), (-9, True), (11, False), (-11, False)):
        query = _signed_plain(moment=NOW + timedelta(minutes=minutes))
        if fine:
            envelope.open(query, xml, NOW)
        else:
            with pytest.raises(BadInput):
                envelope.open(query, xml, NOW)
    with pytest.raises(BadInput):
        envelope.open(_signed_plain() | {"timestamp": "１２"}, xml, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<xml>",
        b"<html></html>",
        b"\xff\xfe\x00",
        b'<?xml version="1.0" encoding="x-no"?><xml/>',
        b'<!DOCTYPE xml [<!ENTITY a "b">]><xml><Content>&a;</Content></xml>',
        b'<!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml/>',
        b"<xml>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</xml>",
        b"<xml>" + b"<a/>" * 1000 + b"</xml>",
    ],
    ids=lambda b: repr(b[:30]),
)
def test_that_hostile_xml_is_refused(body):
    with pytest.raises(BadInput):
        read_xml(body)


def field(content, name="Content"):
    """What is read of a field that holds these bytes as they stand."""
    content = content if isinstance(content, bytes) else content.encode()
    tag = name.encode()
    return read_xml(b"<xml><A>1</A><%b>%b</%b><B>2</B></xml>" % (tag, content, tag))


HELD = "甲\u4e00😀\ue001 乙"
FORBIDDEN = [
    *(bytes([n]) for n in range(32) if n not in (9, 10, 13)),  # no tab, no line's end
    b"\xef\xbf\xbe",  # U+FFFE
    b"\xef\xbf\xbf",  # U+FFFF
    b"\xed\xa0\xbd",  # half of a character
    b"\xed\xa0\xbd\xed\xb8\x80",
    b"\xff",
    b"\xe4\xb8",  # cut off
    b"\xc0\x80",
]
REFERENCES = [
    b"&#1;", b"&#x1;", b"&#0;", b"&#x0;", b"&#x1F;", b"&#xFFFE;", b"&#xFFFF;",
    b"&#xD800;", b"&#55296;", b"&#x110000;", b"&#99999999999999999999;",
    b"&#x" + b"0" * 5000 + b"1;", b"&#x8;&#x8;",
    b"&#" + b"0" * 5000 + b"1;",
]  # fmt: skip


@pytest.mark.parametrize("odd", FORBIDDEN, ids=repr)
def test_that_what_xml_forbids_is_left_out_and_the_rest_is_kept(odd):
    before, after = HELD[:3].encode(), HELD[3:].encode()
    said = b"<![CDATA[" + odd + before + odd * 2 + after + odd + b"]]>"
    assert field(said) == {"A": "1", "Content": HELD, "B": "2"}
    assert field(before + odd + after)["Content"] == HELD
    assert field(b"<![CDATA[" + odd + b"]]>")["Content"] == ""
    for name in ("FromUserName", "MsgId", "Label", "EventKey", "MediaId"):
        assert field(b"x" + odd + b"y", name)[name] == "xy"
    whole = b"<xml>" + odd + b"<A>1</A>" + odd + b"</xml>"
    assert read_xml(odd + whole + odd) == {"A": "1"}


@pytest.mark.parametrize("odd", REFERENCES, ids=lambda odd: odd[:12].decode())
def test_that_references_to_what_xml_forbids_are_left_out(odd):
    assert field(b"x" + odd + b"y")["Content"] == "xy"
    inside = field(b"<![CDATA[x" + odd + b"y]]>")["Content"]
    assert inside == "x" + odd.decode() + "y"  # words of the customer


def test_that_other_references_mean_what_they_say():
    assert field("&#20320;&#x597D;&#xD83D;&#xDE00;&amp;&#60;&#38;lt;")["Content"] == (
        "你好😀&<&lt;"
    )


@pytest.mark.parametrize("odd", [b"\x01", b"\xff", b"\xef\xbf\xbf", "\ufdd0".encode()])
def test_that_nothing_left_out_ends_a_section(odd):
    evil = b"]]" + odd + b"></Content><FromUserName>oVictim</FromUserName><Content>"
    found = field(b"<![CDATA[" + evil + b"]]>")
    assert found.keys() == {"A", "Content", "B"}
    assert found["Content"] == evil.replace(odd, b"").decode()
    for parts in ((b"&#", b"60;b&#62;"), (b"&am", b"p;"), (b"<", b"b/>")):
        try:
            found = field(parts[0] + odd + parts[1])
        except BadInput:
            continue
        assert found.keys() == {"A", "Content", "B"}


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCT\x01YPE xml [<!ENTITY a 'b'>]><xml><C>&a;</C></xml>",
        b"\x01<!DOCTYPE xml [<!ENTITY a 'b'>]><xml><C>&a;</C></xml>",
        b"\xff<!DOCTYPE xml><xml/>",
        b"<?xml version='1.0' encoding='gbk'?><!DOCTYPE xml><xml/>",
        b"<?xml version='1.0' encoding='utf-7'?>+ADwAIQ-DOCTYPE xml+AD4-<xml/>",
        b"<?xml version='1.0' encoding='zip'?><xml/>",
        b"<?xml version='1.0' encoding='rot13'?><kzy/>",
        "<!DOCTYPE xml><xml/>".encode("utf-16"),
        b"<xml><C>&nbsp;</C></xml>",
        b"<xml><C>&#;</C></xml>",
        b"<xml><C>&#xZ;</C></xml>",
        b"<xml><C>" + b"<![CDATA[" * 7000,
        b"<xml><C>" + b"&#1" * 20000,
        b"x" * 60000,
        b"<" * 60000,
        b"&" * 60000,
    ],
    ids=lambda b: repr(b[:40]),
)
def test_that_no_way_leads_around_the_checks(body):
    with pytest.raises(BadInput):
        read_xml(body)


@pytest.mark.parametrize("name", ["gbk", "GB2312", "gb18030", "utf-8", "UTF-8"])
def test_that_a_declared_encoding_is_read(name):
    said = f'<?xml version="1.0" encoding="{name}"?>\n<xml><C>你好</C></xml>'
    assert read_xml(said.encode(name)) == {"C": "你好"}
    assert read_xml(b"\xef\xbb\xbf" + said.encode()) if "8" in name[-1] else True


def test_that_utf16_is_read():
    assert read_xml("<xml><C>你好😀</C></xml>".encode("utf-16")) == {"C": "你好😀"}


def test_that_odd_bytes_in_what_was_encrypted_are_left_out():
    envelope = Envelope("t", "safe", "wx1", (KEY,))
    xml = "<xml><Content><![CDATA[你\x01好]]></Content></xml>"
    sealed, query = _sealed(envelope, xml)
    assert envelope.open(query, sealed, NOW).fields["Content"] == "你好"
    sealed, query = _sealed(envelope, xml.encode().replace(b"\x01", b"\xe4\xff"))
    assert envelope.open(query, sealed, NOW).fields["Content"] == "你好"


def test_that_a_long_nonce_is_none():
    envelope = Envelope("t", "safe", "wx1", (KEY,))
    sealed, query = _sealed(envelope, "<xml><Content>1</Content></xml>", "n" * 64)
    assert envelope.open(query, sealed, NOW).fields
    sealed, query = _sealed(envelope, "<xml><Content>1</Content></xml>", "n" * 65)
    with pytest.raises(BadInput, match="unauthorized"):
        envelope.open(query, sealed, NOW)


@given(st.binary(max_size=300), st.binary(max_size=60))
def test_that_any_bytes_are_read_or_refused(body, piece):
    for each in (
        body,
        b"<xml>" + body + b"</xml>",
        b"<xml><C>" + piece + b"</C></xml>",
    ):
        try:
            found = read_xml(each)
        except BadInput:
            continue
        text = "".join(v for v in found.values() if isinstance(v, str))
        assert text.encode() == text.encode() and "\x00" not in text
    kept = field(b"<![CDATA[" + piece.replace(b"]", b"") + b"]]>")["Content"]
    # What cannot be decoded parts \r from \n, so it goes after the ends of lines.
    wanted = piece.replace(b"]", b"").decode("utf-8", "surrogateescape")
    left = "".join(
        c
        for c in wanted.replace("\r\n", "\n").replace("\r", "\n")
        if c in "\t\n"
        or (c >= " " and c not in "\ufffe\uffff\ufdd0" and not "\ud800" <= c < "\ue000")
    )
    assert kept == left


@pytest.mark.parametrize("mode", ["safe", "compat"])
@pytest.mark.parametrize("keys", [(), ("short",), ("!" * 43,)])
def test_that_a_missing_or_broken_key_is_told(mode, keys):
    with pytest.raises(ValueError, match=r"BAOKE_WECHAT_AES_KEY|EncodingAESKey"):
        Envelope("t", mode, "wx1", keys)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s["id"].split("::")[-1])
def test_that_every_sample_is_read(sample):
    fields = read_xml(sample["xml"].encode())
    callback = read_callback(fields)
    assert callback is not None
    assert callback.openid == sample["reference_parse"]["fields"]["FromUserName"]
    kind = fields["MsgType"]
    event = fields.get("Event", "").lower()
    wanted = {
        "subscribe": Does.SAY,
        "scan": Does.SAY,
        "click": Does.SAY,
        "scancode_waitmsg": Does.SAY,
        "unsubscribe": Does.LEAVE,
        "kf_create_session": Does.SERVICE,
        "kf_close_session": Does.SERVICE,
        "kf_switch_session": Does.SERVICE,
        "templatesendjobfinish": Does.NOTICE,
    }
    if kind == "event":
        assert callback.does is wanted.get(event, Does.NOTHING)
    else:
        assert callback.does is Does.SAY
        said = (callback.text, callback.media, callback.place, callback.unreadable)
        assert any(said)


def test_that_samples_mean_what_they_say():
    by_id = {s["id"]: read_callback(read_xml(s["xml"].encode())) for s in SAMPLES}
    heard = by_id["wxdoc:voice_with_recognition"]
    assert heard.text == "腾讯微信团队"
    assert by_id["wxdoc:voice_with_EMPTY_recognition_2023"].unreadable == "voice"
    assert by_id["wxdoc:subscribe_scan"].scene == "123123"
    assert by_id["wxdoc:text_bizmsgmenuid_official"].trigger == "menu"
    assert by_id["wxdoc:SCAN"].trigger == "scan"


def test_that_odd_callbacks_are_nobodys():
    for fields in (
        {},
        {"MsgType": "text"},
        {"FromUserName": "o", "MsgType": ""},
        {"FromUserName": "o p/../", "MsgType": "text"},
        {"FromUserName": {"a": "b"}, "MsgType": "text"},
    ):
        assert read_callback(fields) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_that_any_words_in_any_field_are_read(word, other):
    base = {"FromUserName": "oX", "ToUserName": other, "CreateTime": word}
    for kind in ("text", "image", "voice", "location", "link", "event", word):
        fields = base | {"MsgType": kind, "Content": word, "Location_X": other}
        fields |= {"Event": other, "EventKey": word, "bizmsgmenuid": other}
        read_callback(fields)


@pytest.mark.parametrize("text", ["1", " 2 ", "３", "(4)", "5、", "6."])
def test_that_a_lone_number_is_a_choice(text):
    fields = {"FromUserName": "oX", "MsgType": "text", "Content": text}
    assert read_callback(fields).number is not None


@pytest.mark.parametrize("text", ["12345", "1个", "三", "1 2", ""])
def test_that_other_words_are_none(text):
    fields = {"FromUserName": "oX", "MsgType": "text", "Content": text}
    assert read_callback(fields).number is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "kind: x", "kind: fax\ntemplate_id: a\ndata: {}", "kind: [", "data: 3",
     "kind: template\ntemplate_id: a\ndata: {a: '{wrong}'}"],
)  # fmt: skip
def test_that_a_wrong_notice_is_told_with_its_file(tmp_path, text):
    path = tmp_path / "notice.yml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"notice\.yml"):
        LateNotice.load(path)
