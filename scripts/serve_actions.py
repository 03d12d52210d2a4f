"""The action server in one process: ``python scripts/serve_actions.py --actions actions``.

In: the arguments of ``python -m rasa_sdk``. rasa-sdk 3.21 always starts Sanic's manager
with a worker beside it, which costs about 150 MB and another process to lose; one worker
needs neither. The clause index is built before the first call, so that no customer waits
for it; its vectors are kept under ``var/cache``.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any


def main() -> None:
    """Run rasa-sdk's own program without Sanic's manager."""
    # rasa-sdk reads endpoints.yml only for tracing and says so on standard output.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from rasa_sdk.__main__ import main as rasa_sdk_main
        from sanic import Sanic

    def serve_one(primary: Any = None, **_: Any) -> None:
        Sanic.serve_single(primary)

    Sanic.serve = serve_one  # type: ignore[method-assign, assignment]
    warm_up()
    rasa_sdk_main()


def warm_up() -> None:
    """Open the agreement in force; a fault is logged, what else works still serves."""
    from actions.agreement.errors import AgreementError
    from actions.errors import ActionsError
    from actions.services import open_services

    try:
        open_services().library().warm()
    except (AgreementError, ActionsError) as error:
        logging.getLogger(__name__).error("agreement not usable: %s", error)


if __name__ == "__main__":
    main()
