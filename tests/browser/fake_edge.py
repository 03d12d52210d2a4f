"""A scripted edge for tests of the widget: the wire contract, and faults on demand.

Pages and their headers are the real ones (channels/pages.py); the conversation is
kept in memory and the answers are what the test says.
"""

import asyncio
import secrets
import socket as sockets
import threading
from contextlib import suppress
from datetime import UTC, datetime

import socketio
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from channels import pages

START_SECONDS = 20


def text(words):
    return {"type": "text", "text": words}


def buttons(**titles):
    choices = [{"title": title, "payload": to} for title, to in titles.items()]
    return {"type": "buttons", "buttons": choices}


def citation(ref, quote, title="保险客户服务合同协议"):
    return {
        "type": "citation",
        "ref": ref,
        "quote": quote,
        "title": title,
        "version": "2026.1",
        "effective_from": "2026-01-01",
    }


class Conversation:
    """One visitor's messages, numbered from 1."""

    def __init__(self):
        self.session_id = secrets.token_hex(16)
        self.token = secrets.token_hex(16)
        self.messages = []
        self.status = "bot"
        self.sids = set()
        self.news = asyncio.Event()

    @property
    def last_seq(self):
        return len(self.messages)

    def add(self, author, parts, key=None, reply_to=None):
        message = {
            "seq": self.last_seq + 1,
            "author": author,
            "at": datetime.now(UTC).isoformat(),
            "parts": parts,
            "in_reply_to": reply_to,
        }
        if key:
            message["client_message_id"] = key
        self.messages.append(message)
        self.news.set()
        self.news = asyncio.Event()
        return message

    def by_key(self, key):
        return next(
            (m for m in self.messages if m.get("client_message_id") == key), None
        )


