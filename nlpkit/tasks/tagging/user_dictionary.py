"""A user dictionary: words that get a bonus to their tags in decoding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from nlpkit.datasets.files import read_lines
from nlpkit.errors import ConfigError, DataError
from nlpkit.text import tag_schemes
from nlpkit.text.characters import FlatTexts, code_points, normalize_text
from nlpkit.text.matcher import WordMatcher


class UserDictionary:
    """Words, each with its type of entity (empty for words of segmentation).

    Args:
        words: types by word, or words alone.
        bonus: nats added to the score of the tags of a matching word.
        path, lines: file of the words, and the line of each.
    """

    def __init__(
        self, words: Mapping[str, str] | Iterable[str], bonus: float, path: str | Path | None = None,
        lines: Mapping[str, int] | None = None,
    ):  # fmt: skip
        if not isinstance(words, Mapping):
            words = dict.fromkeys(words, "")
        words = {normalize_text(word): kind for word, kind in words.items() if word}
        if not words:
            raise DataError("the user dictionary holds no word", path)
        self._path, self._lines = path, lines or {}
        self._words = list(words)
        self._kinds = list(words.values())
        lengths = np.array([len(word) for word in words])
        self._matcher = WordMatcher(code_points("".join(words)), np.cumsum(lengths) - lengths, lengths)
        self._bonus = bonus

    @classmethod
    def open(cls, source: str | Path | Mapping[str, str] | Iterable[str], bonus: float, labels: Iterable[str]) -> Self:
        """A dictionary from a file, or from words as for the constructor, for a model with these labels.

        Raises:
            DataError: if the model does not know the type of a word.
        """
        if not isinstance(source, (str, Path, Iterable)):
            raise ConfigError(f"user_dictionary = {source!r}: must be a file, a list of words, or a dictionary")
        words = cls.read(source, bonus) if isinstance(source, (str, Path)) else cls(source, bonus)
        words.check_types({tag_schemes.split_label(label)[1] for label in labels if label != "O"})
        return words

    @classmethod
    def read(cls, path: str | Path, bonus: float) -> Self:
        """A dictionary from a file with a word a line, for entities followed by a tab and the type."""
        words: dict[str, str] = {}
        lines: dict[str, int] = {}
        for number, line in read_lines(path):
            word, _, kind = line.strip().partition("\t")
            words[word] = kind.strip()
            lines[normalize_text(word)] = number
        return cls(words, bonus, path, lines)

    def check_types(self, known: set[str]) -> None:
        """Raise a `DataError` if a word has a type outside the known ones."""
        for word, kind in zip(self._words, self._kinds):
            if kind not in known:
                types = ", ".join(sorted(known - {""}))
                received = f"the user dictionary has {word!r} " + (f"of type {kind!r}" if kind else "without a type")
                accepted = (
                    f"write the word, a tab and one of {types}" if types else "the model knows no types, leave it out"
                )
                raise DataError(f"{received}; {accepted}", self._path, self._lines.get(word))

    def scores(self, texts: FlatTexts, labels: Sequence[str], scheme: str) -> np.ndarray:
        """The bonus of each tag at each character of flat texts, float32 ``(total, tags)``."""
        ids = {label: i for i, label in enumerate(labels)}
        prefixes = {tag_schemes.split_label(label)[0] for label in labels}
        scores = np.zeros((len(texts.codes), len(labels)), "float32")
        for length, begins, words in self._matcher.find(texts):
            kinds = np.array([self._kinds[word] for word in words], object)
            for kind in set(kinds):
                spelt = tag_schemes.write_spans([(0, length, kind)], length, scheme, prefixes)
                for offset, label in enumerate(spelt):
                    if label in ids:  # a type may never have been seen as a single character, for example
                        scores[begins[kinds == kind] + offset, ids[label]] = self._bonus
        return scores
