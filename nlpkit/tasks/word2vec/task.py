"""The task of word vectors: what its files do, bound together. The only file of this folder that others import."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from nlpkit.datasets.vector_files import read_vectors, write_vectors
from nlpkit.errors import ConfigError
from nlpkit.ops.tsne import tsne
from nlpkit.prediction.answers import Problem
from nlpkit.tasks.shared.plots import Map, Plot
from nlpkit.tasks.task import Data, Part, Task
from nlpkit.tasks.word2vec.answers import RelatedWords
from nlpkit.tasks.word2vec.config import WORD2VEC, Word2VecPrediction, Word2VecReading, Word2VecSettings
from nlpkit.tasks.word2vec.corpus import Corpus, read_corpus, require_text
from nlpkit.tasks.word2vec.decode import Question, WordTable
from nlpkit.tasks.word2vec.evaluate import scores
from nlpkit.tasks.word2vec.examples import Steps
from nlpkit.tasks.word2vec.queries import WordQueries
from nlpkit.tasks.word2vec.questions import read_questions
from nlpkit.tasks.word2vec.subwords import Subwords
from nlpkit.text.characters import normalize_text
from nlpkit.text.counts import Counts
from nlpkit.text.vocabulary import FIRST_ID, PADDING, UNKNOWN, Vocabulary

if TYPE_CHECKING:
    from nlpkit.tasks.word2vec.model import Word2Vec, Word2VecNetwork

_MAPPED = 500  # words on the map of the report
_FEWEST = 4  # words on a map
_HELD_OUT = 0.01  # of the text, from its end


class Encoded(NamedTuple):
    """Questions on their way, and how many words answer each."""

    questions: list[Question]
    n_best: int


class WordVectors(WordQueries, Task[RelatedWords]):
    """Vectors of words: trained ones, or ones about to be."""

    declaration = WORD2VEC
    part_files = (
        Part("vocab.txt", "vocabulary", Vocabulary),
        Part("counts.txt", "counts", Counts),
        Part("subwords.txt", "subword_vocabulary", Vocabulary),
    )
    model_class: ClassVar[type[Word2Vec] | None] = None
    """The model that is trained; a subclass of yours goes here, in a subclass of this one."""
    settings: Word2VecSettings
    network: Word2VecNetwork

    def __init__(self, settings: Word2VecSettings, metadata: Mapping[str, Any] | None = None, **parts: Any):
        super().__init__(settings, metadata, **parts)
        subwords = parts.get("subword_vocabulary")
        self.subwords = subwords and Subwords(subwords, settings.subwords, settings.feature_separator)
        self._table: WordTable | None = None
        if self.counts is not None and len(self.counts.values) != len(self.vocabulary.symbols):
            raise ValueError(f"{len(self.counts.values):,} counts of {len(self.vocabulary.symbols):,} words")

    @property
    def vocabulary(self) -> Vocabulary:
        """The words, the commonest first."""
        return self.parts["vocabulary"]

    @property
    def counts(self) -> Counts | None:
        """Counts of the words in the training text; None if the vectors were read from a file."""
        return self.parts["counts"]

    # Training.

    @classmethod
    def read(cls, path: str | Path, options: Word2VecReading, metadata: Mapping[str, Any] | None = None) -> Data:
        questions = read_questions(path)
        if questions is not None:
            return Data(questions)
        corpus, notes = read_corpus(path, options.cut)
        return Data(corpus, {}, notes)

    @classmethod
    def hold_out(cls, examples: Any, path: str | Path) -> tuple[Any, Any]:
        return require_text(examples).split(_HELD_OUT, path)

    @classmethod
    def check_validation_data(cls, examples: Any, path: str | Path) -> None:
        require_text(examples, path)

    @classmethod
    def build(cls, settings: Word2VecSettings, data: Data) -> WordVectors:
        counts = require_text(data.examples).frequent(settings.min_count)
        vocabulary = Vocabulary.from_counts(counts, settings.min_count, settings.max_vocabulary or None)
        kept = {word: counts[word] for word in vocabulary.symbols}
        subwords = None
        if settings.subwords or settings.feature_separator:
            subwords = Subwords.of_words(kept, settings.min_count, settings.subwords, settings.feature_separator)
        return cls(
            settings, vocabulary=vocabulary, counts=Counts([*kept.values()]),
            subword_vocabulary=subwords and subwords.vocabulary,
        )  # fmt: skip

    @classmethod
    def continued(cls, start: WordVectors, settings: Word2VecSettings, data: Data) -> WordVectors:
        from nlpkit.tasks.shared.warm_start import transfer_weights

        built = cls.build(settings, data)
        if start.counts is None or start.subwords is not None or built.subwords is not None:
            lacking = "no counts of its words" if start.counts is None else "subwords or features"
            raise ConfigError(f"the model to go on from has {lacking}; train from text alone")
        vocabulary = start.vocabulary.merged(built.vocabulary)
        total = collections.Counter(dict(zip(start.vocabulary.symbols, start.counts.values)))
        total.update(dict(zip(built.vocabulary.symbols, built.counts.values if built.counts else ())))
        counts = Counts([total[word] for word in vocabulary.symbols])
        task = cls(settings, built.metadata, vocabulary=vocabulary, counts=counts)
        task.network = task.build_network()
        transfer_weights(task, start)
        return task

    def build_network(self) -> Word2VecNetwork:
        from nlpkit.tasks.word2vec.model import Word2Vec, Word2VecNetwork

        size, kind = len(self.vocabulary), self.model_class or Word2Vec
        if kind.chunk_loss is not Word2Vec.chunk_loss and not self.settings.autodiff:
            raise ConfigError(f"{kind.__name__} has a chunk_loss of its own; set autodiff=true")
        if self.subwords is None:
            return Word2VecNetwork(kind(self.settings, size))
        # Padding and the unknown have no subwords.
        rows = self.subwords.rows([*[""] * FIRST_ID, *self.vocabulary.symbols], size)
        return Word2VecNetwork(kind(self.settings, size, rows, len(self.subwords.vocabulary.symbols)))

    @property
    def loss(self) -> Any:
        return None  # the model has its own

    def optimizer(self, steps: int) -> Any:
        import keras

        first = self.settings.learning_rate
        return keras.optimizers.SGD(keras.optimizers.schedules.PolynomialDecay(first, max(steps, 1), first / 1e4))

    def batches(self, examples: Corpus, seed: int) -> Steps:
        if self.counts is None:
            raise ConfigError("these vectors were read from a file without the counts of the words; train from text")
        ids = self.vocabulary.encode(examples.words)
        ids, counts = np.where(ids == UNKNOWN, PADDING, ids), np.array([*[0] * FIRST_ID, *self.counts.values])
        model = self.network.model
        return Steps(examples, ids, counts, self.settings, seed, model.subwords, model.num_subwords)

    # Answers.

    def samples(self) -> list[Any]:
        return self.vocabulary.symbols[:3]

    @property
    def table(self) -> WordTable:
        if self._table is None:
            self._table = self.current_table()
        return self._table

    def current_table(self) -> WordTable:
        count = len(self.vocabulary) + (0 if self.subwords is None else len(self.subwords.vocabulary.symbols))
        return WordTable(self.vocabulary, self._rows("vectors", count), self.subwords)

    def _rows(self, name, count):
        """The first rows of a table of the network."""
        return self.runtime.program(name)({"ids": np.arange(count, dtype="int32")})

    def encode(self, records: Sequence[str], prepared: Word2VecPrediction) -> tuple[Encoded, list[Problem]]:
        questions = [self.table.ask(record) for record in records]
        return Encoded(questions, prepared.n_best), list(self.table.problems(questions))

    def run(self, encoded: Encoded) -> list[RelatedWords]:
        return self.table.answer(encoded.questions, encoded.n_best)

    def answers(self, encoded: Encoded, outputs: list[RelatedWords]) -> list[RelatedWords]:
        return outputs

    def measure(self, examples: Any) -> dict[str, Any]:
        """Metrics over text, pairs of words with scores, or analogies; see `nlpkit.tasks.word2vec.evaluate`."""
        self._table = self.current_table()  # training goes on between two evaluations
        return scores(self._table, lambda: self._rows("contexts", len(self.vocabulary)), examples)

    def expected(self, examples: Any, count: int) -> list[tuple[Any, Any]]:
        words = self.vocabulary.symbols
        return [(word, None) for word in words[:: max(1, min(len(words), 2000) // count)][:count]]

    def plots(self, examples: Any) -> list[Plot]:
        words = self.vocabulary.symbols[:_MAPPED]
        return [Map(f"The {len(words)} most frequent words, by t-SNE", words, tsne(self.table.unit[:_MAPPED]))]

    def plot(self, record: Any, answer: RelatedWords) -> Plot | None:
        words = list(dict.fromkeys([*record.split(), *(each.word for each in answer)]))
        known = [(word, vector) for word in words if (vector := self.table.unit_of(word)) is not None]
        if len(known) < _FEWEST:
            return None
        asked = {*record.split()}
        shown = [word for word, _ in known]
        groups = [0 if word in asked else 1 for word in shown]
        return Map(f"Near {record}, by t-SNE", shown, tsne(np.stack([vector for _, vector in known]), 5), groups)

    # Files of other programs.

    def export(self, path: Path) -> None:
        """Write a file in word2vec's text or binary format."""
        write_vectors(path, self.vocabulary.symbols, self.vectors)

    @classmethod
    def from_file(cls, path: Path) -> WordVectors:
        """Vectors of a file in word2vec's text or binary format; of words that differ in case only, the first."""
        words, vectors = read_vectors(path)
        first = {normalize_text(word): row for row, word in reversed([*enumerate(words)])}
        rows = sorted(first.values())
        read = cls(
            Word2VecSettings.create({"vector_size": vectors.shape[1]}),
            vocabulary=Vocabulary([normalize_text(words[row]) for row in rows]),
        )
        read.network = read.build_network()
        read.network.set_vectors(vectors[rows])
        return read
