"""``baoke up``: the three processes of one machine, from nothing to ready and back.

In: settings. Out: it ends when a signal comes, or with GaveUp.
"""

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic

from bot.settings import Settings
from channels.children import Child, Recipe, end_orphans
from channels.instance import only_one, only_user, write_instance
from channels.places import Places
from channels.plan import Plan, make_plan
from channels.process_settings import ProcessSettings, tracker_url
from channels.recipes import (
    actions_recipes,
    edge_recipes,
    probe,
    rasa_recipes,
    step_recipe,
    worker_recipes,
)
from channels.supervise import GaveUp, Pace, Supervisor
from channels.training import Model, current_model, is_fresh

Tell = Callable[[str], None]
_READY_PAUSE = 0.3  # seconds
_ELSEWHERE_SECONDS = 60.0  # for a Rasa or action server started by somebody else


async def serve(plan: Plan, tell: Tell, show: Tell, pace: Pace | None = None) -> None:
    """Start everything and keep it running until a signal comes.

    Args:
        plan: Who runs where.
        tell: Gets progress lines.
        show: Gets the one line that says it is ready.
        pace: When to give up.

    Raises:
        GaveUp: Something cannot be kept alive.
    """
    supervisor = Supervisor(plan.places.logs, tell, pace)
    running = asyncio.create_task(_run(plan, supervisor, tell, show))
    stopping = _on_signals(supervisor, tell)
    try:
        wait = asyncio.create_task(stopping.wait())
        await asyncio.wait({running, wait}, return_when=asyncio.FIRST_COMPLETED)
        wait.cancel()
        if running.done():
            running.result()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError, GaveUp):
            await running
        await supervisor.stop()
        plan.release()
        plan.places.instance.unlink(missing_ok=True)
        tell("stopped")


async def _run(plan: Plan, supervisor: Supervisor, tell: Tell, show: Tell) -> None:
    started = monotonic()
    model = current_model(plan.places)
    if plan.own_rasa and (model is None or not is_fresh(plan.places, model)):
        await _train(plan, supervisor, model, tell)
    children: list[Child] = []
    if plan.own_rasa:
        children += _start(
            plan, supervisor, rasa_recipes(plan), plan.instance.rasa_urls
        )
    # Rasa needs seconds to load, and not the database.
    await supervisor.step(step_recipe(plan, "database", "prepare", "--skip-train"))
    if plan.own_actions:
        children += _start(
            plan, supervisor, actions_recipes(plan), plan.instance.actions_urls
        )
    children += _start(plan, supervisor, worker_recipes(plan))
    children += _start(plan, supervisor, edge_recipes(plan), plan.instance.urls)
    write_instance(plan.places, plan.instance)
    await supervisor.ready(*children)
    await supervisor.unless_failed(asyncio.create_task(_until_ready(plan)))
    seconds = monotonic() - started
    show(f"ready {plan.instance.url} ({seconds:.1f} s)")
    tell("Ctrl-C stops everything; output is in " + str(plan.places.logs))
    await supervisor.forever()


def _start(
    plan: Plan,
    supervisor: Supervisor,
    recipes: Sequence[Recipe],
    urls: Sequence[str] = (),
) -> list[Child]:
    """Start children; one that does not inherit its port has to find it free."""
    inherited = {each for recipe in recipes for each in recipe.claims}
    for each in (held for url in urls for held in plan.claimed(url)):
        if each not in inherited:
            each.close()
    return [supervisor.add(recipe) for recipe in recipes]


async def _train(
    plan: Plan, supervisor: Supervisor, old: Model | None, tell: Tell
) -> None:
    """Train; a spoilt data file must not keep a service down that has a model."""
    try:
        await supervisor.step(step_recipe(plan, "train", "train"))
    except GaveUp as err:
        if old is None:
            raise
        tell(f"{err}; serving with the model of {old.trained_at}, not the newest data")


async def _until_ready(plan: Plan) -> None:
    """Wait for what runs elsewhere too, as the edge sees it."""
    ask = probe(f"{plan.instance.url}/readyz")
    try:
        async with asyncio.timeout(_ELSEWHERE_SECONDS):
            while True:
                if await ask() is None:
                    return
                await asyncio.sleep(_READY_PAUSE)
    except TimeoutError as err:
        raise GaveUp(
            f"the edge is not ready; {plan.instance.url}/readyz says why"
        ) from err


def _on_signals(supervisor: Supervisor, tell: Tell) -> asyncio.Event:
    """Return the event that the first signal sets; the second kills."""
    stopping = asyncio.Event()

    def take() -> None:
        if stopping.is_set():
            supervisor.kill()
            return
        tell("stopping …")
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, take)
    return stopping


def _pace(process: ProcessSettings) -> Pace:
    return Pace(tries=process.restart_tries, start=process.start_seconds)


def up(
    places: Places,
    settings: Settings,
    process: ProcessSettings,
    tell: Tell,
    show: Tell,
) -> None:
    """Serve from this checkout.

    Raises:
        AlreadyRunning: Another supervisor does already, or uses the same database.
        GaveUp: It cannot be done.
    """
    if not places.rasa_python.exists():
        raise GaveUp("the Rasa environment is missing; run `make setup`")
    with only_one(places):
        if left := end_orphans(str(places.var.resolve())):
            tell(f"ended {left} processes that an earlier run had left")
        used = (settings.database_url, tracker_url(places, settings))
        with only_user(places.root, *used):
            plan = make_plan(places, settings, process)
            asyncio.run(serve(plan, tell, show, _pace(process)))
