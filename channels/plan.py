"""Which process listens where, before any of them is started.

In: settings. Out: a plan with free ports, so that two instances on one machine do not
meet. Rasa and the action server listen on loopback only.
"""

import os
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.ledger.database import is_postgresql
from bot.settings import Settings
from channels.instance import Instance
from channels.places import Places
from channels.process_settings import ProcessSettings
from channels.supervise import GaveUp

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Plan:
    """Who runs where.

    Attributes:
        places: The checkout.
        settings: Of all processes.
        instance: Addresses and Rasa's secret.
        own_rasa: Whether Rasa is started here, not somewhere else.
        own_actions: The same for the action servers.
        host: The edges listen there.
        ports: The edges' ports.
        workers: How many; 0 when the only edge answers by itself.
        encoder_threads: For the sentence encoder.
    """

    places: Places
    settings: Settings
    instance: Instance
    own_rasa: bool
    own_actions: bool
    host: str
    ports: tuple[int, ...]
    workers: int
    encoder_threads: int


def make_plan(places: Places, settings: Settings, process: ProcessSettings) -> Plan:
    """Choose ports.

    An address in the settings is kept: on loopback it is a port to use, elsewhere a
    server that runs already. Without one, a taken default port gives way to a free one.

    Raises:
        GaveUp: A port that was asked for is taken, or many processes were asked for
            without what they need.
    """
    _check_counts(settings, process)
    if settings.port and not is_free(settings.host, settings.port):
        raise GaveUp(
            f"port {settings.port} of {settings.host} is in use; "
            f"choose another one: PORT={settings.port + 1} make run"
        )
    port = settings.port or free_port(settings.host)
    taken = {port}
    ports = [port]
    while len(ports) < process.edges:
        ports.append(_next_port(settings.host, ports[-1] + 1, taken))
    given = settings.model_fields_set
    rasa_urls, own_rasa = _addresses(
        settings.rasa_urls, "rasa_url" in given, process.rasas, taken
    )
    actions_urls, own_actions = _addresses(
        settings.actions_urls, "actions_url" in given, process.action_servers, taken
    )
    shown = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    shown = f"[{shown}]" if ":" in shown else shown
    instance = Instance(
        pid=os.getpid(),
        url=f"http://{shown}:{port}",
        rasa_url=rasa_urls[0],
        actions_url=actions_urls[0],
        rasa_token=secrets.token_hex(24) if own_rasa else "",
        urls=tuple(f"http://{shown}:{each}" for each in ports),
        rasa_urls=rasa_urls,
        actions_urls=actions_urls,
    )
    return Plan(
        places,
        settings,
        instance,
        own_rasa,
        own_actions,
        settings.host,
        tuple(ports),
        process.workers if settings.redis_url else 0,
        process.encoder_threads,
    )


def _check_counts(settings: Settings, process: ProcessSettings) -> None:
    if settings.redis_url and not is_postgresql(settings.database_url):
        raise GaveUp("BAOKE_REDIS_URL needs PostgreSQL: set BAOKE_DATABASE_URL as well")
    many = max(process.edges, process.rasas, process.action_servers)
    if many > 1 and not settings.redis_url:
        raise GaveUp(
            "more than one edge, Rasa or action server needs BAOKE_REDIS_URL "
            "(and PostgreSQL in BAOKE_DATABASE_URL)"
        )


def _addresses(
    urls: Sequence[str], was_given: bool, count: int, taken: set[int]
) -> tuple[tuple[str, ...], bool]:
    """Return where servers of one kind are, and whether they are started here.

    Args:
        urls: From the settings.
        was_given: Whether somebody asked for exactly these.
        count: How many are wanted.
        taken: Ports given away already; grows.
    """
    parts = [urlsplit(url) for url in urls]
    if any((part.hostname or "") not in LOOPBACK for part in parts):
        return tuple(urls), False
    found: list[str] = []
    for number in range(max(count, len(urls)) if was_given else count):
        asked = parts[number].port or 80 if number < len(parts) else None
        if asked and asked not in taken and is_free("127.0.0.1", asked):
            port = asked
        elif asked and was_given:
            raise GaveUp(f"{urls[number]} was asked for, but its port is in use")
        else:
            port = free_port("127.0.0.1", taken)
        taken.add(port)
        found.append(f"http://127.0.0.1:{port}")
    return tuple(found), True


def _next_port(host: str, wanted: int, taken: set[int]) -> int:
    """Return the port wanted, or a free one."""
    free = wanted <= 65535 and wanted not in taken and is_free(host, wanted)
    port = wanted if free else free_port(host, taken)
    taken.add(port)
    return port


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str, taken: set[int] | None = None) -> int:
    """Return a port nobody has, and not one of ``taken``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.bind((host, 0))
            port = int(trial.getsockname()[1])
        if port not in (taken or ()):
            return port
