"""Forgets what the identity check need not remember, beside the answers.

In: `Services`. Out: nothing; scripts/serve_actions.py calls it at start and once a day.
"""

from __future__ import annotations

import logging

from actions.errors import ActionsError
from actions.services import Services

log = logging.getLogger(__name__)


def forget_stale(services: Services) -> int:
    """Delete everything stale, in pieces between which others may write.

    Returns:
        Rows that are gone; a fault is logged, and the rest is left for the next time.
    """
    now, gone = services.now(), 0
    try:
        while True:
            with services.unit_of_work() as uow:
                piece = uow.identity.forget_stale(now)
            if not piece:
                break
            gone += piece
    except ActionsError as error:
        log.error("identity.forget_failed gone=%d: %s", gone, error)
        return gone
    if gone:
        log.info("identity.forgot rows=%d", gone)
    return gone
