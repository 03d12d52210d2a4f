"""Citations (引用): a reference and words copied out of the clause, never changed.

In: a clause and perhaps the passage that answers best. Out: a `Citation` whose quote
is a verbatim part of `clause.text`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from actions.agreement.clauses import Clause

DEFAULT_MAX_CHARS = 400
_SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;]?[”」』）)]*\n?")


@dataclass(frozen=True)
class Citation:
    """What is shown under an answer.

    Args:
        ref: reference of the clause, such as 第三条(四)2.
        quote: verbatim part of the clause.
        title: title of the document.
        version: its version.
        effective_from: first day in force, ISO date.
        open_blanks: blanks the insurer has not filled, as they stand in the quote;
            when there are some, the quote promises nothing.
        document: "service" or a product code.
        plain: approved sentence that says the clause in everyday words, or nothing.
    """

    ref: str
    quote: str
    title: str
    version: str
    effective_from: str
    open_blanks: tuple[str, ...] = ()
    document: str = "service"
    plain: str = ""


def cite(
    clause: Clause, passage: str | None = None, max_chars: int = DEFAULT_MAX_CHARS
) -> Citation:
    """Quote a clause.

    Args:
        clause: the clause.
        passage: the part to quote; the whole clause when None.
        max_chars: longest quote; a longer one ends after a sentence if possible.

    Raises:
        ValueError: when the passage is not a part of the clause.
    """
    quote = clause.text if passage is None else passage
    if quote not in clause.text:
        raise ValueError(f"{clause.ref}: the passage is not part of the clause")
    quote = _shorten(quote, max_chars)
    return Citation(
        ref=clause.ref,
        quote=quote,
        title=clause.source.title,
        version=clause.source.version,
        effective_from=clause.source.effective_from.isoformat(),
        open_blanks=tuple(blank for blank in clause.open_blanks if blank in quote),
        document=clause.document,
        plain=clause.plain,
    )


def sentences(text: str) -> list[str]:
    """Cut a text into its sentences; joined again they are the text."""
    return [piece for piece in _SENTENCE.findall(text) if piece]


def _shorten(text: str, max_chars: int) -> str:
    if len(text) <= max_chars:
        return text.strip("\n")
    kept = ""
    for sentence in sentences(text):
        if kept and len(kept) + len(sentence) > max_chars:
            break
        kept += sentence
    return kept[:max_chars].strip("\n")
