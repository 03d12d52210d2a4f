"""How each of the three processes is started and known to be ready.

In: a plan. Out: recipes for the supervisor.
"""

import asyncio
import sys
from collections.abc import Mapping
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from channels.children import MARK, Probe, Recipe
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


def rasa_recipe(plan: Plan) -> Recipe:
    """How to start Rasa; its model is looked up at every start."""
    places, url = plan.places, plan.instance.rasa_url

    def command() -> list[str]:
        try:
            model = read_model(places)
        except NoModel as err:
            raise OSError(str(err)) from err
        return [
            *(str(places.rasa_python), "serve.py", "run", "--enable-api"),
            *("--model", str((places.models / model.file).resolve())),
            *("--port", str(urlsplit(url).port), "-i", "127.0.0.1"),
            *("--endpoints", "endpoints.yml", "--credentials", "credentials.yml"),
        ]

    env = rasa_environment(places, plan.encoder_threads)
    env["BAOKE_ACTIONS_URL"] = plan.instance.actions_url
    env["BAOKE_RASA_TOKEN"] = plan.instance.rasa_token
    status = f"{url}/status?token={plan.instance.rasa_token}"
    return Recipe(
        "rasa",
        command,
        places.assistant,
        _marked(plan, env),
        probe(status, broken={409: "runs, but cannot use the model"}),
    )


def actions_recipe(plan: Plan) -> Recipe:
    """How to start the action server."""
    url = plan.instance.actions_url
    port = str(urlsplit(url).port)
    env = root_environment(plan.places)
    env |= encoder_environment(plan.encoder_threads, env)
    env["SANIC_HOST"] = "127.0.0.1"  # rasa-sdk 3.21 listens everywhere without it
    program = str(plan.places.root / "scripts" / "serve_actions.py")
    command = [sys.executable, program, "--actions", "actions", "--port", port]
    return Recipe(
        "actions",
        lambda: command,
        plan.places.root,
        _marked(plan, env),
        probe(f"{url}/health"),
    )


def edge_recipe(plan: Plan) -> Recipe:
    """How to start the edge."""
    env = root_environment(plan.places)
    env |= {
        "BAOKE_HOST": plan.host,
        "BAOKE_PORT": str(plan.port),
        "BAOKE_RASA_URL": plan.instance.rasa_url,
        "BAOKE_ACTIONS_URL": plan.instance.actions_url,
    }
    return Recipe(
        "edge",
        lambda: [sys.executable, "-m", "channels.serve"],
        plan.places.root,
        _marked(plan, env),
        probe(f"{plan.instance.url}/healthz"),
        EDGE_GRACE,
    )


def _marked(plan: Plan, env: dict[str, str]) -> dict[str, str]:
    return {**env, MARK: str(plan.places.var.resolve())}


def step_recipe(plan: Plan, name: str, *arguments: str) -> Recipe:
    """One of our own commands that ends by itself."""
    command = [sys.executable, "-m", "channels.cli", *arguments]
    env = _marked(plan, root_environment(plan.places))
    return Recipe(name, lambda: command, plan.places.root, env)
