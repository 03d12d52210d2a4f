"""Which process listens where, before any of them is started.

In: settings. Out: a plan with free ports, so that two instances on one machine do not
meet. Rasa and the action server listen on loopback only.
"""

import os
import secrets
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

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
        instance: Addresses and Rasa's secret.
        own_rasa: Whether Rasa is started here, not somewhere else.
        own_actions: The same for the action server.
        host: The edge listens there.
        port: The edge's port.
        encoder_threads: For the sentence encoder.
    """

    places: Places
    instance: Instance
    own_rasa: bool
    own_actions: bool
    host: str
    port: int
    encoder_threads: int


def make_plan(places: Places, settings: Settings, process: ProcessSettings) -> Plan:
    """Choose ports.

    An address in the settings is kept: on loopback it is a port to use, elsewhere a
    server that runs already. Without one, a taken default port gives way to a free one.

    Raises:
        GaveUp: A port that was asked for is taken.
    """
    if settings.port and not is_free(settings.host, settings.port):
        raise GaveUp(
            f"port {settings.port} of {settings.host} is in use; "
            f"choose another one: PORT={settings.port + 1} make run"
        )
    port = settings.port or free_port(settings.host)
    given = settings.model_fields_set
    taken = {port}
    rasa_url, own_rasa = _address(settings.rasa_url, "rasa_url" in given, taken)
    actions_url, own_actions = _address(
        settings.actions_url, "actions_url" in given, taken
    )
    shown = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    instance = Instance(
        pid=os.getpid(),
        url=f"http://{f'[{shown}]' if ':' in shown else shown}:{port}",
        rasa_url=rasa_url,
        actions_url=actions_url,
        rasa_token=secrets.token_hex(24) if own_rasa else "",
    )
    return Plan(
        places,
        instance,
        own_rasa,
        own_actions,
        settings.host,
        port,
        process.encoder_threads,
    )


def _address(url: str, was_given: bool, taken: set[int]) -> tuple[str, bool]:
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    if host not in LOOPBACK:
        return url.rstrip("/"), False
    if port in taken or not is_free("127.0.0.1", port):
        if was_given:
            raise GaveUp(f"{url} was asked for, but its port is in use")
        port = free_port("127.0.0.1", taken)
    taken.add(port)
    return f"http://127.0.0.1:{port}", True


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
