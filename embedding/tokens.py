"""Cuts texts into the tokens of multilingual-e5: SentencePiece's unigram model.

In: text. Out: token numbers. Written here because the libraries hold the 250,000 pieces
in 250 MB a process (tokenizers 0.23) or do not load beside Rasa's protobuf
(sentencepiece 0.2); this takes 45 MB and 0.1 ms a sentence.
"""

from __future__ import annotations

import re

from embedding.packed import Pieces

_SPACES = re.compile(" {2,}")
_SPACE = "\u2581"  # how SentencePiece writes a space
_UNKNOWN_PENALTY = 10.0  # below the least likely piece, as SentencePiece has it


class Tokenizer:
    """The most likely cut of a text, by Viterbi's algorithm."""

    def __init__(self, pieces: Pieces) -> None:
        self._numbers: dict[str, int] = {}
        for number, word in enumerate(pieces.words):
            if word and number != pieces.unknown:
                self._numbers.setdefault(word, number)
        self._scores = pieces.scores
        self._unknown = pieces.unknown
        self._unknown_score = float(pieces.scores.min()) - _UNKNOWN_PENALTY
        self._longest = max(map(len, self._numbers))
        self._normal = pieces.normal

    def cut(self, text: str) -> list[int]:
        """Return the text's tokens, without those for its start and end."""
        text = _SPACES.sub(" ", text.translate(self._normal))
        text = text if text.startswith(" ") else f" {text}"
        text = text.replace(" ", _SPACE)
        # Of the best cut of text[:i]: its score, its last token and where that begins.
        best = [0.0] + [float("-inf")] * len(text)
        last = [(0, 0)] * (len(text) + 1)
        for begin in range(len(text)):
            so_far = best[begin]
            for end in range(begin + 1, min(len(text), begin + self._longest) + 1):
                number = self._numbers.get(text[begin:end])
                if number is None:
                    continue
                score = so_far + float(self._scores[number])
                if score > best[end]:
                    best[end], last[end] = score, (number, begin)
            if so_far + self._unknown_score > best[begin + 1]:
                best[begin + 1] = so_far + self._unknown_score
                last[begin + 1] = (self._unknown, begin)
        tokens, end = [], len(text)
        while end:
            number, end = last[end]
            tokens.append(number)
        return tokens[::-1]
