"""The Rasa server as `baoke up` starts it: ``python serve.py run …``.

In: the arguments of ``rasa``; ``BAOKE_RASA_TOKEN``, the secret for Rasa's own HTTP
interface, which can read every conversation. It comes by the environment because other
users of the machine can read a process's arguments, but not its environment. And
``BAOKE_LISTEN_FDS``, a socket that listens already (channels/ports.py).
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

import launch


def main() -> None:
    """Add the secret where only this process sees it, then run Rasa."""
    token = os.environ.pop("BAOKE_RASA_TOKEN", "")
    if token:
        # In one piece: a secret may begin with "-", which argparse takes for an option.
        sys.argv.append(f"--auth-token={token}")
    listen_on_handed_sockets()
    launch.main()


def listen_on_handed_sockets() -> None:
    """Serve on the socket that the process which started this one holds for it."""
    handed = os.environ.pop("BAOKE_LISTEN_FDS", "")
    if not handed:
        return
    from sanic import Sanic

    listening = socket.socket(fileno=int(handed.partition(",")[0]))
    run = Sanic.run

    def run_there(app: Sanic, host: str = "", port: int = 0, **more: Any) -> None:
        run(app, sock=listening, **more)

    Sanic.run = run_there  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
