"""Vectors to answers: the nearest words, similarities, analogies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nlpkit.decoding import communities, nearest_rows
from nlpkit.prediction.answers import Problem
from nlpkit.tasks.word2vec.answers import RelatedWord, RelatedWords
from nlpkit.tasks.word2vec.questions import spelling_like
from nlpkit.tasks.word2vec.subwords import Subwords
from nlpkit.text.characters import normalize_text
from nlpkit.text.vocabulary import FIRST_ID, PADDING, UNKNOWN, Vocabulary

_AT_ONCE = 256  # questions in a batch: each has a score for every word
_HINTS = 20  # largest number of unknown words of a block with a search for similar spellings


class Question(NamedTuple):
    """A record: one word asks for its nearest, two for their similarity, three for the fourth word of an analogy, more
    for the odd one out."""

    text: str
    words: list[str]
    unit: np.ndarray | None
    """Unit vectors, ``(words, size)``; None if a word has none or there is no word."""


class WordTable:
    """Words and their vectors; with subwords unseen words have vectors too.

    Args:
        vocabulary: the words.
        rows: vectors of padding, the unknown word, the words, then the subwords, float32 ``(ids, size)``.
        subwords: the subwords of the words, or None.

    Attributes:
        vectors: vectors in the order of the vocabulary, float32 ``(words, size)``.
        unit: the same as unit vectors.
    """

    def __init__(self, vocabulary: Vocabulary, rows: np.ndarray, subwords: Subwords | None = None):
        self.vocabulary, self._subwords = vocabulary, subwords
        self._rows = rows if subwords is not None else rows[:0]
        self.vectors = rows[FIRST_ID:] if subwords is None else self._mean_rows(subwords, vocabulary.symbols)
        self.unit = self.vectors / np.maximum(np.linalg.norm(self.vectors, axis=1, keepdims=True), 1e-9)
        is_real = self.unit.any(axis=1)  # a vector of zeros has no neighbours
        self._real = np.flatnonzero(is_real)
        self._searched = self.unit if is_real.all() else self.unit[self._real]

    def _mean_rows(self, subwords: Subwords, words: Sequence[str]) -> np.ndarray:
        """Vectors of words, known or not: the mean of the rows of their subwords and, for known words, their own."""
        rows = subwords.rows(words, len(self.vocabulary))
        own = self.vocabulary.encode(words)
        rows = np.column_stack([np.where(own == UNKNOWN, PADDING, own), rows])
        exists = (rows != PADDING)[..., None]
        vectors = np.empty((len(words), self._rows.shape[1]), "float32")
        for start in range(0, len(words), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            total = (self._rows[rows[some]] * exists[some]).sum(axis=1)
            vectors[some] = total / np.maximum(exists[some].sum(axis=1), 1)
        return vectors

    def vector_of(self, word: str) -> np.ndarray | None:
        """The vector of a word; None if neither it nor a subword is known."""
        if word in self.vocabulary:
            return self.vectors[self.vocabulary.encode([word])[0] - FIRST_ID]
        if self._subwords is None:
            return None
        vector = self._mean_rows(self._subwords, [word])[0]
        return vector if vector.any() else None

    def unit_of(self, word: str) -> np.ndarray | None:
        """The unit vector of a word; None if neither it nor a subword is known."""
        if word in self.vocabulary:
            return self.unit[self.vocabulary.encode([word])[0] - FIRST_ID]
        vector = self.vector_of(word)
        return None if vector is None else vector / np.linalg.norm(vector)

    def ask(self, text: str) -> Question:
        """The question about words in a text."""
        words = normalize_text(text).split()
        units = [unit for unit in map(self.unit_of, words) if unit is not None]
        return Question(text, words, np.stack(units) if words and len(units) == len(words) else None)

    def problems(self, questions: Sequence[Question]) -> Iterator[Problem]:
        """Problems of questions without an answer."""
        hints = 0
        for row, question in enumerate(questions):
            if not question.words:
                yield Problem(row, "is empty", is_error=True)
            elif question.unit is None:
                word = next(word for word in question.words if self.unit_of(word) is None)
                hints += 1
                like = spelling_like(word, self.vocabulary.symbols) if hints <= _HINTS else []
                hint = f"; known are {', '.join(like)}" if like else ""
                yield Problem(row, f"unknown word {word!r}{hint}", is_error=True)

    def answer(self, questions: Sequence[Question], n_best: int) -> list[RelatedWords]:
        """The answer to each question, empty if a word is unknown."""
        answers = [self._compare(question) for question in questions]
        searches = [(i, q.unit) for i, q in enumerate(questions) if q.unit is not None and len(q.words) in (1, 3)]
        for start in range(0, len(searches), _AT_ONCE):
            some = [i for i, _ in searches[start : start + _AT_ONCE]]
            queries = np.stack([_query(unit) for _, unit in searches[start : start + _AT_ONCE]])
            # The words of a question are not among its answers.
            scores, rows = self.nearest(queries, n_best + 3)
            for i, score, row in zip(some, scores.tolist(), rows.tolist()):
                given = set(questions[i].words)
                words = ((self.vocabulary.symbols[r], s) for s, r in zip(score, row) if s > -1.5)
                answers[i] = [RelatedWord(word, round(s, 4)) for word, s in words if word not in given][:n_best]
        return [RelatedWords(question.text, tuple(answer)) for question, answer in zip(questions, answers)]

    def nearest(self, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Cosines and rows of the words nearest to vectors, ``(queries, count)`` or fewer, highest first."""
        queries = queries / np.maximum(np.linalg.norm(queries, axis=1, keepdims=True), 1e-9)
        scores, rows = nearest_rows(self._searched, queries, count)
        return scores, self._real[rows]

    @staticmethod
    def _compare(question: Question) -> list[RelatedWord]:
        """The similarity of two words, or the odd one of more than three."""
        unit, words = question.unit, question.words
        if unit is None or len(words) in (1, 3):
            return []
        if len(words) == 2:
            return [RelatedWord(words[1], round(float(unit[0] @ unit[1]), 4))]
        odd, score = odd_one(unit)
        return [RelatedWord(words[odd], round(score, 4))]


