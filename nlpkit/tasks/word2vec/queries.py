"""Queries of word vectors in Python."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

import numpy as np

from nlpkit.errors import ConfigError, DataError, UnknownWordError
from nlpkit.tasks.word2vec.config import ClusterOptions, Word2VecPrediction
from nlpkit.tasks.word2vec.decode import WordTable, clusters_of, odd_one
from nlpkit.tasks.word2vec.questions import spelling_like
from nlpkit.text.characters import normalize_text
from nlpkit.text.vocabulary import FIRST_ID, Vocabulary

if TYPE_CHECKING:
    import keras


class WordQueries(abc.ABC):
    """Nearest words, analogies, similarities, clusters, and the vectors as a layer.

    They have the names of gensim's `KeyedVectors`, as far as these are here.

    Attributes:
        vocabulary: the words.
        table: the words and their vectors.
    """

    @property
    @abc.abstractmethod
    def vocabulary(self) -> Vocabulary:
        """The words."""

    @property
    @abc.abstractmethod
    def table(self) -> WordTable:
        """The words and their vectors as they were when they were last asked for or measured."""

    @abc.abstractmethod
    def current_table(self) -> WordTable:
        """The words and their vectors as they are now."""

    @property
    def vectors(self) -> np.ndarray:
        """float32 ``(words, vector_size)``, in the order of ``vocabulary.symbols``."""
        return self.current_table().vectors

    def embedding(self, trainable: bool = False) -> keras.layers.Embedding:
        """A layer with the vectors, as input of another model; its ids are those of ``vocabulary.encode``.

        Padding and words that are unknown have zeros.
        """
        import keras

        vectors = self.vectors
        table = np.concatenate([np.zeros((FIRST_ID, vectors.shape[1]), "float32"), vectors])
        return keras.layers.Embedding(*table.shape, weights=[table], trainable=trainable, name="word_vectors")

    def __len__(self) -> int:
        return len(self.vocabulary.symbols)

    def __iter__(self) -> Iterator[str]:
        return iter(self.vocabulary.symbols)

    def __contains__(self, word: object) -> bool:
        """Whether a word has a vector: it is in the vocabulary, or made of known subwords."""
        return isinstance(word, str) and self.table.unit_of(normalize_text(word)) is not None

    @overload
    def __getitem__(self, words: str) -> np.ndarray: ...

    @overload
    def __getitem__(self, words: Sequence[str]) -> np.ndarray: ...

    def __getitem__(self, words: str | Sequence[str]) -> np.ndarray:
        """The vector of a word, float32 ``(vector_size,)``, or of several, ``(words, vector_size)``.

        Raises:
            UnknownWordError: a `KeyError`, if a word is unknown.
        """
        if isinstance(words, str):
            vector = self.table.vector_of(self._known(words))
            return np.zeros(self.vectors.shape[1], "float32") if vector is None else vector.copy()
        if not isinstance(words, (list, tuple)):
            raise TypeError(f"expected a word or a list of words. Received: {words!r:.60}")
        return np.stack([self[word] for word in words])

    def most_similar(
        self,
        positive: str | np.ndarray | Sequence[str | np.ndarray] = (),
        negative: str | np.ndarray | Sequence[str | np.ndarray] = (),
        topn: int = 10,
    ) -> list[tuple[str, float]]:
        """The words nearest to the mean of some words or vectors, of which the negative ones count the other way.

        ``most_similar("北京")`` are the nearest words; ``most_similar(["北京", "法国"], ["中国"])`` is to France what
        Beijing is to China. Each is made of length 1 first, and none of the words that are given is an answer.

        Args:
            positive, negative: words or vectors, one or several.
            topn: how many words.

        Returns:
            Words and their cosines, the nearest first.

        Raises:
            UnknownWordError: a `KeyError`, if a word is unknown.
            ConfigError: if nothing is given, or `topn` is out of range.
        """
        signed = [(each, sign) for some, sign in ((positive, 1.0), (negative, -1.0)) for each in _several(some)]
        if not signed:
            raise ConfigError("most_similar takes a word or a vector at least")
        given = {normalize_text(each) for each, _ in signed if isinstance(each, str)}
        return self._nearest(sum(sign * self._unit(each) for each, sign in signed), topn, given)

    def similar_by_vector(self, vector: np.ndarray, topn: int = 10) -> list[tuple[str, float]]:
        """The words nearest to a vector, float ``(vector_size,)``, and their cosines."""
        return self._nearest(self._unit(np.asarray(vector)), topn, set())

    def similarity(self, first: str, second: str) -> float:
        """The cosine of two words; an `UnknownWordError` if one is unknown."""
        return float(self._unit(first) @ self._unit(second))

    def doesnt_match(self, words: Sequence[str]) -> str:
        """The word that belongs least to the others; an `UnknownWordError` if one is unknown."""
        if isinstance(words, str) or len(words) < 3:
            received = repr(words) if isinstance(words, str) else len(words)
            raise ConfigError(f"doesnt_match takes a list of three words or more. Received: {received}")
        return words[odd_one(np.stack([self._unit(word) for word in words]))[0]]

    def _known(self, word: str) -> str:
        """A word as the table knows it."""
        known = normalize_text(word)
        if len(known.split()) != 1:
            raise DataError(f"expected one word. Received: {word!r}")
        if self.table.unit_of(known) is None:
            near = spelling_like(known, self.vocabulary.symbols)
            hint = f"; known are {', '.join(near)}" if near else ""
            raise UnknownWordError(f"unknown word {word!r}{hint}")
        return known

    def _unit(self, each):
        if isinstance(each, str):
            return self.table.unit_of(self._known(each))
        size = self.table.unit.shape[1]
        if each.shape != (size,) or not np.isfinite(each).all():
            raise ConfigError(f"expected a vector of {size} finite numbers. Received: shape {each.shape}")
        return np.asarray(each, "float32") / max(float(np.linalg.norm(each)), 1e-9)

    def _nearest(self, query, topn, given):
        Word2VecPrediction.create({"n_best": topn})
        scores, rows = self.table.nearest(query[None].astype("float32"), topn + len(given))
        words = ((self.vocabulary.symbols[row], score) for row, score in zip(rows[0].tolist(), scores[0].tolist()))
        return [(word, score) for word, score in words if score > -1.5 and word not in given][:topn]

    def clusters(
        self,
        count: int = ClusterOptions.words,
        neighbours: int = 50,
        least: float = ClusterOptions.least,
        seed: int = 0,
    ) -> list[list[str]]:
        """Groups of words of one kind, see `nlpkit.tasks.word2vec.decode.clusters_of`."""
        return clusters_of(self.current_table(), count, neighbours, least, seed)


def _several(words):
    return [words] if isinstance(words, (str, np.ndarray)) else words
