"""Which process listens where, before any of them is started.

In: settings. Out: a plan whose ports are held already, so that two instances on one
machine do not meet. Rasa and the action server listen on loopback only.
"""

import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bot.ledger.database import is_postgresql
from bot.settings import Settings
from channels.instance import Instance
from channels.places import Places
from channels.ports import Claim, PortTaken, PortUnusable, claim
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
        claims: What listens already, by address; the children inherit it.
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
    claims: Mapping[str, Claim] = field(default_factory=dict)

    def claimed(self, url: str) -> tuple[Claim, ...]:
        """Return what listens for the server of this address."""
        return (self.claims[url],) if url in self.claims else ()

    def release(self) -> None:
        """Give all ports back."""
        for each in self.claims.values():
            each.close()


def make_plan(places: Places, settings: Settings, process: ProcessSettings) -> Plan:
    """Choose ports and take them.

    An address in the settings is kept: on loopback it is a port to use, elsewhere a
    server that runs already. Without one, a taken default port gives way to a free one.

    Raises:
        GaveUp: A port that was asked for is taken, or many processes were asked for
            without what they need.
    """
    _check_counts(settings, process)
    try:
        return _plan(places, settings, process)
    except PortUnusable as err:
        raise GaveUp(str(err)) from err


def _plan(places: Places, settings: Settings, process: ProcessSettings) -> Plan:
    try:
        edges = [claim(settings.host, settings.port)]
    except PortTaken as err:
        other = min(settings.port + 1, 65535)
        raise GaveUp(f"{err}; choose another one: PORT={other} make run") from err
    while len(edges) < process.edges:
        edges.append(_wanted_or_any(settings.host, edges[-1].port + 1))
    given = settings.model_fields_set
    claims: dict[str, Claim] = {}
    rasa_urls, own_rasa = _addresses(
        settings.rasa_urls, "rasa_url" in given, process.rasas, claims
    )
    actions_urls, own_actions = _addresses(
        settings.actions_urls, "actions_url" in given, process.action_servers, claims
    )
    shown = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    shown = f"[{shown}]" if ":" in shown else shown
    urls = tuple(f"http://{shown}:{each.port}" for each in edges)
    claims |= dict(zip(urls, edges, strict=True))
    instance = Instance(
        pid=os.getpid(),
        url=urls[0],
        rasa_url=rasa_urls[0],
        actions_url=actions_urls[0],
        rasa_token=secrets.token_hex(24) if own_rasa else "",
        urls=urls,
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
        tuple(each.port for each in edges),
        process.workers if settings.redis_url else 0,
        process.encoder_threads,
        claims,
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
    urls: Sequence[str], was_given: bool, count: int, claims: dict[str, Claim]
) -> tuple[tuple[str, ...], bool]:
    """Return where servers of one kind are, and whether they are started here.

    Args:
        urls: From the settings.
        was_given: Whether somebody asked for exactly these.
        count: How many are wanted.
        claims: Grows by the ports that are taken here.
    """
    parts = [urlsplit(url) for url in urls]
    if any((part.hostname or "") not in LOOPBACK for part in parts):
        return tuple(urls), False
    found: list[str] = []
    for number in range(max(count, len(urls)) if was_given else count):
        asked = parts[number].port or 80 if number < len(parts) else 0
        if asked and was_given:
            try:
                held = claim("127.0.0.1", asked)
            except PortTaken as err:
                raise GaveUp(
                    f"{urls[number]} was asked for, but its port is in use"
                ) from err
        else:
            held = _wanted_or_any("127.0.0.1", asked)
        found.append(f"http://127.0.0.1:{held.port}")
        claims[found[-1]] = held
    return tuple(found), True


def _wanted_or_any(host: str, wanted: int) -> Claim:
    """Take the port wanted, or one that is free."""
    if wanted <= 65535:
        with suppress(PortTaken):
            return claim(host, wanted)
    return claim(host, 0)


def free_port(host: str) -> int:
    """Return a port that nobody has at this moment; for tests and examples."""
    held = claim(host, 0)
    held.close()
    return held.port
