"""The similarity task: what its files do, bound together. The only file of this folder that others import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nlpkit.datasets.vector_files import npy_header
from nlpkit.errors import DataError
from nlpkit.prediction.answers import Answer, Problem
from nlpkit.tasks.shared.characters import make_features, read_symbol_vectors, set_vectors, vocabulary_sizes
from nlpkit.tasks.shared.plots import Plot
from nlpkit.tasks.similarity.answers import SentencePair
from nlpkit.tasks.similarity.batches import training_batches
from nlpkit.tasks.similarity.config import (
    CLASS_LOSSES,
    SIMILARITY,
    SimilarityPrediction,
    SimilarityReading,
    SimilaritySettings,
)
from nlpkit.tasks.similarity.decode import answers_of
from nlpkit.tasks.similarity.evaluate import sample_pairs, scores
from nlpkit.tasks.similarity.examples import (
    EncodedTexts,
    Pair,
    check_loss,
    group_numbers,
    hold_out,
    parse_record,
    read_candidates,
    read_examples,
    read_negatives,
    texts_of,
)
from nlpkit.tasks.similarity.index.cells import CellIndex
from nlpkit.tasks.similarity.index.table import SentenceList, VectorTable, check_index
from nlpkit.tasks.similarity.plots import plots_of
from nlpkit.tasks.similarity.queries import SentenceQueries
from nlpkit.tasks.similarity.scoring.calibrate import calibrated_score
from nlpkit.tasks.similarity.scoring.symbols import SymbolWeights
from nlpkit.tasks.similarity.scoring.training_pairs import training_pairs
from nlpkit.tasks.task import Data, Part
from nlpkit.text.features import TextFeatures
from nlpkit.text.vocabulary import BigramVocabulary, CharacterVocabulary

if TYPE_CHECKING:
    from nlpkit.tasks.similarity.model import SimilarityNetwork


class Encoded(NamedTuple):
    """Records on their way through the network, and how many sentences of an index answer each."""

    records: Sequence[tuple[str, ...]]
    texts: EncodedTexts
    n_best: int


class SentenceVectors(SentenceQueries):
    """A model that gives sentences vectors: a trained one, or one about to be."""

    declaration = SIMILARITY
    part_files = (
        Part("vocab.txt", "character_vocabulary", CharacterVocabulary),
        Part("bigrams.txt", "bigram_vocabulary", BigramVocabulary),
        Part("symbols.npy", "symbol_weights", SymbolWeights),
        Part("sentences.txt", "indexed_sentences", SentenceList),
        Part("vectors.npy", "vector_table", VectorTable),
        Part("cells.faiss", "cell_index", CellIndex),
    )
    settings: SimilaritySettings
    network: SimilarityNetwork

    def __init__(self, settings: SimilaritySettings, metadata: Mapping[str, Any] | None = None, **parts: Any):
        super().__init__(settings, metadata, **parts)
        self.features = TextFeatures(parts["character_vocabulary"], parts.get("bigram_vocabulary"))
        if self.parts["symbol_weights"] is not None:
            self.parts["symbol_weights"].check(self.features)
        sentences, table, cells = (self.parts[name] for name in ("indexed_sentences", "vector_table", "cell_index"))
        if sentences is not None or table is not None or cells is not None:
            check_index(sentences, table, None if cells is None else cells.shape, settings.vector_size)
        self.score.check()

    @classmethod
    def read(cls, path: str | Path, options: SimilarityReading, metadata: Mapping[str, Any] | None = None) -> Data:
        examples, notes = read_examples(path)
        negatives = read_negatives(options.negatives, examples)
        return Data([*examples, *negatives, *read_candidates(options.candidates)], {}, notes)

    @classmethod
    def hold_out(cls, examples: Any, path: str | Path) -> tuple[Any, Any]:
        return hold_out(examples, path)

    @classmethod
    def build(cls, settings: SimilaritySettings, data: Data) -> SentenceVectors:
        check_loss(data.examples, settings.loss)
        texts = texts_of(data.examples)
        vectors = read_symbol_vectors(settings.vectors)
        features = make_features(texts, settings, vectors)
        task = cls(settings, character_vocabulary=features.characters, bigram_vocabulary=features.bigrams)
        task.network = task.build_network()
        if vectors:
            set_vectors(task.network, features, vectors, settings.freeze_vectors)
        task._prepare_training(data.examples)
        return task

    @classmethod
    def continued(cls, start: SentenceVectors, settings: SimilaritySettings, data: Data) -> SentenceVectors:
        from nlpkit.tasks.shared.warm_start import transfer_weights

        check_loss(data.examples, settings.loss)
        own, known = make_features(texts_of(data.examples), settings, {}), start.features
        bigrams = own.bigrams if own.bigrams is None or known.bigrams is None else known.bigrams.merged(own.bigrams)
        characters = known.characters.merged(own.characters)
        task = cls(settings, character_vocabulary=characters, bigram_vocabulary=bigrams)
        task.network = task.build_network()
        transfer_weights(task, start)
        task._prepare_training(data.examples)
        return task

    def _prepare_training(self, examples):
        """Compute from the training data, once, the class weights, which begin as means of vectors, and the weights of
        symbols that two sentences share or lack."""
        settings = self.settings
        if settings.loss in CLASS_LOSSES:
            groups = group_numbers(examples)
            members = [text for text, group in zip(texts_of(examples), groups) if group >= 0]
            self.network.add_classes(self.encode_texts(members), groups[groups >= 0])
        first, second, targets = training_pairs(examples, self.encode_texts)
        if len(np.unique(targets)) > 1:
            self.parts["symbol_weights"] = SymbolWeights.fit(self.features, settings.max_length, first, second, targets)

    def build_network(self) -> SimilarityNetwork:
        from nlpkit.tasks.similarity.model import SimilarityNetwork

        return SimilarityNetwork(self.settings, *vocabulary_sizes(self.features))

    @property
    def loss(self) -> Any:
        from nlpkit.tasks.similarity.model import loss_for

        return loss_for(self.settings)

    def batches(self, examples: Sequence[Any], seed: int) -> Any:
        return training_batches(examples, self.features, self.settings, seed)

    def calibrate(self, examples: Sequence[Any]) -> None:
        vectors = self.encode_texts(texts_of(examples))
        score = calibrated_score(examples, vectors, self.overlap)
        self.metadata["score"] = score.to_dict()

    # Answers.

    @classmethod
    def parse(cls, item: Any) -> tuple[str, ...]:
        return parse_record(item)

    def encode(
        self, records: Sequence[tuple[str, ...]], prepared: SimilarityPrediction
    ) -> tuple[Encoded, list[Problem]]:
        empty = [i for i, record in enumerate(records) if not all(text.strip() for text in record)]
        texts = [text if text.strip() else "" for record in records for text in record]
        problems = [Problem(i, "is empty" if len(records[i]) == 1 else "a sentence is empty", True) for i in empty]
        return Encoded(records, self.encoded(texts), prepared.n_best), problems

    def run(self, encoded: Encoded) -> np.ndarray:
        """Vectors of all sentences, float32 ``(sentences, vector_size)``."""
        return self.vectors_of(encoded.texts)

    def answers(self, encoded: Encoded, outputs: np.ndarray) -> list[Answer]:
        return answers_of(encoded.records, outputs, self.score, self.index, encoded.n_best)

    def write(self, encoded: Encoded, outputs: np.ndarray, file_format: str) -> str | bytes:
        if file_format != "npy":
            return super().write(encoded, outputs, file_format)
        if any(len(record) != 1 for record in encoded.records):
            raise DataError("npy holds the vector of each line; a line has two sentences")
        return outputs.tobytes()

    def header(self, file_format: str, count: int) -> bytes:
        if file_format != "npy":
            return super().header(file_format, count)
        return npy_header((count, self.settings.vector_size))

    # Evaluation.

    def measure(self, examples: Sequence[Any]) -> dict[str, Any]:
        """Metrics over groups or pairs, see `nlpkit.tasks.similarity.evaluate.scores`."""
        return scores(examples, self.encode_texts(texts_of(examples)), self.score)

    def plots(self, examples: Sequence[Any]) -> list[Plot]:
        return plots_of(examples, self.encode_texts(texts_of(examples)), self.score)

    def expected(self, examples: Sequence[Any], count: int) -> list[tuple[Any, Any]]:
        if isinstance(examples[0], Pair):
            chosen = examples[:: max(1, len(examples) // count)][:count]
            return [((x.first, x.second), SentencePair(x.first, x.second, x.label, None, x.label > 0)) for x in chosen]
        return [((a, b), SentencePair(a, b, None, None, same)) for a, b, same in sample_pairs(examples, count)]
