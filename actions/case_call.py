"""What a step of a case is given, and what a step is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from actions.case_json import Json
from actions.people import Desk, Person
from actions.policystore.unit_of_work import UnitOfWork
from actions.services import Services
from actions.untrue import check_words

YES = "yes"


@dataclass(frozen=True)
class Told:
    """One thing that is told with a step."""

    name: str
    help: str
    needed: bool = True
    many: bool = False


@dataclass(frozen=True)
class Call:
    """A step about to be taken: in which transaction, its number, what was told, by whom.

    Attributes:
        desk: All accounts; None where nobody knows them (``python -m actions``).
    """

    services: Services
    uow: UnitOfWork
    number: str
    told: Mapping[str, Any]
    actor: Person
    now: datetime
    desk: Desk | None = None

    def text(self, name: str) -> str:
        """Return what was told under a name, "" when nothing was."""
        return str(self.told.get(name) or "")

    def maybe(self, name: str) -> str | None:
        """Return what was told under a name, None when nothing was."""
        return self.text(name) or None

    def many(self, name: str) -> list[str]:
        """Return all that was told under a name."""
        return list(cast("Sequence[str]", self.told.get(name) or ()))

    def shown(self, name: str) -> str:
        """Return words the customer is going to read.

        Raises:
            IllegalStep: They say what this system knows to be untrue.
        """
        check_words(self.text(name))
        return self.text(name)

    def handler(self) -> Person:
        """Return who is put in charge: an account where accounts are known."""
        said = self.text("handler")
        return self.desk.handler(said) if self.desk else Person(said)


@dataclass(frozen=True)
class Step:
    """A step: what it needs, who may take it, how it is taken."""

    summary: str
    told: tuple[Told, ...]
    run: Callable[[Call], Json]
    leaders_only: bool = False
