"""The similarity task: what its files do, bound together. The only file of this folder that others import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nlpkit.datasets.vector_files import npy_header
from nlpkit.errors import ConfigError, DataError
from nlpkit.tasks.answers import Answer
from nlpkit.tasks.pictures import Picture
from nlpkit.tasks.similarity.answers import SentencePair
from nlpkit.tasks.similarity.batches import training_batches
from nlpkit.tasks.similarity.cells import CellIndex, cells_for
from nlpkit.tasks.similarity.config import (
    CLASS_LOSSES,
    SIMILARITY,
    SimilarityPrediction,
    SimilarityReading,
    SimilaritySettings,
)
from nlpkit.tasks.similarity.decode import Index, answers_of
from nlpkit.tasks.similarity.duplicates import duplicates
from nlpkit.tasks.similarity.evaluate import chosen_score, sample_pairs, scores
from nlpkit.tasks.similarity.examples import (
    EncodedTexts,
    Pair,
    check_loss,
    group_numbers,
    hold_out,
    make_features,
    parse_record,
    read_candidates,
    read_examples,
    read_negatives,
    texts_of,
)
from nlpkit.tasks.similarity.model import SimilarityNetwork, loss_for
from nlpkit.tasks.similarity.pictures import pictures_of
from nlpkit.tasks.similarity.score import PairScore
from nlpkit.tasks.similarity.search import SentenceList, VectorTable, changed_index
from nlpkit.tasks.task import Data, Part, Problem, Task
from nlpkit.terminal import progress_bar
from nlpkit.text.features import TextFeatures
from nlpkit.text.vocabulary import BigramVocabulary, CharacterVocabulary

_AT_ONCE = 16_384  # sentences that are encoded between two looks of the progress bar


class Encoded(NamedTuple):
    """Records on their way through the network, and how many sentences of an index answer each."""

    records: Sequence[tuple[str, ...]]
    texts: EncodedTexts
    n_best: int


class SentenceVectors(Task):
    """A model that gives sentences vectors: a trained one, or one about to be."""

    declaration = SIMILARITY
    parts = (
        Part("vocab.txt", "characters", CharacterVocabulary),
        Part("bigrams.txt", "bigrams", BigramVocabulary),
        Part("sentences.txt", "indexed", SentenceList),
        Part("vectors.npy", "table", VectorTable),
        Part("cells.faiss", "cells", CellIndex),
    )
    settings: SimilaritySettings
    network: SimilarityNetwork
    indexed: SentenceList | None
    table: VectorTable | None
    cells: CellIndex | None

    def __init__(self, settings: SimilaritySettings, metadata: Mapping[str, Any] | None = None, **parts: Any):
        super().__init__(settings, metadata, **parts)
        self.features = TextFeatures(parts["characters"], parts.get("bigrams"))

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
        features = make_features(texts, settings)
        task = cls(settings, characters=features.characters, bigrams=features.bigrams)
        task.network = task.build_network()
        if settings.loss in CLASS_LOSSES:
            groups = group_numbers(data.examples)
            members = [text for text, group in zip(texts, groups) if group >= 0]
            task.network.add_classes(task._encoded(members), groups[groups >= 0])
        return task

    def build_network(self) -> SimilarityNetwork:
        sizes = len(self.features.characters), len(self.features.bigrams) if self.features.bigrams else 0
        return SimilarityNetwork(self.settings, *sizes)

    @property
    def loss(self) -> Any:
        return loss_for(self.settings)

    def batches(self, examples: Sequence[Any], seed: int) -> Any:
        return training_batches(examples, self.features, self.settings, seed)

    @property
    def score(self) -> PairScore:
        """Scores pairs of sentences, as the validation data ask for."""
        return PairScore(self.features.characters, self.settings.max_length, **self.metadata.get("score", {}))

    def calibrate(self, examples: Sequence[Any]) -> None:
        vectors = self.encode_texts(texts_of(examples))
        score = chosen_score(examples, vectors, self.features.characters, self.settings.max_length)
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
        return Encoded(records, self._encoded(texts), prepared.n_best), problems

    def run(self, encoded: Encoded) -> np.ndarray:
        """Vectors of all sentences, float32 ``(sentences, vector_size)``."""
        return self.network.vectors_of(encoded.texts)

    def answers(self, encoded: Encoded, outputs: np.ndarray) -> list[Answer]:
        index = None
        if self.indexed and self.table:
            index = Index(self.indexed.sentences, (self.cells or self.table).nearest)
        return answers_of(encoded.records, outputs, self.score, index, encoded.n_best)

    def write(self, encoded: Encoded, outputs: np.ndarray, file_format: str) -> str | bytes:
        if file_format != "npy":
            return super().write(encoded, outputs, file_format)
        if any(len(record) != 1 for record in encoded.records):
            raise DataError("npy holds the vector of each line; a line has two sentences")
        return outputs.tobytes()

    def header(self, file_format: str, count: int) -> bytes:
        return npy_header((count, self.settings.vector_size))

    def with_index(self, add: Sequence[str], remove: Sequence[str] = (), method: str = "auto") -> SentenceVectors:
        """The same model with an index: of the sentences that it has, those to `add`, and without those to `remove`.

        Sentences that are there already, and empty ones, are left out. For `method` see
        `nlpkit.tasks.similarity.config.IndexOptions`.

        Raises:
            DataError: if a sentence to remove is not there, or none is left.
            MissingPackageError: for cells, without faiss.
        """
        sentences, table = changed_index(self.indexed, self.table, add, remove, self.encode_texts)
        parts = {part.attribute: getattr(self, part.attribute) for part in self.parts}
        changed = {"indexed": sentences, "table": table, "cells": cells_for(table.vectors, method)}
        task = type(self)(self.settings, self.metadata, **{**parts, **changed})
        task.network = self.network
        return task

    def search(self, texts: Sequence[str], n_best: int = SimilarityPrediction.n_best) -> Sequence[Answer]:
        """The nearest sentences of the index for each text; a `ConfigError` without an index."""
        if self.indexed is None:
            raise ConfigError("this model has no index; make one by nlpkit index, or with_index")
        return self.predict([(text,) for text in texts], n_best=n_best)

    def duplicates(self, texts: Sequence[str], threshold: float = 0.5) -> list[tuple[float, int, int]]:
        """Pairs of sentences whose score is at least the threshold, each with its places, the surest first."""
        return duplicates(texts, self.encode_texts, self.score, threshold)

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of sentences, float32 ``(n, vector_size)``, of length 1; zeros for an empty one."""
        vectors = np.zeros((len(texts), self.settings.vector_size), "float32")
        with progress_bar("sentences", hidden=len(texts) <= _AT_ONCE) as bar:
            row = bar.add_task("encoding", total=len(texts))
            for start in range(0, len(texts), _AT_ONCE):
                part = slice(start, start + _AT_ONCE)
                vectors[part] = self.network.vectors_of(self._encoded(texts[part]))
                bar.advance(row, _AT_ONCE)
        return vectors

    def similarity(self, first: str, second: str) -> float:
        """How sure it is that two sentences mean the same, from 0 to 1; 0 if one is empty."""
        return self.predict([(first, second)])[0].score or 0.0

    def _encoded(self, texts):
        return EncodedTexts(texts, self.features, self.settings.max_length)

    # Evaluation.

    def evaluate(self, examples: Sequence[Any]) -> dict[str, Any]:
        """Metrics over groups or pairs, see `nlpkit.tasks.similarity.evaluate.scores`."""
        return scores(examples, self.encode_texts(texts_of(examples)), self.score)

    def pictures(self, examples: Sequence[Any]) -> list[Picture]:
        return pictures_of(examples, self.encode_texts(texts_of(examples)), self.score)

    def expected(self, examples: Sequence[Any], count: int) -> list[tuple[Any, Any]]:
        if isinstance(examples[0], Pair):
            chosen = examples[:: max(1, len(examples) // count)][:count]
            return [((x.first, x.second), SentencePair(x.first, x.second, x.label, None, x.label > 0)) for x in chosen]
        return [((a, b), SentencePair(a, b, None, None, same)) for a, b, same in sample_pairs(examples, count)]
