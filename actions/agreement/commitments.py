"""Commitments (承诺时限): limits read from the filled text of a clause.

In: a clause. Out: amount, unit and trigger of every time limit in it, with the
sentence that says so. A limit that is still a blank is no commitment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from actions.agreement.blanks import blank_spans
from actions.agreement.cite import sentences
from actions.agreement.clauses import Clause
from actions.agreement.numerals import CHINESE_NUMERAL, chinese_to_int

UNITS = {
    "工作小时": "工作小时",
    "工作时": "工作小时",
    "工作日": "工作日",
    "自然日": "自然日",
    "日历日": "自然日",
    "日历天": "自然日",
    "日": "自然日",
    "天": "自然日",
}
_CN = CHINESE_NUMERAL
_LIMIT = re.compile(
    rf"(?P<cn>{_CN}+)?\s*[(（]?\s*(?P<digits>\d+)?\s*[)）]?\s*个?\s*"
    rf"(?P<unit>{'|'.join(sorted(UNITS, key=len, reverse=True))})"
)
_BOUND_AFTER = re.compile(r"\s*(?:之内|以内|内|前|之前|起|后|届满)")
_BOUND_BEFORE = re.compile(
    r"(?:不超过|不得超过|不晚于|最迟|提前|至少|最长|之日起|之时起|起|后)[^，。；]{0,6}$"
)
_TRIGGER = re.compile(
    r"(?:自|从)[^，。；]{1,40}?(?:之日起|之时起|之时|之日|时起|起)|[^，。；：]{1,30}?(?:之后|以后|后)"
)


@dataclass(frozen=True)
class Commitment:
    """A time limit of a clause.

    Args:
        ref: the clause.
        trigger: the words that start the clock, "" when the clause names none.
        amount: number of units.
        unit: 工作小时, 工作日 or 自然日.
        quote: the sentence, verbatim.
    """

    ref: str
    trigger: str
    amount: int
    unit: str
    quote: str


def commitments_of(clause: Clause) -> list[Commitment]:
    """Read the time limits of a clause, in the order of its text."""
    found: list[Commitment] = []
    for sentence in sentences(clause.text):
        closed = blank_spans(sentence)
        for match in _LIMIT.finditer(sentence):
            if any(a < match.end() and match.start() <= b for a, b in closed):
                continue
            limit = _limit(match, sentence)
            if limit is not None:
                trigger, amount, unit = limit
                quote = sentence.strip("\n")
                found.append(Commitment(clause.ref, trigger, amount, unit, quote))
    return found


def _limit(match: re.Match[str], sentence: str) -> tuple[str, int, str] | None:
    chinese, digits = match.group("cn"), match.group("digits")
    amount = int(digits) if digits else chinese_to_int(chinese or "")
    if not amount:
        return None
    before, after = sentence[: match.start()], sentence[match.end() :]
    if before[-1:].isdigit() or re.search(r"[年月第每]\s*$", before):
        return None  # a date (5月30日) or an ordinal, not a limit
    if not (_BOUND_AFTER.match(after) or _BOUND_BEFORE.search(before)):
        return None
    triggers = [m.group() for m in _TRIGGER.finditer(before)]
    return (triggers[-1] if triggers else ""), amount, UNITS[match.group("unit")]
