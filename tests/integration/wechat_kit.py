"""A scripted WeChat on loopback: callbacks with three tries, the API with its quotas."""

import asyncio
import hashlib
import itertools
import json
import re
import time
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from xml.etree import ElementTree

import httpx
from edge_kit import make_edge, served
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from wechatpy.crypto import WeChatCrypto

APPID, SECRET, TOKEN = "wx2c2769f8efd9abc2", "app-secret", "spamtest"
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
OLD_KEY = "A" * 43
ACCOUNT = "gh_3e7f4bc6f4da"
AWAY = "该公众号暂时无法提供服务，请稍后再试"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
PUSHES = {"message": (5, 172800), "menu": (3, 60), "follow": (3, 60), "scan": (3, 60)}
_numbers = itertools.count(1)


def xml_of(**fields):
    safe = {k: str(v).replace("]]>", "]]]]><![CDATA[>") for k, v in fields.items()}
    rows = "".join(f"<{k}><![CDATA[{v}]]></{k}>" for k, v in safe.items())
    return f"<xml>{rows}</xml>"


@dataclass
class Follower:
    """What a customer saw, and what may be pushed to them.

    Attributes:
        shown: (how, text), oldest first; how: passive, pushed, away.
        menu: (id, title) of the newest msgmenu.
        left: left[trigger] = pushes.
    """

    shown: list = field(default_factory=list)
    menu: list = field(default_factory=list)
    left: dict = field(default_factory=dict)
    follows: bool = True

    @property
    def texts(self):
        return [text for _, text in self.shown]


