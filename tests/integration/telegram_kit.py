"""A scripted Telegram on loopback: Bot API, files, updates, errors."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from edge_kit import served
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "123:abc"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


@dataclass
class Telegram:
    """What was called, and what to answer.

    Attributes:
        calls: (method, body) in the order of arrival.
        script: script[method] = answers (status, body) for the next calls; a tuple: for all.
        updates: What getUpdates gives.
        hang: Methods that answer only when it is set.
        file: What every file holds.
        gives: Answers (status, body) for the next downloads of files.
        slow: Files that are given only when it is set.
    """

    calls: list = field(default_factory=list)
    script: dict = field(default_factory=dict)
    arrived: list = field(default_factory=list)  # texts that were taken
    updates: list = field(default_factory=list)
    hang: asyncio.Event | None = None
    file: bytes = PNG
    gives: list = field(default_factory=list)
    slow: asyncio.Event | None = None
    url: str = ""

    def app(self):
        return Starlette(
            routes=[
                Route(f"/bot{TOKEN}/{{method}}", self.answer, methods=["POST"]),
                Route(f"/file/bot{TOKEN}/{{path:path}}", self.give),
            ]
        )

    async def give(self, request):
        if self.slow is not None:
            await self.slow.wait()
        if self.gives:
            status, body = self.gives.pop(0)
            return Response(body, status_code=status)
        return Response(self.file)

    async def answer(self, request):
        method = request.path_params["method"]
        raw = await request.body()
        kind = request.headers.get("content-type", "")
        body = json.loads(raw) if "json" in kind else await self.form(request)
        self.calls.append((method, body))
        if self.script.get(method):
            script = self.script[method]
            status, data = script.pop(0) if isinstance(script, list) else script
            return JSONResponse(data, status_code=status)
        if method == "sendMessage":
            self.arrived.append(body["text"])
        if method == "sendMessage" and self.hang is not None:
            await self.hang.wait()
        return JSONResponse({"ok": True, "result": await self.result(method, body)})

    async def form(self, request):
        """Fields of a form; a file as (name, content)."""
        async with request.form() as form:
            return {
                key: (value.filename, await value.read())
                if hasattr(value, "filename")
                else value
                for key, value in form.items()
            }

    async def result(self, method, body):
        chat = {"id": int(body.get("chat_id", 1)), "type": "private"}
        match method:
            case "sendMessage" | "sendPhoto" | "sendDocument":
                return {"message_id": len(self.calls), "date": 1, "chat": chat}
            case "getMe":
                return {"id": 1, "is_bot": True, "username": "baoke_bot"}
            case "getWebhookInfo":
                return {"url": "", "pending_update_count": 0}
            case "getFile":
                return {"file_id": "f", "file_unique_id": "u", "file_path": "p.png"}
            case "getUpdates":
                offset = int(body.get("offset", 0))
                waiting = [u for u in self.updates if u.get("update_id", 0) >= offset]
                if not waiting:
                    await asyncio.sleep(0.05)
                return waiting
        return True

    def sent(self, chat_id=None):
        """Texts that were sent, to everybody or to one chat."""
        return [
            body["text"]
            for method, body in self.calls
            if method == "sendMessage" and chat_id in (None, int(body["chat_id"]))
        ]

    def buttons(self):
        """(title, data) below the newest message with buttons."""
        for method, body in reversed(self.calls):
            if method == "sendMessage" and "reply_markup" in body:
                rows = json.loads(body["reply_markup"])["inline_keyboard"]
                return [(b["text"], b["callback_data"]) for row in rows for b in row]
        return []

    def named(self, method):
        return [body for name, body in self.calls if name == method]


@asynccontextmanager
async def telegram():
    fake = Telegram()
    async with served(fake.app()) as url:
        fake.url = url
        yield fake


def error(status, text, **parameters):
    body = {"ok": False, "error_code": status, "description": text}
    return status, {**body, "parameters": parameters} if parameters else body


def message(number, chat=7, **content):
    chat_value = {"id": chat, "type": "private"}
    sender = {"id": chat, "is_bot": False, "first_name": "顾客"}
    head = {"message_id": number, "date": 1, "chat": chat_value, "from": sender}
    return {"update_id": number, "message": {**head, **content}}


def press(number, data, chat=7):
    below = {"message_id": 1, "date": 1, "chat": {"id": chat, "type": "private"}}
    query = {"id": f"q{number}", "data": data, "message": below, "chat_instance": "1"}
    return {"update_id": number, "callback_query": query}
