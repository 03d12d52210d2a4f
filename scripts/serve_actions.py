"""The action server in one process: ``python scripts/serve_actions.py --actions actions``.

In: the arguments of ``python -m rasa_sdk``. rasa-sdk 3.21 always starts Sanic's manager
with a worker beside it, which costs about 150 MB and another process to lose; one worker
needs neither. The clause index is built before the first call, so that no customer waits
for it; its vectors are kept under ``var/cache``. What the identity check need not
remember is forgotten at start and once a day.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

FORGET_EVERY = 24 * 60 * 60  # seconds


def main() -> None:
    """Run rasa-sdk's own program without Sanic's manager."""
    # rasa-sdk reads endpoints.yml only for tracing and says so on standard output.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from rasa_sdk.__main__ import main as rasa_sdk_main
        from sanic import Sanic

    handed = os.environ.pop("BAOKE_LISTEN_FDS", "")  # see channels/ports.py

    def serve_one(primary: Any = None, **_: Any) -> None:
        add_desk_routes(primary)
        if handed:
            listening = socket.socket(fileno=int(handed.partition(",")[0]))
            own = {"sock": listening, "host": None, "port": None}
            primary.state.server_info[0].settings.update(own)
        Sanic.serve_single(primary)

    Sanic.serve = serve_one  # type: ignore[method-assign, assignment]
    try:
        settings_work()
    except ValueError as err:
        sys.stderr.write(f"baoke: {err}\n")
        raise SystemExit(2) from err
    warm_up()
    rasa_sdk_main()


def settings_work() -> None:
    """Read the settings once, before anything else may stumble over them.

    Raises:
        ValueError: One cannot be used; the text says which and why.
    """
    from pydantic import ValidationError

    from actions.settings import problems_of, read_settings

    try:
        read_settings()
    except ValidationError as err:
        raise ValueError(f"settings: {problems_of(err)}") from err


def add_desk_routes(app: Any) -> None:
    """Serve what agents are shown beside the actions, to the edge alone.

    Like the actions themselves these answer whoever reaches the port, which is the
    edge on loopback or in a closed network.
    """
    from sanic.request import Request
    from sanic.response import HTTPResponse, json

    from actions.errors import ActionsError, IllegalStep, UnknownCase
    from actions.for_agents import (
        answer_promise,
        case_for,
        cases_for,
        clause_at,
        clauses_for,
        customer_of,
        file_for,
        reader_of,
        step_for,
    )
    from actions.services import open_services
    from actions.telling import note_news, waiting_news

    async def answer(work: Callable[[], Any]) -> HTTPResponse:
        try:
            found = await asyncio.to_thread(work)
        except UnknownCase:
            return json(None, status=404)
        except IllegalStep as error:
            return json({"why": error.why, "who": list(error.who)}, status=409)
        except ActionsError as error:
            logging.getLogger(__name__).error("desk: %s", type(error).__name__)
            return json({"error": "unavailable"}, status=503)
        return json(found, status=404 if found is None else 200)

    def reader(request: Request) -> Any:
        asked = ("actor", "title")
        return reader_of({name: request.args.get(name, "") for name in asked})

    async def customer(request: Request) -> HTTPResponse:
        sender_id = request.args.get("sender_id", "")
        reveal = request.args.get("reveal", "") == "yes"
        who = reader(request)
        return await answer(
            lambda: customer_of(open_services(), sender_id, reveal=reveal, reader=who)
        )

    async def promise(_: Request) -> HTTPResponse:
        return await answer(lambda: answer_promise(open_services().library()))

    async def clauses(request: Request) -> HTTPResponse:
        question = request.args.get("q", "")
        return await answer(lambda: clauses_for(open_services().library(), question))

    async def clause(request: Request) -> HTTPResponse:
        document, ref = request.args.get("document", ""), request.args.get("ref", "")
        return await answer(lambda: clause_at(open_services().library(), document, ref))

    async def cases(request: Request) -> HTTPResponse:
        kind, who = request.args.get("kind", ""), reader(request)
        return await answer(lambda: cases_for(open_services(), kind, who))

    async def case(request: Request) -> HTTPResponse:
        kind, number = request.args.get("kind", ""), request.args.get("number", "")
        who = reader(request)
        return await answer(lambda: case_for(open_services(), kind, number, who))

    async def step(request: Request) -> HTTPResponse:
        return await answer(lambda: step_for(open_services(), request.json or {}))

    async def file(request: Request) -> HTTPResponse:
        sender_id = request.args.get("sender_id", "")
        file_id, who = request.args.get("file_id", ""), reader(request)
        return await answer(lambda: file_for(open_services(), sender_id, file_id, who))

    async def news(request: Request) -> HTTPResponse:
        number = request.args.get("number", "")
        return await answer(lambda: waiting_news(open_services(), number))

    async def told(request: Request) -> HTTPResponse:
        return await answer(lambda: note_news(open_services(), request.json or {}))

    app.add_route(file, "/desk/file")
    app.add_route(news, "/desk/news")
    app.add_route(told, "/desk/news/told", methods=["POST"])
    app.add_route(cases, "/desk/cases")
    app.add_route(case, "/desk/case")
    app.add_route(step, "/desk/step", methods=["POST"])
    app.add_route(customer, "/desk/customer")
    app.add_route(clauses, "/desk/clauses")
    app.add_route(clause, "/desk/clause")
    app.add_route(promise, "/desk/promise")


def warm_up() -> None:
    """Open the agreement in force and begin to forget what is stale.

    A fault is logged; what else works still serves.
    """
    from actions.agreement.errors import AgreementError
    from actions.errors import ActionsError
    from actions.promises import renew_due_dates
    from actions.services import open_services

    log = logging.getLogger(__name__)
    try:
        open_services().library().warm()
        # Agreement or calendar may be others than when the limits were promised.
        renew_due_dates(open_services())
    except (AgreementError, ActionsError, LookupError, OSError) as error:
        log.error("agreement not usable: %s", error)
    # Beside the start: much to forget keeps no customer waiting.
    threading.Thread(target=forget_daily, name="forget", daemon=True).start()


def forget_daily() -> None:
    """Forget at once and once a day, as long as the process lives."""
    from actions.forget import forget_stale
    from actions.services import open_services

    while True:
        forget_stale(open_services())
        time.sleep(FORGET_EVERY)


if __name__ == "__main__":
    main()
