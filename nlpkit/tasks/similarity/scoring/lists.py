"""Sentences of groups that look for their own among all others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from nlpkit.decoding import nearest_rows
from nlpkit.tasks.similarity.examples import Sentence, group_numbers
from nlpkit.tasks.similarity.scoring.score import CANDIDATES, PairScore

MOST = 4000
"""Sentences that weights and threshold of a score are chosen on, and pairs are drawn from."""


@dataclasses.dataclass(frozen=True)
class Lists:
    """Sentences, and the nearest others of each."""

    sentences: Sequence[Sentence]
    queries: np.ndarray
    """int ``(q,)``, places of those that look."""
    rows: np.ndarray
    """int ``(q, candidates)``, places of the others, nearest first."""
    cosines: np.ndarray
    """float32 ``(q, candidates)``."""
    is_own: np.ndarray
    """bool ``(q, candidates)``, whether they are of the same group."""

    def with_own(self) -> Lists:
        """Those lists that hold a sentence of the same group."""
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
    """The `CANDIDATES` nearest of each sentence that is not alone in its group.

    Args:
        sentences: in groups.
        vectors: float32 ``(n, size)``, of length 1.
        most: of more sentences take so many, from all over.
    """
    groups = group_numbers(sentences)
    sizes = np.bincount(groups[groups >= 0], minlength=1)
    queries = np.flatnonzero((groups >= 0) & (sizes[groups] > 1))
    if most is not None and len(queries) > most:
        queries = queries[np.linspace(0, len(queries) - 1, most).astype(int)]
    cosines, rows = nearest_rows(vectors, vectors[queries], CANDIDATES + 1)
    # Without the sentence itself, or where many are as near, the last.
    is_itself = rows == queries[:, None]
    is_itself[:, -1] |= ~is_itself.any(axis=1)
    kept = ~is_itself
    cosines, rows = (each[kept].reshape(len(queries), rows.shape[1] - 1) for each in (cosines, rows))
    return Lists(sentences, queries, rows, cosines, groups[rows] == groups[queries, None])
