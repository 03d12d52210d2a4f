"""What a text in force lacks of what the bot answers and promises by.

In: the clauses of one document. Out: where each topic stands, which promises it gives,
what is gone against another text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actions.agreement.aligning import align
from actions.agreement.clauses import Clause, fold_ref
from actions.agreement.commitments import commitments_of
from actions.agreement.examples import QuestionReader
from actions.agreement.teaching import sections_of
from actions.promises import PROMISED_TOPICS


@dataclass(frozen=True)
class Contents:
    """What a document speaks of.

    Args:
        topics: key → reference of its clause; None when the text does not speak of it.
        limits: reference → first time limit, such as 15 工作日.
        unkept: references the bot promises by that promise no time for their topic, with
            the reason.
    """

    topics: Mapping[str, str | None]
    limits: Mapping[str, str]
    unkept: Mapping[str, str]

    @property
    def missing(self) -> list[str]:
        """Topics the text does not speak of."""
        return [key for key, ref in self.topics.items() if ref is None]


@dataclass(frozen=True)
class Loss:
    """What one text has and the next has not."""

    topics: tuple[str, ...]
    limits: tuple[str, ...]  # in words: topic or reference, before, after

    def __bool__(self) -> bool:
        """Whether anything is lost or changed."""
        return bool(self.topics or self.limits)


def contents_of_service(clauses: Sequence[Clause], reader: QuestionReader) -> Contents:
    """Read a service agreement whose blanks are filled.

    Raises:
        AgreementError: when the sentence encoder cannot be opened.
    """
    found = align(reader.knowledge.topics, clauses, reader)
    topics = {
        topic.key: clauses[found[topic.key]].ref if topic.key in found else None
        for topic in reader.knowledge.topics
    }
    limits = limits_of(clauses)
    return Contents(topics, limits, _unkept(topics, limits, clauses))


def contents_of_product(clauses: Sequence[Clause], reader: QuestionReader) -> Contents:
    """Read a product sheet: its sections take the place of topics."""
    sections = reader.knowledge.sections
    places = sections_of(clauses, sections)
    topics: dict[str, str | None] = {section.key: None for section in sections}
    for clause, key in zip(clauses, places, strict=True):
        if key is not None and topics[key] is None:
            topics[key] = clause.ref
    return Contents(topics, {}, {})


def limits_of(clauses: Sequence[Clause]) -> dict[str, str]:
    """The first time limit of each clause that has one."""
    found = {clause.ref: commitments_of(clause) for clause in clauses}
    return {
        ref: f"{first[0].amount} {first[0].unit}"
        for ref, first in found.items()
        if first
    }


def loss(before: Contents, after: Contents) -> Loss:
    """What is lost when one text takes the other's place; moved clauses are not."""
    topics = [
        key
        for key, ref in before.topics.items()
        if ref is not None and after.topics.get(key) is None
    ]
    limits = []
    for key, ref in before.topics.items():
        now = after.topics.get(key)
        was, is_now = before.limits.get(ref or ""), after.limits.get(now or "")
        if was is not None and was != is_now and now is not None:
            limits.append(f"{key}: {was} → {is_now or 'no limit'}")
    return Loss(tuple(topics), tuple(limits))


def _unkept(
    topics: Mapping[str, str | None],
    limits: Mapping[str, str],
    clauses: Sequence[Clause],
) -> dict[str, str]:
    held = {fold_ref(clause.ref) for clause in clauses}
    found: dict[str, str] = {}
    for topic, ref in PROMISED_TOPICS.items():
        place = topics.get(topic)
        if fold_ref(ref) not in held:
            found[ref] = "does not exist"
        elif ref not in limits:
            found[ref] = "promises no time"
        elif topic not in topics:
            continue  # nothing is known of the family: the wording cannot be judged
        elif place is None:
            found[ref] = f"is of no use: no clause speaks of {topic}"
        elif fold_ref(place) != fold_ref(ref):
            found[ref] = f"is about something else; {topic} stands in {place}"
    return found