class FakeEdge:
    """Answers by script; the test steers it from its own thread.

    Attributes:
        script: What to say to a text or payload: a list of replies, each a list of
            parts; anything else is echoed.
        wishes: Every ``session_request``.
        heard: Every ``user_uttered`` and POST, repeats included.
        blocked: Sockets are refused.
        down: Nothing answers but the pages.
        deaf: So many messages are kept but their acknowledgement is swallowed.
        mute: So many answers are stored but not sent: only a replay has them.
        refusal: An error for the next message.
    """

    def __init__(self):
        self.script = {}
        self.heard = []
        self.wishes = []
        self.visitors = []
        self.files = {}
        self.blocked = False
        self.down = False
        self.deaf = 0
        self.mute = 0
        self.refusal = None
        self.typing_seconds = 0.0
        self.paths = []
        self.tasks = set()
        self.sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")
        self.sio.on("connect", self._connect)
        self.sio.on("disconnect", self._disconnect)
        self.sio.on("session_request", self._session_request)
        self.sio.on("user_uttered", self._user_uttered)
        self.by_sid = {}

    # Socket.IO

    async def _connect(self, sid, environ, auth=None):
        if self.blocked:
            raise socketio.exceptions.ConnectionRefusedError("rate_limited")
        token = (auth or {}).get("token")
        if token:
            found = self._by_token(token)
            if found is None:
                raise socketio.exceptions.ConnectionRefusedError("unauthorized")
            self.by_sid[sid] = found

    async def _disconnect(self, sid, reason=None):
        visitor = self.by_sid.pop(sid, None)
        if visitor:
            visitor.sids.discard(sid)

    async def _session_request(self, sid, data):
        self.wishes.append(data)
        known = sid in self.by_sid
        visitor = self.by_sid.setdefault(sid, None) or self._new()
        self.by_sid[sid] = visitor
        visitor.sids.add(sid)
        await self.sio.emit("session_confirm", visitor.session_id, to=sid)
        if known:
            after = data.get("after")
            first = max(0, visitor.last_seq - 50) if after is None else after
            for message in visitor.messages[first:]:
                await self._show(sid, message)
        state = {"status": visitor.status, "last_seq": visitor.last_seq}
        await self.sio.emit("session_state", state, to=sid)
        fresh = {"session_id": visitor.session_id, "token": visitor.token}
        await self.sio.emit("session_token", fresh, to=sid)
        return {**fresh, **state}

    async def _user_uttered(self, sid, data):
        visitor = self.by_sid[sid]
        key = data["metadata"]["client_message_id"]
        answer = await self._take(visitor, key, data["message"], from_sid=sid)
        if self.deaf:
            self.deaf -= 1
            await asyncio.sleep(3600)
        return answer

    async def _show(self, sid, message):
        metadata = dict(message)
        words = "\n".join(p["text"] for p in message["parts"] if p["type"] == "text")
        if message["author"] == "customer":
            await self.sio.emit(
                "user_echoed", {"text": words, "metadata": metadata}, to=sid
            )
            return
        data = {"text": words, "metadata": metadata}
        for part in message["parts"]:
            if part["type"] == "buttons":
                data["quick_replies"] = part["buttons"]
        await self.sio.emit("bot_uttered", data, to=sid)

    # What happens to a message

    async def _take(self, visitor, key, said, from_sid=None):
        self.heard.append(said)
        if self.refusal:
            code, self.refusal = self.refusal, None
            return {"error": {"code": code, "message": "您发送得太快了，请稍等。"}}
        if known := visitor.by_key(key):
            return {"seq": known["seq"]}
        message = visitor.add("customer", [text(self._title(visitor, said))], key)
        for sid in visitor.sids - {from_sid}:
            await self._show(sid, message)
        task = asyncio.create_task(self._answer(visitor, said, message["seq"]))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return {"seq": message["seq"]}

    @staticmethod
    def _title(visitor, said):
        for message in reversed(visitor.messages):
            for part in message["parts"]:
                for button in part.get("buttons", ()):
                    if button["payload"] == said:
                        return button["title"]
        return said

    async def _answer(self, visitor, said, seq):
        for sid in visitor.sids:
            await self.sio.emit("typing", {"on": True}, to=sid)
        await asyncio.sleep(self.typing_seconds)
        for parts in self.script.get(said, [[text(f"答：{said}")]]):
            await self._say(visitor, "bot", parts, seq)
        for sid in list(visitor.sids):
            await self.sio.emit("typing", {"on": False}, to=sid)

    async def _say(self, visitor, author, parts, reply_to=None):
        message = visitor.add(author, parts, reply_to=reply_to)
        if self.mute:
            self.mute -= 1
            return
        for sid in list(visitor.sids):
            await self._show(sid, message)

    def _new(self):
        self.visitors.append(Conversation())
        return self.visitors[-1]

    def _by_token(self, token):
        return next((v for v in self.visitors if v.token == token), None)

    # REST

    def _visitor(self, request):
        return self._by_token(request.headers.get("authorization", "")[7:])

    def api(self):
        app = FastAPI(docs_url=None, redoc_url=None)
        denied = JSONResponse(
            {"error": {"code": "unauthorized", "message": "会话凭证无效或已过期。"}},
            401,
        )

        @app.post("/api/chat/sessions")
        async def open_session(request: Request):
            visitor = self._visitor(request) or self._new()
            return {"session_id": visitor.session_id, "token": visitor.token}

        @app.post("/api/chat/messages")
        async def say(request: Request):
            if (visitor := self._visitor(request)) is None:
                return denied
            data = await request.json()
            said = data.get("payload") or data["text"]
            answer = await self._take(visitor, data["client_message_id"], said)
            return JSONResponse(answer, 429 if "error" in answer else 202)

        @app.get("/api/chat/events")
        async def events(request: Request, after: int = 0, wait: float = 0):
            if (visitor := self._visitor(request)) is None:
                return denied
            if wait and not visitor.messages[after:]:
                news = visitor.news
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), min(wait, 0.8))
            return {
                "events": visitor.messages[after:],
                "status": visitor.status,
                "last_seq": visitor.last_seq,
            }

        @app.post("/api/chat/attachments")
        async def upload(request: Request):
            if (visitor := self._visitor(request)) is None:
                return denied
            async with request.form() as form:
                sent, key = form["file"], form["client_message_id"]
                file_id, name = secrets.token_hex(8), sent.filename
                self.files[file_id] = await sent.read()
            part = {"type": "file", "attachment_id": file_id, "name": name}
            message = visitor.add("customer", [part], key)
            for sid in visitor.sids:
                await self._show(sid, message)
            return {"attachment_id": file_id, "seq": message["seq"]}

        @app.get("/api/chat/attachments/{file_id}")
        async def download(request: Request, file_id: str):
            if self._visitor(request) is None:
                return denied
            return Response(self.files[file_id], media_type="application/octet-stream")

        app.include_router(pages.build_router())
        return app

    def asgi(self):
        inner = pages.SafeHeaders(socketio.ASGIApp(self.sio, self.api()))

        async def noted(scope, receive, send):
            if scope["type"] in ("http", "websocket"):
                self.paths.append(scope["path"])
            path = scope.get("path", "")
            dead = self.down and path.startswith(("/api", "/socket.io"))
            if dead or (self.blocked and path.startswith("/socket.io")):
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close"})
                    return
                await Response(status_code=503)(scope, receive, send)
                return
            await inner(scope, receive, send)

        return noted

    # For the test's thread

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    @property
    def visitor(self):
        return self.visitors[-1]

    def say(self, author, *parts, reply_to=None):
        self.run(self._say(self.visitor, author, list(parts), reply_to))

    def hand_over(self, status):
        async def tell():
            self.visitor.status = status
            state = {"status": status, "last_seq": self.visitor.last_seq}
            for sid in self.visitor.sids:
                await self.sio.emit("session_state", state, to=sid)

        self.run(tell())

    def drop(self):
        """Cut every socket without a goodbye."""

        async def cut():
            for connection in list(self.server.server_state.connections):
                connection.transport.abort()

        self.run(cut())

    def expire(self):
        """Make every token worthless."""
        for visitor in self.visitors:
            visitor.token = secrets.token_hex(16)

    def all_texts(self, *authors):
        return [
            part.get("text") or part.get("name")
            for message in self.visitor.messages
            if not authors or message["author"] in authors
            for part in message["parts"]
        ]

    def own_texts(self):
        return self.all_texts("customer")


