"""``baoke edge|worker|rasa|actions``: one process of a larger installation."""

import argparse
import os

from channels import serve, work
from channels.commands.console import Context, Subparsers, add_command
from channels.ports import HANDED, claim
from channels.process_settings import rasa_environment
from channels.recipes import actions_command, actions_environment, rasa_command

_SETTINGS = """Addresses come from BAOKE_DATABASE_URL, BAOKE_REDIS_URL, BAOKE_RASA_URL (several
separated by commas), BAOKE_ACTIONS_URL; `compose.yml` shows a whole installation."""


def register(subparsers: Subparsers) -> None:
    """Add the four commands."""
    add_command(
        subparsers,
        "edge",
        lambda args, context: serve.main(),
        "run one edge: what customers connect to",
        f"  BAOKE_PORT=8080 baoke edge\n{_SETTINGS}",
    )
    add_command(
        subparsers,
        "worker",
        lambda args, context: work.main(),
        "run one worker: it answers for the edges (PostgreSQL and Redis)",
        f"  baoke worker\n{_SETTINGS}",
    )
    for name, run, port in (("rasa", run_rasa, 5005), ("actions", run_actions, 5055)):
        parser = add_command(
            subparsers,
            name,
            run,
            f"run one {name} server of this checkout",
            f"  baoke {name}\n  baoke {name} --host 0.0.0.0      in a network of its own: "
            f"customers must not reach it\n{_SETTINGS}",
        )
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=port, help="port to listen on")


def run_rasa(args: argparse.Namespace, context: Context) -> int:
    """Become a Rasa server."""
    places, threads = context.places, context.process.encoder_threads
    command = rasa_command(places, args.host, args.port)
    os.chdir(places.assistant)
    env = rasa_environment(places, threads, context.settings)
    env |= _keep_port(args)
    os.execve(command[0], command, env)


def run_actions(args: argparse.Namespace, context: Context) -> int:
    """Become an action server."""
    places, threads = context.places, context.process.encoder_threads
    env = actions_environment(places, threads, args.host) | _keep_port(args)
    os.chdir(places.root)
    command = actions_command(places, args.port)
    os.execve(command[0], command, env)


def _keep_port(args: argparse.Namespace) -> dict[str, str]:
    """Take the port here, where a taken one is said in a line; the server inherits it.

    Raises:
        PortUnusable: Nobody can listen there.
    """
    held = claim(args.host, args.port)
    # Rasa and rasa-sdk serve one address; of a name with several, the IPv4 one.
    one = min(held.sockets, key=lambda each: each.family)
    one.set_inheritable(True)
    handed = {HANDED: str(one.fileno())}
    one.detach()  # stays open in what this process becomes
    return handed
