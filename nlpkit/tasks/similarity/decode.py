"""Vectors to answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nlpkit.tasks.answers import Answer
from nlpkit.tasks.similarity.answers import Neighbour, Neighbours, SentencePair, SentenceVector
from nlpkit.tasks.similarity.search import nearest_rows


class Index(NamedTuple):
    """Sentences to look for the nearest among."""

    sentences: Sequence[str]
    vectors: np.ndarray
    """float32 ``(sentences, size)``, of length 1."""


def answers_of(
    records: Sequence[tuple[str, ...]], vectors: np.ndarray, threshold: float, index: Index | None, n_best: int
) -> list[Answer]:
    """An answer for each record: of two sentences their likeness; of one its neighbours in an index, or its vector.

    Args:
        records: sentences, one or two each.
        vectors: float32 ``(sentences, size)``, of length 1, in their order; zeros for an empty one.
        threshold: cosine from which two sentences count as the same.
        index: where to look for neighbours, or None.
        n_best: how many neighbours.
    """
    places = np.cumsum([0, *map(len, records)])[:-1].tolist()
    single = [row for row, record in enumerate(records) if len(record) == 1]
    neighbours: dict[int, Neighbours] = {}
    if index is not None:
        texts, rows = [records[row][0] for row in single], [places[row] for row in single]
        neighbours = dict(zip(single, _neighbours(texts, vectors[rows], index, n_best)))
    answers: list[Answer] = []
    for row, (record, place) in enumerate(zip(records, places)):
        own = vectors[place : place + len(record)]
        is_empty = not own.any(axis=1).all()
        if row in neighbours:
            answers.append(neighbours[row])
        elif len(record) == 1:
            answers.append(SentenceVector(record[0], () if is_empty else tuple(own[0].tolist())))
        else:
            cosine = None if is_empty else round(float(own[0] @ own[1]), 6)
            answers.append(SentencePair(record[0], record[1], cosine, None if cosine is None else cosine >= threshold))
    return answers


def _neighbours(texts, vectors, index, n_best):
    scores, rows = nearest_rows(index.vectors, vectors, n_best)
    for text, own, places, known in zip(texts, scores.tolist(), rows.tolist(), vectors.any(axis=1).tolist()):
        nearest = (Neighbour(index.sentences[row], round(score, 6)) for row, score in zip(places, own))
        yield Neighbours(text, tuple(nearest) if known else ())