class Served:
    """An application on a loopback port, in a thread of its own.

    Args:
        app: ASGI application; a fresh fake edge when there is none.
        port: 0 for any free one.
    """

    def __init__(self, app=None, port=0):
        self.edge = None if app else FakeEdge()
        self.listener = sockets.socket(
            sockets.AF_INET, sockets.SOCK_STREAM, sockets.IPPROTO_TCP
        )
        self.listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        config = uvicorn.Config(
            app or self.edge.asgi(),
            ws="websockets-sansio",
            log_level="critical",
            lifespan="on" if app else "off",
            timeout_graceful_shutdown=1,
        )
        self.server = uvicorn.Server(config)
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self):
        async def main():
            self.loop = asyncio.get_running_loop()
            if self.edge:
                self.edge.loop, self.edge.server = self.loop, self.server
            serving = asyncio.create_task(self.server.serve(sockets=[self.listener]))
            # uvicorn has no event for it.
            while not self.server.started and not serving.done():
                await asyncio.sleep(0.01)
            self.ready.set()
            await serving
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run(main())

    def cut(self):
        """Cut every connection without a goodbye."""
        for connection in list(self.server.server_state.connections):
            self.loop.call_soon_threadsafe(connection.transport.abort)

    def __enter__(self):
        self.thread.start()
        assert self.ready.wait(START_SECONDS) and self.server.started
        return self

    def __exit__(self, *_):
        if self.thread.is_alive():
            self.cut()
            self.server.should_exit = True
            self.thread.join(START_SECONDS)
        self.listener.close()