def _query(unit: np.ndarray) -> np.ndarray:
    """The vector to search for: that of one word, or the solution of the analogy of three."""
    if len(unit) == 1:
        return unit[0]
    a, b, c = unit
    return b - a + c


def odd_one(unit: np.ndarray) -> tuple[int, float]:
    """The row of ``(words, size)`` least similar to the mean of all, and its cosine to it."""
    mean = unit.sum(axis=0)
    likeness = unit @ (mean / max(np.linalg.norm(mean), 1e-9))
    return int(likeness.argmin()), float(likeness.min())


def clusters_of(table: WordTable, count: int, neighbours: int, least: float, seed: int) -> list[list[str]]:
    """Clusters of similar words: communities of the graph of nearest words, by the map equation.

    Args:
        table: the words.
        count: number of the most frequent words to cluster.
        neighbours: largest number of links of a word, to its nearest words.
        least: lowest cosine of two linked words.
        seed: random seed of the algorithm.

    Returns:
        Words of each group of two or more, the most frequent first; the largest group first.

    Raises:
        MissingPackageError: without infomap.
    """
    unit = table.unit[:count]
    links = {}
    for start in range(0, len(unit), _AT_ONCE):
        scores, rows = nearest_rows(unit, unit[start : start + _AT_ONCE], neighbours + 1)
        for row, near, cosines in zip(range(start, len(unit)), rows.tolist(), scores.tolist()):
            for other, cosine in zip(near, cosines):
                if other != row and cosine >= least:
                    links[min(row, other), max(row, other)] = cosine
    groups = communities(((a, b, cosine) for (a, b), cosine in sorted(links.items())), seed)
    return [[table.vocabulary.symbols[i] for i in nodes] for nodes in groups]
