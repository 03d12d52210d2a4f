"""Approved plain sentences: what a clause says in everyday words, above its quotation.

In: plain.yml and filled clauses. Out: the same clauses with `plain` set where a sentence
was approved for this version. A sentence that names a number its clause does not have is
never shown: whatever is filled into a blank, nothing else is promised.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from actions.agreement.clauses import Clause
from actions.agreement.documents import read_yaml
from actions.agreement.errors import AgreementError

SERVICE = "service"
_DIGIT = "零〇一二两三四五六七八九十百千万亿"
_NUMBER = re.compile(rf"[{_DIGIT}]*分之[{_DIGIT}]+|[{_DIGIT}]+|[0-9]+(?:\.[0-9]+)?%?")
# Numerals that count nothing.
_IDIOM = re.compile(
    "一般|一样|一直|一起|一次性|统一|一并|一定|进一步|同一|任一|第三者|万一"
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlainFile:
    """plain.yml.

    Attributes:
        versions: document label → version its sentences were approved for.
        sentences: document label → reference → sentence.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    sentences: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def explain(self, label: str, clauses: Sequence[Clause]) -> tuple[Clause, ...]:
        """Set `plain` on the clauses of one document that have a sentence."""
        version = clauses[0].source.version if clauses else ""
        if self.versions.get(label) != version:
            return tuple(clauses)
        sentences = self.sentences.get(label, {})
        return tuple(
            _explained(clause, sentences.get(clause.ref, "")) for clause in clauses
        )


def read_plain(path: Path) -> PlainFile:
    """Read plain.yml; empty when it does not exist: answers then only quote.

    Raises:
        AgreementError: when the file is not what it should be.
    """
    if not path.exists():
        return PlainFile()
    data = read_yaml(path) or {}
    try:
        versions = {str(k): str(v) for k, v in (data.get("versions") or {}).items()}
        sentences = {SERVICE: _strings(data.get(SERVICE))}
        for label, refs in (data.get("products") or {}).items():
            sentences[str(label)] = _strings(refs)
    except AttributeError as err:
        raise AgreementError(f"{path}: expected reference → sentence ({err})") from err
    return PlainFile(versions, sentences)


def _strings(refs: Mapping[str, str] | None) -> dict[str, str]:
    return {str(ref): str(sentence).strip() for ref, sentence in (refs or {}).items()}


def _explained(clause: Clause, sentence: str) -> Clause:
    if not sentence:
        return clause
    if strange := strange_numbers(sentence, clause.text):
        _log.warning("plain.left_out ref=%s numbers=%s", clause.ref, strange)
        return clause
    return replace(clause, plain=sentence)


def strange_numbers(sentence: str, text: str) -> list[str]:
    """Numbers of a sentence that do not stand in a text just so."""
    counted = _NUMBER.findall(_IDIOM.sub(" ", sentence))
    known = set(_NUMBER.findall(text))
    return [number for number in counted if number not in known]
