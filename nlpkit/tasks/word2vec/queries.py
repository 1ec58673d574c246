"""What a program asks of word vectors, in Python."""

from __future__ import annotations

import abc
from collections.abc import Sequence

import keras
import numpy as np

from nlpkit.errors import ConfigError, DataError
from nlpkit.tasks.word2vec.config import ClusterOptions, Word2VecPrediction
from nlpkit.tasks.word2vec.decode import WordTable, clusters_of, odd_one
from nlpkit.text.characters import normalize_text
from nlpkit.text.vocabulary import FIRST_ID


class WordQueries(abc.ABC):
    """Nearest words, analogies, similarities, clusters, and the vectors as a layer.

    Attributes:
        table: the words and their vectors.
    """

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
        vectors = self.vectors
        table = np.concatenate([np.zeros((FIRST_ID, vectors.shape[1]), "float32"), vectors])
        return keras.layers.Embedding(*table.shape, weights=[table], trainable=trainable, name="word_vectors")

    def nearest(self, word: str, n_best: int = 10) -> list[tuple[str, float]]:
        """The words nearest to one, and their cosines; a `DataError` if the word is unknown."""
        return self._ask([word], n_best)

    def analogy(self, a: str, b: str, c: str, n_best: int = 1) -> list[tuple[str, float]]:
        """Words that are to `c` as `b` is to `a`, and their cosines; a `DataError` if a word is unknown."""
        return self._ask([a, b, c], n_best)

    def similarity(self, first: str, second: str) -> float:
        """The cosine of two words; a `DataError` if one is unknown."""
        return self._ask([first, second], 1)[0][1]

    def odd_one_out(self, words: Sequence[str]) -> str:
        """The word that belongs least to the others; a `DataError` if one is unknown."""
        if len(words) < 3:
            raise ConfigError(f"odd_one_out takes three words or more. Received: {len(words)}")
        units = [self.table.unit_of(normalize_text(word)) for word in words]
        unknown = [word for word, unit in zip(words, units) if unit is None]
        if unknown:
            raise DataError(f"unknown words: {', '.join(unknown)}")
        return words[odd_one(np.stack([unit for unit in units if unit is not None]))[0]]

    def _ask(self, words, n_best):
        Word2VecPrediction.create({"n_best": n_best})
        for word in words:
            if len(normalize_text(word).split()) != 1:
                raise DataError(f"expected one word. Received: {word!r}")
        text = " ".join(words)
        question = self.table.ask(text)
        for problem in self.table.problems([question]):
            raise DataError(f"{text!r}: {problem.reason}")
        return [(answer.word, answer.score) for answer in self.table.answer([question], n_best)[0]]

    def clusters(
        self,
        count: int = ClusterOptions.words,
        neighbours: int = 50,
        least: float = ClusterOptions.least,
        seed: int = 0,
    ) -> list[list[str]]:
        """Groups of words of one kind, see `nlpkit.tasks.word2vec.decode.clusters_of`."""
        return clusters_of(self.current_table(), count, neighbours, least, seed)
