"""What is known of this family of agreements: topics, synonyms, things outside.

In: the files named in `FILES`. Out: plain values; without the files an empty
`Knowledge`, and search rests on the text alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from actions.agreement.asking import Asking, fold
from actions.agreement.documents import read_yaml
from actions.agreement.errors import AgreementError

FILES = (
    "topics.yml",
    "synonyms.yml",
    "topic_questions.yml",
    "product_questions.yml",
)


@dataclass(frozen=True)
class Topic:
    """Something such an agreement speaks of, and how customers ask for it."""

    key: str
    group: str
    about: tuple[str, ...]
    questions: tuple[str, ...]
    place: str = ""  # its reference in the family's usual form


@dataclass(frozen=True)
class Section:
    """A section every product sheet has, found by words of its heading."""

    key: str
    titles: tuple[str, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Knowledge:
    """Topics, synonym groups (what is said → what the text says), typos, outside."""

    topics: tuple[Topic, ...] = ()
    synonyms: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    typos: Mapping[str, str] | None = None
    outside: tuple[str, ...] = ()  # answered by no document
    outside_service: tuple[str, ...] = ()  # answered by product sheets only
    sections: tuple[Section, ...] = ()
    events: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()  # like synonyms
    asking: Asking = field(default_factory=Asking)

    def correct(self, text: str) -> str:
        """Replace known misspellings in a normalised text."""
        for wrong, right in (self.typos or {}).items():
            if wrong in text:
                text = text.replace(wrong, right)
        return text

    def widen(self, text: str) -> list[str]:
        """Words an agreement would use for what a normalised question says."""
        found: list[str] = []
        for said, written in self.synonyms:
            if any(word in text for word in said):
                found += [word for word in written if word not in text]
        return list(dict.fromkeys(found))

    def reworded(self, event: str) -> list[str]:
        """A folded event, and the same in the words an agreement would use."""
        found = [event]
        for said, written in (*self.events, *self.synonyms):
            found += [
                event.replace(word, text)
                for word in said
                if word in event
                for text in written
            ]
        return list(dict.fromkeys(found))

    def synonymous(self, event: str) -> list[str]:
        """A folded event, and what agreements call the things it names."""
        found = [event]
        for said, written in self.events:
            if any(word in event for word in said):
                found += written
        return list(dict.fromkeys(found))


def read_knowledge(folder: Path) -> Knowledge:
    """Read topics, synonyms and further questions; missing files are empty.

    Raises:
        AgreementError: when a file is misshapen.
    """
    topics, synonyms, more, products = (
        read_yaml(folder / name) if (folder / name).exists() else {} for name in FILES
    )
    try:
        outside, outside_more = topics.get("outside") or {}, more.get("outside") or {}
        asked = more.get("topics") or {}
        return Knowledge(
            topics=tuple(
                Topic(
                    key=str(topic["key"]),
                    group=str(topic["group"]),
                    about=tuple(str(about) for about in topic["about"]),
                    questions=_lines(topic["questions"])
                    + _lines(asked.get(topic["key"]) or ""),
                    place=str(topic.get("place") or ""),
                )
                for topic in topics.get("topics") or []
            ),
            synonyms=tuple(
                (_words(group["say"]), _words(group["text"]))
                for group in synonyms.get("groups") or []
            ),
            typos={str(k): str(v) for k, v in (synonyms.get("typos") or {}).items()},
            outside=_lines(outside.get("everywhere") or "")
            + _lines(outside_more.get("everywhere") or ""),
            outside_service=_lines(outside.get("products") or "")
            + _lines(outside_more.get("products") or ""),
            sections=tuple(
                Section(
                    str(section["key"]),
                    tuple(str(title) for title in section["titles"]),
                    _lines(section["questions"]),
                )
                for section in products.get("sections") or []
            ),
            events=tuple(
                (_folded(group["say"]), _folded(group["text"]))
                for group in synonyms.get("events") or []
            ),
            asking=_asking(synonyms.get("asking") or {}),
        )
    except (KeyError, TypeError, AttributeError) as err:
        raise AgreementError(f"{folder}: one of {', '.join(FILES)}: {err!r}") from err


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _folded(items: list[object]) -> tuple[str, ...]:
    return tuple(fold(word) for word in _words(items))


def _asking(data: Mapping[str, list[object]]) -> Asking:
    return Asking(
        filler=_words(data.get("filler") or []),
        opening=_words(data.get("opening") or []),
        general=frozenset(_folded(data.get("general") or [])),
    )


def _words(items: list[object]) -> tuple[str, ...]:
    return tuple(str(item).lower() for item in items)
