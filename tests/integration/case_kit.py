"""The action server's desk routes over a real store, without Rasa's SDK around them."""

from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

from action_kit import FakeLibrary, FixedClock, services_of
from edge_kit import ROOT, served
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from store_kit import DEMO, NOW, opened

from actions import migrate
from actions.errors import IllegalStep, UnknownCase
from actions.for_agents import (
    case_for,
    cases_for,
    customer_of,
    file_for,
    reader_of,
    step_for,
)
from actions.policystore.seed import seed
from actions.settings import read_settings
from actions.telling import note_news, waiting_news


@contextmanager
def case_services(folder):
    """Services over a seeded SQLite store of its own."""
    settings = read_settings(
        root=folder, data_dir=ROOT / "data", database_url="sqlite:///cases.db"
    )
    with opened(settings) as store:
        migrate.upgrade(store.engine)
        seed(store.engine, DEMO, NOW)
        made = services_of(None, FakeLibrary(), NOW)
        clock = FixedClock(NOW)
        yield replace(made, unit_of_work=store, settings=settings, clock=clock)


def backroom_of(services):
    """The same answers as scripts/serve_actions.py gives, in plain Starlette."""

    def answer(work):
        try:
            found = work()
        except UnknownCase:
            return JSONResponse(None, 404)
        except IllegalStep as err:
            return JSONResponse({"why": err.why, "who": list(err.who)}, 409)
        return JSONResponse(found, 404 if found is None else 200)

    async def cases(request):
        asked = request.query_params
        return answer(lambda: cases_for(services, asked["kind"], reader_of(asked)))

    async def case(request):
        asked = request.query_params
        return answer(
            lambda: case_for(services, asked["kind"], asked["number"], reader_of(asked))
        )

    async def step(request):
        asked = await request.json()
        return answer(lambda: step_for(services, asked))

    async def customer(request):
        asked = request.query_params
        return answer(
            lambda: customer_of(services, asked["sender_id"], reader=reader_of(asked))
        )

    async def file(request):
        asked = request.query_params
        told = asked["sender_id"], asked["file_id"], reader_of(asked)
        return answer(lambda: file_for(services, *told))

    async def news(request):
        return answer(
            lambda: waiting_news(services, request.query_params.get("number"))
        )

    async def told(request):
        asked = await request.json()
        return answer(lambda: note_news(services, asked))

    return Starlette(
        routes=[
            Route("/desk/cases", cases),
            Route("/desk/case", case),
            Route("/desk/step", step, methods=["POST"]),
            Route("/desk/customer", customer),
            Route("/desk/file", file),
            Route("/desk/news", news),
            Route("/desk/news/told", told, methods=["POST"]),
        ]
    )


@asynccontextmanager
async def cases_served(folder):
    """Serve the backroom; yields its services and its address."""
    with case_services(folder) as services:
        async with served(backroom_of(services)) as url:
            yield services, url
