"""The task of word vectors: what its files do, bound together. The only file of this folder that others import."""

import collections
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import keras
import numpy as np

from nlpkit.datasets.vector_files import read_vectors, write_vectors
from nlpkit.decoding import NearestRows, communities
from nlpkit.errors import ConfigError, DataError
from nlpkit.metrics import analogy_hits, spearman
from nlpkit.ops.tsne import tsne
from nlpkit.tasks.task import Data, Task
from nlpkit.tasks.word2vec.config import Word2VecConfig
from nlpkit.tasks.word2vec.examples import EDGE, Corpus, Steps, read_corpus
from nlpkit.tasks.word2vec.model import Word2Vec
from nlpkit.tasks.word2vec.pieces import Pieces
from nlpkit.tasks.word2vec.questions import Pair, read_questions, spelling_like
from nlpkit.text.characters import normalize_text
from nlpkit.text.vocabulary import PADDING, UNKNOWN, Vocabulary
from nlpkit.training.forward import Forward

_AT_ONCE = 256  # questions: each has a score for every word
_MAPPED = 500  # words on the map of the report
_HELD_OUT = 0.01  # of the text, from its end
_TOLD = 20  # unknown words of a block for which a likely spelling is looked for
_TRIALS = 100_000  # pairs of words that `neighbours` is measured on
_TRIALS_AT_ONCE = 4096


class Question(NamedTuple):
    """A line of input: one word asks for its nearest, two for their similarity, three for the fourth word of an
    analogy, more for the one that does not belong."""

    text: str
    words: list[str]
    unit: np.ndarray | None
    """Vectors of length 1, ``(words, size)``; None if a word has none or there is no word."""


class Encoded(NamedTuple):
    """Questions on their way through the network."""

    questions: list[Question]
    n_best: int


