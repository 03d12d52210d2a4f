"""Ports that outlive the processes that answer on them."""

import socket

import pytest

from channels.ports import claim


def answers(listening: socket.socket) -> bytes:
    """What a server on this socket hears of a caller."""
    listening.listen()
    with socket.create_connection(listening.getsockname(), 5) as caller:
        accepted, _ = listening.accept()
        with accepted:
            accepted.setblocking(False)
            with pytest.raises(BlockingIOError):  # an end, before a word was sent
                accepted.recv(1)
            accepted.settimeout(5)
            caller.sendall(b"x")
            return accepted.recv(1)


@pytest.mark.parametrize("deaths", [1, 2, 3])
def test_that_children_who_die_before_they_listen_leave_the_port_usable(deaths):
    claimed = claim("127.0.0.1", 0)
    [listening] = claimed.sockets
    for _ in range(deaths):
        claimed.rest()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(listening.getsockname(), 5)
    assert answers(listening) == b"x"
    claimed.close()