@dataclass
class WeChat:
    """The platform.

    Attributes:
        mode: plain, compat, safe.
        patience: Seconds it waits for an answer, and then tries again (5 really).
        calls: (path, body) of the API, in the order of arrival.
        script: script[path] = errcodes (or coroutines' functions) for the next calls.
        valid: Tokens that are taken.
    """

    mode: str = "safe"
    key: str = KEY
    patience: float = 5.0
    tries: int = 3
    server: str = ""
    url: str = ""
    calls: list = field(default_factory=list)
    script: dict = field(default_factory=lambda: defaultdict(list))
    followers: dict = field(default_factory=lambda: defaultdict(Follower))
    valid: set = field(default_factory=set)
    token: str = ""
    file: tuple = (PNG, "image/jpeg")
    uploaded: list = field(default_factory=list)
    answers: list = field(default_factory=list)  # (status, body) of callbacks
    client: httpx.AsyncClient = None

    # The API.

    def app(self):
        return Starlette(
            routes=[
                Route("/cgi-bin/stable_token", self.lend, methods=["POST"]),
                Route("/cgi-bin/media/get", self.give),
                Route("/cgi-bin/media/upload", self.borrow, methods=["POST"]),
                Route("/cgi-bin/{path:path}", self.serve, methods=["GET", "POST"]),
            ]
        )

    async def lend(self, request):
        body = await request.json()
        self.calls.append(("stable_token", body))
        if (body["appid"], body["secret"]) != (APPID, SECRET):
            return JSONResponse({"errcode": 40125, "errmsg": "invalid appsecret"})
        if found := self.script["stable_token"]:
            step = found.pop(0)
            if isinstance(step, int):
                return JSONResponse({"errcode": step, "errmsg": "scripted"})
            await step()
        if self.token not in self.valid:
            self.renew()
        return JSONResponse({"access_token": self.token, "expires_in": 7200})

    async def borrow(self, request):
        """An image is lent for some days."""
        if error := await self._trouble("media/upload", request):
            return error
        assert request.query_params["type"] == "image"
        async with request.form() as form:
            self.uploaded.append(await form["media"].read())
        media_id = f"lent{len(self.uploaded)}"
        return JSONResponse({"type": "image", "media_id": media_id, "created_at": 1})

    def renew(self):
        """A new token; the old ones are no longer taken."""
        self.token = f"token-{next(_numbers)}"
        self.valid = {self.token}

    async def give(self, request):
        self.calls.append(("media/get", dict(request.query_params)))
        if error := await self._trouble("media/get", request):
            return error
        content, kind = self.file
        return Response(content, media_type=kind)

    async def serve(self, request):
        path = request.path_params["path"]
        raw = await request.body()
        escaped = re.search(rb"(?<!\\)\\u[0-9a-f]{4}", raw)
        assert not escaped, "the platform shows \\uXXXX as it stands"
        body = json.loads(raw) if raw else {}
        self.calls.append((path, body))
        if error := await self._trouble(path, request):
            return error
        if path == "message/custom/send":
            return JSONResponse(self._push(body))
        if path == "message/template/send":
            return JSONResponse({"errcode": 0, "errmsg": "ok", "msgid": 200163836})
        if path == "menu/get":
            return JSONResponse({"menu": {"button": []}})
        return JSONResponse({"errcode": 0, "errmsg": "ok"})

    async def _trouble(self, path, request):
        if self.script[path]:
            step = self.script[path].pop(0)
            if isinstance(step, int) and step:
                return JSONResponse({"errcode": step, "errmsg": "scripted rid: 1-2-3"})
            if callable(step) and (answer := await step()) is not None:
                return answer
        if request.query_params.get("access_token") not in self.valid:
            return JSONResponse({"errcode": 40001, "errmsg": "invalid credential"})
        return None

    def _push(self, body):
        who = self.followers[body["touser"]]
        if not who.follows or not who.left:
            return {"errcode": 45015, "errmsg": "response out of time limit"}
        trigger = next((t for t, n in who.left.items() if n > 0), None)
        if trigger is None:
            return {"errcode": 45047, "errmsg": "out of response count limit"}
        who.left[trigger] -= 1
        if body["msgtype"] == "msgmenu":
            menu = body["msgmenu"]
            text = menu["head_content"]
            who.menu = [(each["id"], each["content"]) for each in menu["list"]]
        elif body["msgtype"] == "image":
            assert body["image"]["media_id"].startswith("lent")
            text = "[image]"
        else:
            text = body["text"]["content"]
        if len(text.encode()) > 2048:
            return {"errcode": 45002, "errmsg": "content size out of limit"}
        who.shown.append(("pushed", text))
        return {"errcode": 0, "errmsg": "ok"}

    def named(self, path):
        return [body for called, body in self.calls if called == path]

    # Callbacks.

    async def say(self, text, openid="oCustomer1", **more):
        """A customer writes; returns what was shown on the open call."""
        return await self.send(openid, MsgType="text", Content=text, **more)

    async def event(self, event, openid="oCustomer1", **more):
        return await self.send(openid, MsgType="event", Event=event, **more)

    async def send(self, openid, **fields):
        fields.setdefault("CreateTime", int(time.time()))
        if fields["MsgType"] != "event":
            fields.setdefault("MsgId", 7250021412600020000 + next(_numbers))
        trigger = self._trigger(fields)
        who = self.followers[openid]
        if trigger:
            who.left[trigger] = PUSHES[trigger][0]
        if fields.get("Event") == "unsubscribe":
            who.follows, who.left = False, {}
        xml = xml_of(ToUserName=ACCOUNT, FromUserName=openid, **fields)
        return await self.deliver(xml, openid)

    def _trigger(self, fields):
        if fields["MsgType"] == "event":
            names = {"subscribe": "follow", "SCAN": "scan", "CLICK": "menu"}
            return names.get(fields["Event"])
        return "menu" if "bizmsgmenuid" in fields else "message"

    async def deliver(self, xml, openid):
        """Call the server, up to three times, each with the time it has."""
        for _ in range(self.tries):
            try:
                answer = await self.post(xml)
            except httpx.TransportError:
                continue
            return self._show(openid, answer)
        self.followers[openid].shown.append(("away", AWAY))
        return None

    async def post(self, xml, **query):
        """Call the server once."""
        params, body = self.signed(xml)
        return await self.client.post(
            f"{self.server}/webhooks/wechat",
            params={**params, **query},
            content=body,
            headers={"content-type": "text/xml"},
            timeout=self.patience,
        )

    def signed(self, xml, moment=None):
        """Return query and body of a callback in this mode."""
        moment, nonce = str(int(moment or time.time())), str(next(_numbers))
        words = "".join(sorted((TOKEN, moment, nonce)))
        params = {
            "signature": hashlib.sha1(words.encode()).hexdigest(),
            "timestamp": moment,
            "nonce": nonce,
        }
        if self.mode == "plain":
            return params, xml.encode()
        crypto = WeChatCrypto(TOKEN, self.key, APPID)
        sealed = ElementTree.fromstring(crypto.encrypt_message(xml, nonce, moment))
        params["encrypt_type"] = "aes"
        params["msg_signature"] = sealed.findtext("MsgSignature")
        encrypt = f"<Encrypt><![CDATA[{sealed.findtext('Encrypt')}]]></Encrypt>"
        outer = f"<ToUserName><![CDATA[{ACCOUNT}]]></ToUserName>"
        if self.mode == "compat":
            outer = xml.removeprefix("<xml>").removesuffix("</xml>")
        return params, f"<xml>{outer}{encrypt}</xml>".encode()

    def _show(self, openid, answer):
        """What the customer sees of an answer."""
        self.answers.append((answer.status_code, answer.text))
        who = self.followers[openid]
        if answer.status_code == 200 and answer.text in ("success", ""):
            return None
        reply = self.read(answer.text)
        if answer.status_code != 200 or reply is None:
            who.shown.append(("away", AWAY))
            return None
        kind = reply.findtext("MsgType")
        assert reply.findtext("ToUserName") == openid
        assert reply.findtext("FromUserName") == ACCOUNT
        text = reply.findtext("Content") if kind == "text" else f"<{kind}>"
        assert len(text.encode()) <= 2048
        who.shown.append(("passive", text))
        return text

    def read(self, body):
        """Open a reply as the platform does; None when it cannot."""
        try:
            found = ElementTree.fromstring(body)
        except ElementTree.ParseError:
            return None
        if (sealed := found.findtext("Encrypt")) is None:
            return None if self.mode == "safe" else found
        crypto = WeChatCrypto(TOKEN, self.key, APPID)
        names = ("MsgSignature", "TimeStamp", "Nonce")
        given = [found.findtext(name) for name in names]
        plain = crypto.decrypt_message({"Encrypt": sealed}, *given)
        return ElementTree.fromstring(plain)

    async def until(self, check, seconds=60):
        """Wait until a condition holds."""
        async with asyncio.timeout(seconds):
            while not (found := check()):
                await asyncio.sleep(0.02)
            return found


@asynccontextmanager
async def wechat(**values):
    fake = WeChat(**values)
    fake.renew()
    async with httpx.AsyncClient() as client, served(fake.app()) as url:
        fake.client, fake.url = client, url
        yield fake


def settings_for(fake, **overrides):
    values = {
        "wechat_token": TOKEN,
        "wechat_appid": APPID,
        "wechat_appsecret": SECRET,
        "wechat_mode": fake.mode,
        "wechat_api_base": fake.url,
        "wechat_passive_wait": 4.0,
    }
    if fake.mode != "plain":
        values["wechat_aes_key"] = KEY
    return values | overrides


@asynccontextmanager
async def service(folder, brain, fake, **overrides):
    """An edge that the fake platform calls."""
    edge = make_edge(folder, brain, **settings_for(fake, **overrides))
    async with served(edge) as url:
        fake.server = url
        yield edge
