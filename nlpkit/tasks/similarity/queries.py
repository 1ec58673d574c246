"""Queries of sentence vectors in Python: vectors, scores, the nearest of an index, duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from nlpkit.datasets.padding import batches_by_length
from nlpkit.errors import ConfigError
from nlpkit.prediction.predictor import answer_parsed
from nlpkit.tasks.similarity.answers import Neighbours
from nlpkit.tasks.similarity.config import SimilarityPrediction, SimilaritySettings
from nlpkit.tasks.similarity.decode import Index
from nlpkit.tasks.similarity.examples import EncodedTexts
from nlpkit.tasks.similarity.index.cells import cells_for
from nlpkit.tasks.similarity.index.duplicates import duplicates
from nlpkit.tasks.similarity.index.table import changed_index
from nlpkit.tasks.similarity.scoring.overlap import Overlap
from nlpkit.tasks.similarity.scoring.score import PairScore
from nlpkit.tasks.task import Task
from nlpkit.terminal import progress_bar
from nlpkit.text.features import TextFeatures

_AT_ONCE = 16_384  # sentences that are encoded between two looks of the progress bar


class SentenceQueries(Task):
    """The queries that a task with vectors of sentences answers.

    Attributes:
        features: vocabularies of the network.
    """

    settings: SimilaritySettings
    features: TextFeatures

    @property
    def score(self) -> PairScore:
        """Scores pairs of sentences, as the validation data ask for."""
        return PairScore(self.overlap, **self.metadata.get("score", {}))

    @property
    def overlap(self) -> Overlap:
        """Common and different symbols of pairs of sentences."""
        return Overlap(self.features, self.settings.max_length, self.parts["symbol_weights"])

    @property
    def index(self) -> Index | None:
        """The index of sentences, or None."""
        sentences, table = self.parts["indexed_sentences"], self.parts["vector_table"]
        if sentences is None or table is None:
            return None
        return Index(sentences.sentences, (self.parts["cell_index"] or table).nearest)

    def with_index(self, add: Sequence[str], remove: Sequence[str] = (), method: str = "auto") -> Any:
        """The same model with an index: of the sentences that it has, those to `add`, and without those to `remove`.

        Sentences that are there already, and empty ones, are left out. For `method` see
        `nlpkit.tasks.similarity.config.IndexOptions`.

        Raises:
            TypeError: if one text is given where a list is expected.
            DataError: if a sentence to remove is not there, or none is left.
            MissingPackageError: for cells, without faiss.
        """
        add, remove = _several(add), _several(remove)
        before = self.parts["indexed_sentences"], self.parts["vector_table"]
        sentences, table = changed_index(*before, add, remove, self.encode_texts)
        cells = cells_for(table.vectors, method)
        changed = {"indexed_sentences": sentences, "vector_table": table, "cell_index": cells}
        task = type(self)(self.settings, self.metadata, **{**self.parts, **changed})
        task.runtime.share(self.runtime)
        return task

    @overload
    def search(self, texts: str, n_best: int = ...) -> Neighbours: ...  # type: ignore[overload-overlap]

    @overload
    def search(self, texts: Sequence[str], n_best: int = ...) -> list[Neighbours]: ...

    def search(
        self, texts: str | Sequence[str], n_best: int = SimilarityPrediction.n_best
    ) -> Neighbours | list[Neighbours]:
        """The nearest sentences of the index, for a text or for each of a list; a `ConfigError` without an index."""
        if self.index is None:
            raise ConfigError("this model has no index; make one by nlpkit index, or with_index")
        found: Any = answer_parsed(
            self, [(text,) for text in ([texts] if isinstance(texts, str) else texts)], n_best=n_best
        )
        return found[0] if isinstance(texts, str) else found

    def duplicates(self, texts: Sequence[str], threshold: float = 0.5) -> list[tuple[float, int, int]]:
        """Pairs of sentences whose score is at least the threshold, each with its places, the surest first."""
        return duplicates(_several(texts), self.encode_texts, self.score, threshold)

    def encode_texts(self, texts: str | Sequence[str]) -> np.ndarray:
        """Vectors of length 1, zeros for an empty sentence: of one float32 ``(vector_size,)``, of a list
        ``(n, vector_size)``."""
        if isinstance(texts, str):
            return self.encode_texts([texts])[0]
        vectors = np.zeros((len(texts), self.settings.vector_size), "float32")
        with progress_bar("sentences", hidden=len(texts) <= _AT_ONCE) as bar:
            row = bar.add_task("encoding", total=len(texts))
            for start in range(0, len(texts), _AT_ONCE):
                part = slice(start, start + _AT_ONCE)
                vectors[part] = self.vectors_of(self.encoded(texts[part]))
                bar.advance(row, _AT_ONCE)
        return vectors

    def vectors_of(self, texts: EncodedTexts) -> np.ndarray:
        """float32 ``(n, vector_size)``, of length 1; zeros for an empty sentence."""
        vectors = np.zeros((len(texts.lengths), self.settings.vector_size), "float32")
        encode = self.runtime.program("vectors")
        for rows, size in batches_by_length(texts.lengths, multiple=2):
            vectors[rows] = encode(texts.gather(rows, size))
        return vectors

    def similarity(self, first: str, second: str) -> float:
        """Probability that two sentences mean the same; 0 if one is empty."""
        return answer_parsed(self, [(first, second)])[0].score or 0.0

    def encoded(self, texts: Sequence[str]) -> EncodedTexts:
        """Input arrays of sentences."""
        return EncodedTexts(texts, self.features, self.settings.max_length)


def _several(texts):
    """A list of texts as it is; one text would be taken for a list of characters."""
    if isinstance(texts, str):
        raise TypeError(f"expected a list of texts. Received: the text {texts!r:.60}")
    return texts
