"""Errors of the action server.

ActionsError
├── StoreError            the database failed or is not reachable; try again later
│   └── CoreAway          the core system does not answer, or not sensibly
├── SmsAway               the gateway for text messages did not take one
├── UnknownPolicy         no such policy for this customer: foreign and invented alike
├── RepeatedTurn          a turn id comes back with another owner; a bug or an attack
├── IllegalStep           what is asked is not possible as things stand now
└── UnknownCase           no such complaint, claim or request
"""

from collections.abc import Sequence


class ActionsError(Exception):
    """Base of everything this package raises on purpose."""


class StoreError(ActionsError):
    """The policy store failed; nothing of this unit of work was kept."""


class CoreAway(StoreError):
    """The insurer's core system did not answer, or with something that cannot be."""


class SmsAway(ActionsError):
    """A text message (短信) could not be sent.

    Attributes:
        perhaps_sent: A try ended without an answer one can trust; it may have arrived.
    """

    def __init__(self, why: str, *, perhaps_sent: bool = False) -> None:
        super().__init__(why)
        self.perhaps_sent = perhaps_sent


class UnknownPolicy(ActionsError):
    """The customer has no policy of this number.

    The same for a number that does not exist and for somebody else's.
    """


class RepeatedTurn(ActionsError):
    """A turn id that is already used by another conversation or customer."""


class IllegalStep(ActionsError):
    """A step that the present state, or who takes it, does not allow.

    Args:
        why: Machine name, e.g. ``not_open``; the console has words for it.
        who: People it could be about, for a choice to be made.
    """

    def __init__(self, why: str, who: Sequence[str] = ()) -> None:
        super().__init__(why)
        self.why = why
        self.who = tuple(who)


class UnknownCase(ActionsError):
    """There is no complaint, claim or request of this number."""
