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
from actions.for_agents import case_for, cases_for, step_for
from actions.policystore.seed import seed
from actions.settings import read_settings


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
            return JSONResponse({"why": err.why}, 409)
        return JSONResponse(found, 404 if found is None else 200)

    async def cases(request):
        return answer(lambda: cases_for(services, request.query_params["kind"]))

    async def case(request):
        asked = request.query_params
        return answer(lambda: case_for(services, asked["kind"], asked["number"]))

    async def step(request):
        asked = await request.json()
        return answer(lambda: step_for(services, asked))

    return Starlette(
        routes=[
            Route("/desk/cases", cases),
            Route("/desk/case", case),
            Route("/desk/step", step, methods=["POST"]),
        ]
    )


@asynccontextmanager
async def cases_served(folder):
    """Serve the backroom; yields its services and its address."""
    with case_services(folder) as services:
        async with served(backroom_of(services)) as url:
            yield services, url
