"""Normal form of Chinese text for search, and its words and character pairs.

In: anything a customer typed. Out: simplified, half-width, lower case text without
control characters; its words (jieba with the insurance dictionary) and bigrams.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import jieba
    from opencc import OpenCC

MAX_QUESTION = 300  # characters; the rest of a longer question is not searched
_SPACES = re.compile(r"\s+")
_REPEATED = re.compile(r"([^\w\s])\1+")
_LONG_RUN = re.compile(r"(.)\1{3,}")
_STOP_WORDS = (
    "的 了 吗 呢 啊 吧 呀 么 嘛 哦 哈 是 我 你 您 他 她 它 们 我们 你们 他们 请 请问 想 要 就 都 "
    "也 还 在 有 这 那 个 和 与 或 及 对 把 被 给 让 为 到 从 以 上 下 中 里 一下 一个 什么 "
    "怎么 可以 能 会 不 没 没有 问 知道 , . ? ! : ; 、 ( ) [ ] \" ' - ~ "
    "甲方 乙方 应当 本协议 协议"
)
_STOP = frozenset(_STOP_WORDS.split())
_CJK = re.compile(r"[\u3400-\u9fffa-z0-9]")


@lru_cache(maxsize=1)
def _converter() -> OpenCC:
    from opencc import OpenCC

    return OpenCC("t2s")


def normalise(text: str) -> str:
    """Bring a text to the form everything here compares.

    Args:
        text: any length, any characters.
    """
    text = unicodedata.normalize("NFKC", text)
    text = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    text = _converter().convert(text).lower()
    text = _LONG_RUN.sub(r"\1\1", _REPEATED.sub(r"\1", text))
    return _SPACES.sub(" ", text).strip()


class Words:
    """Cuts normalised text into words.

    Args:
        lexicon: jieba user dictionary, used when the file exists.
        extra: further words that must stay whole.
        cache: folder of jieba's own dictionary, made ready to load. Never the machine's
            folder for temporary files, where anybody may have put another one.
    """

    def __init__(
        self,
        lexicon: Path | None = None,
        extra: Iterable[str] = (),
        cache: Path | None = None,
    ) -> None:
        self._lexicon = lexicon
        self._cache = cache
        self._extra = sorted(set(extra))
        self._cutter: jieba.Tokenizer | None = None

    def _tokenizer(self) -> jieba.Tokenizer:
        if self._cutter is None:
            import jieba

            jieba.setLogLevel(logging.WARNING)
            cutter = jieba.Tokenizer()
            if self._cache is not None:
                with suppress(OSError):  # a full disk: it is slower, no more
                    self._cache.mkdir(parents=True, exist_ok=True)
                cutter.tmp_dir = str(self._cache)
            if self._lexicon is not None and self._lexicon.exists():
                with self._lexicon.open("rb") as stream:
                    cutter.load_userdict(stream)
            for word in self._extra:
                cutter.add_word(word, freq=20_000)
            self._cutter = cutter
        return self._cutter

    def terms(self, text: str) -> list[str]:
        """Words of a normalised text, long ones also in their parts, no stop words."""
        return [
            word
            for word in self._tokenizer().cut_for_search(text)
            if word not in _STOP and _CJK.search(word)
        ]


def bigrams(text: str) -> list[str]:
    """Pairs of neighbouring characters of a normalised text, within words only."""
    runs = re.findall(r"[\u3400-\u9fffa-z0-9]+", text)
    return [run[i : i + 2] for run in runs for i in range(len(run) - 1)]
