"""Who somebody of the desk is, and whom a text means: accounts, never bare names.

In: the desk's accounts as the edge or ``baoke`` hands them over, and what somebody wrote
(小李, 客服小李, Agent 2). Out: the account that is meant, those it may be, or nobody.
What takes a right away compares generously, what gives one compares exactly.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from actions.errors import IllegalStep
from actions.words import words

OUTSIDE = "-"  # stands for the account of whom it is about: none of ours, said a leader
MAX_CHARS = 100  # of a name that is looked at
_MIN_LOGIN = 3  # characters of a login that is looked for inside other words


@dataclass(frozen=True)
class Person:
    """Somebody of the desk.

    Attributes:
        login: Of the account; stands in every log.
        title: What customers are told, e.g. 小李; "" when not known.
        leader: May do what leaders may.
        also: Every folded login and title under which the same person is known.
    """

    login: str
    title: str = ""
    leader: bool = False
    active: bool = True
    also: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def names(self) -> frozenset[str]:
        """Folded names of this person, and of their other accounts."""
        own = {fold(self.login), name_in(self.title)} - {""}
        return frozenset(own) | self.also


def fold(text: str) -> str:
    """Return a name without width, case, spaces and signs."""
    plain = unicodedata.normalize("NFKC", text[:MAX_CHARS]).casefold()
    return "".join(c for c in plain if c.isalnum())


def core(text: str) -> str:
    """Return a name folded and without 客服, 经理, 那个 and the like around it."""
    left = fold(text)
    around = sorted(words()["person_titles"], key=len, reverse=True)
    while True:
        word = next((w for w in around if left.startswith(w) or left.endswith(w)), None)
        if word is None:
            return left
        left = left.removeprefix(word) if left.startswith(word) else left[: -len(word)]


def name_in(title: str) -> str:
    """Return the name in a title; the whole title where it holds but one letter of one.

    陈组长 and 陈经理 are two people, 小李 and 客服小李 are one; 在线客服 names nobody.
    """
    name = core(title)
    return fold(title) if len(name) == 1 else name


def is_login(person: Person | str, login: str | None) -> bool:
    """Whether a stored login is this very account: what gives a right asks this."""
    return login is not None and login.strip().casefold() == (
        person_of(person).login.strip().casefold()
    )


def is_same(person: Person | str, name: str | None) -> bool:
    """Whether a stored name is the same person, under whatever account or spelling."""
    if name is None or not fold(name):
        return False
    names = person_of(person).names
    return fold(name) in names or name_in(name) in names


def person_of(person: Person | str) -> Person:
    """Return a person; a bare login is nobody we know more of."""
    return Person(person) if isinstance(person, str) else person


def means(text: str, person: Person) -> bool:
    """Whether a text says this person and nothing else."""
    if is_same(person, text):
        return True
    left = fold(text)
    for name in (fold(person.login), name_in(person.title)):
        if len(name) > 1:
            left = left.replace(name, "")
    return left != fold(text) and not core(left)


def resembles(text: str, person: Person) -> bool:
    """Whether a text may say this person: 李经理 for 小李, 小李 for 李娜."""
    said, name, login = core(text), core(person.title), fold(person.login)
    if not said:
        return False
    if len(name) > 1 and (name in said or (len(said) > 1 and said in name)):
        return True
    if len(login) >= _MIN_LOGIN and login in said:
        return True
    short = _bare(said)
    return len(short) == 1 and bool(name) and short in (_bare(name), name[0], name[-1])


def _bare(name: str) -> str:
    """李 of 小李 and 李姐; a longer name as it is."""
    if len(name) == 2 and name[0] in words()["nickname_before"]:
        return name[1]
    if len(name) == 2 and name[1] in words()["nickname_behind"]:
        return name[0]
    return name


class Desk:
    """All accounts of the desk.

    Args:
        accounts: Closed ones too: a complaint may be about somebody who has left.
    """

    def __init__(self, accounts: Iterable[Person]) -> None:
        rows = list(accounts)
        known: dict[str, set[str]] = {}  # [name] = it, and the logins that have it
        for row in rows:
            if name := name_in(row.title):
                known.setdefault(name, {name}).add(fold(row.login))
        self.people = tuple(
            Person(
                row.login,
                row.title,
                row.leader,
                row.active,
                frozenset(known.get(name_in(row.title), ())),
            )
            for row in rows
        )

    @classmethod
    def read(cls, given: Any) -> Desk:
        """Build from JSON: login, title, leader, active.

        Raises:
            ValueError: It is no list of accounts.
        """
        if not isinstance(given, list):
            raise ValueError("accounts are no list")
        found = []
        for row in given:
            if not isinstance(row, Mapping) or not isinstance(row.get("login"), str):
                raise ValueError("an account has no login")
            found.append(
                Person(
                    row["login"],
                    str(row.get("title") or ""),
                    row.get("leader") is True,
                    row.get("active") is not False,
                )
            )
        return cls(found)

    def account(self, login: str) -> Person | None:
        """Return the account with this very login."""
        return next((p for p in self.people if p.login == login.strip()), None)

    def meant(self, text: str) -> list[Person]:
        """Return whom a text says: all accounts of one person, or of several."""
        exact = self.account(text)
        if exact is not None:
            return [exact]
        return [p for p in self.people if means(text, p)]

    def perhaps(self, text: str) -> list[Person]:
        """Return whom a text may say."""
        return [p for p in self.people if means(text, p) or resembles(text, p)]

    def actor(self, text: str) -> Person:
        """Return who acts, by login or by a name only one open account has.

        Raises:
            IllegalStep: ``unknown_actor``.
        """
        found = [p for p in self.meant(text) if p.active]
        if len(found) != 1:
            raise IllegalStep("unknown_actor", who=[_shown(p) for p in found])
        return found[0]

    def handler(self, text: str) -> Person:
        """Return who is put in charge.

        Raises:
            IllegalStep: ``unknown_handler``: nobody, or several it could be.
        """
        found = [p for p in self.meant(text) if p.active]
        if len(found) != 1:
            who = [p for p in self.perhaps(text) if p.active]
            raise IllegalStep("unknown_handler", who=[_shown(p) for p in who])
        return found[0]

    def accused(
        self, text: str, handler: Person | None, *, outside: bool
    ) -> Person | None:
        """Return the account a complaint is about; None when it is none of ours.

        Args:
            text: As the customer or a leader says.
            handler: Who is to handle it, when that is said too.
            outside: Somebody says outright that it is no account, or not known.

        Raises:
            IllegalStep: ``is_accused`` when it may be the handler; ``accused_unclear``
                when it may be several, or nobody can tell.
        """
        meant, perhaps = self.meant(text), self.perhaps(text)
        doubted = meant if outside else meant + perhaps
        if handler is not None and (
            any(is_same(handler, p.login) for p in doubted) or is_same(handler, text)
        ):
            raise IllegalStep("is_accused")
        if outside:
            return None
        if meant and all(is_same(meant[0], p.login) for p in meant):
            return meant[0]
        if perhaps or is_unknown(text):
            raise IllegalStep("accused_unclear", who=[_shown(p) for p in perhaps])
        return None


def is_unknown(text: str) -> bool:
    """Whether a text says that nobody knows who it was, or that it was nobody of ours."""
    said = fold(text)
    return not core(text) or any(word in said for word in words()["person_unknown"])


def _shown(person: Person) -> str:
    return f"{person.title or person.login}（{person.login}）"
