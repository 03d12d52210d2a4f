"""Leads words misspelt by sound back to words of the trade: 理陪 → 理赔, 腿保 → 退保.

In: simplified text. Out: the same with such words replaced, character for character.
Only what is no word itself is touched, and only towards the given words; the entity
extractor never sees the result. Sounds: pypinyin, with the pairs Chinese speakers mix up
(zh/z, ch/c, sh/s, n/l, an/ang, en/eng, in/ing) taken as one. No Rasa here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Callable, Iterable, List, Tuple

HERE = Path(__file__).resolve().parents[1]
SIZES = (4, 3, 2)  # characters of a word, longest first
COMMON = 200  # from this frequency on a neighbouring word is taken as meant
_RUN = re.compile("[\u4e00-\u9fff]{2,}")
_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"))
# Characters that carry grammar: where one stands, the customer meant it.
_GRAMMAR = frozenset(
    "是和跟位没我你他她它了的得地着过就都也还又再在有去来给把被让对从到这那个不要会能可以吗呢"
    "吧啊嘛么说看想做搞弄一二两三几多少上下里外前后大小人家孩子"
)


@lru_cache(maxsize=8192)
def sounds(text: str) -> Tuple[str, ...]:
    """Toneless syllables of ``text`` with easily mixed-up sounds taken as one.

    Runs of anything but Chinese characters are one item each.
    """
    from pypinyin import lazy_pinyin

    return tuple(_merged(syllable) for syllable in lazy_pinyin(text))


def _merged(syllable: str) -> str:
    for wide, narrow in _INITIALS:
        if syllable.startswith(wide):
            syllable = narrow + syllable[len(wide) :]
    if syllable.startswith("n") and len(syllable) > 1:
        syllable = "l" + syllable[1:]
    if syllable[-3:] in ("ang", "eng", "ing"):
        syllable = syllable[:-1]
    return syllable


class Homophones:
    """Corrects towards some words.

    Args:
        words: what may be meant; those of two to four Chinese characters count.
        frequency: how often a word of general Chinese occurs, 0 for no word.
    """

    def __init__(self, words: Iterable[str], frequency: Callable[[str], int]) -> None:
        self._words = {w for w in words if len(w) in SIZES and _RUN.fullmatch(w)}
        self._frequency = frequency
        self._by_sound = {sounds(word): word for word in sorted(self._words)}

    def correct(self, text: str) -> str:
        """Return ``text`` with misspelt words replaced; its length stays."""
        return _RUN.sub(lambda run: self._corrected(run.group()), text)

    def _corrected(self, run: str) -> str:
        heard = sounds(run)
        if len(heard) != len(run):
            return run
        done: List[str] = []
        start = 0
        while start < len(run):
            word = self._meant(run, heard, start)
            done.append(word or run[start])
            start += len(done[-1])
        return "".join(done)

    def _meant(self, run: str, heard: Tuple[str, ...], start: int) -> str:
        for size in SIZES:
            end = start + size
            word = self._by_sound.get(heard[start:end])
            if word is None or end > len(run):
                continue
            written = run[start:end]
            if written in self._words or self._frequency(written):
                return ""
            changed = (a for a, b in zip(written, word, strict=True) if a != b)
            if _GRAMMAR.isdisjoint(changed) and not self._straddled(run, start, end):
                return word
        return ""

    def _straddled(self, run: str, start: int, end: int) -> bool:
        """Whether a common word reaches over an edge of the span: 看|岔了 is not one."""
        return any(
            self._frequency(run[first:last]) > COMMON
            for first in range(max(0, start - 2), end)
            for last in range(first + 2, min(len(run), end + 2) + 1)
            if last > start and not (first >= start and last <= end)
        )


def read_words(*paths: Path) -> List[str]:
    """Words of lexicon files (first column) and of lists; ``#`` begins a comment."""
    found: List[str] = []
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            parts = line.partition("#")[0].split()
            is_lexicon = len(parts) > 1 and parts[1].isdigit()
            found += parts[:1] if is_lexicon else parts
    return found


@lru_cache(maxsize=1)
def trade_homophones() -> Homophones:
    """The corrector for the words of lexicon/ and homophones.txt, with Jieba's words."""
    import jieba

    jieba.initialize()
    paths = sorted((HERE / "lexicon").glob("*.txt"))
    words = read_words(*paths, HERE / "homophones.txt")
    return Homophones(words, lambda word: jieba.dt.FREQ.get(word) or 0)
