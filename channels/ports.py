"""Ports of this machine: held by listening on them, then handed to the process that serves.

In: host and port. Out: sockets that listen already. Nobody else can take a port between
the plan and the start of the child that is to serve there, or while the child waits.
"""

import errno
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

from bot.errors import BaokeError

HANDED = "BAOKE_LISTEN_FDS"  # variable of a child: its listening sockets, by commas
_BACKLOG = 128  # connections that wait until the child serves
_TRIES = 100  # ports that were free a moment ago
_MISSING = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)

# family, address
_Place = tuple[int, tuple[str | int, ...]]


class PortUnusable(BaokeError):
    """Nobody can listen there; the text says why."""


class PortTaken(PortUnusable):
    """Somebody listens there already."""


class Claim:
    """A port that is ours until ``close``; customers who connect early wait.

    Args:
        port: Its number.
        sockets: One for each address of the host.
    """

    def __init__(self, port: int, sockets: Sequence[socket.socket]) -> None:
        self.port = port
        self.sockets = tuple(sockets)

    @property
    def fds(self) -> tuple[int, ...]:
        """For a child to inherit."""
        return tuple(each.fileno() for each in self.sockets)

    def rest(self) -> None:
        """Let nobody connect until a child listens again; whoever waited is refused.

        The port stays bound. Systems other than Linux cannot do that: there customers
        wait for the next child.
        """
        for each in self.sockets:
            # A second shutdown, of a child that died before it listened, would mark the
            # socket for good: Linux then cuts off every connection of later children.
            with suppress(OSError):
                if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    each.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """Give the port back."""
        for each in self.sockets:
            each.close()

    def __del__(self) -> None:
        self.close()


def claim(host: str, port: int) -> Claim:
    """Listen on a port of this machine; 0 takes any that is free.

    Raises:
        PortTaken: Somebody listens there.
        PortUnusable: The host is no address of this machine, or the port is reserved.
    """
    places = _places(host)
    if port:
        return Claim(port, _listen(host, port, places))
    for _ in range(_TRIES):
        number = _some_port(host, places)
        with suppress(PortTaken):
            return Claim(number, _listen(host, number, places))
    raise PortTaken(f"no port of {host} is free")


def _places(host: str) -> list[_Place]:
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as err:
        raise PortUnusable(f"{host} is no address of this machine") from err
    places = [(int(family), address) for family, _, _, _, address in found]
    return list(dict.fromkeys(cast(list[_Place], places)))


def _listen(host: str, port: int, places: Sequence[_Place]) -> list[socket.socket]:
    """Return a listening socket for each address that this machine has."""
    made: list[socket.socket] = []
    try:
        for family, address in places:
            try:
                made.append(_listener(family, (address[0], port, *address[2:])))
            except OSError as err:
                if err.errno not in _MISSING:
                    raise
    except OSError as err:
        for each in made:
            each.close()
        if err.errno == errno.EADDRINUSE:
            raise PortTaken(f"port {port} of {host} is in use") from err
        raise PortUnusable(f"port {port} of {host}: {err.strerror}") from err
    if not made:
        raise PortUnusable(f"{host} is no address of this machine")
    return made


def _listener(family: int, address: tuple[str | int, ...]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        # After a restart, not beside another server: it listens at once.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def _some_port(host: str, places: Sequence[_Place]) -> int:
    # Bound by number afterwards: a port the system chose is lost when it rests.
    for family, address in places:
        with (
            suppress(OSError),
            socket.socket(family, socket.SOCK_STREAM) as trial,
        ):
            trial.bind(address)
            return int(trial.getsockname()[1])
    raise PortUnusable(f"{host} is no address of this machine")


def handed_sockets() -> list[socket.socket]:
    """Return the sockets that the process which started this one holds for it."""
    given = os.environ.pop(HANDED, "")
    return [socket.socket(fileno=int(each)) for each in given.split(",") if each]


def hand_over(claims: Sequence[Claim]) -> dict[str, str]:
    """Return the variable by which a child finds its sockets; empty without any."""
    fds = [str(fd) for each in claims for fd in each.fds]
    return {HANDED: ",".join(fds)} if fds else {}
