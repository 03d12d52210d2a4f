"""Pages and static files: the demo page, the embeddable widget, their headers."""

import asyncio
import hashlib
from functools import partial
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.errors import BadInput

STATIC = Path(__file__).with_name("static")
WIDGET_FILES = ("vendor/socket.io.min.js", "widget.js")
_CACHED_SECONDS = 300

# Only our own files; nothing from elsewhere, nothing written into the page.
PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"
_EVERYWHERE = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", _API_POLICY.encode()),
)


class SafeHeaders:
    """Adds strict headers to every answer that does not set its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; add headers to the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        private = scope["path"].startswith("/api/")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                names = {name.lower() for name, _ in headers}
                headers += [pair for pair in _EVERYWHERE if pair[0] not in names]
                if private and b"cache-control" not in names:
                    headers.append((b"cache-control", b"no-store"))
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, with_headers)


def build_router(static: Path = STATIC) -> APIRouter:
    """Return the routes of pages and files."""
    router = APIRouter(include_in_schema=False)
    page_headers = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"}

    @router.get("/")
    async def demo() -> FileResponse:
        return await _file(static, "index.html", page_headers)

    @router.get("/console")
    async def console() -> FileResponse:
        return await _file(static, "console.html", page_headers)

    @router.get("/widget.js")
    async def widget(request: Request) -> Response:
        body = await asyncio.to_thread(partial(_bundle, static))
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {
            "ETag": tag,
            "Cache-Control": f"public, max-age={_CACHED_SECONDS}, must-revalidate",
            "Cross-Origin-Resource-Policy": "cross-origin",  # other sites embed it
            "Access-Control-Allow-Origin": "*",
        }
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="text/javascript", headers=headers)

    @router.get("/static/{name:path}")
    async def file(name: str) -> FileResponse:
        return await _file(static, name, {"Cache-Control": "no-cache"})

    return router


async def _file(static: Path, name: str, headers: dict[str, str]) -> FileResponse:
    path = await asyncio.to_thread(partial(_inside, static, name))
    if path is None:
        raise BadInput("not_found", status=404)
    return FileResponse(path, headers=headers)


def _inside(static: Path, name: str) -> Path | None:
    """Return the file when it lies in the folder; no way leads out of it."""
    try:
        path = (static / name).resolve()
        inside = path.is_relative_to(static.resolve()) and path.is_file()
    except (OSError, ValueError):  # too long, or with a NUL: no file has such a name
        return None
    return path if inside else None


def _bundle(static: Path) -> bytes:
    try:
        return b"\n;\n".join((static / name).read_bytes() for name in WIDGET_FILES)
    except OSError as err:
        raise BadInput("not_found", status=404) from err
