"""A list of words as features of characters: the beginning, middle or end of a word, and the frequency of the word."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

from nlpkit.text.characters import FlatTexts, code_points, normalize_text
from nlpkit.text.matcher import WordMatcher
from nlpkit.text.packed import read_packed

LONGEST = 6
"""Length of the longest words: longer ones are not worth a look-up at every place, and are left out."""

_CLASSES = (2, 3, 4, 5)  # words of five and more characters share a class
NUM_FEATURES = 3 * len(_CLASSES)
_NO_FREQUENCY = 10


class Lexicon:
    """Words of 2 to `LONGEST` characters, normalised like texts.

    Args:
        words: frequency of each word in some corpus, or None where it is unknown.

    Example:

        >>> lexicon = Lexicon({"北京": 34488, "北京大学": None})
        >>> lexicon.features(FlatTexts(["在北京"]))[1:-1, :3].tolist()
        [[0, 0, 0], [17, 0, 0], [0, 0, 17]]
    """

    def __init__(self, words: Mapping[str, int | None]):
        levels: dict[str, int] = {}
        # White space separates words here and in the file, so a word must not contain any.
        words = {word: frequency for word, frequency in words.items() if len(word.split()) == 1}
        for word, frequency in zip(normalize_text("\n".join(words)).split("\n"), words.values()):
            if 2 <= len(word) <= LONGEST:
                level = _NO_FREQUENCY if frequency is None else round(3 + 3 * math.log10(1 + max(frequency, 0)))
                levels[word] = max(min(level, 255), levels.get(word, 0))
        ordered = sorted(levels)
        self._index("\n".join(ordered), np.array([levels[word] for word in ordered], "uint8"))

    def _index(self, text: str, levels: np.ndarray) -> None:
        self._text, self._levels = text, levels
        codes = code_points(text + "\n" if text else "")
        ends = np.flatnonzero(codes == ord("\n"))
        starts = np.append(0, ends + 1)[:-1]
        self._matcher = WordMatcher(codes, starts, ends - starts)

    def __len__(self) -> int:
        return len(self._levels)

    @property
    def words(self) -> list[str]:
        """The words, normalised and sorted."""
        return self._text.split("\n") if self._text else []

    def features(self, texts: FlatTexts) -> np.ndarray:
        """Features of each character of the flat texts, uint8 ``(total, NUM_FEATURES)``.

        Columns 3c, 3c + 1 and 3c + 2 stand for words of length class c (two, three, four, five and more characters)
        that begin, continue or end here: 0 if there is none, else the level of the most common one. A level grows by 3
        for each factor of ten in the frequency; it is 10 without frequencies.
        """
        features = np.zeros((len(texts.normal), NUM_FEATURES), "uint8")
        for length, begins, words in self._matcher.find(texts):
            levels = self._levels[words]
            column = 3 * min(length - _CLASSES[0], len(_CLASSES) - 1)
            for offset in range(length):
                part = 0 if offset == 0 else 2 if offset == length - 1 else 1
                cells = begins + offset, column + part
                features[cells] = np.maximum(features[cells], levels)
        return features

    def write(self, file: IO[bytes]) -> None:
        """Write a word and its level per line."""
        lines = "".join(f"{word}\t{level}\n" for word, level in zip(self.words, self._levels.tolist()))
        file.write(lines.encode("utf-8"))

    @classmethod
    def load(cls, path: Path) -> Lexicon:
        """Read a gzipped file with the output of `write`."""
        fields = read_packed(path).replace("\n", "\t").split("\t")
        words, levels = fields[:-1:2], fields[1::2]
        if len(words) != len(levels) or any(map(operator.ge, words, words[1:])):
            raise ValueError(f"{path.name}: its words are not in order, or one is repeated")
        lexicon = cls.__new__(cls)
        lexicon._index("\n".join(words), np.array(levels, "uint8"))
        return lexicon


def jieba_words() -> dict[str, int]:
    """The words of jieba's dictionary and their frequencies."""
    import jieba

    path = Path(jieba.__file__).with_name("dict.txt")
    fields = (line.split(" ") for line in path.read_text("utf-8").splitlines())
    return {word: int(frequency) for word, frequency, _ in fields}
