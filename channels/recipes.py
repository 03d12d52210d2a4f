"""How each of the three processes is started and known to be ready.

In: a plan. Out: recipes for the supervisor.
"""

import asyncio
import sys
from collections.abc import Mapping
from functools import partial
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from channels.children import MARK, Probe, Recipe
from channels.places import Places
from channels.plan import Plan
from channels.process_settings import (
    encoder_environment,
    rasa_environment,
    root_environment,
)
from channels.supervise import Broken
from channels.training import NoModel, read_model

EDGE_GRACE = 20.0  # seconds; the edge lets running turns end
_PROBE_SECONDS = 3.0


def probe(url: str, *, broken: Mapping[int, str] | None = None) -> Probe:
    """Return a question to ask until it answers 200.

    Args:
        url: Asked by GET, past any proxy.
        broken: HTTP statuses after which waiting is in vain, and what they mean.
    """
    opener = build_opener(ProxyHandler({}))

    def ask() -> str | None:
        try:
            with opener.open(url, timeout=_PROBE_SECONDS):
                return None
        except HTTPError as err:
            err.close()
            if broken and err.code in broken:
                raise Broken(broken[err.code]) from err
            return f"HTTP {err.code}"
        except (URLError, OSError, ValueError) as err:
            return type(err).__name__

    async def run() -> str | None:
        return await asyncio.to_thread(ask)

    return run


def rasa_recipes(plan: Plan) -> list[Recipe]:
    """How to start the Rasa servers; the model is looked up at every start."""
    return [
        _rasa_recipe(plan, number) for number in range(len(plan.instance.rasa_urls))
    ]


def _rasa_recipe(plan: Plan, number: int) -> Recipe:
    places, instance = plan.places, plan.instance
    url = instance.rasa_urls[number]
    port = urlsplit(url).port
    env = rasa_environment(places, plan.encoder_threads, plan.settings)
    actions = instance.actions_urls
    env["BAOKE_ACTIONS_URL"] = actions[number % len(actions)]
    env["BAOKE_RASA_TOKEN"] = instance.rasa_token
    status = f"{url}/status?token={instance.rasa_token}"
    return Recipe(
        _numbered("rasa", number),
        lambda: rasa_command(places, "127.0.0.1", port or 80),
        places.assistant,
        _marked(plan, env),
        probe(status, broken={409: "runs, but cannot use the model"}),
        claims=plan.claimed(url),
    )


def rasa_command(places: Places, host: str, port: int) -> list[str]:
    """Return the command of a Rasa server with the model of now.

    Raises:
        OSError: There is no model.
    """
    try:
        model = read_model(places)
    except NoModel as err:
        raise OSError(str(err)) from err
    return [
        *(str(places.rasa_python), "serve.py", "run", "--enable-api"),
        *("--model", str((places.models / model.file).resolve())),
        *("--port", str(port), "-i", host),
        *("--endpoints", "endpoints.yml", "--credentials", "credentials.yml"),
    ]


def actions_recipes(plan: Plan) -> list[Recipe]:
    """How to start the action servers."""
    env = actions_environment(plan.places, plan.encoder_threads)
    return [
        Recipe(
            _numbered("actions", number),
            partial(actions_command, plan.places, urlsplit(url).port or 80),
            plan.places.root,
            _marked(plan, env),
            probe(f"{url}/health"),
            claims=plan.claimed(url),
        )
        for number, url in enumerate(plan.instance.actions_urls)
    ]


def actions_environment(
    places: Places, threads: int, host: str = "127.0.0.1"
) -> dict[str, str]:
    """Return the variables of an action server."""
    env = root_environment(places)
    env |= encoder_environment(threads, env)
    env["SANIC_HOST"] = host  # rasa-sdk 3.21 listens everywhere without it
    return env


def actions_command(places: Places, port: int) -> list[str]:
    """Return the command of an action server."""
    program = str(places.root / "scripts" / "serve_actions.py")
    return [sys.executable, program, "--actions", "actions", "--port", str(port)]


def worker_recipes(plan: Plan) -> list[Recipe]:
    """How to start the workers."""
    env = _marked(plan, root_environment(plan.places) | _addresses(plan))
    command = [sys.executable, "-m", "channels.work"]
    return [
        Recipe(
            _numbered("worker", number),
            lambda: command,
            plan.places.root,
            env,
            grace=EDGE_GRACE,
            stage=1,
        )
        for number in range(plan.workers)
    ]


def edge_recipes(plan: Plan) -> list[Recipe]:
    """How to start the edges; running turns still need the other processes."""
    env = root_environment(plan.places) | _addresses(plan)
    return [
        Recipe(
            _numbered("edge", number),
            lambda: [sys.executable, "-m", "channels.serve"],
            plan.places.root,
            _marked(plan, {**env, "BAOKE_HOST": plan.host, "BAOKE_PORT": str(port)}),
            probe(f"{plan.instance.urls[number]}/healthz"),
            EDGE_GRACE,
            stage=2,
            claims=plan.claimed(plan.instance.urls[number]),
        )
        for number, port in enumerate(plan.ports)
    ]


def _addresses(plan: Plan) -> dict[str, str]:
    return {
        "BAOKE_RASA_URL": ",".join(plan.instance.rasa_urls),
        "BAOKE_ACTIONS_URL": ",".join(plan.instance.actions_urls),
    }


def _numbered(name: str, number: int) -> str:
    return name if number == 0 else f"{name}-{number + 1}"


def _marked(plan: Plan, env: dict[str, str]) -> dict[str, str]:
    return {**env, MARK: str(plan.places.var.resolve())}


def step_recipe(plan: Plan, name: str, *arguments: str) -> Recipe:
    """One of our own commands that ends by itself."""
    command = [sys.executable, "-m", "channels.cli", *arguments]
    env = _marked(plan, root_environment(plan.places))
    return Recipe(name, lambda: command, plan.places.root, env)
