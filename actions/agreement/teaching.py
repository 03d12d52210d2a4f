"""Chooses what a search learns from: example questions and the clauses they mean.

In: a document's clauses, its own questions, what is known of the family. Out: texts
with labels, and for each label the clauses it stands for (none: it lies outside).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actions.agreement.aligning import align
from actions.agreement.clauses import Clause
from actions.agreement.examples import QuestionReader
from actions.agreement.topics import Section

OUTSIDE = "outside"
Questions = Mapping[str, Sequence[str]]  # reference → questions


@dataclass
class Lessons:
    """Example questions of one document.

    Args:
        labels: text → labels; an own question of a product sheet has two.
        members: label → indices of the clauses it stands for.
    """

    labels: dict[str, set[str]] = field(default_factory=dict)
    members: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def add(self, texts: Sequence[str], label: str, clauses: Sequence[int]) -> None:
        """Add questions with a label; repeated texts gather their labels."""
        self.members[label] = tuple(clauses)
        for text in texts:
            self.labels.setdefault(text, set()).add(label)


def service_lessons(
    clauses: Sequence[Clause], questions: Questions, reader: QuestionReader
) -> Lessons:
    """Lessons of a service agreement: own questions, aligned topics, outside."""
    knowledge = reader.knowledge
    lessons = Lessons()
    own = _own(clauses, questions, lessons)
    found = align(knowledge.topics, clauses, reader)
    for topic in knowledge.topics:
        index = found.get(topic.key)
        texts = [text for text in topic.questions if text not in own]
        if index is None:
            lessons.add(texts, f"topic {topic.key}", ())
        else:
            lessons.add(texts, f"clause {clauses[index].ref}", (index,))
    outside = (*knowledge.outside, *knowledge.outside_service)
    lessons.add([t for t in outside if t not in lessons.labels], OUTSIDE, ())
    return lessons


def product_lessons(
    clauses: Sequence[Clause],
    questions: Questions,
    siblings: Mapping[str, Sequence[str]],
    reader: QuestionReader,
) -> Lessons:
    """Lessons of a product sheet.

    Args:
        clauses: the sheet.
        questions: its own questions.
        siblings: section key → questions of the other sheets' clauses in it.
        reader: encoder, words and knowledge.
    """
    knowledge = reader.knowledge
    lessons = Lessons()
    _own(clauses, questions, lessons, through_headings=True)
    places = sections_of(clauses, knowledge.sections)
    for section in knowledge.sections:
        indices = [i for i, key in enumerate(places) if key == section.key]
        refs = {clauses[i].ref for i in indices}
        own = [text for ref in refs for text in questions.get(ref, ())]
        texts = [*section.questions, *siblings.get(section.key, ()), *own]
        lessons.add(texts, f"section {section.key}", indices)
    outside = [text for text in knowledge.outside if text not in lessons.labels]
    lessons.add(outside, OUTSIDE, ())
    return lessons


def sections_of(
    clauses: Sequence[Clause], sections: Sequence[Section]
) -> list[str | None]:
    """Section of each clause of a product sheet, by the heading of its article."""
    return [_section(clause, sections) for clause in clauses]


def _section(clause: Clause, sections: Sequence[Section]) -> str | None:
    heading = clause.path[0] if clause.path else clause.title
    return next(
        (s.key for s in sections if any(title in heading for title in s.titles)), None
    )


def _own(
    clauses: Sequence[Clause],
    questions: Questions,
    lessons: Lessons,
    through_headings: bool = False,
) -> set[str]:
    """Add a document's own questions; those of a bare heading may mean its items."""
    taken: set[str] = set()
    for index, clause in enumerate(clauses):
        texts = questions.get(clause.ref, ())
        if texts:
            leaves = _leaves(clauses, clause.ref) if through_headings else ()
            lessons.add(texts, f"clause {clause.ref}", leaves or (index,))
            taken.update(texts)
    return taken


def _leaves(clauses: Sequence[Clause], ref: str) -> tuple[int, ...]:
    return tuple(i for i, clause in enumerate(clauses) if clause.parent == ref)
