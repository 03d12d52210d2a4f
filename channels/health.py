"""Whether the edge lives, whether it can work, and its figures."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic

import httpx
from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from bot.brain import HEALTH_PATH
from bot.errors import StoreError
from bot.feed_redis import RedisFeed
from channels.backstage import Backstage
from channels.metrics import Metrics

CHECK_SECONDS = 3.0
_REMEMBERED_SECONDS = 0.5  # many askers cause one check

Check = Callable[[], Awaitable[str | None]]  # None = ready, else the reason


def build_checks(backstage: Backstage) -> Mapping[str, Check]:
    """Return what has to be there before customers can be served."""
    settings, client = backstage.settings, backstage.client

    async def database() -> str | None:
        try:
            await backstage.ledger.check()
        except StoreError as err:
            return str(err)
        return None

    async def redis() -> str | None:
        try:
            assert isinstance(backstage.feed, RedisFeed)
            await backstage.feed.check()
        except OSError as err:
            return str(err)
        return None

    async def workers() -> str | None:
        try:
            assert backstage.queue is not None
            alive = await backstage.queue.workers()
        except StoreError as err:
            return str(err)
        return None if alive else "no worker is alive: start `baoke worker`"

    checks: dict[str, Check] = {
        "rasa": lambda: _reach_any(client, settings.rasa_urls, HEALTH_PATH),
        "actions": lambda: _reach_any(client, settings.actions_urls, "/health"),
        "database": database,
    }
    if isinstance(backstage.feed, RedisFeed):
        checks |= {"redis": redis, "workers": workers}
    return checks


async def _reach_any(
    client: httpx.AsyncClient, urls: Sequence[str], path: str
) -> str | None:
    """Return why none of several servers answers; None when one does."""
    reasons = await asyncio.gather(*(_reach(client, url + path) for url in urls))
    return None if None in reasons else "; ".join(filter(None, reasons))


async def _reach(client: httpx.AsyncClient, url: str) -> str | None:
    try:
        response = await client.get(url, timeout=CHECK_SECONDS)
    except httpx.HTTPError as err:
        return f"{type(err).__name__} at {url}"
    ok = response.status_code == httpx.codes.OK
    return None if ok else f"HTTP {response.status_code} at {url}"


def build_router(checks: Mapping[str, Check], metrics: Metrics) -> APIRouter:
    """Return /healthz, /readyz and /metrics."""
    router = APIRouter(tags=["operation"])
    last: dict[str, tuple[float, dict[str, str]]] = {}

    async def look() -> dict[str, str]:
        if "found" in last and monotonic() - last["found"][0] < _REMEMBERED_SECONDS:
            return last["found"][1]
        reasons = await asyncio.gather(*(check() for check in checks.values()))
        found = {
            name: reason or "ok" for name, reason in zip(checks, reasons, strict=True)
        }
        last["found"] = (monotonic(), found)
        return found

    @router.get("/healthz", summary="Alive")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @router.get("/readyz", summary="Ready: rasa, actions and database")
    async def readyz() -> JSONResponse:
        found = await look()
        ready = all(state == "ok" for state in found.values())
        body = {"ready": ready, "checks": found}
        return JSONResponse(body, status_code=200 if ready else 503)

    @router.get("/metrics", summary="Figures for Prometheus")
    async def figures() -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE_LATEST)

    return router
