"""The Rasa server as `baoke up` starts it: ``python serve.py run …``.

In: the arguments of ``rasa``; ``BAOKE_RASA_TOKEN``, the secret for Rasa's own HTTP
interface, which can read every conversation. It comes by the environment because other
users of the machine can read a process's arguments, but not its environment.
"""

from __future__ import annotations

import os
import sys

import launch


def main() -> None:
    """Add the secret where only this process sees it, then run Rasa."""
    token = os.environ.pop("BAOKE_RASA_TOKEN", "")
    if token:
        # In one piece: a secret may begin with "-", which argparse takes for an option.
        sys.argv.append(f"--auth-token={token}")
    launch.main()


if __name__ == "__main__":
    main()
