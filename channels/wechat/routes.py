"""The route WeChat calls: the envelope opened, the reply sealed, never a 5xx."""

from time import monotonic
from xml.etree.ElementTree import Element, SubElement, tostring

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.background import BackgroundTask
from wechatpy.replies import TextReply

from bot.clock import SystemClock
from bot.errors import BadInput
from bot.ports import Clock
from channels.wechat.door import Reply, WeChatDoor
from channels.wechat.envelope import Envelope
from channels.wechat.reading import Callback, read_callback
from channels.wechat.uses import Uses
from channels.wechat.xml_fields import clean_xml_text

PATH = "/webhooks/wechat"
_XML = "application/xml"
_SPLIT = "]]]]><![CDATA[>"  # how ``]]>`` stands in a CDATA section

log = structlog.get_logger()


def build_router(
    door: WeChatDoor, envelope: Envelope, uses: Uses, clock: Clock
) -> APIRouter:
    """Return WeChat's two routes: its greeting and its callbacks."""
    router = APIRouter(tags=["platforms"])

    @router.get(PATH, include_in_schema=False)
    async def greet(request: Request) -> Response:
        query, now = dict(request.query_params), SystemClock().now()
        try:
            await uses.count(envelope.check_greeting(query, now), now, monotonic())
        except BadInput as err:
            return _refused(err)
        return PlainTextResponse(query.get("echostr", ""))

    @router.post(PATH, include_in_schema=False)
    async def receive(request: Request) -> Response:
        began = monotonic()
        body = await request.body()
        try:
            # Signed by the platform's clock, whatever ours is set to in tests.
            query, signed_at = dict(request.query_params), SystemClock().now()
            use = envelope.check(query, body, signed_at)
            counted = use is None or await uses.count(use, signed_at, began)
            opened = envelope.open(query, body, signed_at)
            callback = read_callback(opened.fields)
        except BadInput as err:
            log.warning("wechat.callback_refused", status=err.status)
            return _refused(err)
        if callback is None:
            log.info("wechat.ignored", fields=sorted(opened.fields)[:10])
            return PlainTextResponse("success")
        reply = await door.take(callback, began) if counted else door.sorry(callback)
        if reply is None:
            return PlainTextResponse("success")
        sealed = opened.seal(render(reply, callback, clock), clock.now())
        done = BackgroundTask(reply.settle) if reply.settle is not None else None
        return Response(sealed, media_type=_XML, background=done)

    return router


def _refused(err: BadInput) -> JSONResponse:
    return JSONResponse({"error": {"code": err.code}}, status_code=err.status)


def render(reply: Reply, callback: Callback, clock: Clock) -> str:
    """Write a reply as WeChat's XML, from our account to the customer."""
    moment = int(clock.now().timestamp())
    if reply.text is not None:
        words = clean_xml_text(reply.text).replace("]]>", _SPLIT)
        xml: str = TextReply(
            source=callback.account, target=callback.openid, time=moment, content=words
        ).render()
        return xml
    root = Element("xml")
    for tag, value in (
        ("ToUserName", callback.openid),
        ("FromUserName", callback.account),
        ("CreateTime", str(moment)),
        ("MsgType", "transfer_customer_service"),
    ):
        SubElement(root, tag).text = value
    return tostring(root, encoding="unicode")
