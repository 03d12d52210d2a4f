"""Finds the action that answers an intent: ``ask_premium`` → ``action_ask_premium``.

In: an intent's name. Out: an instance of its action. Used where one capability lets
another speak: a question inside a form, a guess that was confirmed, what was asked
before the identity check.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from inspect import isabstract

from actions.base import BaokeAction


def _concrete(base: type[BaokeAction]) -> Iterator[type[BaokeAction]]:
    for child in base.__subclasses__():
        if not isabstract(child):
            yield child
        yield from _concrete(child)


@cache
def _actions() -> dict[str, type[BaokeAction]]:
    # The action server has imported every module of `actions` by the time one runs.
    return {child().name(): child for child in _concrete(BaokeAction)}  # type: ignore[type-abstract]


def action_for(intent: str) -> BaokeAction:
    """The action that answers ``intent``.

    Raises:
        KeyError: no action is named ``action_<intent>``.
    """
    return _actions()[f"action_{intent}"]()
