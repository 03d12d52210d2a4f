"""Takes the words of asking off a question, so that what is asked about is left.

In: a normalised question (车险自燃赔不赔). Out: the event it names (自燃), or nothing when
it names none (车险哪些不赔).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_PAYS = "赔付|赔偿|理赔|赔钱|保障|承保|报销|给付|给钱|覆盖|负责|受理|赔|陪|保|包|管|报|算|认"
_CAN = "[能不没可以会给该应够都也还就全真得到被]{0,8}"
_END = r"(?=$|[\s,.?!;:。、])"
_ASKS = "[吗么嘛否没呢吧不]{0,3}"
_SCOPE = (
    "保险责任|保障范围|保障|赔付范围|理赔范围|承保范围|责任免除|免责条款|免责范围|免责|"
    "除外责任|除外|意外事故|意外伤害|意外|范围"
)
_BOTH_WAYS = (
    "赔不赔|理不理赔|报不报|保不保|承不承保|给不给|包不包|管不管|算不算|认不认|负不负责|"
    "能不能|可不可以|会不会|该不该|属不属于|在不在|是不是"
)
_A_NOT_A = re.compile(_BOTH_WAYS)
# How Chinese asks whether something is paid; a lone 保 or 管 may belong to the event.
_VERDICT = re.compile(
    rf"{_CAN}(?:{_BOTH_WAYS}){_CAN}"
    rf"(?:(?:{_SCOPE})(?:之内|以内|里面|里|内)?|(?:{_PAYS}))?[付偿钱销障括了]?{_ASKS}"
    rf"|[能不没可以会给该应都也还就]{{1,6}}(?:被|得到|获得)?(?:{_PAYS})[了到得]?{_ASKS}"
    rf"|(?:{_PAYS})[了到得]?(?:[吗么嘛否呢吧]|[不没]{_END}|{_END})"
    r"|(?<!免)(?:赔付|赔偿|理赔|赔钱|拒赔|报销|赔)"
    rf"|(?:是否|不?属于?|算是|不?算|不?在)(?:你们|咱们|贵司)?的?(?:{_SCOPE})"
    rf"(?:范围)?(?:之内|以内|里面|里|内|之外)?{_ASKS}"
)
_MARKS = re.compile(r"[\s,.?!;:。、~\"'“”()\[\]|…-]+")
_SMALL = re.compile(r"[的了]")


def fold(text: str) -> str:
    """Bring a name to the form in which it is compared: no marks, no 的 or 了."""
    return _SMALL.sub("", unmarked(text))


def unmarked(text: str) -> str:
    """Leave out marks and spaces."""
    return _MARKS.sub("", text)


def without_asking(text: str) -> str:
    """Take A-not-A questions out: the 车保 of 赛车保不保 is no product's name."""
    return _A_NOT_A.sub(" ", text)


@dataclass(frozen=True)
class Asked:
    """What a question is about.

    Args:
        event: folded; empty when the question names none.
        parts: what stood apart in the question, folded: 喝了酒，撞了车 names two.
        verdict: it asks whether something is paid.
        open: it asks which, how much or when instead of whether.
    """

    event: str
    parts: tuple[str, ...] = ()
    verdict: bool = False
    open: bool = False


@dataclass(frozen=True)
class Asking:
    """Words of asking.

    Args:
        filler: said around an event, part of none.
        opening: words that ask which, how much or when.
        general: words too general to be an event on their own.
    """

    filler: tuple[str, ...] = ()
    opening: tuple[str, ...] = ()
    general: frozenset[str] = frozenset()

    def is_general(self, event: str) -> bool:
        """Whether nothing but general words is left of an event: 出了事故."""
        for word in sorted(self.general, key=len, reverse=True):
            event = event.replace(word, "")
        return len(event) <= 1

    def read(self, text: str, names: Sequence[str] = ()) -> Asked:
        """Read a normalised question.

        Args:
            text: normalised and corrected.
            names: what to leave out, the longest first.
        """
        for name in names:
            # The name may be the end of another word: 车保 in 赛车保不保.
            found = re.compile(
                rf"{re.escape(name)}(?:里面|里头|里)?(?![不没]{name[-1]})"
            )
            text = found.sub(" ", text)
        asks_open = any(word in text for word in self.opening)
        rest = _VERDICT.sub(" ", text)
        verdict = rest != text
        for word in sorted((*self.filler, *self.opening), key=len, reverse=True):
            rest = rest.replace(word, " ")
        parts = tuple(fold(part) for part in _MARKS.split(rest) if fold(part))
        return Asked(fold(rest), parts, verdict, asks_open)
