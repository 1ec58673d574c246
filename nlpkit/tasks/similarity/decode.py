"""Vectors to answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nlpkit.prediction.answers import Answer
from nlpkit.tasks.similarity.answers import Neighbour, Neighbours, SentencePair, SentenceVector
from nlpkit.tasks.similarity.scoring.score import CANDIDATES, PairScore


class Index(NamedTuple):
    """Sentences to search, and the search for the nearest of them."""

    sentences: Sequence[str]
    nearest: Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]
    """From vectors ``(n, size)`` and a count to cosines and rows of the nearest sentences, ``(n, count)``."""


def answers_of(
    records: Sequence[tuple[str, ...]], vectors: np.ndarray, score: PairScore, index: Index | None, n_best: int
) -> list[Answer]:
    """The answer to each record: the similarity of two sentences; neighbours of one in an index, or its vector.

    Args:
        records: sentences, one or two each.
        vectors: unit vectors of the sentences in their order, zeros for empty ones, float32 ``(sentences, size)``.
        score: score of pairs.
        index: index to search, or None.
        n_best: number of neighbours.
    """
    places = np.cumsum([0, *map(len, records)])[:-1]
    is_known = [bool(vectors[i : i + len(record)].any(axis=1).all()) for i, record in zip(places.tolist(), records)]
    answers: dict[int, Answer] = {}
    pairs = [row for row, record in enumerate(records) if len(record) == 2]
    for row, likeness in zip(pairs, _likeness([records[row] for row in pairs], vectors, places[pairs], score)):
        answers[row] = SentencePair(records[row][0], records[row][1], *(likeness if is_known[row] else (None,) * 3))
    single = [row for row, record in enumerate(records) if len(record) == 1]
    texts, own_vectors = [records[row][0] for row in single], vectors[places[single]]
    if index is not None:
        for row, answer in zip(single, _neighbours(texts, own_vectors, score, index, n_best)):
            answers[row] = answer if is_known[row] else Neighbours(answer.text, ())
    else:
        for row, text, vector in zip(single, texts, own_vectors):
            answers[row] = SentenceVector(text, tuple(vector.tolist()) if is_known[row] else ())
    return [answers[row] for row in range(len(records))]


def _likeness(
    pairs: Sequence[tuple[str, ...]], vectors: np.ndarray, places: np.ndarray, score: PairScore
) -> Iterator[tuple[float, float, bool]]:
    """Score, cosine and decision, the same or not, of each pair."""
    cosines = np.sum(vectors[places] * vectors[places + 1], axis=1)
    logits = score.logits([pair[0] for pair in pairs], [pair[1] for pair in pairs], cosines)
    return zip(score.from_logits(logits).round(6).tolist(), cosines.round(6).tolist(), (logits >= 0).tolist())


def _neighbours(
    texts: Sequence[str], vectors: np.ndarray, score: PairScore, index: Index, n_best: int
) -> Iterator[Neighbours]:
    cosines, rows = index.nearest(vectors, max(n_best, CANDIDATES))
    count = rows.shape[1]
    known = [index.sentences[row] for row in rows.ravel()]
    logits = score.logits([text for text in texts for _ in range(count)], known, cosines.ravel()).reshape(cosines.shape)
    for i, best in enumerate(np.argsort(-logits, axis=1, kind="stable")[:, :n_best].tolist()):
        numbers = score.from_logits(logits[i, best]).round(6).tolist(), cosines[i, best].astype(float).round(6).tolist()
        yield Neighbours(texts[i], tuple(Neighbour(known[i * count + j], *own) for j, *own in zip(best, *numbers)))
