"""Finds where a product sheet speaks of what was asked: 猝死, 自燃, a broken pipe.

In: the clauses of a sheet and a question. Out: the clauses that name the event, each with
the side it stands on. Neither the wish behind the question nor clause numbers count, only
what the sheet's own items say. Nothing here says whether a case is paid.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from actions.agreement.asking import Asked, fold, unmarked
from actions.agreement.clauses import Clause
from actions.agreement.examples import QuestionReader
from actions.agreement.topics import Section
from actions.agreement.words import MAX_QUESTION, normalise

COVERS, EXCLUDES = "benefits", "exclusions"  # keys of product_questions.yml
MIN_EVENT = 2  # characters
MIN_SLIP = 3  # characters of an item in which one wrong character is forgiven
SURE = 1  # reading up to which a clause outside both sections counts
MAX_CLAUSES = 2  # of one side

_SENTENCE = re.compile(r"[^。;\n]+[。;\n]?")
_COMMA = re.compile(r"[,:。;\n]+")
_ITEM = re.compile(r"[、()\[\]|\"“”]+|以及|或者|并且|和|或|及|与|并|等")
# What an excluded cause leads to is no excluded event: 自杀导致身故 excludes no death.
_RESULT = re.compile(
    r"(?:导致|造成|引起|引发|所致|致使|扩大|发展而成|发生|不予?给付|不承担|不负责)的?"
    r"[^,。;]*"
)
_EXCEPTED = re.compile(r"除外(?=[,。;\n]|$)")
_STILL_PAID = re.compile(r"(?:仍然?|照常|继续|予以)(?:赔付|给付|赔偿|承担|负责)")
_NOT_COVERED = re.compile(
    r"不包括|不包含|不属于|不承担|不予|不赔|不负责|不在[^,。;]{0,8}(?:范围|之内)|除外"
)
# What may stand before an event inside its item without making it another one.
_OPEN = re.compile(
    r"(?:.{0,60}(?:人|者|员|其|从事|进行|参与|参加|发生|出现|因|由于|被|在|患|患有|感染|服用|吸食|注射|"
    r"实施|遭受|包括|例如|确诊|未经|未按|期间|内|后|前|时|受|整车|第三))?"
)
_LABEL = re.compile(r"^[^:。]{0,14}(?:责任免除|免责|除外|情形)[^:。]{0,4}:")


class Strength(IntEnum):
    """How clearly a clause names an event."""

    NOT = 0
    MENTIONED = 1  # as what a cause leads to
    QUALIFIED = 2  # only with something added: 病理性骨折 for 骨折
    NAMED = 3


@dataclass(frozen=True)
class Place:
    """A clause that names the event.

    Args:
        clause: the clause.
        strength: how clearly.
        against: what is said of it there: True, that it is not paid; both, when an
            exception names it too.
    """

    clause: Clause
    strength: Strength
    against: frozenset[bool]


@dataclass(frozen=True)
class Named:
    """Where a sheet names what was asked, each side's best first.

    Args:
        excluded: under the exclusions, exceptions from them included.
        covered: under the benefits, with what these leave out.
        elsewhere: other clauses; looked at only when both are empty.
    """

    excluded: tuple[Place, ...] = ()
    covered: tuple[Place, ...] = ()
    elsewhere: tuple[Place, ...] = ()

    @property
    def places(self) -> tuple[Place, ...]:
        """All, those under the exclusions first."""
        return (*self.excluded, *self.covered, *self.elsewhere)


@dataclass(frozen=True)
class _Item:
    """One thing an enumeration names, folded."""

    text: str
    raw: str  # with its 的
    place: int  # index of its clause
    against: bool
    result: bool
    shared: bool  # a qualification before the list may hold for it


class EventFinder:
    """Knows the items of one sheet.

    Args:
        clauses: the sheet.
        reader: words, synonyms, and the headings that tell a sheet's sections.
        names: the product's names, left out of a question.
    """

    def __init__(
        self,
        clauses: Sequence[Clause],
        reader: QuestionReader,
        names: Iterable[str] = (),
    ) -> None:
        self._clauses = clauses
        self._reader = reader
        self._names = sorted({reader.text(name) for name in names}, key=len)[::-1]
        sections = reader.knowledge.sections
        self._sides = [side_of(clause, sections) for clause in clauses]
        self._items = [item for i in range(len(clauses)) for item in self._read(i)]

    def asked(self, question: str) -> Asked:
        """Read what a question asks about."""
        text = self._reader.text(question[: MAX_QUESTION * 4])[:MAX_QUESTION]
        return self._reader.knowledge.asking.read(text, self._names)

    def is_general(self, event: str) -> bool:
        """Whether an event is too general to be one: 出了事故."""
        return self._reader.knowledge.asking.is_general(event)

    def find(self, question: str) -> Named:
        """Find the clauses that name the event of a question; empty when none does."""
        found: dict[int, list[_Match]] = {}
        readings = self._steps(self.asked(question))
        for level, (events, reverse) in enumerate(readings):
            for match in self._matches(events, level, reverse=reverse):
                found.setdefault(match.place, []).append(match)
            if any(
                self._sides[place] and match.strength is Strength.NAMED
                for place, matches in found.items()
                for match in matches
            ):
                break
        return self._sorted(found)

    def _steps(self, asked: Asked) -> Iterator[tuple[list[str], bool]]:
        """Events to look for, the surest reading of the question first."""
        if not asked.event:
            return
        knowledge = self._reader.knowledge
        yield [asked.event], False
        yield [*asked.parts, *knowledge.reworded(asked.event)], False
        yield knowledge.synonymous(asked.event), True
        general = knowledge.asking.general
        terms = [fold(term) for term in self._reader.words.terms(asked.event)]
        yield [t for t in terms if len(t) >= MIN_EVENT and t not in general], False

    def _matches(
        self, events: list[str], level: int, *, reverse: bool
    ) -> Iterator[_Match]:
        general = self._reader.knowledge.asking.general
        for item in self._items:
            for event in events:
                if event in general and event != item.text:
                    continue
                strength = _strength(event, item, strict=self._excludes(item))
                if strength:
                    yield _Match(item, strength, level, len(event))
            if not reverse or item.text in general or item.text not in events[0]:
                continue
            if len(item.text) >= MIN_EVENT:
                strength = Strength.MENTIONED if item.result else Strength.NAMED
                yield _Match(item, strength, level, len(item.text))

    def _excludes(self, item: _Item) -> bool:
        return self._sides[item.place] == EXCLUDES

    def _sorted(self, found: dict[int, list[_Match]]) -> Named:
        best = {place: max(matches, key=_rank) for place, matches in found.items()}
        excluded, covered, elsewhere = (
            {place: m for place, m in best.items() if self._sides[place] == side}
            for side in (EXCLUDES, COVERS, None)
        )
        named = [
            m
            for m in (*excluded.values(), *covered.values())
            if m.strength is Strength.NAMED
        ]
        if named:
            # What the question itself says is kept, even if it is only a part.
            first = min(match.level for match in named)
            excluded, covered = (
                {
                    place: m
                    for place, m in side.items()
                    if m.strength is Strength.NAMED
                    or (m.strength is Strength.QUALIFIED and m.level < first)
                }
                for side in (excluded, covered)
            )
        elsewhere = {
            place: m
            for place, m in elsewhere.items()
            if m.level <= SURE and not excluded and not covered
        }
        sides = (excluded, covered, elsewhere)
        return Named(*(self._places(side, found) for side in sides))

    def _places(
        self, side: dict[int, _Match], found: dict[int, list[_Match]]
    ) -> tuple[Place, ...]:
        top = max((match.strength for match in side.values()), default=Strength.NOT)
        kept = sorted(
            (place for place, match in side.items() if match.strength is top),
            key=lambda place: (-side[place].length, place),
        )
        return tuple(
            Place(
                self._clauses[place],
                top,
                frozenset(
                    m.item.against
                    for m in found[place]
                    if m.strength is top
                    or (m.strength is Strength.QUALIFIED and not m.item.against)
                ),
            )
            for place in kept[:MAX_CLAUSES]
        )

    def _read(self, index: int) -> Iterator[_Item]:
        clause, side = self._clauses[index], self._sides[index]
        if clause.has_children:
            return
        text = normalise(clause.original)
        if side == EXCLUDES:
            text = _LABEL.sub("", text)
        for sentence in _SENTENCE.findall(text):
            for part, against in _parts(sentence, side):
                results = _RESULT.findall(part) if side == EXCLUDES and against else []
                yield from _items(_rest(part, results), index, against, result=False)
                for result in results:
                    yield from _items(result, index, against, result=True)


@dataclass(frozen=True)
class _Match:
    item: _Item
    strength: Strength
    level: int  # reading of the question, the surest is 0
    length: int

    @property
    def place(self) -> int:
        return self.item.place


def _rank(match: _Match) -> tuple[int, int]:
    return match.strength, match.length


def side_of(clause: Clause, sections: Sequence[Section]) -> str | None:
    """Tell whether a clause stands under the benefits or the exclusions of a sheet."""
    sides = [section for section in sections if section.key in (EXCLUDES, COVERS)]
    own = (clause.title,) if clause.has_children or clause.level == 0 else ()
    for heading in (*own, *reversed(clause.path)):
        for section in sorted(sides, key=lambda s: s.key != EXCLUDES):
            if any(title in heading for title in section.titles):
                return section.key
    return None


def _parts(sentence: str, side: str | None) -> Iterator[tuple[str, bool]]:
    """The parts of a sentence, and whether what they name is said not to be paid."""
    if side != EXCLUDES:
        yield sentence, _NOT_COVERED.search(sentence) is not None
    elif _STILL_PAID.search(sentence):
        yield _STILL_PAID.sub(",", sentence), False
    else:
        for part in re.findall(r"[^,]+,?", sentence):
            bare = _EXCEPTED.sub("", part)
            yield bare, bare == part


def _rest(part: str, results: Sequence[str]) -> str:
    for result in results:
        part = part.replace(result, ",", 1)
    return part


def _items(text: str, place: int, against: bool, *, result: bool) -> Iterator[_Item]:
    for run in _COMMA.split(text):
        shared = False
        pieces = _ITEM.split(run)
        for piece in pieces:
            if folded := fold(piece):
                yield _Item(folded, unmarked(piece), place, against, result, shared)
            shared = shared or "的" in piece[:-1]
        # A run as a whole too: an event may hold a word that joins, like 与 or 和.
        if len(pieces) > 1:
            whole = fold(run)
            yield _Item(whole, unmarked(run), place, against, result, shared=True)


def _strength(event: str, item: _Item, *, strict: bool) -> Strength:
    """How clearly an item names an event; strict under the exclusions."""
    if len(event) < MIN_EVENT:
        return Strength.NOT
    start = item.text.find(event)
    if start < 0:
        return Strength.NAMED if _slip(event, item) else Strength.NOT
    if item.result:
        return Strength.MENTIONED
    if not strict or event == item.text:
        return Strength.NAMED
    before, after = item.text[:start], item.text[start + len(event) :]
    # A longer name stays the same thing under what is said of it: 正在治疗的既往症.
    told = len(event) > MIN_EVENT and f"的{event}" in item.raw
    if not item.against:  # an exception is what its words end with
        main = told or 2 * len(event) > len(item.text)
        return Strength.NAMED if main and not after else Strength.QUALIFIED
    if len(event) == MIN_EVENT and after:
        return Strength.QUALIFIED
    if told or (_OPEN.fullmatch(before) and not item.shared):
        return Strength.NAMED
    return Strength.QUALIFIED


def _slip(event: str, item: _Item) -> bool:
    """Whether an event is an item with one character wrong."""
    if len(event) != len(item.text) or len(event) < MIN_SLIP or item.result:
        return False
    return sum(a != b for a, b in zip(event, item.text, strict=True)) == 1
