"""Reads negated wishes: 我不想退保 begins nothing, and neither does 不用转人工.

In: a customer's words. Out: the wishes they negate, and what is left when those clauses
are taken away. The one reading for both sides: `bot/assistant/components` asks before a
wish is classified, `actions.forms` asks inside a form. A negated fact is no negated wish
(不想要了怎么退, 为什么不赔): a clause counts only when every word of it is known, see
``negation.zh.yml``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).with_name("negation.zh.yml")
ANY = "any"  # 不办了: the wish that is being served, whatever it is
# Code points. A longer clause is no plain refusal, and a longer text is not looked at.
LONGEST_CLAUSE = 30
LONGEST_TEXT = 300
_MARKS = re.compile(r"[\s，,。.；;：:！!？?、…~～—]+")
_QUESTION = re.compile(r"[?？]")
_SAID_AGAIN = re.compile(r"(.{2,8})\1{1,3}")  # 莫退莫退


@dataclass(frozen=True)
class Reading:
    """What a text negates.

    Attributes:
        wishes: Intents that are negated, or `ANY`; empty when none is.
        rest: The other clauses, joined; empty when they say nothing of their own.
        gives_up: A wish of before is given up (不投诉了), not only denied.
    """

    wishes: frozenset[str] = frozenset()
    rest: str = ""
    gives_up: bool = False

    @property
    def is_all(self) -> bool:
        """Whether the whole text is a negated wish."""
        return bool(self.wishes) and not self.rest

    def negates(self, wish: str) -> bool:
        """Whether this very wish is negated."""
        return wish in self.wishes or ANY in self.wishes

    @property
    def wants_more(self) -> bool:
        """Whether what is left asks for or wants something."""
        return any(word in self.rest for word in _words()["wants"])

    def names(self, wish: str) -> bool:
        """Whether what is left still wants this wish, of something else: 改地址."""
        words = [w for w in _wishes_by_word() if wish in _wishes_by_word()[w]]
        again = rf"{_one_of(words)}(?!{_one_of(_words()['tells'])})"
        return bool(words and re.search(again, self.rest))

    def refuses(self, intent: str) -> bool:
        """Whether a wish found in what is left is only the negated one's echo.

        Args:
            intent: What `rest` was understood as.
        """
        if intent not in self.wishes:
            return False
        if intent == "request_handoff":
            return not any(word in self.rest for word in _words()["humans"])
        return not self.wants_more


NOTHING = Reading()


@lru_cache(maxsize=4096)
def read_negation(text: str) -> Reading:
    """Read a message; payloads and long texts negate nothing."""
    if text.startswith("/") or len(text) > LONGEST_TEXT:
        return NOTHING
    wishes: set[str] = set()
    rest: list[str] = []
    gives_up = False
    for clause, asks in _clauses(text):
        if again := _SAID_AGAIN.fullmatch(clause[: LONGEST_CLAUSE + 1]):
            clause = again.group(1)
        while found := _negated(clause, asks):
            wishes |= found[0]
            said = clause.removesuffix(found[1])
            gives_up = gives_up or said.endswith(tuple(_words()["changed"]))
            clause = found[1]
        if clause:
            rest.append(clause + ("?" if asks else ""))
    if not wishes:
        return NOTHING
    if all(_says_nothing(clause) for clause in rest):
        rest = []
    return Reading(frozenset(wishes), "，".join(rest), gives_up)


def _clauses(text: str) -> Iterable[tuple[str, bool]]:
    """Clauses in simplified characters, and whether a question mark ends them."""
    even = _simplified(unicodedata.normalize("NFKC", text).lower())
    start = 0
    for mark in (*_MARKS.finditer(even), None):
        clause = even[start : mark.start() if mark else len(even)]
        if clause:
            yield clause, bool(mark and _QUESTION.search(mark.group()))
        start = mark.end() if mark else start


def _negated(clause: str, asks: bool = False) -> tuple[set[str], str] | None:
    """The wishes a clause negates and what comes behind it without a mark."""
    head = clause[:LONGEST_CLAUSE]
    # 谁要退保了？ asks nothing, whatever its mark.
    found = _rhetorical().match(head)
    if not found and not asks:
        found = _pattern().match(head)
    if not found:
        return None
    rest = clause[found.end() :]
    if len(clause) > LONGEST_CLAUSE and not rest:
        return None
    said = next(word for word in found.groups() if word)
    return set(_wishes_by_word()[said]), rest


def _says_nothing(clause: str) -> bool:
    return bool(_empty().fullmatch(clause[:LONGEST_CLAUSE]))


@cache
def _words() -> Mapping[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
    return loaded


@cache
def _wishes_by_word() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {word: {ANY} for word in _words()["any_wish"]}
    for intent, words in _words()["wishes"].items():
        for kind in ("acts", "things", "short", "scorned"):
            for word in words.get(kind, ()):
                found.setdefault(word, set()).add(intent)
    return {word: frozenset(intents) for word, intents in found.items()}


def _one_of(words: Iterable[str]) -> str:
    """A pattern for one of the words, longest first."""
    ordered = sorted(set(words), key=len, reverse=True)
    return "(?:" + "|".join(map(re.escape, ordered)) + ")"


def _of_wishes(kind: str) -> list[str]:
    return [w for words in _words()["wishes"].values() for w in words.get(kind, ())]


@cache
def _pattern() -> re.Pattern[str]:
    """A whole clause that negates a wish; every repeat is bounded."""
    w = _words()
    over = rf"{_one_of(w['end'])}{{0,3}}"
    end = rf"{over}(?:$|(?={_one_of(w['turn'])}))"
    thing = rf"{_one_of(w['object'])}{{0,4}}"
    # 不用登记的电话 is another phone, no refusal to have something noted.
    any_wish = rf"{_one_of(w['any_wish'])}(?!的.)"
    verbs = _one_of([*_of_wishes("acts"), *_of_wishes("short")])
    act, noun = rf"({verbs}|{any_wish}){thing}", rf"({_one_of(_of_wishes('things'))})"
    fill = rf"{_one_of([*w['filler'], *w['object']])}{{0,6}}"
    few = rf"{_one_of(w['plain_filler'])}{{0,3}}"
    lead, me = rf"{_one_of(w['lead'])}{{0,2}}", rf"{_one_of(w['subject'])}?"
    # 发票不要了, 保单我不退了: the thing stands in front.
    mine = rf"{lead}{me}{_one_of(w['front'])}{{0,3}}{me}"
    yours = rf"{lead}{_one_of(w['addressed'])}"
    adverb = rf"{_one_of(w['adverb'])}{{0,3}}"
    wants = rf"{adverb}{_one_of(w['wanting'])}{fill}(?:{act}|{noun}){end}"
    forbids = rf"{adverb}{_one_of(w['forbidding'])}{fill}(?:{act}|{noun}){end}"
    being = rf"{adverb}{_one_of(w['being'])}{few}{act}{end}"
    # 不转人工我就投诉 is a condition: behind a bare 不 nothing may follow.
    bare = rf"{_one_of(w['plain_adverb'])}{{0,3}}{_one_of(w['plain'])}{few}{act}{over}$"
    fronted = rf"{lead}{noun}{me}{adverb}{_one_of(w['wanting'])}{end}"
    # 投诉就不必了, 我老婆说别退.
    named = rf"(?:{_one_of(_of_wishes('things'))}|{_one_of(_of_wishes('acts'))})"
    off = rf"{_one_of(w['dismissed'])}{over}$"
    put_off = rf"{lead}({named}){_one_of(w['matter'])}?{me}{adverb}{off}"
    others = rf"{lead}{me}{_one_of(w['told_by'])}{_one_of(w['told'])}"
    return re.compile(
        rf"{mine}(?:{wants}|{being}|{bare})|(?:{yours}|{others}){forbids}"
        rf"|{fronted}|{put_off}"
    )


@cache
def _rhetorical() -> re.Pattern[str]:
    """A whole clause that asks in form only: 谁要退保了, 退它干啥, 退什么保."""
    w = _words()
    over = rf"{_one_of(w['end'])}{{0,3}}$"
    thing = rf"{_one_of(w['object'])}{{0,3}}"
    begin = rf"{_one_of(w['lead'])}{{0,2}}{_one_of(w['subject'])}?"
    act = rf"({_one_of([*_of_wishes('acts'), *_of_wishes('short')])})"
    fill = rf"{_one_of(w['filler'])}{{0,3}}"
    asked = rf"{_one_of(w['rhetorical'])}{fill}{act}{thing}"
    idle = rf"{_one_of(w['idle'])}{_one_of(w['subject'])}?{act}{thing}"
    idle = rf"{idle}{_one_of(w['pointless'])}"
    scorned = rf"({_one_of(_of_wishes('scorned'))})"
    return re.compile(rf"{begin}(?:{asked}|{idle}|{scorned}){over}")


@cache
def _empty() -> re.Pattern[str]:
    w = _words()
    said = _one_of([*w["empty"], *w["lead"], *w["subject"]])
    return re.compile(rf"(?:{said}{_one_of(w['end'])}{{0,2}}){{1,3}}")


@cache
def _simplifier() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


def _simplified(text: str) -> str:
    return str(_simplifier().convert(text))