class WordVectors(Task):
    """Vectors of words: trained ones, or ones about to be."""

    name = "word2vec"
    Config = Word2VecConfig
    metric = "neighbours"
    keeps_last = True  # the held-out text is too small to choose by, and the vectors settle as the rate falls
    formats = ("text", "jsonl")
    own_files = ("vocab.txt", "pieces.txt")
    reading = MappingProxyType({"cut": "auto"})
    answering = ("n_best",)

    def __init__(self, config: Word2VecConfig, vocabulary: Vocabulary, counts: np.ndarray | None = None):
        self.config, self.vocabulary, self._counts = config, vocabulary, counts
        self.pieces = None
        self._unit, self._table, self._nearest = None, None, {}

    # Training.

    @classmethod
    def read(cls, path, facts=None, cut="auto") -> Data:
        questions = read_questions(path)
        if questions is not None:
            return Data(questions)
        corpus, notes = read_corpus(path, cut)
        return Data(corpus, {}, notes)

    @classmethod
    def hold_out(cls, examples, path):
        return _text(examples).split(_HELD_OUT, path)

    @classmethod
    def from_examples(cls, config: Word2VecConfig, examples: Corpus, facts: dict):
        corpus = _text(examples)
        frequent = np.flatnonzero(corpus.counts >= config.min_count).tolist()
        if not frequent:
            most = corpus.counts.argmax()
            raise ConfigError(
                f"min_count = {config.min_count}: no word is that frequent; the most frequent of the text, "
                f"{corpus.words[most]!r}, comes up {corpus.counts[most]:,} times"
            )
        counts = {corpus.words[i]: int(corpus.counts[i]) for i in frequent}
        vocabulary = Vocabulary.from_counts(counts, config.min_count, config.max_vocabulary or None)
        vectors = cls(config, vocabulary, np.array([0, 0, *(counts[word] for word in vocabulary.symbols)]))
        if config.subwords or config.feature_separator:
            kept = {word: counts[word] for word in vocabulary.symbols}
            vectors.pieces = Pieces.of_words(kept, config.min_count, config.subwords, config.feature_separator)
        vectors.attach(vectors.network())
        return vectors

    def network(self) -> Word2Vec:
        """An untrained network."""
        if self.pieces is None:
            return Word2Vec(self.config, len(self.vocabulary))
        # Padding and the unknown have no pieces.
        rows = self.pieces.rows(["", "", *self.vocabulary.symbols], len(self.vocabulary))
        return Word2Vec(self.config, len(self.vocabulary), rows, len(self.pieces.vocabulary.symbols))

    @property
    def loss(self):
        return None  # the model has its own

    def optimizer(self, steps: int):
        first = self.config.learning_rate
        rate = keras.optimizers.schedules.PolynomialDecay(first, max(steps, 1), first / 1e4)
        return keras.optimizers.SGD(rate)

    def batches(self, examples: Corpus, seed: int) -> Steps:
        ids = self.vocabulary.encode(examples.words)
        ids = np.where(ids == UNKNOWN, PADDING, ids)
        return Steps(examples, ids, self._counts, self.config, seed, self.model.pieces, self.model.num_pieces)

    def attach(self, model: keras.Model):
        self.model, self._unit, self._table, self._nearest = model, None, None, {}

    @classmethod
    def from_file(cls, path):
        """From a file of vectors in word2vec's text or binary format; of words that differ in case only, the first."""
        words, vectors = read_vectors(path)
        first = {}
        for row, word in enumerate(words):
            first.setdefault(normalize_text(word), row)
        config = Word2VecConfig.create({"vector_size": vectors.shape[1]})
        found = cls(config, Vocabulary(first))
        found.attach(found.network())
        table = np.zeros((len(found.vocabulary), vectors.shape[1]), "float32")
        table[2:] = vectors[list(first.values())]
        found.model.get_layer("vectors").set_weights([table])
        return found

    def export(self, path):
        """Write the vectors to a file that gensim or TensorBoard reads, see `nlpkit.datasets.vector_files`."""
        write_vectors(path, self.vocabulary.symbols, self.vectors)

    @property
    def vectors(self) -> np.ndarray:
        """float32 ``(len(vocabulary.symbols), vector_size)``, in the order of the vocabulary."""
        table = self._rows_of("vectors")
        return table[2:] if self.pieces is None else self._put_together(table, self.vocabulary.symbols)

    def embedding(self, trainable: bool = False) -> keras.layers.Embedding:
        """A layer with the vectors, as input of another model; its ids are those of `vocabulary.encode`.

        Padding and words that are unknown have zeros.
        """
        table = np.concatenate([np.zeros((2, self.config.vector_size), "float32"), self.vectors])
        return keras.layers.Embedding(*table.shape, weights=[table], trainable=trainable, name="word_vectors")

    def _rows_of(self, name):
        return self.model.get_layer(name).get_weights()[0]

    def _put_together(self, table, words):
        """Vectors of words, known or not: the mean of the rows of their pieces and, if they have one, their own."""
        rows = self.pieces.rows(words, len(self.vocabulary))
        own = self.vocabulary.encode(words)
        rows = np.column_stack([np.where(own == UNKNOWN, PADDING, own), rows])
        there = (rows != PADDING)[..., None]
        found = np.empty((len(words), table.shape[1]), "float32")
        for start in range(0, len(words), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            found[some] = (table[rows[some]] * there[some]).sum(axis=1) / np.maximum(there[some].sum(axis=1), 1)
        return found

    @property
    def unit_vectors(self) -> np.ndarray:
        """The same, each of length 1."""
        vectors = self.vectors
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    # Answers.

    def prepare(self, n_best: int = 10) -> dict:
        """Options of a user to those of `encode`: `n_best`, how many words to answer with."""
        if n_best < 1:
            raise ConfigError(f"n_best = {n_best!r}: must be at least 1")
        if self._unit is None:
            self._unit = self.unit_vectors
            self._table = None if self.pieces is None else self._rows_of("vectors")  # for words never seen
        if n_best not in self._nearest:
            # The words of a question are no answers to it.
            self._nearest[n_best] = _search_in(self._unit, n_best + 3)
        return {"n_best": n_best}

    def inspect(self, texts: Sequence[str], n_best: int) -> Iterable[tuple[int, str]]:
        told = 0
        for row, text in enumerate(texts):
            words = normalize_text(text).split()
            if not words:
                yield row, "is empty"
            unknown = [word for word in words if self._vector_of(word) is None]
            if unknown:
                told += 1
                like = spelling_like(unknown[0], self.vocabulary.symbols) if told <= _TOLD else []
                hint = f"; known are {', '.join(like)}" if like else ""
                yield row, f"unknown word {unknown[0]!r}{hint}"

    def encode(self, texts: Sequence[str], n_best: int) -> Encoded:
        questions = []
        for text in texts:
            words = normalize_text(text).split()
            found = [self._vector_of(word) for word in words]
            is_known = bool(words) and all(vector is not None for vector in found)
            questions.append(Question(text, words, np.stack(found) if is_known else None))
        return Encoded(questions, n_best)

    def _vector_of(self, word):
        """The vector of a word, of length 1; of one that training never saw by its pieces, if these are known."""
        if word in self.vocabulary:
            return self._unit[self.vocabulary.encode([word])[0] - 2]
        if self.pieces is None:
            return None
        vector = self._put_together(self._table, [word])[0]
        length = np.linalg.norm(vector)
        return vector / length if length else None

    def run(self, encoded: Encoded) -> list[list[dict]]:
        answers = [[] for _ in encoded.questions]
        asked = [i for i, question in enumerate(encoded.questions) if question.unit is not None]
        for i in asked:
            answers[i] = self._compared(encoded.questions[i])
        asked = [i for i in asked if len(encoded.questions[i].words) in (1, 3)]
        for start in range(0, len(asked), _AT_ONCE):
            some = asked[start : start + _AT_ONCE]
            queries = np.stack([_query(encoded.questions[i].unit) for i in some])
            scores, rows = self._nearest[encoded.n_best]({"queries": queries})
            for i, score, row in zip(some, scores.tolist(), rows.tolist()):
                given = set(encoded.questions[i].words)
                words = ((self.vocabulary.symbols[r], s) for s, r in zip(score, row) if s > -1.5)
                found = [{"word": word, "score": round(s, 4)} for word, s in words if word not in given]
                answers[i] = found[: encoded.n_best]
        return answers

    @staticmethod
    def _compared(question):
        """The similarity of two words, or the one of many that does not belong."""
        unit, words = question.unit, question.words
        if len(words) == 2:
            return [{"word": words[1], "score": round(float(unit[0] @ unit[1]), 4)}]
        if len(words) < 4:
            return []
        odd, score = _odd(unit)
        return [{"word": words[odd], "score": round(score, 4)}]

    def write(self, encoded: Encoded, found, file_format: str) -> str:
        if file_format == "text":
            return "".join(" ".join(answer["word"] for answer in row) + "\n" for row in found)
        return "".join(
            json.dumps({"text": question.text, "answers": row}, ensure_ascii=False) + "\n"
            for question, row in zip(encoded.questions, found)
        )

    def predict(self, texts: Iterable[str], n_best: int) -> list[list[dict]]:
        """Answers to questions, a list of ``{"word": str, "score": float}`` for each, best first.

        A line of one word asks for its nearest words; of two for their similarity; of three, a b c, for the word that
        is to c as b is to a; of more for the word that belongs least to the others.
        """
        return self.run(self.encode(list(texts), n_best))

    def nearest(self, word: str, count: int = 10) -> list[tuple[str, float]]:
        """The words nearest to one, and their cosines."""
        return self._ask(word, count)

    def analogy(self, a: str, b: str, c: str, count: int = 1) -> list[tuple[str, float]]:
        """Words that are to `c` as `b` is to `a`."""
        return self._ask(f"{a} {b} {c}", count)

    def similarity(self, first: str, second: str) -> float:
        """The cosine of two words."""
        return self._ask(f"{first} {second}", 1)[0][1]

    def odd_one_out(self, words: Sequence[str]) -> str:
        """The word that belongs least to the others."""
        if len(words) < 3:
            raise ConfigError(f"odd_one_out takes three words or more. Received: {len(words)}")
        self.prepare()
        found = {word: self._vector_of(normalize_text(word)) for word in words}
        unknown = [word for word, vector in found.items() if vector is None]
        if unknown:
            raise DataError(f"unknown words: {', '.join(unknown)}")
        return words[_odd(np.stack([found[word] for word in words]))[0]]

    def _ask(self, line, count):
        prepared = self.prepare(count)
        for _, reason in self.inspect([line], **prepared):
            raise DataError(f"{line!r}: {reason}")
        return [(answer["word"], answer["score"]) for answer in self.predict([line], **prepared)[0]]

    def clusters(self, count: int = 20_000, neighbours: int = 50, least: float = 0.6, seed: int = 0) -> list[list[str]]:
        """Groups of words of one kind: communities of the graph of nearest words, by the map equation.

        Args:
            count: how many of the most frequent words to look at.
            neighbours: at most so many links of a word, to the nearest.
            least: cosine below which words are not linked.
            seed: of the search.

        Returns:
            Words of each group of two or more, the most frequent first; the largest group first.

        Raises:
            MissingPackageError: without infomap.
        """
        unit = self.unit_vectors[:count]
        nearest = _search_in(unit, neighbours + 1)
        links = {}
        for start in range(0, len(unit), _AT_ONCE):
            scores, rows = nearest({"queries": unit[start : start + _AT_ONCE]})
            for row, near, cosines in zip(range(start, len(unit)), rows.tolist(), scores.tolist()):
                for other, cosine in zip(near, cosines):
                    if other != row and cosine >= least:
                        links[min(row, other), max(row, other)] = cosine
        groups = communities(((a, b, cosine) for (a, b), cosine in sorted(links.items())), seed)
        return [[self.vocabulary.symbols[i] for i in nodes] for nodes in groups]

    # Evaluation.

    def evaluate(self, examples) -> dict:
        """Metrics over questions or text.

        - Of pairs of words (``word word score``): ``spearman``, the rank correlation of the scores with the cosines,
          and ``coverage``, the share of the pairs whose words have vectors, their own or those of their pieces.
        - Of analogies (four words a line, under headings ``: section``): ``accuracy`` of the known ones by 3CosAdd,
          ``coverage``, and the accuracy of each section.
        - Of text: ``neighbours``, how often the model scores a word that stands beside another higher than one drawn
          from the text at random (0.5 is chance).
        """
        if isinstance(examples, Corpus):
            return {"neighbours": self._neighbours(examples)}
        if isinstance(examples[0], Pair):
            return self._rank_pairs(examples)
        ids = [self.vocabulary.encode(example.words) - 2 for example in examples]
        known = [i for i, row in enumerate(ids) if row.min() >= 0]
        coverage = len(known) / len(examples)
        if not known:
            return {"coverage": coverage}
        hits = analogy_hits(self.unit_vectors, np.stack([ids[i] for i in known]))
        sections = collections.defaultdict(list)
        for i, hit in zip(known, hits):
            sections[examples[i].section].append(hit)
        shares = {name: {"accuracy": float(np.mean(of)), "known": len(of)} for name, of in sections.items()}
        return {"accuracy": float(hits.mean()), "coverage": coverage, "sections": shares}

    def _rank_pairs(self, pairs):
        words = sorted({word for pair in pairs for word in pair.words})
        if self.pieces is None:
            ids = self.vocabulary.encode(words)
            vectors = self._rows_of("vectors")[ids] * (ids != UNKNOWN)[:, None]
        else:
            vectors = self._put_together(self._rows_of("vectors"), words)
        length = np.linalg.norm(vectors, axis=1)
        unit = {word: vector / norm for word, vector, norm in zip(words, vectors, length) if norm}
        known = [pair for pair in pairs if all(word in unit for word in pair.words)]
        coverage = {"coverage": len(known) / len(pairs)}
        if not known:
            return coverage
        cosines = [float(unit[first] @ unit[second]) for first, second in (pair.words for pair in known)]
        return {"spearman": spearman([pair.score for pair in known], cosines), **coverage}

    def _neighbours(self, corpus):
        ids = self.vocabulary.encode(corpus.words) - 2
        words = np.append(np.where(ids >= 0, ids, EDGE), EDGE)[corpus.ids]
        beside = np.flatnonzero((words[:-1] >= 0) & (words[1:] >= 0) & (words[:-1] != words[1:]))
        if not len(beside):
            return 0.5
        rng = np.random.default_rng(0)
        beside = rng.choice(beside, min(_TRIALS, len(beside)), replace=False)
        others = rng.choice(words[words >= 0], len(beside))
        vectors, contexts = self.vectors, self._rows_of("contexts")[2:]
        won = 0.0
        for start in range(0, len(beside), _TRIALS_AT_ONCE):
            some = slice(start, start + _TRIALS_AT_ONCE)
            right, wrong = contexts[words[beside[some] + 1]], contexts[others[some]]
            gap = ((right - wrong) * vectors[words[beside[some]]]).sum(axis=1)
            won += (gap > 0).sum() + 0.5 * (gap == 0).sum()
        return float(won / len(beside))

    def samples(self, examples, count: int = 20) -> list[dict]:
        words = self.vocabulary.symbols[:: max(1, min(len(self.vocabulary.symbols), 2000) // count)][:count]
        answers = self.predict(words, **self.prepare(8))
        return [
            {"expected": word, "predicted": " ".join(answer["word"] for answer in row), "right": True}
            for word, row in zip(words, answers)
        ]

    def maps(self) -> list[tuple]:
        words = self.vocabulary.symbols[:_MAPPED]
        return [(f"The {len(words)} most frequent words, by t-SNE", words, tsne(self.unit_vectors[:_MAPPED]))]

    # The folder.

    @staticmethod
    def digest(examples) -> str:
        return examples.digest() if isinstance(examples, Corpus) else Task.digest(examples)

    def files(self) -> list[str]:
        return ["vocab.txt"] if self.pieces is None else ["vocab.txt", "pieces.txt"]

    def save(self, folder: Path):
        self.vocabulary.save(folder / "vocab.txt")
        if self.pieces is not None:
            self.pieces.vocabulary.save(folder / "pieces.txt")

    @classmethod
    def load(cls, folder: Path, config: Word2VecConfig, facts: dict):
        found = cls(config, Vocabulary.load(folder / "vocab.txt"))
        if config.subwords or config.feature_separator:
            vocabulary = Vocabulary.load(folder / "pieces.txt")
            found.pieces = Pieces(vocabulary, config.subwords, config.feature_separator)
        return found


def _query(unit):
    """The vector that is looked for: of a word, or of what is to c as b is to a."""
    if len(unit) == 1:
        return unit[0]
    a, b, c = unit
    return b - a + c


def _search_in(unit, count):
    """A function from ``{"queries": …}`` to cosines and rows, of `NearestRows`."""
    queries = keras.Input((unit.shape[1],), name="queries")
    return Forward(keras.Model({"queries": queries}, NearestRows(unit, count)(queries)))


def _odd(unit):
    """The row that is least like the mean of all, and its cosine to it."""
    mean = unit.sum(axis=0)
    likeness = unit @ (mean / max(np.linalg.norm(mean), 1e-9))
    return int(likeness.argmin()), float(likeness.min())


def _text(examples) -> Corpus:
    if not isinstance(examples, Corpus):
        raise DataError("the training data are questions about words; give text, a line for each")
    return examples
