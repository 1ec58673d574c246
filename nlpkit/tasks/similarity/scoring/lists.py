"""Lists of the nearest sentences, for retrieval within groups."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from nlpkit.decoding import nearest_rows
from nlpkit.tasks.similarity.examples import Sentence, group_numbers
from nlpkit.tasks.similarity.scoring.score import CANDIDATES, PairScore

MOST = 4000
"""Largest number of sentences for the calibration of a score."""


@dataclasses.dataclass(frozen=True)
class Lists:
    """Sentences, and the nearest others of some of them."""

    sentences: Sequence[Sentence]
    queries: np.ndarray
    """int ``(q,)``, places of the query sentences."""
    rows: np.ndarray
    """int ``(q, candidates)``, places of the others, nearest first."""
    cosines: np.ndarray
    """float32 ``(q, candidates)``."""
    is_own: np.ndarray
    """bool ``(q, candidates)``, whether query and candidate are of one group."""

    def with_own(self) -> Lists:
        """The lists with at least one sentence of the query's group."""
        chosen = self.is_own.any(axis=1)
        parts = (each[chosen] for each in (self.queries, self.rows, self.cosines, self.is_own))
        return Lists(self.sentences, *parts)

    def texts(self) -> tuple[list[str], list[str]]:
        """Both sentences of each item, list after list."""
        first = [self.sentences[i].text for i in np.repeat(self.queries, self.rows.shape[1])]
        return first, [self.sentences[i].text for i in self.rows.ravel()]

    def logits(self, score: PairScore) -> np.ndarray:
        """Log odds of the items' scores, float ``(q, candidates)``."""
        return score.logits(*self.texts(), self.cosines.ravel()).reshape(self.cosines.shape)


def lists_of(sentences: Sequence[Sentence], vectors: np.ndarray, most: int | None = None) -> Lists:
    """The `CANDIDATES` nearest sentences of each sentence whose group has others.

    Args:
        sentences: sentences in groups.
        vectors: unit vectors, float32 ``(n, size)``.
        most: largest number of lists, spread evenly over the sentences, or None for all.
    """
    groups = group_numbers(sentences)
    sizes = np.bincount(groups[groups >= 0], minlength=1)
    queries = np.flatnonzero((groups >= 0) & (sizes[groups] > 1))
    if most is not None and len(queries) > most:
        queries = queries[np.linspace(0, len(queries) - 1, most).astype(int)]
    cosines, rows = nearest_rows(vectors, vectors[queries], CANDIDATES + 1)
    # Drop the sentence itself, or the last one if ties pushed it out.
    is_itself = rows == queries[:, None]
    is_itself[:, -1] |= ~is_itself.any(axis=1)
    kept = ~is_itself
    cosines, rows = (each[kept].reshape(len(queries), rows.shape[1] - 1) for each in (cosines, rows))
    return Lists(sentences, queries, rows, cosines, groups[rows] == groups[queries, None])
